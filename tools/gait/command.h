/* command.h: what the subcommands of `gait` share.
 *
 * A subcommand is one file, NAME_command.c with `_` for `-`, that defines gait_cmd_NAME, and one
 * line in commands.txt.  It parses its own arguments with argp; argv[0] is "gait NAME".  Commands
 * of one family and what only they need share a folder. */
#ifndef GAIT_COMMAND_H
#define GAIT_COMMAND_H

struct command {
  const char *name;
  const char *summary;
  int (*run)(int argc, char **argv);
};

/* Exit statuses. */
enum {
  COMMAND_OK = 0,
  COMMAND_FAILED = 1, /* the work could not be done */
  COMMAND_USAGE = 2,  /* the arguments make no sense */
};

int gait_cmd_run(int argc, char **argv);
int gait_cmd_grid(int argc, char **argv);
int gait_cmd_law(int argc, char **argv);
int gait_cmd_demo(int argc, char **argv);
int gait_cmd_options(int argc, char **argv);
int gait_cmd_pacer_replay(int argc, char **argv);
int gait_cmd_sim(int argc, char **argv);
int gait_cmd_page(int argc, char **argv);
int gait_cmd_records(int argc, char **argv);
int gait_cmd_what_if(int argc, char **argv);
int gait_cmd_advise(int argc, char **argv);
int gait_cmd_explain(int argc, char **argv);
int gait_cmd_heap(int argc, char **argv);
int gait_cmd_profile(int argc, char **argv);
int gait_cmd_record(int argc, char **argv);
int gait_cmd_trial(int argc, char **argv);
int gait_cmd_compare(int argc, char **argv);
int gait_cmd_top(int argc, char **argv);

#endif
