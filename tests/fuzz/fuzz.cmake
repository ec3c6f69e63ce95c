# fuzz.cmake - each tests/fuzz/fuzz_*.c as a libFuzzer program.

file(GLOB targets CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_*.c)
foreach(target ${targets})
  get_filename_component(stem ${target} NAME_WE)
  add_executable(${stem} EXCLUDE_FROM_ALL ${target})
  target_link_options(${stem} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(${stem} PRIVATE tarn_flow)
endforeach()
