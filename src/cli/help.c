/* help.c: --help, from the tables. */
#include <stdio.h>
#include <string.h>

#include "base/trace.h"
#include "verb.h"

static void
list(const char *prefix)
{
	size_t len = strlen(prefix);

	for (const struct verb *v = verbs; v->name != NULL; v++) {
		char left[64];

		if (strncmp(v->name, prefix, len) != 0)
			continue;
		snprintf(left, sizeof(left), "%s %s", v->name, v->arguments);
		printf("  %-26s %s\n", left, v->help);
	}
}

void
help_all(void)
{
	puts(
	    "frugald: an LLM routing proxy that takes the cheapest model which is good "
	    "enough\n\n"
	    "usage: frugald VERB [OPTION...] [ARGUMENT...]\n");
	list("");
	puts("\n`frugald VERB --help` says more of each; `frugald --version` tells the "
	     "release.\n"
	     "exit codes: 0 fine, 1 it found something or failed, 2 wrong usage");
}

void
help_noun(const char *noun)
{
	char prefix[32];

	printf("usage: frugald %s …\n\n", noun);
	snprintf(prefix, sizeof(prefix), "%s ", noun);
	list(prefix);
}

static void
put_option(const struct option_row *o)
{
	char left[64], letter[8] = "    ";

	if (o->letter != 0)
		snprintf(letter, sizeof(letter), "-%c, ", o->letter);
	snprintf(left, sizeof(left), "%s--%s%s%s", letter, o->name,
	    o->value == NULL ? "" : " ", o->value == NULL ? "" : o->value);
	printf("  %-26s %s\n", left, o->help);
}

void
help_verb(const struct verb *v)
{
	printf("usage: frugald %s%s%s%s\n%s\n", v->name,
	    v->takes == 0 ? "" : " [OPTION...]", v->arguments[0] == '\0' ? "" : " ",
	    v->arguments, v->help);
	if (v->takes != 0)
		puts("");
	for (unsigned o = 0; o < OPT_COUNT; o++) {
		if ((v->takes >> o & 1) != 0)
			put_option(option_row((enum option)o));
	}
	if (v->more[0] != '\0')
		printf("\n%s", v->more);
	if ((v->takes >> OPT_topics & 1) != 0)
		printf("\ntopics of -d:\n%s", trace_help());
}
