/* explain.c: `frugald explain`: which model a request gets or got, and why. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "explain.h"

#include "client.h"
#include "look.h"
#include "offline.h"
#include "policy.h"
#include "verb.h"

#define BODY_BYTES ((size_t)64 << 20)
#define OUT_BYTES  ((size_t)1 << 20)

/* ---- what became of it ---- */

static bool
is_id(const char *text)
{
	return text[0] != '\0' && strlen(text) < 64 &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			    "0123456789_-") == strlen(text);
}

static int
explain_past(struct cli *c)
{
	const char *form = c->opt[OPT_json] == NULL ? "?format=text" : "";
	struct buf body;
	bool ok;

	if (!is_id(c->arg[0]))
		return cli_misuse(c,
		    "'%s' is no request's id; the header x-request-id of an answer "
		    "tells it",
		    c->arg[0]);
	if (c->opt[OPT_policy] != NULL)
		return explain_past_policy(c);
	buf_init(&body, ANSWER_BYTES);
	ok = ledger_ask(
	    c, arena_printf(c->mem, "/v1/requests/%s%s", c->arg[0], form), &body);
	if (ok && body.len > 0)
		printf("%s%s", body.p, body.p[body.len - 1] == '\n' ? "" : "\n");
	buf_fini(&body);
	return ok ? CLI_fine : CLI_found;
}

/* ---- what would become of it ---- */

static const struct dialect *
dialect_of(struct cli *c, struct str body)
{
	const char *api = c->opt[OPT_api];

	if (api == NULL)
		return look_anthropic(body) ? &dialect_anthropic : &dialect_openai;
	if (strcmp(api, "openai") == 0)
		return &dialect_openai;
	if (strcmp(api, "anthropic") == 0)
		return &dialect_anthropic;
	cli_misuse(c, "--api: expected openai or anthropic, not '%s'", api);
	return NULL;
}

static bool
read_body(struct cli *c, struct buf *ret)
{
	const char *path = c->opt[OPT_file];

	if (c->env->read_file(
		c->env, strcmp(path, "-") == 0 ? "/dev/stdin" : path, BODY_BYTES, ret))
		return true;
	cli_fail("%s cannot be read: %s", path, strerror(errno));
	return false;
}

static const struct plan_view *
view_of(struct cli *c, const struct offline_request *r)
{
	struct plan_view *view = arena_alloc(c->mem, sizeof(*view));

	plan_view(&r->plan, &r->verdict, &r->in, c->mem, view);
	return view;
}

static void
print_plan(struct cli *c, const struct offline_request *r)
{
	const struct plan_view *view = view_of(c, r);
	struct buf out;
	struct json j;

	buf_init(&out, OUT_BYTES);
	if (c->opt[OPT_json] != NULL) {
		json_init(&j, &out);
		json_object_begin(&j, NULL);
		json_str(&j, "policy", str_of(r->snap->short_hash));
		json_str(&j, "dialect", str_of(r->dialect->name));
		plan_json(view, "plan", &j);
		json_object_end(&j);
		buf_add(&out, "\n");
	} else {
		buf_printf(&out, "%s   %s%s, model \"%.*s\"   nothing was sent\n\n",
		    c->opt[OPT_file], r->dialect->name,
		    r->task.stream ? ", stream" : "", (int)r->task.model.len,
		    r->task.model.p);
		plan_text(view, &out);
		buf_printf(&out,
		    "version  policy %s of %s · price book %s · frugald %s\n         "
		    "no session, no learned values: a running daemon may know more\n",
		    r->snap->short_hash, r->snap->path,
		    price_book_version(r->snap->prices), FRUGALD_VERSION);
	}
	fputs(out.p, stdout);
	buf_fini(&out);
}

/* Who asks and what they say beside the body. False: said what is wrong. */
static bool
read_who(struct cli *c, const struct snapshot *s, struct offline_request *r)
{
	const char *team = c->opt[OPT_team], *data = c->opt[OPT_data];
	struct str list = str_of(c->opt[OPT_tag]), tag, name;
	const char *tags[nitems(r->tags) + 1] = {NULL};

	if (!policy_knows_team(c, s, team) || !policy_knows_data(c, s, data))
		return false;
	if (team != NULL)
		r->who.team = snapshot_team(s, str_of(team));
	if (data != NULL)
		r->data = snapshot_data_class(s, str_of(data));
	while (r->tag_count < nitems(r->tags) && str_split(&list, ',', &tag)) {
		tags[r->tag_count] = arena_str(c->mem, tag);
		if (!str_split(&tag, '=', &name))
			name = str_make("", 0);
		r->tags[r->tag_count++] = (struct tag){.name = name, .value = tag};
	}
	return policy_knows_tags(c, s, tags);
}

/* Reads, classifies and plans under `s`. False: said why it is no request. */
static bool
plan_under(struct cli *c, struct snapshot *s, struct str body, struct offline **ret_off,
    struct offline_request *r)
{
	*ret_off = offline_new(c->env, s);
	if (*ret_off == NULL || !offline_read(*ret_off, body, c->mem, r)) {
		cli_fail("%s: %s", c->opt[OPT_file],
		    *ret_off == NULL ? "the policy has a provider of an unknown api"
				     : r->why);
		return false;
	}
	(void)offline_plan(*ret_off, r);
	return true;
}

/* The same body under the policy of --policy, beside. */
static int
beside(struct cli *c, const struct offline_request *old, struct str body)
{
	struct offline_request *r = arena_alloc(c->mem, sizeof(*r));
	struct snapshot *fresh = explain_new_policy(c);
	struct offline *off = NULL;
	struct compared then = {.name = arena_printf(c->mem, "%s (%s)", old->snap->path,
				    old->snap->short_hash)};
	struct compared now = {.name = c->opt[OPT_policy]};
	int code = CLI_found;

	if (fresh == NULL)
		return code;
	r->dialect = old->dialect;
	if (!read_who(c, fresh, r))
		code = CLI_usage;
	else if (plan_under(c, fresh, body, &off, r)) {
		now.name = arena_printf(c->mem, "%s (%s)", now.name, fresh->short_hash);
		then.view = view_of(c, old);
		now.view = view_of(c, r);
		explain_compared(c, &then, &now);
		code = r->plan.usable > 0 ? CLI_fine : CLI_found;
	}
	offline_free(off);
	snapshot_unref(fresh);
	return code;
}

static int
explain_file(struct cli *c)
{
	struct offline_request *r = arena_alloc(c->mem, sizeof(*r));
	struct offline *off = NULL;
	struct snapshot *s = NULL;
	int code = CLI_found;
	struct buf body;

	buf_init(&body, BODY_BYTES + 1);
	if (!read_body(c, &body))
		goto out;
	s = policy_offline(c);
	if (s == NULL)
		goto out;
	code = CLI_usage;
	r->dialect = dialect_of(c, buf_str(&body));
	if (r->dialect == NULL || !read_who(c, s, r))
		goto out;
	code = CLI_found;
	if (!plan_under(c, s, buf_str(&body), &off, r))
		goto out;
	if (c->opt[OPT_policy] != NULL) {
		code = beside(c, r, buf_str(&body));
		goto out;
	}
	code = r->plan.usable > 0 ? CLI_fine : CLI_found;
	print_plan(c, r);
out:
	offline_free(off);
	snapshot_unref(s);
	buf_fini(&body);
	return code;
}

int
verb_explain(struct cli *c)
{
	if ((c->opt[OPT_file] == NULL) == (c->args == 0))
		return cli_misuse(
		    c, "explain either a request's id, or a body with -f");
	return c->args > 0 ? explain_past(c) : explain_file(c);
}
