/* report_classifier.c: what the classifier says of traffic (GET /admin/classifier), for
 * a terminal. */
#include <jansson.h>
#include <stdio.h>

#include "client.h"
#include "figures.h"
#include "report.h"
#include "table.h"

static const json_t *
at(const json_t *o, const char *key)
{
	return json_object_get(o, key);
}

static const char *
text(const json_t *v)
{
	const char *s = json_string_value(v);

	return s == NULL ? "" : s;
}

static const char *
share(struct cli *c, const json_t *v)
{
	return json_is_number(v) ? figure_share(c->mem, json_number_value(v)) : "-";
}

static const char *
state_of(const char *word)
{
	static const char *const words[][2] = {
	    {"stable", "as in the training set"},
	    {"moving", "moving away from it"},
	    {"moved", "moved away: see docs/classifier.md, Drift"},
	    {"too_few", "too few requests to judge"},
	    {"no_profile",
		"the weights know too few labelled requests to compare with"},
	};

	for (size_t i = 0; i < nitems(words); i++) {
		if (str_is(str_of(word), words[i][0]))
			return words[i][1];
	}
	return word;
}

static void
put_figure(struct cli *c, const json_t *figure, struct buf *out)
{
	struct table *t = table_new(c->mem);
	const json_t *psi = at(figure, "psi"), *bin;
	size_t i;

	table_column(t, text(at(figure, "figure")), false);
	table_column(t, "training", true);
	table_column(t, "now", true);
	json_array_foreach(at(figure, "bins"), i, bin)
	{
		table_cell(t, "%s", text(at(bin, "bin")));
		table_cell(t, "%s", share(c, at(bin, "training")));
		table_cell(t, "%s", share(c, at(bin, "now")));
	}
	buf_add(out, "\n");
	table_print(t, terminal_width(), out);
	if (json_is_number(psi))
		buf_printf(out, "PSI %.3f: ", json_number_value(psi));
	buf_printf(out, "%s\n", state_of(text(at(figure, "state"))));
}

static void
put_answer(struct cli *c, const json_t *root, struct buf *out)
{
	const json_t *v;
	size_t i;

	buf_printf(out,
	    "classifier %s, %s requests judged, the last %s against %s of its training "
	    "set; unknown words: %s\n",
	    text_shown(c->mem, str_of(text(at(root, "weights"))), 20),
	    figure_count(c->mem, json_integer_value(at(root, "requests"))),
	    figure_count(c->mem, json_integer_value(at(root, "window_requests"))),
	    figure_count(c->mem, json_integer_value(at(root, "training_requests"))),
	    share(c, at(root, "unknown_words_share")));
	json_array_foreach(at(root, "figures"), i, v)
	{
		put_figure(c, v, out);
	}
	json_array_foreach(at(root, "events"), i, v)
	{
		buf_printf(out, "%s%s  %s\n", i == 0 ? "\n" : "", text(at(v, "ts")),
		    text_shown(c->mem, str_of(text(at(v, "text"))), 500));
	}
}

int
report_classifier(struct cli *c)
{
	int code = CLI_found;
	struct buf body;

	if (!str_is(str_of(c->opt[OPT_show]), "classifier"))
		return cli_misuse(c, "--show: there are: classifier, outlook");
	if (c->opt[OPT_state] != NULL)
		return cli_misuse(c,
		    "--show classifier asks a running daemon: what it counts is in no "
		    "file; leave out --state");
	buf_init(&body, ANSWER_BYTES);
	if (daemon_ask(c, "/admin/classifier", NULL, &body))
		code = report_shown(c, &body, put_answer);
	buf_fini(&body);
	return code;
}
