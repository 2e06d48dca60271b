/* poll_read.c: what a local machine's server tells of itself: Prometheus' text form (of
 * vLLM and llama.cpp), llama.cpp's slots, Ollama's loaded models. Every byte of it is
 * hostile. */
#include "poll_read.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "queue.h"

/* Up to here doubles count one by one. */
#define COUNT_MAX 9e15

/* ---- Prometheus' text form ---- */

enum told_field { TOLD_running, TOLD_waiting, TOLD_kv_share, TOLD_tokens, TOLD_FIELDS };

struct metric {
	enum poll_page page;
	const char *name;
	enum told_field field; /* shares: the greatest; others: the sum of all labels */
};

static const struct metric metrics[] = {
    {PAGE_vllm_metrics, "vllm:num_requests_running", TOLD_running},
    {PAGE_vllm_metrics, "vllm:num_requests_waiting", TOLD_waiting},
    {PAGE_vllm_metrics, "vllm:kv_cache_usage_perc", TOLD_kv_share},
    {PAGE_vllm_metrics, "vllm:gpu_cache_usage_perc", TOLD_kv_share}, /* older */
    {PAGE_vllm_metrics, "vllm:generation_tokens_total", TOLD_tokens},
    {PAGE_llamacpp_metrics, "llamacpp:requests_processing", TOLD_running},
    {PAGE_llamacpp_metrics, "llamacpp:requests_deferred", TOLD_waiting},
    {PAGE_llamacpp_metrics, "llamacpp:kv_cache_usage_ratio", TOLD_kv_share},
    {PAGE_llamacpp_metrics, "llamacpp:tokens_predicted_total", TOLD_tokens},
};

/* One that cannot be spoils the sum that it belongs to. */
struct sums {
	double value[TOLD_FIELDS];
	bool seen[TOLD_FIELDS], bad[TOLD_FIELDS];
};

static const struct metric *
metric_of(enum poll_page page, struct str name)
{
	for (size_t i = 0; i < nitems(metrics); i++) {
		if (metrics[i].page == page && str_is(name, metrics[i].name))
			return &metrics[i];
	}
	return NULL;
}

/* What follows the labels; a label's value may hold a brace. Empty: they do not end. */
static struct str
after_labels(struct str rest)
{
	bool quoted = false;

	for (size_t i = 0; i < rest.len; i++) {
		if (quoted && rest.p[i] == '\\')
			i++;
		else if (rest.p[i] == '"')
			quoted = !quoted;
		else if (rest.p[i] == '}' && !quoted)
			return str_skip(rest, i + 1);
	}
	return str_make("", 0);
}

static size_t
word_len(struct str s, const char *ends)
{
	size_t n = 0;

	while (n < s.len && strchr(ends, s.p[n]) == NULL)
		n++;
	return n;
}

/* NaN and infinities have letters of their own. */
static bool
read_number(struct str word, double *ret)
{
	char text[64], *end;
	double v;

	if (word.len == 0 || word.len >= sizeof(text))
		return false;
	for (size_t i = 0; i < word.len; i++) {
		if (word.p[i] == '\0' || strchr("0123456789+-.eE", word.p[i]) == NULL)
			return false;
	}
	(void)str_copy(text, sizeof(text), word);
	v = strtod(text, &end);
	if (*end != '\0' || !isfinite(v) || v < 0 || v > COUNT_MAX)
		return false;
	*ret = v;
	return true;
}

static void
add_sample(struct sums *s, enum told_field f, struct str word)
{
	double v;

	s->seen[f] = true;
	if (!read_number(word, &v) || (f == TOLD_kv_share && v > 1))
		s->bad[f] = true;
	else if (f == TOLD_kv_share)
		s->value[f] = fmax(s->value[f], v);
	else
		s->value[f] += v;
}

static void
read_line(enum poll_page page, struct str line, struct sums *s)
{
	const struct metric *m;
	struct str rest;
	size_t n;

	line = str_trim(line);
	n = word_len(line, "{ \t");
	m = metric_of(page, str_make(line.p, n));
	if (m == NULL)
		return;
	rest = str_skip(line, n);
	if (rest.len > 0 && rest.p[0] == '{')
		rest = after_labels(rest);
	rest = str_trim(rest);
	/* A time may follow. */
	add_sample(s, m->field, str_make(rest.p, word_len(rest, " \t")));
}

static bool
is_told(const struct sums *s, enum told_field f, double max)
{
	return s->seen[f] && !s->bad[f] && s->value[f] <= max;
}

static bool
read_metrics(enum poll_page page, struct str body, struct told *ret)
{
	struct sums s = {.value = {0}};
	struct str line;
	bool any;

	while (body.len > 0 && str_split(&body, '\n', &line))
		read_line(page, line, &s);
	if ((any = is_told(&s, TOLD_running, INT32_MAX)))
		ret->running = (int32_t)s.value[TOLD_running];
	if (is_told(&s, TOLD_waiting, INT32_MAX)) {
		ret->waiting = (int32_t)s.value[TOLD_waiting];
		any = true;
	}
	if (is_told(&s, TOLD_kv_share, 1)) {
		ret->kv_share = s.value[TOLD_kv_share];
		any = true;
	}
	if (is_told(&s, TOLD_tokens, COUNT_MAX)) {
		ret->tokens = (int64_t)s.value[TOLD_tokens];
		any = true;
	}
	return any;
}

/* ---- JSON ---- */

/* 1: in use; 0: free; -1: it does not say. Older servers give a number, 0 when idle. */
static int
slot_in_use(const json_t *slot)
{
	const json_t *processing = json_object_get(slot, "is_processing");
	const json_t *state = json_object_get(slot, "state");

	if (json_is_boolean(processing))
		return json_is_true(processing);
	return json_is_integer(state) ? json_integer_value(state) != 0 : -1;
}

static bool
read_slots(const json_t *root, struct told *ret)
{
	size_t slots = json_array_size(root);
	int32_t running = 0;

	if (slots == 0)
		return false;
	for (size_t i = 0; i < slots; i++) {
		int used = slot_in_use(json_array_get(root, i));

		if (used < 0)
			return false;
		running += used;
	}
	ret->slots = (int32_t)slots; /* a page has not more than its bytes */
	ret->running = running;
	return true;
}

/* More than we can keep, or no names: then nobody can say what is not loaded. */
static bool
read_models(const json_t *root, struct told *ret)
{
	const json_t *models = json_object_get(root, "models");
	size_t n = json_array_size(models);

	if (!json_is_array(models) || n > TOLD_MODELS)
		return false;
	for (size_t i = 0; i < n; i++) {
		const json_t *name = json_object_get(json_array_get(models, i), "name");

		if (!json_is_string(name) || json_string_length(name) >= TOLD_NAME)
			return false;
	}
	for (size_t i = 0; i < n; i++) {
		const json_t *name = json_object_get(json_array_get(models, i), "name");

		(void)str_copy(
		    ret->model[i], TOLD_NAME, str_of(json_string_value(name)));
	}
	ret->models = (unsigned)n;
	ret->on_demand = true;
	return true;
}

bool
poll_read(enum poll_page page, struct str body, struct told *ret)
{
	json_t *root;
	bool any;

	if (page == PAGE_vllm_metrics || page == PAGE_llamacpp_metrics)
		return read_metrics(page, body, ret);
	root = json_loadb(body.p, body.len, 0, NULL);
	any = page == PAGE_llamacpp_slots ? read_slots(root, ret)
					  : read_models(root, ret);
	json_decref(root);
	return any;
}
