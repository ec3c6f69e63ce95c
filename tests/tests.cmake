# tests.cmake - conformance tests (one per kind of part, walking its table), replay of fuzz corpora, end-to-end tests.
# Labels: plain_only cannot run sanitized; slow_sanitized does so in make check-long only.
file(GLOB conformance CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/conform/*_test.c)
foreach(test ${conformance})
  get_filename_component(stem ${test} NAME_WE)
  if(stem STREQUAL "algos_test") # a test per estimator, so that they run side by side and can be asked for by name
    add_executable(conform_algos_test ${test})
    target_link_libraries(conform_algos_test PRIVATE tarn_cli cmocka)
    target_include_directories(conform_algos_test PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    file(STRINGS ${CMAKE_SOURCE_DIR}/src/train/algos.def algos REGEX "^TARN_ALGO")
    foreach(algo ${algos})
      string(REGEX REPLACE "^TARN_ALGO\\((.*)\\)$" "\\1" name ${algo})
      add_test(NAME conform_algos_${name} COMMAND conform_algos_test)
      set_tests_properties(conform_algos_${name} PROPERTIES ENVIRONMENT TARN_TRY_ALGO=${name} TIMEOUT 900)
      if(name MATCHES "svm$")
        set_tests_properties(conform_algos_${name} PROPERTIES LABELS slow_sanitized)
      endif()
    endforeach()
    continue()
  endif()
  tarn_test(conform_${stem} ${test} tarn_cli)
  if(stem MATCHES "^(far|places)_test$")
    set_tests_properties(conform_${stem} PROPERTIES LABELS slow_sanitized)
  endif()
endforeach()
add_test(NAME conform_places_on_azure COMMAND conform_places_test WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
set_tests_properties(conform_places_on_azure PROPERTIES ENVIRONMENT TARN_TEST_PLACE=azure TIMEOUT 300 LABELS slow_sanitized)

# What every estimator learns and predicts, as hashes; tools/check.sh compares those of two builds.
add_executable(algos_bytes ${CMAKE_SOURCE_DIR}/tests/conform/algos_bytes.c)
target_link_libraries(algos_bytes PRIVATE tarn_train cmocka)
target_include_directories(algos_bytes PRIVATE ${CMAKE_SOURCE_DIR}/tests)

# The lake's own tests again, on other places than .tarn, each with servers of its own.
function(lake_on)
  string(REPLACE ";" "_" name "${ARGN}")
  set(tests lake history crash land)
  if(name STREQUAL "postgres") # their walks over failing allocations take minutes where packs are far away
    list(APPEND tests join staging)
  endif()
  foreach(test ${tests})
    add_test(NAME lake_${test}_on_${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
      COMMAND python3 tests/peers/with.py ${ARGN} -- $<TARGET_FILE:lake_${test}_test>)
    set_tests_properties(lake_${test}_on_${name} PROPERTIES TIMEOUT 300)
    set_tests_properties(lake_${test}_on_${name} PROPERTIES LABELS slow_sanitized)
  endforeach()
endfunction()
lake_on(postgres s3)
lake_on(postgres)
lake_on(azure)
lake_on(postgres azure)

# A fuzz target built as a program replays its corpus: every input that once broke something, on every run.
file(GLOB targets CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_*.c)
foreach(target ${targets})
  get_filename_component(stem ${target} NAME_WE)
  if(stem STREQUAL "fuzz_model") # with the embedding library
    continue()
  endif()
  string(REPLACE "fuzz_" "" what ${stem})
  add_executable(${stem}_replay ${target})
  target_compile_definitions(${stem}_replay PRIVATE TARN_FUZZ_REPLAY)
  target_link_libraries(${stem}_replay PRIVATE tarn_flow)
  file(GLOB corpus CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus_${what}/* ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${what}/*)
  add_test(NAME ${stem}_replay COMMAND ${stem}_replay ${corpus})
endforeach()

# The program as a person uses it. Each script is given the program and a folder of its own.
file(GLOB scripts CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/e2e/*_test.sh)
foreach(script ${scripts})
  get_filename_component(stem ${script} NAME_WE)
  add_test(NAME e2e_${stem} COMMAND bash ${script} $<TARGET_FILE:tarn> ${CMAKE_BINARY_DIR}/e2e/${stem} ${CMAKE_SOURCE_DIR})
  set_tests_properties(e2e_${stem} PROPERTIES TIMEOUT 900)
  if(stem STREQUAL "versions_test") # runs the program under a limit on memory, where a sanitized one cannot start
    set_tests_properties(e2e_${stem} PROPERTIES LABELS plain_only)
  endif()
endforeach()

# What fails below the program.
include(${CMAKE_SOURCE_DIR}/tests/fault/fault.cmake)
