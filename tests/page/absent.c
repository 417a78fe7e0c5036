/* `gait page` in a build that had no clang and lld: says so, fails, and writes nothing. */
#include "assets.h"
#include "command.h"

#include <stdio.h>
#include <unistd.h>

const struct asset assets[] = {{0}};

int main(void) {
  char name[] = "gait page", path[] = "absent.html";
  char *arguments[] = {name, path, NULL};
  FILE *said = tmpfile();
  if (said == NULL || dup2(fileno(said), STDERR_FILENO) < 0) return 77;
  int status = gait_cmd_page(2, arguments);
  char text[256] = "";
  fflush(stderr);
  rewind(said);
  if (fgets(text, sizeof text, said) == NULL) return 1;
  printf("status %d: %s", status, text);
  return status == COMMAND_FAILED && access(path, F_OK) != 0 ? 0 : 1;
}
