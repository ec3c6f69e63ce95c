# embed.cmake - the embedding library: models loaded, checked and run, and nothing else.
#
# tarn-model is base, math and model alone; it needs the C library, its mathematics and its threads, and a test holds
# it to that. What base has of OpenSSL, libsodium, Jansson, curl and expat (digest.c with sha256.c, seal.c, secret.c, json.c, sigv4.c, http.c, xml.c, crc.c, base64.c) is left out: a model's checksum is its own.
# Included from the root, behind find_package(Threads); TARN_TESTS adds the tests.
set(TARN_EMBED_ROOT ${CMAKE_CURRENT_LIST_DIR}/../..)
get_filename_component(TARN_EMBED_ROOT ${TARN_EMBED_ROOT} ABSOLUTE)
file(GLOB_RECURSE embed_sources CONFIGURE_DEPENDS ${TARN_EMBED_ROOT}/src/base/*.c ${TARN_EMBED_ROOT}/src/math/*.c
  ${TARN_EMBED_ROOT}/src/model/*.c)
list(FILTER embed_sources EXCLUDE REGEX "(_test|/base/(digest|sha256|json|seal|secret|sigv4|http|retry|xml|crc|base64))\\.c$")

foreach(kind SHARED STATIC)
  string(TOLOWER tarn-model-${kind} embed)
  add_library(${embed} ${kind} ${embed_sources})
  set_target_properties(${embed} PROPERTIES OUTPUT_NAME tarn-model)
  target_include_directories(${embed} PUBLIC ${TARN_EMBED_ROOT}/src)
  target_link_libraries(${embed} PUBLIC Threads::Threads m)
endforeach()
set_target_properties(tarn-model-shared PROPERTIES VERSION 0.1.0 SOVERSION 0)
if(NOT TARN_SANITIZE) # whose run time comes with the program
  target_link_options(tarn-model-shared PRIVATE -Wl,--no-undefined)
endif()

# pkg-config: `gcc ... $(pkg-config --cflags --libs tarn-model)`
# It finds itself, so that an installation can be moved.
include(GNUInstallDirs)
file(RELATIVE_PATH TARN_PC_UP /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
configure_file(${CMAKE_CURRENT_LIST_DIR}/tarn-model.pc.in ${CMAKE_CURRENT_BINARY_DIR}/tarn-model.pc @ONLY)
install(TARGETS tarn-model-shared tarn-model-static
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tarn-model.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${TARN_EMBED_ROOT}/src/model/model.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tarn/model)
foreach(header err.h codes.def pool.h)
  install(FILES ${TARN_EMBED_ROOT}/src/base/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tarn/base)
endforeach()

add_executable(embed_predict EXCLUDE_FROM_ALL ${TARN_EMBED_ROOT}/examples/embed/predict.c)
target_link_libraries(embed_predict PRIVATE tarn-model-shared)

if(TARN_TESTS)
  set_target_properties(embed_predict PROPERTIES EXCLUDE_FROM_ALL FALSE)
  add_executable(embed_sample ${TARN_EMBED_ROOT}/tests/fuzz/fuzz_model.c)
  target_compile_definitions(embed_sample PRIVATE TARN_FUZZ_REPLAY)
  target_link_libraries(embed_sample PRIVATE tarn-model-static)
  add_test(NAME embed_example COMMAND sh ${TARN_EMBED_ROOT}/examples/embed/check.sh $<TARGET_FILE:embed_predict>
    $<TARGET_FILE:embed_sample> $<TARGET_FILE:tarn-model-shared>)
  file(GLOB embed_corpus CONFIGURE_DEPENDS ${TARN_EMBED_ROOT}/tests/fuzz/corpus/model/*)
  add_test(NAME fuzz_model_replay COMMAND embed_sample ${embed_corpus})
endif()
