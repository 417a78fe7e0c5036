// The same in C++.
#include "slots.c"
