# Runs the stress test of a broken collector with one seed after another until a run notices; fails
# when none does, or when a run ends badly without saying what it found.
set(seeds 1 2 3 4 5 6 7 8 9 10)
foreach(seed ${seeds})
  execute_process(COMMAND ${PROGRAM} --seed ${seed} --cycles 1500
    RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE errors)
  if(result EQUAL 0)
    continue()
  endif()
  if(NOT errors MATCHES "(gait: [A-Z_]+\\([^)]*\\) failed|stress: seed [0-9]+: )")
    message(FATAL_ERROR "seed ${seed} ended with ${result} and no reason: ${errors}")
  endif()
  string(STRIP "${errors}" errors)
  message(STATUS "caught with seed ${seed}: ${errors}")
  return()
endforeach()
message(FATAL_ERROR "not caught by the seeds ${seeds}")
