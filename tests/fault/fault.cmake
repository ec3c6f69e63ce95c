# fault.cmake - a disk that fails when it is told to, and every operation on it. Not under sanitizers, which do not
# bear another library before theirs.
if(NOT TARN_SANITIZE)
  add_library(fault MODULE ${CMAKE_CURRENT_LIST_DIR}/libfault.c)
  set_target_properties(fault PROPERTIES PREFIX "lib")
  target_link_libraries(fault PRIVATE ${CMAKE_DL_LIBS})
  add_executable(fault_walk ${CMAKE_CURRENT_LIST_DIR}/walk.c)
  target_link_libraries(fault_walk PRIVATE tarn_serve ${CMAKE_DL_LIBS})
  add_test(NAME fault_walk COMMAND fault_walk)
  set_tests_properties(fault_walk PROPERTIES TIMEOUT 900 ENVIRONMENT "LD_PRELOAD=$<TARGET_FILE:fault>;FAULT_STRIDE=11")
  add_test(NAME fault_program COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/program.sh $<TARGET_FILE:tarn> ${CMAKE_BINARY_DIR}/e2e/fault
    ${CMAKE_SOURCE_DIR} $<TARGET_FILE:fault>)
  set_tests_properties(fault_program PROPERTIES TIMEOUT 900)
endif()
