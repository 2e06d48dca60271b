/* check.c: `frugald check`: what is wrong with a policy, and what it means. */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "client.h"
#include "config/schema.h"
#include "policy.h"

#define TEXT_BYTES ((size_t)16 << 20)

static int
print_docs(void)
{
	struct buf text;

	buf_init(&text, TEXT_BYTES);
	schema_markdown(&text);
	fwrite(text.p, 1, text.len, stdout);
	buf_fini(&text);
	return CLI_fine;
}

/* ---- --json ---- */

static void
put_findings(struct diag *d, struct json *j)
{
	size_t n;
	const struct diag_finding *f = diag_findings(d, &n);

	json_array_begin(j, "findings");
	for (size_t i = 0; i < n; i++) {
		json_object_begin(j, NULL);
		json_str(j, "file", str_of(f[i].at.file));
		json_int(j, "line", f[i].at.line);
		json_int(j, "column", f[i].at.column);
		json_str(j, "level",
		    f[i].level == DIAG_error ? STR("error") : STR("warning"));
		json_str(j, "text", str_of(f[i].text));
		json_object_end(j);
	}
	json_array_end(j);
}

/* `s` NULL: there are errors. */
static void
print_json(struct cli *c, struct snapshot *s, struct diag *d)
{
	struct meaning *m = arena_alloc(c->mem, sizeof(*m));
	struct buf out;
	struct json j;

	buf_init(&out, TEXT_BYTES);
	json_init(&j, &out);
	json_object_begin(&j, NULL);
	json_bool(&j, "fine", s != NULL);
	if (s != NULL)
		json_str(&j, "policy", str_of(s->short_hash));
	put_findings(d, &j);
	if (s != NULL && meaning_find(c, s, m))
		meaning_json(s, m, &j);
	if (s != NULL)
		meaning_budgets_json(c, s, &j);
	json_object_end(&j);
	puts(out.p);
	buf_fini(&out);
}

/* ---- --diff running ---- */

static int
print_diff(struct cli *c, const struct snapshot *s)
{
	struct buf running, out;
	int code = CLI_found;

	buf_init(&running, ANSWER_BYTES);
	buf_init(&out, TEXT_BYTES);
	if (!daemon_ask(c, "/admin/policy", NULL, &running))
		goto done;
	if (config_diff(buf_str(&running), str_of(s->canonical), &out) > 0) {
		printf("a reload would change:\n%s", out.p);
	} else {
		puts("a reload would change nothing");
		code = CLI_fine;
	}
done:
	buf_fini(&running);
	buf_fini(&out);
	return code;
}

/* ---- the usual ---- */

static void
put_count(struct buf *ret, unsigned n, const char *what, const char *then)
{
	buf_printf(ret, "%u %s%s%s", n, what, n == 1 ? "" : "s", then);
}

static int
print_meaning(struct cli *c, struct snapshot *s)
{
	struct meaning *m = arena_alloc(c->mem, sizeof(*m));
	int code = CLI_fine;
	struct buf out;

	buf_init(&out, TEXT_BYTES);
	buf_printf(&out, "%s: fine, policy %s: ", s->path, s->short_hash);
	put_count(&out, s->provider_count, "provider", ", ");
	put_count(&out, s->model_count, "model", ", ");
	put_count(&out, s->route_count, "route", ", ");
	put_count(&out, s->team_count, "team", ", ");
	if (s->keys_file == NULL)
		buf_add(&out, "no keys_file\n");
	else
		put_count(&out, s->key_count, "client key", "\n");
	if (meaning_find(c, s, m))
		meaning_text(c, s, m, &out);
	else
		code =
		    cli_fail("%s: a provider speaks an API that this release does not "
			     "know",
			s->path);
	fputs(out.p, stdout);
	buf_fini(&out);
	return code;
}

static int
print_policy(struct cli *c, struct snapshot *s)
{
	if (c->opt[OPT_diff] != NULL)
		return print_diff(c, s);
	if (c->opt[OPT_print] == NULL)
		return print_meaning(c, s);
	fputs(s->canonical, stdout);
	return CLI_fine;
}

int
verb_check(struct cli *c)
{
	struct diag *d = NULL;
	struct snapshot *s;
	const char *path;
	int code = CLI_found;

	if (c->opt[OPT_docs] != NULL)
		return print_docs();
	if (c->opt[OPT_diff] != NULL && strcmp(c->opt[OPT_diff], "running") != 0)
		return cli_misuse(c, "--diff: only `running` can be compared with");
	if (c->args > 0 && c->opt[OPT_config] != NULL)
		return cli_misuse(c, "the policy is named twice");
	path = c->args > 0 ? c->arg[0] : cli_config_path(c);
	if (path == NULL)
		return CLI_found;
	d = diag_new();
	/* The text alone is compared and printed; for that the daemon's secrets need
	 * not be in this shell. */
	if (c->opt[OPT_diff] != NULL || c->opt[OPT_print] != NULL)
		s = snapshot_load_offline(c->env, path, d);
	else
		s = snapshot_load(c->env, path, d);
	s = policy_bound(s, d);
	if (c->opt[OPT_json] != NULL)
		print_json(c, s, d);
	else
		cli_print_findings(d);
	if (s != NULL)
		code = c->opt[OPT_json] != NULL ? CLI_fine : print_policy(c, s);
	snapshot_unref(s);
	diag_free(d);
	return code;
}
