# The C library musl, linked statically.  The package: musl-tools.  (The tests that fail calls of the
# system would fail the library's own with them.)
set(CMAKE_C_COMPILER musl-gcc)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
include(${CMAKE_CURRENT_LIST_DIR}/borrowed.cmake)
