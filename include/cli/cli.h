/* cli.h: the command line: `frugald VERB …`. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

/* Runs the verb that argv names; gives the exit code:
 * 0, 1 (found something) or 2 (usage). */
int cli_main(int argc, char **argv);

#endif
