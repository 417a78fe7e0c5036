/* The command `gait`: finds the subcommand and hands over. */
#include "command.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gait/gait.h"

static const struct command commands[] = {
#include "commands.inc"
};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static void main_help(void) {
  puts("Usage: gait COMMAND [ARGUMENT...]\n"
       "A concurrent garbage collector for C: runs work on it, and shows what it did.\n");
  for (size_t i = 0; i < COMMAND_COUNT; i++)
    printf("  %-14s %s\n", commands[i].name, commands[i].summary);
  puts("\n`gait COMMAND --help` tells the arguments of one; `gait --version` the version.");
}

static const struct command *main_find(const char *name) {
  for (size_t i = 0; i < COMMAND_COUNT; i++)
    if (strcmp(commands[i].name, name) == 0) return &commands[i];
  return NULL;
}

static int main_complain(const char *name) {
  const char *other = strcmp(name, "sweep") == 0 ? "; a grid of settings is `gait grid`" : "";
  fprintf(stderr, "gait: there is no command '%s'%s; `gait --help` lists them\n", name, other);
  return COMMAND_USAGE;
}

/* Gives argp a name to print that shows the subcommand too. */
static int main_run(const struct command *command, int argc, char **argv) {
  char name[64];
  snprintf(name, sizeof name, "gait %s", command->name);
  argv[0] = program_invocation_name = program_invocation_short_name = name;
  argp_err_exit_status = COMMAND_USAGE;
  int status = command->run(argc, argv);
  if (fflush(stdout) != 0 || ferror(stdout)) {
    fprintf(stderr, "gait: standard output could not be written\n");
    return COMMAND_FAILED;
  }
  return status;
}

int main(int argc, char **argv) {
  const char *word = argc > 1 ? argv[1] : "--help";
  if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
    main_help();
    return argc > 1 ? COMMAND_OK : COMMAND_USAGE;
  }
  if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
    printf("gait %d.%d.%d\n", GAIT_VERSION_MAJOR, GAIT_VERSION_MINOR, GAIT_VERSION_PATCH);
    return COMMAND_OK;
  }
  const struct command *command = main_find(word);
  if (command == NULL) return main_complain(word);
  return main_run(command, argc - 1, argv + 1);
}
