/* route_case.h: the cases of tests/table/route.tbl, which says how to read them. */
#ifndef ROUTE_CASE_H
#define ROUTE_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/request.h"
#include "table_pace.h"

#define TABLE  "tests/table/route.tbl"
#define POLICY "tests/table/route.yaml"

/* Wednesday, 2026-11-25 12:00 UTC. */
#define NOON 1795608000

struct bench {
	struct snapshot *snap, *kept; /* the second as the ledger keeps it */
	unsigned line, failed, cases;
	uint64_t outside; /* reasons for which somebody outside the wall would serve */
	char *name;       /* of the case */
};

struct request_case {
	struct task task;
	struct verdict verdict;
	struct principal who;
	struct session_view session;
	struct tag tags[4];
	struct signal signal[MODELS_MAX][MODEL_PROVIDERS_MAX];
	bool no_flex;
	struct outlook outlook;
	struct outlook_pace pace[TABLE_PACES];
	struct route_input in;
};

static inline double
number(struct str s)
{
	char text[64];

	str_copy(text, sizeof(text), s);
	return strtod(text, NULL);
}

static inline int64_t
integer(struct str s)
{
	return (int64_t)number(s);
}

static inline void
bad(const struct bench *b, const char *what, struct str word)
{
	fail_msg("%s:%u: %s: '%.*s'", TABLE, b->line, what, (int)word.len, word.p);
}

static inline const struct model *
model_named(const struct bench *b, struct str name)
{
	const struct model *m = snapshot_model(b->snap, name);

	if (m == NULL)
		bad(b, "no such model", name);
	return m;
}

/* ---- the request ---- */

static inline void
set_key(struct bench *b, struct str name, struct principal *ret)
{
	for (unsigned i = 0; i < b->snap->key_count; i++) {
		const struct key_entry *k = &b->snap->keys[i];

		if (!str_is(name, k->name))
			continue;
		*ret = (struct principal){
		    .key = k, .team = k->team, .key_name = k->name, .team_name = ""};
		if (k->team != NULL)
			ret->team_name = k->team->name;
		return;
	}
	bad(b, "no such key", name);
}

static inline void
set_needs(struct bench *b, struct str list, uint32_t *ret)
{
	struct str word;
	enum capability c;

	while (str_split(&list, ',', &word)) {
		if (!capability_parse(word, &c))
			bad(b, "no such capability", word);
		*ret |= 1U << c;
	}
}

static inline void
set_bound(struct bench *b, struct str word, enum bound_kind *ret)
{
	static const char *const kinds[] = {
	    "none", "signature", "encrypted", "file", "state"};

	for (size_t i = 0; i < nitems(kinds); i++) {
		if (str_is(word, kinds[i])) {
			*ret = (enum bound_kind)i;
			return;
		}
	}
	bad(b, "nothing is bound so", word);
}

/* luna@us, 30 s ago, with a prompt that may be cached. */
static inline void
set_session(struct bench *b, struct str word, struct session_view *ret)
{
	struct str model;

	(void)str_split(&word, '@', &model);
	ret->known = true;
	ret->turns = 2;
	ret->idle_ms = 30000;
	ret->model = str_is(model, "gone") ? NULL : model_named(b, model);
	if (word.len > 0)
		ret->provider = snapshot_provider(b->snap, word);
}

static inline enum task_class
class_named(struct bench *b, struct str word)
{
	enum task_class c = CLASS_chat;

	if (!class_parse(word, &c))
		bad(b, "no such class", word);
	return c;
}

/* maths:0.6,chat:0.4 */
static inline void
set_classes(struct bench *b, struct str list, float ret[CLASS_COUNT])
{
	struct str word, name;

	while (str_split(&list, ',', &word)) {
		(void)str_split(&word, ':', &name);
		ret[class_named(b, name)] = (float)number(word);
	}
}

static inline void
set_path(struct bench *b, struct str word, struct task *ret)
{
	ret->dialect =
	    str_starts(word, STR("chat")) ? &dialect_openai : &dialect_anthropic;
	if (str_is(word, "count") || str_is(word, "chat-count"))
		ret->endpoint = EP_count_tokens;
	else if (!str_is(word, "chat") && !str_is(word, "messages"))
		bad(b, "no such path", word);
}

static inline struct signal
signal_of(void *arg, const struct candidate *c)
{
	struct request_case *of = arg;

	if (c->service != NULL && of->no_flex)
		return (struct signal){
		    .up = false, .ttft_ms = -1, .wait_ms = -1, .wait_high_ms = -1};
	return of->signal[c->model->index][c->at];
}

/* down=us,luna@eu: everybody of a provider, or one model there. */
static inline void
set_down(struct bench *b, struct str list, struct request_case *c)
{
	struct str word;

	while (str_split(&list, ',', &word)) {
		const struct provider *p = snapshot_provider(b->snap, word);
		const struct model *only = NULL;
		struct str at = word, name;

		if (p == NULL) {
			(void)str_split(&at, '@', &name);
			only = model_named(b, name);
			p = snapshot_provider(b->snap, at);
		}
		for (unsigned i = 0; i < b->snap->model_count; i++) {
			const struct model *m = &b->snap->models[i];

			for (unsigned k = 0; k < m->ats; k++)
				c->signal[i][k].up &= m->at[k].provider != p ||
						      (only != NULL && m != only);
		}
	}
}

/* slow=luna:5000: its first byte takes 5 s everywhere. */
static inline void
set_slow(struct bench *b, struct str list, struct request_case *c)
{
	struct str word, name;

	while (str_split(&list, ',', &word)) {
		const struct model *m;

		(void)str_split(&word, ':', &name);
		m = model_named(b, name);
		for (unsigned i = 0; i < m->ats; i++)
			c->signal[m->index][i].ttft_ms = (int32_t)integer(word);
	}
}

static inline void
set_queue(struct request_case *c, const struct model *m, struct str provider,
    const struct signal *queue)
{
	for (unsigned k = 0; k < m->ats; k++) {
		if (!str_is(provider, m->at[k].provider->name))
			continue;
		c->signal[m->index][k].wait_ms = queue->wait_ms;
		c->signal[m->index][k].wait_high_ms = queue->wait_high_ms;
	}
}

/* wait=rack:5000/9000: that is its queue, and 9 s it was at most of late. */
static inline void
set_wait(struct bench *b, struct str list, struct request_case *c)
{
	struct str word, name, now;

	while (str_split(&list, ',', &word)) {
		struct signal queue = SIGNAL_UNKNOWN;

		(void)str_split(&word, ':', &name);
		if (snapshot_provider(b->snap, name) == NULL)
			bad(b, "no such provider", name);
		(void)str_split(&word, '/', &now);
		queue.wait_ms = (int32_t)integer(now);
		queue.wait_high_ms = (int32_t)integer(word.len > 0 ? word : now);
		for (unsigned i = 0; i < b->snap->model_count; i++)
			set_queue(c, &b->snap->models[i], name, &queue);
	}
}

/* At one hour of the day, or at all. */
static inline void
set_pace(struct bench *b, struct request_case *c, unsigned hour, struct str list)
{
	c->outlook.pace = c->pace;
	c->in.outlook = &c->outlook;
	if (!table_pace(b->snap, &c->outlook, hour, list))
		bad(b, "nobody has this pace", list);
}

/* share=team:sharing:0.6: what it has spent on frontier models this month. */
static inline void
set_share(struct bench *b, struct str word, struct request_case *c)
{
	struct outlook_share *s = &c->outlook.share[c->outlook.shares++];
	struct str of, name;

	(void)str_split(&word, ':', &of);
	(void)str_split(&word, ':', &name);
	if (!str_is(of, "team") && !str_is(of, "key"))
		bad(b, "a share is of a team or a key", of);
	s->of = str_is(of, "team") ? SHARE_team : SHARE_key;
	s->month = 2026 * 12 + 10;
	s->frontier = (float)number(word);
	str_copy(s->name, sizeof(s->name), name);
	c->in.outlook = &c->outlook;
}

static inline void
set_tag(struct request_case *c, struct str word)
{
	struct tag *t = &c->tags[c->in.tag_count++];

	(void)str_split(&word, ':', &t->name);
	t->value = word;
}

static inline void
set_numbers(struct bench *b, struct request_case *c, struct str key, struct str v)
{
	if (str_is(key, "x"))
		c->verdict.complexity = (float)number(v);
	else if (str_is(key, "sure"))
		c->verdict.confidence = (float)number(v);
	else if (str_is(key, "small"))
		c->verdict.p_small = (float)number(v);
	else if (str_is(key, "frontier"))
		c->verdict.p_frontier = (float)number(v);
	else if (str_is(key, "traffic"))
		c->verdict.traffic = (float)number(v);
	else if (str_is(key, "bytes"))
		c->task.text_bytes = (size_t)integer(v);
	else if (str_is(key, "max"))
		c->task.max_output = integer(v);
	else if (str_is(key, "n"))
		c->task.n = integer(v);
	else if (str_is(key, "minq"))
		c->in.min_quality = number(v);
	else if (str_is(key, "maxcost"))
		c->in.max_cost_usd = number(v);
	else if (str_is(key, "deadline"))
		c->in.deadline_ms = (int64_t)(number(v) * 1000);
	else if (str_is(key, "idle"))
		c->session.idle_ms = integer(v) * 1000;
	else if (str_is(key, "cached"))
		c->session.cached_tokens = integer(v);
	else if (str_is(key, "was"))
		c->session.complexity = (float)number(v);
	else if (str_is(key, "at"))
		c->in.wall_s = c->in.hours_s = integer(v);
	else if (str_is(key, "draw"))
		c->in.draw = (uint64_t)integer(v);
	else
		bad(b, "unknown word in the request", key);
}

static inline void
set_word(struct bench *b, struct request_case *c, struct str key, struct str v)
{
	if (str_is(key, "class"))
		c->verdict.class = class_named(b, v);
	else if (str_is(key, "perhaps"))
		set_classes(b, v, c->verdict.class_p);
	else if (str_is(key, "needs"))
		set_needs(b, v, &c->task.needs);
	else if (str_is(key, "bound"))
		set_bound(b, v, &c->task.bound);
	else if (str_is(key, "loop"))
		c->task.open_tool_call = true;
	else if (str_is(key, "follows"))
		c->verdict.follows = true;
	else if (str_is(key, "wasclass"))
		c->session.class = (int)class_named(b, v);
	else if (str_is(key, "key"))
		set_key(b, v, &c->who);
	else if (str_is(key, "data"))
		c->in.data = snapshot_data_class(b->snap, v);
	else if (str_is(key, "session"))
		set_session(b, v, &c->session);
	else if (str_is(key, "path"))
		set_path(b, v, &c->task);
	else if (str_is(key, "down"))
		set_down(b, v, c);
	else if (str_is(key, "slow"))
		set_slow(b, v, c);
	else if (str_is(key, "wait"))
		set_wait(b, v, c);
	else if (str_is(key, "pace"))
		set_pace(b, c, PACE_HOURS, v);
	else if (str_is(key, "noon"))
		set_pace(b, c, 12, v);
	else if (str_is(key, "noflex"))
		c->no_flex = true;
	else if (str_is(key, "tag"))
		set_tag(c, v);
	else if (str_is(key, "share"))
		set_share(b, v, c);
	else if (str_is(key, "mark"))
		c->task.cache_mark = str_is(v, "1h") ? CACHE_hour : CACHE_minutes;
	else if (str_is(key, "hour"))
		c->session.hour = true;
	else if (str_is(key, "tier"))
		c->task.service_tier = v;
	else if (str_is(key, "bypass"))
		c->in.bypass_mode = MODE_bypass;
	else
		set_numbers(b, c, key, v);
}

static inline void
read_request(struct bench *b, struct str words, struct request_case *c)
{
	struct str word, key;

	*c = (struct request_case){
	    .task = {.dialect = &dialect_openai,
		.endpoint = EP_generate,
		.max_output = -1,
		.n = 1,
		.best_of = 1,
		.messages = 1,
		.text_bytes = 4000},
	    .verdict = {.class = CLASS_chat, .confidence = 0.9F},
	    .who = {.key_name = "local", .team_name = ""},
	    .session = {.complexity = -1, .class = -1},
	    .in = {.min_quality = -1,
		.max_cost_usd = -1,
		.bypass_mode = MODE_COUNT,
		.wall_s = NOON,
		.hours_s = NOON,
		.signal = signal_of,
		.signal_arg = c,
		.draw = 50},
	};
	for (unsigned i = 0; i < MODELS_MAX * MODEL_PROVIDERS_MAX; i++)
		c->signal[i / MODEL_PROVIDERS_MAX][i % MODEL_PROVIDERS_MAX] =
		    SIGNAL_UNKNOWN;
	c->in.snap = b->snap;
	c->in.task = &c->task;
	c->in.verdict = &c->verdict;
	c->in.who = &c->who;
	c->in.session = &c->session;
	c->in.tags = c->tags;
	(void)str_split(&words, ' ', &c->task.model);
	while (str_split(&words, ' ', &word)) {
		if (word.len == 0)
			continue;
		(void)str_split(&word, '=', &key);
		set_word(b, c, key, word);
	}
}

/* ---- the cases of the table ---- */

typedef void case_fn(
    struct bench *b, struct str name, struct str request, struct str want);

static inline void
each_case(struct bench *b, case_fn *run)
{
	struct diag *d = diag_new();
	struct buf text;
	struct str rest, line;

	b->snap = snapshot_load(env_system(), POLICY, d);
	if (b->snap == NULL)
		fail_msg("%s does not load; frugald check says why", POLICY);
	buf_init(&text, 1 << 20);
	assert_true(env_system()->read_file(env_system(), TABLE, 1 << 19, &text));
	rest = buf_str(&text);
	while (str_split(&rest, '\n', &line)) {
		struct str name, request;

		b->line++;
		line = str_trim(line);
		if (line.len == 0 || line.p[0] == '#')
			continue;
		(void)str_split(&line, '|', &name);
		(void)str_split(&line, '|', &request);
		run(b, str_trim(name), str_trim(request), str_trim(line));
	}
	buf_fini(&text);
	diag_free(d);
	snapshot_unref(b->snap);
}

#endif
