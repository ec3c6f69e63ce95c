# page.cmake - makes the page (web/dist) part of the program.
#
# Included, it adds the table to tarn_serve. Run as a script (cmake -DDIST=... -DOUT=... -P page.cmake), it writes the table:
# every file as bytes, gzip-compressed beside where that is smaller, with its type and an ETag from its SHA-256.
if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(page_table ${CMAKE_BINARY_DIR}/generated/serve/assets.c)
  file(GLOB_RECURSE page_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/web/dist/*)
  add_custom_command(OUTPUT ${page_table}
    COMMAND ${CMAKE_COMMAND} -DDIST=${CMAKE_SOURCE_DIR}/web/dist -DOUT=${page_table} -P ${CMAKE_CURRENT_LIST_FILE}
    DEPENDS ${page_files} ${CMAKE_CURRENT_LIST_FILE}
    COMMENT "page")
  target_sources(tarn_serve PRIVATE ${page_table})
  return()
endif()

set(type_html "text/html; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_svg "image/svg+xml")
set(type_txt "text/plain; charset=utf-8")

# Bytes of a file as the inside of a C array.
function(bytes_of path out)
  file(READ ${path} hex HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
  set(${out} "${hex}" PARENT_SCOPE)
endfunction()

find_program(GZIP gzip)
get_filename_component(folder ${OUT} DIRECTORY)
file(MAKE_DIRECTORY ${folder})
file(GLOB_RECURSE files RELATIVE ${DIST} ${DIST}/*)
list(SORT files)
set(arrays "")
set(rows "")
set(n 0)
foreach(file ${files})
  get_filename_component(ext ${file} LAST_EXT)
  string(SUBSTRING "${ext}" 1 -1 ext)
  if(NOT DEFINED type_${ext})
    message(FATAL_ERROR "web/dist/${file}: page.cmake knows no type for .${ext}")
  endif()
  file(SHA256 ${DIST}/${file} sha)
  string(SUBSTRING ${sha} 0 32 tag)
  file(SIZE ${DIST}/${file} size)
  bytes_of(${DIST}/${file} bytes)
  string(APPEND arrays "static const unsigned char plain_${n}[] = {\n${bytes}0};\n")
  set(packed "NULL, 0")
  if(GZIP)
    execute_process(COMMAND ${GZIP} -9nc ${DIST}/${file} OUTPUT_FILE ${OUT}.gz RESULT_VARIABLE failed)
    file(SIZE ${OUT}.gz packed_size)
    if(NOT failed AND packed_size LESS size)
      bytes_of(${OUT}.gz bytes)
      string(APPEND arrays "static const unsigned char packed_${n}[] = {\n${bytes}0};\n")
      set(packed "packed_${n}, ${packed_size}")
    endif()
    file(REMOVE ${OUT}.gz)
  endif()
  string(APPEND rows "    {\"${file}\", \"${type_${ext}}\", \"\\\"${tag}\\\"\", plain_${n}, ${size}, ${packed}},\n")
  math(EXPR n "${n} + 1")
endforeach()
file(WRITE ${OUT} "/* SPDX-License-Identifier: Apache-2.0 */\n/* assets.c - made by page.cmake from web/dist; see serve/asset.h. */\n"
  "#include \"serve/asset.h\"\n\n${arrays}\nconst tarn_asset tarn_assets[] = {\n${rows}    {NULL, NULL, NULL, NULL, 0, NULL, 0},\n};\n")
