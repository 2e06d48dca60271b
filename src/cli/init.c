/* init.c: `frugald init`: a policy that works here, and why it is so. */
#include "init.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/snapshot.h"
#include "embed.h"

#define PLACES_MAX 16
#define TEXT_BYTES ((size_t)1 << 20)

/* Where a person's programs keep state (XDG base directories). */
static const char *
state_folder(struct cli *c)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (state != NULL && state[0] == '/')
		return arena_printf(c->mem, "%s/frugald", state);
	if (home != NULL && home[0] == '/')
		return arena_printf(c->mem, "%s/.local/state/frugald", home);
	return "frugald-state";
}

static bool
named_before(const struct found *found, unsigned before, const char *name)
{
	for (unsigned i = 0; i < before * FOUND_MODELS; i++) {
		const struct found *f = &found[i / FOUND_MODELS];

		if (i % FOUND_MODELS < f->models &&
		    strcmp(f->model[i % FOUND_MODELS].name, name) == 0)
			return true;
	}
	return false;
}

/* Two places may serve models of one name: the later one is told apart by its place. */
static void
tell_apart(struct cli *c, struct found *found, unsigned count)
{
	for (unsigned i = 1; i < count; i++) {
		for (unsigned k = 0; k < found[i].models; k++) {
			struct found_model *m = &found[i].model[k];

			if (named_before(found, i, m->name))
				m->name = arena_printf(c->mem, "%.20s-%.18s",
				    found[i].place->provider, m->name);
		}
	}
}

/* What the daemon would say of it. False: said so. */
static bool
passes(struct cli *c, const struct buf *text, const char *path)
{
	struct diag *d = diag_new();
	struct snapshot *s = snapshot_parse(c->env, buf_str(text), path, d);

	cli_print_findings(d);
	diag_free(d);
	snapshot_unref(s);
	return s != NULL;
}

static int
write_policy(struct cli *c, const struct buf *text, const char *path)
{
	if (!passes(c, text, path))
		return cli_fail(
		    "the policy that was made has errors, so it was not written");
	if (!c->env->write_file(c->env, path, buf_str(text)))
		return cli_fail("%s cannot be written: %s", path, strerror(errno));
	fprintf(stderr,
	    "\nwrote %s: the cheapest model that keeps 90%% of the best one's expected "
	    "quality\n"
	    "next:  frugald check %s\n"
	    "       frugald serve -c %s\n",
	    path, path, path);
	return CLI_fine;
}

static int
make(struct cli *c, const struct catalogue *known, const char *path)
{
	struct found found[PLACES_MAX];
	int code = CLI_found;
	unsigned count;
	struct buf text;

	fputs("looking for providers:\n", stderr);
	count = init_look(c, known, found, nitems(found));
	if (count == 0)
		return cli_fail("found no key and no server; set one of the variables "
				"above (`scripts/run --sim` plays the providers)");
	tell_apart(c, found, count);
	buf_init(&text, TEXT_BYTES);
	init_write(found, count, state_folder(c), &text);
	code = write_policy(c, &text, path);
	buf_fini(&text);
	return code;
}

int
verb_init(struct cli *c)
{
	const char *path =
	    c->opt[OPT_output] == NULL ? "frugald.yaml" : c->opt[OPT_output];
	struct catalogue *known;
	struct diag *d;
	int code;

	if (c->opt[OPT_force] == NULL && c->env->file_size(c->env, path) >= 0)
		return cli_fail("%s is there already; --force writes over it, -o names "
				"another",
		    path);
	d = diag_new();
	known = catalogue_parse(
	    str_make(embed_models_yaml, embed_models_yaml_len), "(built-in models)", d);
	cli_print_findings(d);
	diag_free(d);
	if (known == NULL)
		return CLI_found;
	code = make(c, known, path);
	catalogue_free(known);
	return code;
}
