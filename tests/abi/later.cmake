# gait_later: the library as a later 0.2.x may be, made from today's sources: every structure that may
# grow has grown, there is one more option, in front of the others, and the library relies on what it
# finds in the new members.
set(later ${CMAKE_CURRENT_BINARY_DIR}/later)

# later_edit(FILE [TEXT REPLACEMENT]...): FILE with each text, which it has once, replaced.
function(later_edit file)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${file})
  file(READ ${PROJECT_SOURCE_DIR}/${file} text)
  list(LENGTH ARGN words)
  math(EXPR last "${words} - 1")
  foreach(i RANGE 0 ${last} 2)
    math(EXPR next "${i} + 1")
    list(GET ARGN ${i} old)
    list(GET ARGN ${next} new)
    string(REPLACE "@" ";" old "${old}")
    string(REPLACE "@" ";" new "${new}")
    string(FIND "${text}" "${old}" place)
    string(FIND "${text}" "${old}" again REVERSE)
    if(place EQUAL -1 OR NOT place EQUAL again)
      message(FATAL_ERROR "${file} does not have once: ${old}")
    endif()
    string(REPLACE "${old}" "${new}" text "${text}")
  endforeach()
  file(CONFIGURE OUTPUT ${later}/${file} CONTENT "${text}" @ONLY)
endfunction()

# "@" stands for a semicolon.
later_edit(include/gait/gait.h
  "\n} gait_options@" "\n  int64_t later_option@\n} gait_options@"
  "\n} gait_kind_info@" "\n  size_t later@\n} gait_kind_info@")
later_edit(include/gait/debug.h
  "define GAIT_DEBUG_RESERVED 5" "define GAIT_DEBUG_RESERVED 4"
  "\n  /* Zero. */" "\n  int64_t later_debug@\n  /* Zero. */")
later_edit(include/gait/tune.h
  "\n} gait_option@" "\n  const char *later@\n} gait_option@"
  "\n} gait_stats@" "\n  uint64_t later[4]@\n} gait_stats@"
  "\n} gait_cycle_record@" "\n  uint64_t later[3]@\n} gait_cycle_record@")
foreach(header IN ITEMS abi checked embed inline renamed slot)
  configure_file(${PROJECT_SOURCE_DIR}/include/gait/${header}.h ${later}/include/gait/${header}.h
    COPYONLY)
endforeach()
later_edit(runtime/api/api_abi.c
  "ABI_ENDS_WITH(gait_options, debug)" "ABI_ENDS_WITH(gait_options, later_option)"
  "ABI_ENDS_WITH(gait_option, words)" "ABI_ENDS_WITH(gait_option, later)"
  "ABI_ENDS_WITH(gait_kind_info, tagged_map)" "ABI_ENDS_WITH(gait_kind_info, later)"
  "ABI_ENDS_WITH(gait_stats, late_p99_ns)" "ABI_ENDS_WITH(gait_stats, later)"
  "ABI_ENDS_WITH(gait_cycle_record, trial_cycle)"
  "ABI_ENDS_WITH(gait_cycle_record, later)")
later_edit(runtime/api/options.c
  "options_table[] = {" "options_table[] = {
    {\"later_option\", \"GAIT_LATER_OPTION\", GAIT_OPTION_COUNT, \"\", 42, 0, 100, false, 0,
     \"An option of a later version.\", FIELD(later_option), NULL, \"later\"},
    {\"later_debug\", \"GAIT_LATER_DEBUG\", GAIT_OPTION_COUNT, \"\", 42, 0, 100, false, 0,
     \"A debug option of a later version.\", FIELD(debug.later_debug), NULL, \"later\"},")
later_edit(runtime/heap/heap.c
  "  heap->options = *options@"
  "  if (options->later_option != 42 || 
      options->debug.later_debug != (options->cycle ? 7 : 42)) return GAIT_ERROR_SYSTEM@\n  heap->options = *options@")
later_edit(runtime/heap/kind.c
  "  if (!info->name ||" "  if (info->later) return GAIT_ERROR_TOO_MANY@\n  if (!info->name ||")
later_edit(runtime/api/stats.c
  "  *stats = (gait_stats){0}@" "  *stats = (gait_stats){.later = {1, 2, 3, 4}}@")

get_target_property(sources gait_objects SOURCES)
foreach(file IN ITEMS api/api_abi api/options api/stats heap/heap heap/kind)
  list(REMOVE_ITEM sources ${PROJECT_SOURCE_DIR}/runtime/${file}.c)
  list(APPEND sources ${later}/runtime/${file}.c)
endforeach()
add_library(gait_later STATIC EXCLUDE_FROM_ALL ${sources} $<TARGET_OBJECTS:gait_pacer>)
target_include_directories(gait_later BEFORE PRIVATE ${later}/include)
target_link_libraries(gait_later PRIVATE gait_build)
target_compile_options(gait_later PRIVATE -UGAIT_CHECKED -Wno-missing-field-initializers)
