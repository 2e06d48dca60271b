/* init_write.c: from what was found to a policy. */
#include <string.h>

#include "init.h"

#define KEEP_QUALITY "90%%"

static bool
speaks(const struct found *f, const char *api)
{
	return strcmp(f->place->api, api) == 0;
}

static double
quality(const struct found_model *m)
{
	double sum = 0;

	if (m->known == NULL)
		return 0;
	for (size_t i = 0; i < CLASS_COUNT; i++)
		sum += m->known->quality[i];
	return sum / CLASS_COUNT;
}

static const char *
tier_of(const struct found *f, const struct found_model *m)
{
	if (f->place->key == NULL || m->known == NULL)
		return "local";
	return tier_name(m->known->tier);
}

/* ---- parts ---- */

static void
put_providers(const struct found *found, unsigned count, struct buf *ret)
{
	buf_add(ret, "\nproviders:\n");
	for (unsigned i = 0; i < count; i++) {
		const struct place *p = found[i].place;

		buf_printf(
		    ret, "  %s: {api: %s, url: \"%s\"", p->provider, p->api, p->url);
		if (p->key != NULL)
			buf_printf(ret, ", key: env:%s", p->key);
		buf_printf(ret, ", region: %s%s}\n", p->region, p->more);
	}
}

/* Ids of others, in double quotes. */
static void
put_quoted(const char *s, struct buf *ret)
{
	buf_add(ret, "\"");
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s >= ' ')
			buf_printf(
			    ret, "%s%c", *s == '"' || *s == '\\' ? "\\" : "", *s);
	}
	buf_add(ret, "\"");
}

static void
put_model(const struct found *f, const struct found_model *m, struct buf *ret)
{
	buf_printf(ret, "  %s: {", m->name);
	if (m->known != NULL)
		buf_printf(ret, "is: %s, ", m->known->id);
	if (m->served_as == NULL) {
		buf_printf(ret, "at: [%s]", f->place->provider);
	} else {
		buf_printf(ret, "at: [{provider: %s, as: ", f->place->provider);
		put_quoted(m->served_as, ret);
		buf_add(ret, "}]");
	}
	buf_printf(ret, ", tier: %s", tier_of(f, m));
	if (m->known == NULL)
		buf_add(ret,
		    ", context: 8192, max_output: 4096, can: [stream], quality: "
		    "{default: 0.5}, output_tokens: {default: 400}");
	buf_printf(ret, "}%s\n",
	    m->known == NULL ? "   # not in the catalogue: these are guesses, mend them"
			     : "");
}

/* The best model of all that speak `api`, NULL: none. */
static const struct found_model *
best_of(const struct found *found, unsigned count, const char *api)
{
	const struct found_model *best = NULL;

	for (unsigned i = 0; i < count; i++) {
		for (unsigned k = 0; speaks(&found[i], api) && k < found[i].models;
		     k++) {
			const struct found_model *m = &found[i].model[k];

			if (best == NULL || quality(m) > quality(best))
				best = m;
		}
	}
	return best;
}

static void
put_route(const char *name, const struct found *found, unsigned count, const char *api,
    struct buf *ret)
{
	const struct found_model *best = best_of(found, count, api);
	bool first = true;

	buf_printf(ret, "  %s:\n    candidates: [", name);
	for (unsigned i = 0; i < count; i++) {
		for (unsigned k = 0; speaks(&found[i], api) && k < found[i].models;
		     k++) {
			buf_printf(
			    ret, "%s%s", first ? "" : ", ", found[i].model[k].name);
			first = false;
		}
	}
	buf_printf(ret,
	    "]\n    baseline: %s   # the best of them: the yardstick for "
	    "quality and savings\n"
	    "    goal: cheapest\n    keep_quality: " KEEP_QUALITY "\n",
	    best->name);
}

static void
put_routes(const struct found *found, unsigned count, struct buf *ret)
{
	bool openai = best_of(found, count, "openai") != NULL;
	bool anthropic = best_of(found, count, "anthropic") != NULL;

	/* A request is served in the dialect in which it came. */
	buf_add(ret,
	    "\naliases:                                 # what programs already "
	    "send -> a route\n");
	if (openai)
		buf_add(ret, "  gpt-*: auto\n");
	if (anthropic)
		buf_printf(
		    ret, "  claude-*: coding\n%s", openai ? "" : "  auto: coding\n");
	buf_add(ret, "\nroutes:\n");
	if (openai)
		put_route("auto", found, count, "openai", ret);
	if (anthropic)
		put_route("coding", found, count, "anthropic", ret);
}

void
init_write(
    const struct found *found, unsigned count, const char *state, struct buf *ret)
{
	buf_printf(ret,
	    "# frugald.yaml: made by `frugald init` from the keys and servers that it "
	    "found.\n"
	    "# `frugald check` says what it means; every key: docs/config.md; a richer "
	    "example: config/frugald.yaml.\n"
	    "version: 1\n"
	    "listen: 127.0.0.1:4600                   # no keys_file: this machine "
	    "only\n"
	    "state: %s\n"
	    "admin: {listen: 127.0.0.1:4601}\n",
	    state);
	put_providers(found, count, ret);
	buf_add(ret, "\nmodels:\n");
	for (unsigned i = 0; i < count; i++) {
		for (unsigned k = 0; k < found[i].models; k++)
			put_model(&found[i], &found[i].model[k], ret);
	}
	put_routes(found, count, ret);
	buf_add(ret, "\ntags: {app: rollup, env: rollup, run: index}\n");
}
