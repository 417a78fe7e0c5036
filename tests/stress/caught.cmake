# Runs the stress test of a broken collector with one seed after another, each for a few cycles,
# until a run says what it found.  A run that ends without a word has noticed nothing, whether it
# passed, crashed or stood still: the next seed has its turn.  A fault that no seed catches has to
# end as well, so there is a last seed, and on a slow machine a last second.
set(seeds 100)
set(cycles 200)
set(seconds 180)
set(silent "")
string(TIMESTAMP start "%s" UTC)
foreach(seed RANGE 1 ${seeds})
  string(TIMESTAMP now "%s" UTC)
  math(EXPR spent "${now} - ${start}")
  if(spent GREATER_EQUAL seconds)
    break()
  endif()
  execute_process(COMMAND ${PROGRAM} --seed ${seed} --cycles ${cycles} TIMEOUT ${seconds}
    RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE errors)
  if(errors MATCHES "(gait: [A-Z_]+\\([^)]*\\) failed[^\n]*|stress: seed [0-9]+: [^\n]*)")
    message(STATUS "caught by seed ${seed} after ${spent} s: ${CMAKE_MATCH_1}")
    return()
  endif()
  if(NOT result EQUAL 0)
    string(APPEND silent " ${seed} (${result})")
  endif()
endforeach()
message(FATAL_ERROR "not caught by ${seed} seeds in ${spent} s; ended without a reason:${silent}")
