/* verb.h: what a verb of the command line is given. */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/env.h"
#include "base/str.h"
#include "base/util.h"

/* Exit codes. */
enum { CLI_fine, CLI_found, CLI_usage };

enum option {
#define OPTION(id, name, letter, value, help) OPT_##id,
#include "option.def"
	OPT_COUNT
};

_Static_assert(OPT_COUNT <= 64, "a verb's `takes` has a bit for each");

struct option_row {
	const char *name;
	char letter;       /* 0: none */
	const char *value; /* what it takes, for people; NULL: a switch */
	const char *help;
};
const struct option_row *option_row(enum option o);

struct cli;

struct verb {
	const char *name; /* one word, or a noun and a word */
	int (*run)(struct cli *c);
	const char *arguments;
	unsigned least, most; /* arguments that are no options */
	uint64_t takes;       /* 1 << enum option */
	const char *help, *more;
};
extern const struct verb verbs[]; /* the last has no name */

#define ARGS_MAX 32

/* One call of a verb. All texts live as long as the process. */
struct cli {
	struct env *env;
	struct arena *mem;
	const struct verb *verb;
	const char *opt[OPT_COUNT]; /* NULL: not given; "" for a switch. Given again, an
				       option's values are joined by ',' */
	const char *arg[ARGS_MAX];
	unsigned args;
};

/* Fills options and arguments from what follows the verb. False: what is wrong was said
 * on standard error. */
bool options_read(struct cli *c, int argc, char **argv) MUST_CHECK;

/* On standard output. */
void help_all(void);
void help_noun(const char *noun);
void help_verb(const struct verb *v);

/* "frugald: …" on standard error; gives CLI_usage and CLI_found. */
int cli_misuse(const struct cli *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
int cli_fail(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* The policy to read: -c FILE, else the first of the usual places that has one. NULL:
 * where it looked was said. */
const char *cli_config_path(struct cli *c);

/* Findings, a line each, on standard error. */
void cli_print_findings(struct diag *d);

#define VERB(name, function, arguments, least, most, takes, help, more) \
	int verb_##function(struct cli *c);
#include "verb.def"

#endif
