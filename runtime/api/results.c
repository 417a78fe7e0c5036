/* The list of results with their English. */
#include "gait/gait.h"

static const struct {
  const char *name;
  const char *text;
} results[] = {
    [GAIT_OK] = {"GAIT_OK", "it worked"},
    [GAIT_ERROR_ARGUMENT] = {"GAIT_ERROR_ARGUMENT",
                             "an argument is NULL, zero or outside its range"},
    [GAIT_ERROR_MEMORY] = {"GAIT_ERROR_MEMORY", "the system gives no more memory"},
    [GAIT_ERROR_SYSTEM] =
        {"GAIT_ERROR_SYSTEM",
         "the system lacks something that Gait needs, or gives no thread or lock"},
    [GAIT_ERROR_OPTION_NAME] = {"GAIT_ERROR_OPTION_NAME", "there is no option of this name"},
    [GAIT_ERROR_OPTION_VALUE] = {"GAIT_ERROR_OPTION_VALUE",
                                 "the value is not of the option's type or range"},
    [GAIT_ERROR_WRONG_HEAP] = {"GAIT_ERROR_WRONG_HEAP",
                               "a kind or an object belongs to another heap"},
    [GAIT_ERROR_NOT_ATTACHED] = {"GAIT_ERROR_NOT_ATTACHED", "the thread is not attached"},
    [GAIT_ERROR_ALREADY] = {"GAIT_ERROR_ALREADY", "this is attached or registered already"},
    [GAIT_ERROR_STATE] = {"GAIT_ERROR_STATE",
                          "the thread is not in the state that this call needs"},
    [GAIT_ERROR_BUSY] = {"GAIT_ERROR_BUSY",
                         "threads are still attached to the heap, or heaps are still members"},
    [GAIT_ERROR_TOO_MANY] = {"GAIT_ERROR_TOO_MANY", "a table of fixed size is full"},
    [GAIT_ERROR_NOT_FOUND] = {"GAIT_ERROR_NOT_FOUND",
                              "nothing of that name or address is registered"},
    [GAIT_ERROR_ABI] = {"GAIT_ERROR_ABI",
                        "the program was compiled with headers of another binary interface"},
};

static bool result_known(gait_result result) {
  return (size_t)result < sizeof results / sizeof results[0];
}

const char *gait_result_name(gait_result result) {
  return result_known(result) ? results[result].name : "GAIT_ERROR_UNKNOWN";
}

const char *gait_result_text(gait_result result) {
  return result_known(result) ? results[result].text : "this is not a result of Gait";
}
