/* keys.c: `frugald keys …`: the file of clients' keys. */
#include "config/keys.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "client.h"
#include "config/snapshot.h"
#include "keys_limits.h"
#include "policy.h"
#include "table.h"
#include "verb.h"
#include "when.h"

#define KEYS_BYTES ((size_t)1 << 20)
#define OUT_BYTES  ((size_t)16 << 20)
#define DAY_S      86400
#define LIST_MAX   64

/* The policy, and its keys file while it is ours alone. */
struct work {
	struct cli *cli;
	struct snapshot *snap;
	const char *path;
	void *lock; /* NULL: only read */
	struct buf text;
};

static void
work_fini(struct work *w)
{
	if (w->lock != NULL)
		w->cli->env->unlock_file(w->cli->env, w->lock);
	buf_fini(&w->text);
	snapshot_unref(w->snap);
}

static bool
take_lock(struct work *w)
{
	struct env *env = w->cli->env;
	const char *path = arena_printf(w->cli->mem, "%s.lock", w->path);

	w->lock = env->lock_file(env, path);
	if (w->lock != NULL)
		return true;
	if (errno == EWOULDBLOCK)
		cli_fail("somebody else changes %s right now; try again", w->path);
	else
		cli_fail(
		    "%s cannot be made: %s; the folder must be there, and yours to "
		    "write",
		    path, strerror(errno));
	return false;
}

/* False: said why. Fini in any case. */
static bool
work_init(struct work *w, struct cli *c, bool change)
{
	*w = (struct work){.cli = c};
	buf_init(&w->text, KEYS_BYTES + 1);
	w->snap = policy_offline(c);
	if (w->snap == NULL)
		return false;
	w->path = w->snap->keys_file;
	if (w->path == NULL) {
		cli_fail(
		    "%s names no keys_file, so no key is asked for; add a line such "
		    "as keys_file: /var/lib/frugald/keys.yaml",
		    w->snap->path);
		return false;
	}
	if (change && !take_lock(w))
		return false;
	if (!c->env->read_file(c->env, w->path, KEYS_BYTES, &w->text) &&
	    errno != ENOENT) {
		cli_fail("%s cannot be read: %s", w->path, strerror(errno));
		return false;
	}
	return true;
}

/* The edit becomes the file. The secret, if there is one, goes to standard output. */
static int
finish(struct work *w, struct keys_edit *e, bool ok, const char *done)
{
	struct env *env = w->cli->env;
	const char *name = w->cli->arg[0];
	int code = CLI_fine;

	if (!ok) {
		code = cli_fail("%s", e->why);
	} else if (!env->write_file(env, w->path, buf_str(&e->text))) {
		code = cli_fail("%s cannot be written: %s", w->path, strerror(errno));
	} else {
		fprintf(stderr, "key %s %s in %s\n", name, done, w->path);
		if (e->secret[0] != '\0')
			fputs("this is the only time that its secret is shown:\n",
			    stderr);
		if (e->secret[0] != '\0')
			puts(e->secret);
		fflush(stdout);
		fputs("a running daemon takes it with `systemctl reload frugald` "
		      "(SIGHUP)\n",
		    stderr);
	}
	keys_edit_fini(e);
	return code;
}

/* ---- add ---- */

const char *const *
keys_words(struct cli *c, const char *list)
{
	const char **words = arena_alloc(c->mem, (LIST_MAX + 1) * sizeof(*words));
	struct str rest = str_of(list), word;
	unsigned n = 0;

	if (list == NULL)
		return NULL;
	while (n < LIST_MAX && str_split(&rest, ',', &word))
		words[n++] = arena_str(c->mem, str_trim(word));
	return words;
}

static bool
expiry(struct work *w, int64_t *ret_s)
{
	const char *text = w->cli->opt[OPT_expires];
	int64_t now_s = w->cli->env->wall_ns(w->cli->env) / NS_PER_S, span_s;

	*ret_s = -1;
	if (text == NULL)
		return true;
	if (when_span(str_of(text), &span_s))
		*ret_s = now_s + span_s;
	else if (!when_time(str_of(text), ret_s)) {
		cli_misuse(
		    w->cli, "--expires: expected 90d or a day such as 2027-01-31");
		return false;
	}
	if (*ret_s > now_s)
		return true;
	cli_misuse(w->cli, "--expires: %s has passed", text);
	return false;
}

static bool
wish_make(struct work *w, struct key_wish *ret)
{
	struct cli *c = w->cli;

	*ret = (struct key_wish){.name = c->arg[0],
	    .team = c->opt[OPT_team],
	    .data = c->opt[OPT_data],
	    .tags = keys_words(c, c->opt[OPT_tag])};
	return policy_knows_team(c, w->snap, ret->team) &&
	       policy_knows_data(c, w->snap, ret->data) &&
	       policy_knows_tags(c, w->snap, ret->tags) &&
	       keys_limits_read(c, w->snap, &ret->limits) &&
	       keys_budget_read(c, &ret->budget) && expiry(w, &ret->expires_s);
}

int
verb_keys_add(struct cli *c)
{
	struct keys_edit edit = {0};
	struct key_wish wish;
	int code = CLI_found;
	struct work w;
	bool ok;

	if (!work_init(&w, c, true))
		goto out;
	code = CLI_usage;
	if (!wish_make(&w, &wish))
		goto out;
	ok = keys_file_add(c->env, buf_str(&w.text), &wish, &edit);
	code = finish(&w, &edit, ok, "is");
out:
	work_fini(&w);
	return code;
}

/* ---- changes ---- */

int
verb_keys_rotate(struct cli *c)
{
	const char *overlap = c->opt[OPT_overlap];
	struct keys_edit edit = {0};
	int64_t overlap_s = DAY_S;
	int code = CLI_found;
	struct work w;
	bool ok;

	if (overlap != NULL && strcmp(overlap, "0") == 0)
		overlap_s = 0;
	else if (overlap != NULL && !when_span(str_of(overlap), &overlap_s))
		return cli_misuse(c, "--overlap: expected 24h, 7d or 0");
	if (!work_init(&w, c, true))
		goto out;
	ok = keys_file_rotate(c->env, buf_str(&w.text), c->arg[0], overlap_s, &edit);
	code = finish(&w, &edit, ok, "has a new secret");
out:
	work_fini(&w);
	return code;
}

static int
change(struct cli *c, enum key_change what, const char *done)
{
	struct keys_edit edit = {0};
	int code = CLI_found;
	struct work w;
	bool ok;

	if (!work_init(&w, c, true))
		goto out;
	ok = keys_file_change(buf_str(&w.text), c->arg[0], what, &edit);
	code = finish(&w, &edit, ok, done);
out:
	work_fini(&w);
	return code;
}

int
verb_keys_pause(struct cli *c)
{
	return change(c, KEY_pause, "is paused");
}

/* What a daemon has paused by itself is in its state, not in the file. */
static int
lift_pause(struct cli *c)
{
	const char *target = arena_printf(c->mem, "/admin/keys/%s/resume", c->arg[0]);
	struct buf body;
	long status;

	buf_init(&body, OUT_BYTES);
	status = daemon_tell(c, target, "{}", &body);
	if (status == 0)
		fputs("no daemon answers (FRUGALD_URL names it): if it has paused the "
		      "key for what it spent (runaway), it still is\n",
		    stderr);
	else if (status / 100 == 2 && strstr(body.p, "\"was_paused\":true") != NULL)
		fputs(
		    "the running daemon had paused it for what it spent (runaway) and "
		    "lets it in again\n",
		    stderr);
	buf_fini(&body);
	/* A daemon that runs on another file does not know the key. */
	return status == 0 || status == 404 || status / 100 == 2 ? CLI_fine : CLI_found;
}

int
verb_keys_resume(struct cli *c)
{
	int code = change(c, KEY_resume, "is no longer paused");

	return code == CLI_fine ? lift_pause(c) : code;
}

int
verb_keys_revoke(struct cli *c)
{
	return change(c, KEY_revoke, "is revoked");
}

/* ---- list ---- */

struct listing {
	struct cli *cli;
	int64_t now_s;
	struct table *table;
	struct json json;
	struct buf out;
	unsigned count;
};

static const char *
standing(const struct key_record *k, int64_t now_s)
{
	if (k->revoked)
		return "revoked";
	if (k->expires_s >= 0 && k->expires_s <= now_s)
		return "expired";
	return k->paused ? "paused" : "in use";
}

const char *
keys_joined(struct cli *c, const char *const *words)
{
	const char *all = "";

	for (size_t i = 0; words != NULL && words[i] != NULL; i++)
		all = arena_printf(c->mem, "%s%s%s", all, i == 0 ? "" : ", ", words[i]);
	return all;
}

static const char *
day(struct cli *c, int64_t utc_s, const char *none)
{
	char text[WHEN_TEXT];

	if (utc_s < 0)
		return none;
	when_put_day(utc_s, text);
	return arena_str(c->mem, str_of(text));
}

void
keys_put_texts(struct json *j, const char *key, const char *const *texts)
{
	if (texts == NULL) {
		json_put_null(j, key);
		return;
	}
	json_array_begin(j, key);
	for (size_t i = 0; texts[i] != NULL; i++)
		json_str(j, NULL, str_of(texts[i]));
	json_array_end(j);
}

static void
put_text(struct json *j, const char *key, const char *text)
{
	if (text == NULL)
		json_put_null(j, key);
	else
		json_str(j, key, str_of(text));
}

static void
put_time(struct json *j, const char *key, int64_t utc_s)
{
	char text[WHEN_TEXT];

	if (utc_s >= 0)
		when_put_time(utc_s, text);
	put_text(j, key, utc_s < 0 ? NULL : text);
}

static void
put_key(struct json *j, const struct key_record *k, const char *stands)
{
	json_object_begin(j, NULL);
	put_text(j, "name", k->name);
	put_text(j, "team", k->team);
	put_text(j, "data", k->data);
	put_text(j, "hint", k->hint);
	put_text(j, "standing", stands);
	put_time(j, "created", k->created_s);
	put_time(j, "expires", k->expires_s);
	keys_put_texts(j, "may_use", k->limits.may_use);
	keys_put_texts(j, "tags", k->tags);
	keys_limits_json(&k->limits, j);
	json_object_end(j);
}

static void
on_key(void *arg, const struct key_record *k)
{
	struct listing *l = arg;
	struct cli *c = l->cli;

	l->count++;
	if (c->opt[OPT_json] != NULL) {
		put_key(&l->json, k, standing(k, l->now_s));
		return;
	}
	table_cell(l->table, "%s", k->name);
	table_cell(l->table, "%s", standing(k, l->now_s));
	table_cell(l->table, "%s", k->team == NULL ? "-" : k->team);
	table_cell(l->table, "%s", k->hint == NULL ? "" : k->hint);
	table_cell(l->table, "%s", day(c, k->expires_s, "never"));
	table_cell(l->table, "%s",
	    k->limits.may_use == NULL ? "all" : keys_joined(c, k->limits.may_use));
	table_cell(l->table, "%s", keys_limits_text(c, &k->limits));
	table_cell(l->table, "%s", k->data == NULL ? "" : k->data);
	table_cell(l->table, "%s", keys_joined(c, k->tags));
	table_cell(l->table, "%s", day(c, k->created_s, "-"));
}

static void
listing_init(struct listing *l, struct cli *c)
{
	static const char *const titles[] = {"key", "standing", "team", "hint",
	    "expires", "may use", "limits", "data", "tags", "made"};

	*l = (struct listing){.cli = c, .now_s = c->env->wall_ns(c->env) / NS_PER_S};
	buf_init(&l->out, OUT_BYTES);
	json_init(&l->json, &l->out);
	json_object_begin(&l->json, NULL);
	json_array_begin(&l->json, "keys");
	l->table = table_new(c->mem);
	for (size_t i = 0; i < nitems(titles); i++)
		table_column(l->table, titles[i], false);
}

static void
print_listing(struct listing *l)
{
	if (l->cli->opt[OPT_json] != NULL) {
		json_array_end(&l->json);
		json_object_end(&l->json);
	} else if (l->count == 0) {
		buf_clear(&l->out);
		buf_add(&l->out, "no keys yet; `frugald keys add NAME` makes one\n");
	} else {
		buf_clear(&l->out);
		table_print(l->table, terminal_width(), &l->out);
	}
	printf("%s%s", l->out.p, l->cli->opt[OPT_json] != NULL ? "\n" : "");
}

int
verb_keys_list(struct cli *c)
{
	struct diag *d = diag_new();
	int code = CLI_found;
	struct listing l;
	struct work w;

	listing_init(&l, c);
	if (!work_init(&w, c, false))
		goto out;
	if (keys_file_each(buf_str(&w.text), w.path, d, on_key, &l)) {
		print_listing(&l);
		code = CLI_fine;
	}
	cli_print_findings(d);
out:
	buf_fini(&l.out);
	work_fini(&w);
	diag_free(d);
	return code;
}
