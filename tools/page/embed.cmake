# Writes OUTPUT, a C file with the table assets of the bytes of FILES, by their last names.
set(arrays "")
set(rows "")
set(number 0)
foreach(file IN LISTS FILES)
  file(READ "${file}" bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  cmake_path(GET file FILENAME name)
  string(APPEND arrays "static const unsigned char asset_${number}[] = {\n${bytes}0};\n")
  string(APPEND rows "  {\"${name}\", (const char *)asset_${number}, sizeof asset_${number} - 1},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE "${OUTPUT}" "#include \"assets.h\"\n\n${arrays}\n\
const struct asset assets[] = {\n${rows}  {0, 0, 0},\n};\n")
