/* replay_add.c: the policy with one more machine: a local provider that serves a model
 * of the catalogue, first among the candidates of every route. */
#include <string.h>

#include "config/kept.h"
#include "policy.h"
#include "replay.h"

#define POLICY_BYTES ((size_t)16 << 20)

/* As a policy may call it: the id without its vendor; told apart where that is taken.
 */
static const char *
name_for(struct cli *c, const struct snapshot *s, const char *id)
{
	const char *slash = strrchr(id, '/');
	const char *name = slash != NULL ? slash + 1 : id;
	struct asked taken = snapshot_resolve(s, str_of(name));

	if (taken.model == NULL && taken.route == NULL)
		return name;
	return arena_printf(c->mem, "added-%s", name);
}

/* Where machines of one's own are already, they may see what this one may. */
static const char *
region_for(const struct snapshot *s)
{
	for (unsigned i = 0; i < s->provider_count; i++) {
		if (s->providers[i].local)
			return s->providers[i].region;
	}
	return "local";
}

/* `canonical` prints every key on its line, indented by its depth. */
static void
put_policy(const struct snapshot *s, const char *id, const char *name, struct buf *ret)
{
	const struct str list = STR("    candidates: [");
	struct str rest = str_of(s->canonical), line;
	bool routes = false;

	while (str_split(&rest, '\n', &line)) {
		if (line.len > 0 && line.p[0] != ' ')
			routes = str_is(line, "routes:");
		if (routes && str_starts(line, list)) {
			line = str_skip(line, list.len);
			buf_printf(ret, "%s%s, ", list.p, name);
		}
		buf_printf(ret, "%.*s\n", (int)line.len, line.p);
		if (str_is(line, "providers:"))
			buf_printf(ret,
			    "  " REPLAY_ADDED ":\n    api: openai\n"
			    "    url: http://127.0.0.1:9\n    region: %s\n"
			    "    local: true\n",
			    region_for(s));
		if (str_is(line, "models:"))
			buf_printf(ret,
			    "  %s:\n    is: %s\n    at: [" REPLAY_ADDED
			    "]\n    tier: local\n",
			    name, id);
	}
}

static bool
known(struct cli *c, const struct snapshot *s, const char *id)
{
	const char *near;

	if (catalogue_find(s->catalogue, str_of(id)) != NULL)
		return true;
	near = catalogue_nearest(s->catalogue, str_of(id));
	if (near != NULL)
		cli_misuse(c,
		    "--add-model: the catalogue has no '%s'; did you mean "
		    "'%s'?",
		    id, near);
	else
		cli_misuse(c, "--add-model: the catalogue has no '%s'", id);
	return false;
}

struct snapshot *
replay_with_machine(struct cli *c, const struct snapshot *s, const char *id)
{
	struct snapshot_texts t = snapshot_texts(s);
	struct diag *d = diag_new();
	struct snapshot *more = NULL;
	struct buf text;

	buf_init(&text, POLICY_BYTES);
	if (known(c, s, id)) {
		put_policy(s, id, name_for(c, s, id), &text);
		t.policy = buf_str(&text);
		more = snapshot_rebuild(c->env, &t, d);
		if (more == NULL)
			cli_print_findings(d);
	}
	buf_fini(&text);
	diag_free(d);
	return more;
}
