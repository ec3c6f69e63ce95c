# code_hash.cmake - write OUT (flow/code_hash.h) from IN: the SHA-256 over the sources of every room whose code reaches an
# output, in order of name. The hash stands in every recipe: another program may compute something else, so its results
# are not taken for kept. The lake, the registry, the server and the commands are left out: they carry bytes, they make none.
file(GLOB_RECURSE files RELATIVE ${SOURCE} ${SOURCE}/src/*.c ${SOURCE}/src/*.h ${SOURCE}/src/*.def)
list(FILTER files EXCLUDE REGEX "_test\\.c$")
list(FILTER files EXCLUDE REGEX "^src/(lake|registry|serve|cli)/")
list(SORT files)
set(all "")
foreach(f ${files})
  file(SHA256 ${SOURCE}/${f} h)
  string(APPEND all "${f} ${h}\n")
endforeach()
string(SHA256 TARN_CODE_HASH "${all}")
configure_file(${IN} ${OUT} @ONLY)
