/* plan_words.h: a plan in the words of tests/table/route.tbl. */
#ifndef PLAN_WORDS_H
#define PLAN_WORDS_H

#include <stdio.h>

#include "core/request.h"

static inline void
add_name(const struct candidate *c, struct buf *ret)
{
	buf_printf(ret, "%s@%s%s%s", c->model->name, c->model->at[c->at].provider->name,
	    c->service != NULL ? "+" : "", c->service != NULL ? c->service : "");
}

static inline void
add_flags(const struct plan *p, struct buf *ret)
{
	buf_printf(ret, "%s%s%s%s", p->pinned ? " pinned" : "",
	    p->stayed ? " stayed" : "", p->unsure ? " unsure" : "",
	    p->below_quality ? " below" : "");
}

/* Everything that a case may ask for, as words; the line of usable ones comes first. */
static inline void
describe(const struct plan *p, struct buf *ret)
{
	buf_add(ret, p->usable == 0 ? "refused" : "");
	for (unsigned i = 0; i < p->usable; i++) {
		buf_add(ret, i > 0 ? ">" : "");
		add_name(&p->candidate[i], ret);
	}
	add_flags(p, ret);
	if (p->usable > 0)
		buf_printf(ret, " why=%s", reason_name(p->candidate[0].reason));
	else
		buf_printf(ret, " %s", outcome_name(p->refusal));
	buf_printf(ret, " mode=%s decided=%s data=%s tier=%s param=%s",
	    mode_name(p->mode), p->decided != NULL ? p->decided->name : "-",
	    p->data != NULL ? p->data->name : "-",
	    p->usable > 0 && p->candidate[0].service != NULL ? p->candidate[0].service
							     : "-",
	    p->refusal_param != NULL ? p->refusal_param : "-");
	for (unsigned i = 0; i < p->count; i++) {
		const struct candidate *c = &p->candidate[i];

		buf_add(ret, " ");
		add_name(c, ret);
		buf_printf(ret, ":%s", reason_name(c->reason));
		if (c->rule >= 0)
			buf_printf(ret, "/%d", c->rule + 1);
		buf_printf(ret, " %s=$%.6f %s~%.3f %s<%lld", c->model->name,
		    c->cost_usd, c->model->name, c->success, c->model->name,
		    (long long)c->max_output);
	}
	if (p->spilled > 0) {
		buf_add(ret, " spilled=");
		add_name(&p->candidate[p->spilled], ret);
	}
	buf_printf(ret, " then=%s pair=$%.6f pair~%.3f",
	    p->escalate_to > 0 ? p->candidate[p->escalate_to].model->name : "-",
	    p->cascade_cost_usd, p->cascade_success);
	buf_printf(ret, " baseline=$%.6f %s=$%.6f", p->baseline_cost_usd,
	    p->keeps_cache ? "keeps" : "leaves", p->switch_usd);
	buf_printf(ret, " \"%s\" ", p->refusal_text);
}

/* Is the word one of the words of the text? */
static inline bool
has_word(struct str text, struct str word)
{
	struct str w;

	while (str_split(&text, ' ', &w)) {
		if (str_eq(w, word))
			return true;
	}
	return false;
}

/* Flags must be named, all else may. */
static inline bool
flags_fit(struct str description, struct str want)
{
	static const char *const flags[] = {"pinned", "stayed", "unsure", "below"};

	for (size_t i = 0; i < nitems(flags); i++) {
		if (has_word(description, str_of(flags[i])) !=
		    has_word(want, str_of(flags[i])))
			return false;
	}
	return true;
}

static inline bool
fits(const char *description, struct str want)
{
	struct str have = str_of(description), first, word, all = want;

	(void)str_split(&have, ' ', &first);
	(void)str_split(&want, ' ', &word);
	if (!str_glob(word, first))
		return false;
	while (str_split(&want, ' ', &word)) {
		if (word.len > 0 && word.p[0] == '"') { /* the rest is a text */
			char text[256];

			str_copy(text, sizeof(text),
			    str_make(
				word.p + 1, (size_t)(all.p + all.len - word.p - 2)));
			return strstr(description, text) != NULL &&
			       flags_fit(str_of(description), all);
		}
		if (word.len > 0 && !has_word(str_of(description), word))
			return false;
	}
	return flags_fit(str_of(description), all);
}

#endif
