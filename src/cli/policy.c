/* policy.c: the policy as verbs look at it. */
#include "policy.h"

#include "core/request.h"

#include <string.h>

struct snapshot *
policy_bound(struct snapshot *s, struct diag *d)
{
	if (s == NULL || classifier_bind(s, d))
		return s;
	snapshot_unref(s);
	return NULL;
}

struct snapshot *
policy_offline(struct cli *c)
{
	const char *path = cli_config_path(c);
	struct diag *d = diag_new();
	struct snapshot *s = NULL;

	if (path != NULL)
		s = policy_bound(snapshot_load_offline(c->env, path, d), d);
	if (path != NULL && s == NULL)
		cli_print_findings(d);
	diag_free(d);
	return s;
}

static bool
unknown(struct cli *c, enum option o, const char *typed, const char *const *names)
{
	const char *near = diag_nearest(typed, names);

	if (near != NULL)
		cli_misuse(c, "--%s: the policy has no '%s'; did you mean '%s'?",
		    option_row(o)->name, typed, near);
	else
		cli_misuse(
		    c, "--%s: the policy has no '%s'", option_row(o)->name, typed);
	return false;
}

bool
policy_knows_team(struct cli *c, const struct snapshot *s, const char *name)
{
	const char **names;

	if (name == NULL || snapshot_team(s, str_of(name)) != NULL)
		return true;
	names = arena_alloc(c->mem, (s->team_count + 1) * sizeof(*names));
	for (unsigned i = 0; i < s->team_count; i++)
		names[i] = s->teams[i].name;
	return unknown(c, OPT_team, name, names);
}

bool
policy_knows_data(struct cli *c, const struct snapshot *s, const char *name)
{
	const char **names;

	if (name == NULL || snapshot_data_class(s, str_of(name)) != NULL)
		return true;
	names = arena_alloc(c->mem, (s->data_class_count + 1) * sizeof(*names));
	for (unsigned i = 0; i < s->data_class_count; i++)
		names[i] = s->data_classes[i].name;
	return unknown(c, OPT_data, name, names);
}

static bool
knows_tag(struct cli *c, const struct snapshot *s, const char *tag)
{
	struct str rest = str_of(tag), name;
	const char **names;

	if (strchr(tag, '=') == NULL || !str_split(&rest, '=', &name) ||
	    rest.len == 0) {
		cli_misuse(c, "--tag: expected NAME=VALUE, not '%s'", tag);
		return false;
	}
	if (!tag_text_ok(rest)) {
		cli_misuse(c,
		    "--tag: the value of '%s' is 1 to %d bytes of A-Za-z0-9._:/@+-",
		    tag, TAG_WORD_BYTES);
		return false;
	}
	if (snapshot_tag(s, name) != NULL)
		return true;
	names = arena_alloc(c->mem, (s->tag_count + 1) * sizeof(*names));
	for (unsigned i = 0; i < s->tag_count; i++)
		names[i] = s->tags[i].name;
	return unknown(c, OPT_tag, arena_str(c->mem, name), names);
}

bool
policy_knows_tags(struct cli *c, const struct snapshot *s, const char *const *tags)
{
	for (size_t i = 0; tags != NULL && tags[i] != NULL; i++) {
		if (!knows_tag(c, s, tags[i]))
			return false;
	}
	return true;
}
