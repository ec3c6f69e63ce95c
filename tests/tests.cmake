# tests.cmake - conformance tests (one per kind of part, walking its table), replay of fuzz corpora, end-to-end tests.
file(GLOB conformance CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/conform/*_test.c)
foreach(test ${conformance})
  get_filename_component(stem ${test} NAME_WE)
  tarn_test(conform_${stem} ${test} tarn_cli)
endforeach()

# The lake's own tests again, on other places than .tarn, each with servers of its own.
function(lake_on)
  string(REPLACE ";" "_" name "${ARGN}")
  set(tests lake history crash)
  if(name STREQUAL "postgres") # their walks over failing allocations take minutes where packs are far away
    list(APPEND tests join staging)
  endif()
  foreach(test ${tests})
    add_test(NAME lake_${test}_on_${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
      COMMAND python3 tests/peers/with.py ${ARGN} -- $<TARGET_FILE:lake_${test}_test>)
    set_tests_properties(lake_${test}_on_${name} PROPERTIES TIMEOUT 300)
    if(test STREQUAL "crash") # waits more than it works
      set_tests_properties(lake_${test}_on_${name} PROPERTIES LABELS plain_only)
    endif()
  endforeach()
endfunction()
lake_on(postgres s3)
lake_on(postgres)
lake_on(azure)

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
endforeach()
