# For a system or a C library of which this machine has a compiler and no libraries.  Of
# libatomic_ops nothing but headers is used, the same for every machine: they are taken from where
# this machine has them, by a folder with nothing else in it.  The tests have a Check of their own.
set(headers /usr/include)
set(borrowed ${CMAKE_BINARY_DIR}/borrowed)
file(MAKE_DIRECTORY ${borrowed})
foreach(name atomic_ops.h atomic_ops)
  file(CREATE_LINK ${headers}/${name} ${borrowed}/${name} SYMBOLIC)
endforeach()
set(GAIT_ATOMIC_OPS_DIR ${borrowed})
set(GAIT_OWN_CHECK ON)
