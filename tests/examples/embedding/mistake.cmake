# lisp_mistake(NAME FILE OLD NEW ROOTS PROGRAM EXPECTED [VARIABLE=VALUE...]): the Lisp with one
# mistake of docs/embedding.md, under the settings that are said to find it: its output has to match
# EXPECTED.
function(lisp_mistake name file old new roots program expected)
  file(READ ${CMAKE_CURRENT_SOURCE_DIR}/${file} text)
  string(FIND "${text}" "${old}" place)
  if(place EQUAL -1)
    message(FATAL_ERROR "${file} has no ${old}")
  endif()
  string(REPLACE "${old}" "${new}" text "${text}")
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${name}/${file} CONTENT "${text}" @ONLY)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
    ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  set(sources lisp_builtins.c lisp_eval.c lisp_main.c lisp_objects.c lisp_reader.c)
  list(REMOVE_ITEM sources ${file})
  add_executable(mistaken_lisp_${name} ${sources} ${CMAKE_CURRENT_BINARY_DIR}/${name}/${file})
  target_include_directories(mistaken_lisp_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_compile_definitions(mistaken_lisp_${name} PRIVATE _GNU_SOURCE GAIT_CHECKED=1)
  target_link_libraries(mistaken_lisp_${name} PRIVATE gait Threads::Threads)
  add_test(NAME example_lisp.mistake_${name} COMMAND ${CMAKE_COMMAND} -E env ${ARGN}
    $<TARGET_FILE:mistaken_lisp_${name}> ${roots} ${program}
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  set_tests_properties(example_lisp.mistake_${name} PROPERTIES LABELS examples
    PASS_REGULAR_EXPRESSION "${expected}")
endfunction()

set(for_roots GAIT_COLLECT_EVERY=1 GAIT_POISON=on)
set(for_stores GAIT_CHECKMARK=on GAIT_YOUNG=100 GAIT_COLLECT_EVERY=50)

lisp_mistake(map lisp_objects.c "one_two_three[] = {14}" "one_two_three[] = {6}"
  exact program.lisp "lisp: " ${for_roots})
lisp_mistake(frame lisp_objects.c "word held[] = {first, rest}" "word held[] = {0, 0}"
  exact program.lisp "store.value|lisp: " ${for_roots})
lisp_mistake(push lisp_eval.c "push(ev, form)" "push(ev, 0)"
  exact program.lisp "store.value|lisp: " ${for_roots})
lisp_mistake(stale lisp_objects.c "((const struct evaluator *)arg)->top" "arg ? LISP_STACK : 0"
  exact exact.lisp "this does not hold" ${for_roots})
lisp_mistake(store lisp_builtins.c "gait_store_word(ev->thread, &pair->rest, args[1])"
  "pair->rest = args[1]" exact program.lisp "reachable and was not marked" ${for_stores})
lisp_mistake(copy lisp_builtins.c "gait_copy_words(ev->thread, to->items, from->items, items)"
  "memcpy(to->items, from->items, items * sizeof(word))"
  exact program.lisp "reachable and was not marked" ${for_stores})
lisp_mistake(init lisp_builtins.c "gait_store_word(ev->thread, &pair->rest, args[1])"
  "gait_store_init_word(ev->thread, &pair->rest, args[1])" exact program.lisp "store.init"
  GAIT_COLLECT_EVERY=50)
lisp_mistake(enter lisp_builtins.c "  gait_thread_enter(lines->ev->thread);" ""
  exact program.lisp "scope.managed|thread.managed" ${for_stores})
