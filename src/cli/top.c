/* top.c: `frugald top`: what runs right now and who spends, anew each second on a
 * terminal. */
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "figures.h"
#include "report.h"
#include "table.h"

#define OUT_BYTES  ((size_t)1 << 20)
#define MEM_BYTES  ((size_t)16 << 20)
#define EVERY_MS   1000
#define KEYS_MOST  15
#define CALLS_MOST 15
#define CAPS_MOST  8
/* From this share of its cap on a budget is shown. */
#define NEAR 0.5

/* To the upper left corner, and everything below it is gone. */
#define CLEAR "\x1b[H\x1b[J"

static const json_t *
at(const json_t *o, const char *key)
{
	return json_object_get(o, key);
}

static const char *
text(const json_t *o, const char *key)
{
	const char *s = json_string_value(at(o, key));

	return s == NULL ? "" : s;
}

static struct pusd_sum
usd(const json_t *o, const char *key)
{
	struct pusd_sum v = {0};

	(void)figure_read(str_of(text(o, key)), &v);
	return v;
}

static const char *
count(struct cli *c, const json_t *o, const char *key)
{
	return figure_count(c->mem, json_integer_value(at(o, key)));
}

/* As little as a hundredth of the greatest is to be seen. */
static const char *
money(struct cli *c, struct pusd_sum v)
{
	return figure_money(c->mem, v, figure_places(v));
}

/* ---- parts ---- */

static void
put_head(struct cli *c, const json_t *root, struct buf *out)
{
	const json_t *minute = at(root, "minute");
	const char *when = text(root, "at");
	double each_s = json_number_value(at(minute, "requests")) / 60;

	buf_printf(out,
	    "frugald top   %.8s UTC   %s under way, %s of them not sent yet   "
	    "%.1f requests/s   $%s in the last minute, $%s in the last hour%s\n\n",
	    strlen(when) > 19 ? when + 11 : "", count(c, root, "in_flight"),
	    count(c, root, "waiting"), each_s, money(c, usd(minute, "usd")),
	    money(c, usd(at(root, "hour"), "usd")),
	    json_is_true(at(root, "whole")) ? "" : "   (a worker does not answer)");
}

static void
put_keys(struct cli *c, const json_t *root, struct buf *out)
{
	static const char *const titles[] = {
	    "under way", "requests/min", "USD/min", "requests/h", "USD/h", "refused/h"};
	struct table *t = table_new(c->mem);
	const json_t *k;
	size_t i;

	table_column(t, "key", false);
	table_column(t, "team", false);
	for (i = 0; i < nitems(titles); i++)
		table_column(t, titles[i], true);
	json_array_foreach(at(root, "keys"), i, k)
	{
		const json_t *minute = at(k, "minute"), *hour = at(k, "hour");

		if (i == KEYS_MOST)
			break;
		table_cell(
		    t, "%s", text(k, "key")[0] == '\0' ? "(others)" : text(k, "key"));
		table_cell(t, "%s", text(k, "team"));
		table_cell(t, "%s", count(c, k, "in_flight"));
		table_cell(t, "%s", count(c, minute, "requests"));
		table_cell(t, "%s", money(c, usd(minute, "usd")));
		table_cell(t, "%s", count(c, hour, "requests"));
		table_cell(t, "%s", money(c, usd(hour, "usd")));
		table_cell(t, "%s",
		    json_integer_value(at(hour, "refused")) > 0
			? count(c, hour, "refused")
			: "");
	}
	if (json_array_size(at(root, "keys")) == 0)
		buf_add(out, "nobody has asked for anything in the last hour\n");
	else
		table_print(t, terminal_width(), out);
}

static void
put_calls(struct cli *c, const json_t *root, struct buf *out)
{
	struct table *t = table_new(c->mem);
	const json_t *v;
	size_t i;

	if (json_array_size(at(root, "calls")) == 0)
		return;
	table_column(t, "under way at", false);
	table_column(t, "provider", false);
	table_column(t, "of key", false);
	table_column(t, "requests", true);
	table_column(t, "oldest", true);
	json_array_foreach(at(root, "calls"), i, v)
	{
		if (i == CALLS_MOST)
			break;
		table_cell(t, "%s",
		    text(v, "model")[0] == '\0' ? "(not sent yet)" : text(v, "model"));
		table_cell(t, "%s", text(v, "provider"));
		table_cell(t, "%s", text(v, "key"));
		table_cell(t, "%s", count(c, v, "in_flight"));
		table_cell(
		    t, "%s", figure_ms(c->mem, json_integer_value(at(v, "oldest_ms"))));
	}
	buf_add(out, "\n");
	table_print(t, terminal_width(), out);
}

static double
used(const json_t *budget)
{
	struct pusd_sum cap = usd(budget, "cap_usd");
	struct pusd_sum taken = usd(budget, "spent_usd"),
			held = usd(budget, "held_usd");

	return cap.v > 0 ? (double)(taken.v + held.v) / (double)cap.v : 1;
}

/* Those that are near their cap. */
static void
put_caps(struct cli *c, const json_t *root, struct buf *out)
{
	static const char *const titles[] = {"spent", "held", "cap", "used"};
	struct table *t = table_new(c->mem);
	unsigned shown = 0;
	const json_t *b;
	size_t i;

	table_column(t, "budget", false);
	table_column(t, "per", false);
	for (i = 0; i < nitems(titles); i++)
		table_column(t, titles[i], true);
	table_column(t, "begins anew", false);
	json_array_foreach(at(root, "budgets"), i, b)
	{
		if (used(b) < NEAR || shown == CAPS_MOST)
			continue;
		table_cell(t, "%s", text(b, "scope"));
		table_cell(t, "%s", text(b, "per"));
		table_cell(t, "%s", money(c, usd(b, "spent_usd")));
		table_cell(t, "%s", money(c, usd(b, "held_usd")));
		table_cell(t, "%s", money(c, usd(b, "cap_usd")));
		table_cell(t, "%s", figure_share(c->mem, used(b)));
		table_cell(t, "%.16s", text(b, "resets_at"));
		shown++;
	}
	if (shown == 0)
		return;
	buf_add(out, "\n");
	table_print(t, terminal_width(), out);
}

static void
put_paused(struct cli *c, const json_t *root, struct buf *out)
{
	const json_t *p;
	size_t i;

	json_array_foreach(at(root, "paused"), i, p)
	{
		buf_printf(out, "%skey %s is paused: it spent $%s in a minute\n",
		    i == 0 ? "\n" : "", text(p, "key"), money(c, usd(p, "spent_usd")));
	}
}

/* ---- once, or each second ---- */

static void
put_lines(struct cli *c, struct str rest)
{
	unsigned width = terminal_width();
	struct str line;

	while (rest.len > 0 && str_split(&rest, '\n', &line))
		printf("%s\n", text_shown(c->mem, line, width));
}

static void
put_all(struct cli *c, const json_t *root, bool again)
{
	struct buf out;

	buf_init(&out, OUT_BYTES);
	put_head(c, root, &out);
	put_keys(c, root, &out);
	put_calls(c, root, &out);
	put_caps(c, root, &out);
	put_paused(c, root, &out);
	report_machines_view(c, at(root, "machines"), &out);
	if (again)
		fputs(CLEAR, stdout);
	put_lines(c, buf_str(&out));
	fflush(stdout);
	buf_fini(&out);
}

/* Gives the exit code. */
static int
show(struct cli *c, bool again)
{
	int code = CLI_found;
	json_t *root = NULL;
	struct buf body;

	buf_init(&body, ANSWER_BYTES);
	if (!daemon_ask(c, "/admin/top", NULL, &body))
		goto out;
	root = json_loadb(body.p, body.len, 0, NULL);
	if (root == NULL) {
		cli_fail("what answers is no frugald");
		goto out;
	}
	if (c->opt[OPT_json] != NULL)
		puts(body.p);
	else
		put_all(c, root, again);
	code = CLI_fine;
out:
	json_decref(root);
	buf_fini(&body);
	return code;
}

int
verb_top(struct cli *c)
{
	struct arena *mem = c->mem;
	bool again = c->opt[OPT_once] == NULL && c->opt[OPT_json] == NULL &&
		     isatty(STDOUT_FILENO) == 1;
	int code;

	do {
		/* What is shown once is gone the next time. */
		c->mem = arena_new(MEM_BYTES);
		code = show(c, again);
		arena_free(c->mem);
		c->mem = mem;
	} while (again && code == CLI_fine && poll(NULL, 0, EVERY_MS) == 0);
	return code;
}
