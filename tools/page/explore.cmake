# The page of `gait page`: the pacer, compiled to WebAssembly by clang and lld, in one HTML file.
# Sets GAIT_PAGE to that file, or to nothing where the two are not here.
find_program(GAIT_WASM_CLANG NAMES clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14
  DOC "A clang that compiles to WebAssembly")
find_program(GAIT_WASM_LD NAMES wasm-ld wasm-ld-19 wasm-ld-18 wasm-ld-17 wasm-ld-16 wasm-ld-15
  wasm-ld-14 DOC "lld for WebAssembly")
find_program(GAIT_BASE64 base64)
set(GAIT_PAGE "")
set(GAIT_WASM_DIR ${CMAKE_CURRENT_BINARY_DIR}/wasm)
set(GAIT_WASM_FLAGS --target=wasm32 -std=c11 -O2 -mbulk-memory -ffreestanding -nostdlib
  -fvisibility=hidden -I${PROJECT_SOURCE_DIR}/pacer -I${PROJECT_SOURCE_DIR}/tools/sim
  -I${PROJECT_SOURCE_DIR}/tools/explain
  -Wall -Wextra -Wconversion -Wshadow -Wmissing-prototypes
  -fuse-ld=${GAIT_WASM_LD} -Wl,--no-entry -Wl,--export-dynamic -Wl,--strip-all)
if(GAIT_WERROR)
  list(APPEND GAIT_WASM_FLAGS -Werror)
endif()

# Not every clang has the target: it is asked, once for each pair of tools.
if(GAIT_WASM_CLANG AND GAIT_WASM_LD AND GAIT_BASE64
    AND NOT "${GAIT_WASM_CLANG} ${GAIT_WASM_LD}" STREQUAL "${GAIT_WASM_TRIED}")
  file(WRITE ${GAIT_WASM_DIR}/try.c "#include <stdint.h>\nint64_t gait_try;\n")
  execute_process(COMMAND ${GAIT_WASM_CLANG} ${GAIT_WASM_FLAGS} -o ${GAIT_WASM_DIR}/try.wasm
    ${GAIT_WASM_DIR}/try.c RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
  set(GAIT_WASM_FAILED "${failed}" CACHE INTERNAL "Exit status of the trial")
  set(GAIT_WASM_TRIED "${GAIT_WASM_CLANG} ${GAIT_WASM_LD}" CACHE INTERNAL "What was tried")
endif()

if(GAIT_WASM_CLANG AND GAIT_WASM_LD AND GAIT_BASE64 AND GAIT_WASM_FAILED EQUAL 0)
  file(GLOB GAIT_WASM_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/pacer/*.c)
  file(GLOB GAIT_WASM_HEADERS CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/pacer/*.h)
  file(GLOB GAIT_WASM_SIM_HEADERS CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/sim/*.h
    ${CMAKE_CURRENT_SOURCE_DIR}/explain/*.h)
  foreach(file IN ITEMS sim/sim_driver.c sim/sim_heap.c sim/sim_mark.c sim/sim_run.c page/page_model.c
      explain/explain.c explain/explain_advice.c explain/explain_text.c explain/explain_why.c)
    list(APPEND GAIT_WASM_SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  endforeach()
  add_custom_command(OUTPUT ${GAIT_WASM_DIR}/model.wasm
    COMMAND ${GAIT_WASM_CLANG} ${GAIT_WASM_FLAGS} -o ${GAIT_WASM_DIR}/model.wasm
            ${GAIT_WASM_SOURCES}
    DEPENDS ${GAIT_WASM_SOURCES} ${GAIT_WASM_HEADERS} ${GAIT_WASM_SIM_HEADERS}
            ${CMAKE_CURRENT_SOURCE_DIR}/page/page_model.h
    COMMENT "Compiling the pacer and the simulator to WebAssembly" VERBATIM)

  set(GAIT_PAGE ${GAIT_WASM_DIR}/explore.html)
  set(GAIT_PAGE_PARTS
    page/vendor/uplot/uPlot.iife.min.js page/vendor/uplot/uPlot.min.css page/head.html page/base.css
    page/explore.css page/explore_model.js page/explore_recording.js page/explore_words.js
    page/explore_plots.js page/explore.js)
  list(TRANSFORM GAIT_PAGE_PARTS PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  list(APPEND GAIT_PAGE_PARTS ${GAIT_WASM_DIR}/model.wasm)
  set(GAIT_PAGE_TEMPLATE ${CMAKE_CURRENT_SOURCE_DIR}/page/explore.html)
  set(GAIT_PAGE_SCRIPT ${CMAKE_CURRENT_SOURCE_DIR}/page/assemble.cmake)
  add_custom_command(OUTPUT ${GAIT_PAGE}
    COMMAND ${CMAKE_COMMAND} -D OUTPUT=${GAIT_PAGE} -D TEMPLATE=${GAIT_PAGE_TEMPLATE}
            -D "FILES=${GAIT_PAGE_PARTS}" -D VERSION=${PROJECT_VERSION} -P ${GAIT_PAGE_SCRIPT}
    DEPENDS ${GAIT_PAGE_TEMPLATE} ${GAIT_PAGE_PARTS} ${GAIT_PAGE_SCRIPT}
    COMMENT "Putting the page together" VERBATIM)
else()
  message(STATUS "`gait page` is left out: it needs clang with the target wasm32, and lld")
endif()
