/* options.c: options and arguments behind a verb: -c FILE, -cFILE, --config FILE,
 * --config=FILE, "--" ends them. */
#include <string.h>

#include "verb.h"

static const struct option_row rows[] = {
#define OPTION(id, name, letter, value, help) {name, letter, value, help},
#include "option.def"
};

const struct option_row *
option_row(enum option o)
{
	return &rows[o];
}

static bool
takes(const struct verb *v, unsigned o)
{
	return (v->takes >> o & 1) != 0;
}

/* What is given to option `o`; the values of an option that comes again are joined. */
static bool
give(struct cli *c, unsigned o, const char *value)
{
	const char *before = c->opt[o];

	c->opt[o] = before == NULL || rows[o].value == NULL
			? value
			: arena_printf(c->mem, "%s,%s", before, value);
	return true;
}

static bool
no_such_option(struct cli *c, const char *typed)
{
	const char *names[OPT_COUNT + 1] = {NULL}, *near;
	unsigned n = 0;

	for (unsigned o = 0; o < OPT_COUNT; o++) {
		if (takes(c->verb, o))
			names[n++] = rows[o].name;
	}
	near = typed[1] == '-' ? diag_nearest(typed + 2, names) : NULL;
	if (near != NULL)
		cli_misuse(c, "`%s` takes no %s; did you mean --%s?", c->verb->name,
		    typed, near);
	else
		cli_misuse(c, "`%s` takes no %s", c->verb->name, typed);
	return false;
}

/* The option that `word` begins, and a value that is part of the word, or NULL. */
static bool
find(struct cli *c, const char *word, unsigned *ret_option, const char **ret_value)
{
	bool is_long = word[1] == '-';
	const char *equals = is_long ? strchr(word, '=') : NULL;
	struct str name = str_of(word + 2);

	if (equals != NULL)
		name.len = (size_t)(equals - name.p);
	for (unsigned o = 0; o < OPT_COUNT; o++) {
		bool same = is_long ? str_is(name, rows[o].name)
				    : rows[o].letter != 0 && word[1] == rows[o].letter;

		if (!takes(c->verb, o) || !same)
			continue;
		*ret_option = o;
		if (is_long)
			*ret_value = equals == NULL ? NULL : equals + 1;
		else
			*ret_value = word[2] == '\0' ? NULL : word + 2;
		return true;
	}
	return no_such_option(
	    c, equals == NULL
		   ? word
		   : arena_str(c->mem, str_make(word, (size_t)(equals - word))));
}

/* Gives the words that were used, 0: said what is wrong. */
static int
read_option(struct cli *c, int argc, char **argv)
{
	const char *value = NULL;
	unsigned o = 0;

	if (!find(c, argv[0], &o, &value))
		return 0;
	if (rows[o].value == NULL && value != NULL) {
		cli_misuse(c, "--%s takes no value", rows[o].name);
		return 0;
	}
	if (rows[o].value == NULL)
		return give(c, o, "");
	if (value != NULL)
		return give(c, o, value);
	if (argc < 2) {
		cli_misuse(c, "--%s needs %s", rows[o].name, rows[o].value);
		return 0;
	}
	give(c, o, argv[1]);
	return 2;
}

static bool
read_argument(struct cli *c, const char *word)
{
	if (c->args == c->verb->most) {
		cli_misuse(c, "`%s` has no use for '%s'", c->verb->name, word);
		return false;
	}
	c->arg[c->args++] = word;
	return true;
}

bool
options_read(struct cli *c, int argc, char **argv)
{
	bool options = true;
	int used;

	for (int i = 0; i < argc; i += used) {
		used = 1;
		if (options && strcmp(argv[i], "--") == 0)
			options = false;
		else if (options && argv[i][0] == '-' && argv[i][1] != '\0')
			used = read_option(c, argc - i, argv + i);
		else if (!read_argument(c, argv[i]))
			return false;
		if (used == 0)
			return false;
	}
	if (c->args >= c->verb->least)
		return true;
	cli_misuse(c, "`%s` needs %s", c->verb->name, c->verb->arguments);
	return false;
}
