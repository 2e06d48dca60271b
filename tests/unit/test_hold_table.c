/* libs: base core config auth meter budget parse */
/* test_hold_table.c: every line of tests/table/hold.tbl. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/request.h"

#define TABLE_BYTES 65536
#define PPM         1000000

static const struct provider anybody = {.contract_ppm = PPM};
static const struct model model = {.name = "luna",
    .context = 100000,
    .max_output = 2000,
    .at[0].provider = &anybody,
    .ats = 1};
static const struct dialect marking = {.caches_marked = true};

static void
fill_kinds(struct price_kinds *k, int64_t input, int64_t output)
{
	for (size_t i = 0; i < TOKEN_COUNT; i++)
		k->pusd[i] = -1;
	k->pusd[TOKEN_input_uncached] = input;
	k->pusd[TOKEN_cache_read] = input / 10;
	k->pusd[TOKEN_output] = output;
}

static bool
row_named(struct str name, struct price_row *r)
{
	*r = (struct price_row){.id = "x", .call_pusd = -1};
	fill_kinds(&r->kinds, 100, 500);
	if (str_is(name, "writes")) {
		r->kinds.pusd[TOKEN_cache_write_5m] = 125;
		r->kinds.pusd[TOKEN_cache_write_1h] = 200;
	} else if (str_is(name, "parts")) {
		r->kinds.pusd[TOKEN_image_input] = 300;
		r->kinds.pusd[TOKEN_audio_input] = 900;
		r->kinds.pusd[TOKEN_audio_output] = 2000;
	} else if (str_is(name, "tiers")) {
		r->tiers = 2;
		r->tier[0].above = 1000;
		fill_kinds(&r->tier[0].kinds, 200, 900);
		r->tier[1].above = 5000;
		fill_kinds(&r->tier[1].kinds, 50, 60);
	} else if (str_is(name, "fees")) {
		r->call_pusd = 10000;
		r->request_pusd = 5000;
		r->services = 1;
		r->service[0].name = "priority";
		r->service[0].ppm = 2 * PPM;
	} else if (str_is(name, "bare")) {
		fill_kinds(&r->kinds, -1, 500);
	} else if (!str_is(name, "usual")) {
		return false;
	}
	return true;
}

struct question {
	struct task task;
	struct candidate c;
	uint64_t warm, max, ppm;
	bool has_max;
};

/* A word without a number. */
static bool
take_word(struct question *a, struct str word)
{
	if (str_is(word, "file"))
		a->task.bound = BOUND_file;
	else if (str_is(word, "fetches"))
		a->task.fetches = true;
	else if (str_is(word, "state"))
		a->task.bound = BOUND_state;
	else if (str_is(word, "effort"))
		a->task.effort = STR("high");
	else if (str_is(word, "spoken"))
		a->task.needs |= 1U << CAP_audio;
	else if (str_is(word, "marked") || str_is(word, "unmarked"))
		a->task.dialect = &marking;
	else if (!str_is(word, "-"))
		return false;
	if (str_is(word, "marked"))
		a->task.cache_mark = CACHE_minutes;
	return true;
}

static bool
take_number(struct question *a, struct str name, uint64_t v)
{
	struct task *t = &a->task;
	const struct {
		const char *name;
		uint32_t *u32;
		size_t *size;
		int64_t *i64;
		uint64_t *u64;
	} at[] = {{"text", NULL, &t->text_bytes, NULL, NULL},
	    {"body", NULL, &t->body_bytes, NULL, NULL},
	    {"opaque", NULL, &t->opaque_bytes, NULL, NULL},
	    {"messages", &t->messages, NULL, NULL, NULL},
	    {"tools", &t->tools, NULL, NULL, NULL},
	    {"images", &t->images, NULL, NULL, NULL},
	    {"audios", &t->audios, NULL, NULL, NULL},
	    {"files", &t->files, NULL, NULL, NULL},
	    {"searches", &t->searches, NULL, NULL, NULL},
	    {"n", NULL, NULL, &t->n, NULL}, {"best_of", NULL, NULL, &t->best_of, NULL},
	    {"max", NULL, NULL, &t->max_output, NULL},
	    {"warm", NULL, NULL, NULL, &a->warm}, {"ppm", NULL, NULL, NULL, &a->ppm}};

	for (size_t i = 0; i < nitems(at); i++) {
		if (!str_is(name, at[i].name))
			continue;
		if (at[i].u32 != NULL)
			*at[i].u32 = (uint32_t)v;
		else if (at[i].size != NULL)
			*at[i].size = v;
		else if (at[i].i64 != NULL)
			*at[i].i64 = (int64_t)v;
		else
			*at[i].u64 = v;
		return true;
	}
	return false;
}

static bool
take(struct question *a, struct str word)
{
	struct str value = word, name = {0};
	uint64_t v;

	(void)str_split(&value, '=', &name);
	if (name.len == word.len)
		return take_word(a, word);
	if (str_is(name, "tier")) {
		a->task.service_tier = value;
		return true;
	}
	return str_to_u64(value, &v) && take_number(a, name, v);
}

static void
check_line(struct str line)
{
	struct str field[4] = {{0}}, rest = line, word;
	struct question a = {
	    .task = {.n = 1, .best_of = 1, .max_output = -1}, .ppm = PPM};
	struct price_row row;
	struct pusd got = {-1};
	uint64_t want = 0;
	bool priced;

	for (int i = 0; i < 4; i++) {
		assert_true(str_split(&rest, '|', &field[i]));
		field[i] = str_trim(field[i]);
	}
	if (!row_named(field[1], &row))
		fail_msg("%.*s: no such row", (int)line.len, line.p);
	while (str_split(&field[2], ' ', &word)) {
		if (word.len > 0 && !take(&a, word))
			fail_msg("%.*s: what is '%.*s'?", (int)line.len, line.p,
			    (int)word.len, word.p);
	}
	a.c = (struct candidate){.model = &model,
	    .price = &row,
	    .contract_ppm = (int64_t)a.ppm,
	    .cached_tokens = (double)a.warm};
	priced = hold_warm(&a.task, &a.c, a.task.max_output, &got);
	if (str_is(field[3], "unpriced")
		? priced
		: !priced || !str_to_u64(field[3], &want) || got.v != (int64_t)want)
		fail_msg("%.*s: %lld", (int)line.len, line.p,
		    priced ? (long long)got.v : -1LL);
	/* Warm or not, what is booked as the most is never less. */
	if (priced) {
		struct pusd most;

		assert_true(hold_worst_case(&a.task, &a.c, a.task.max_output, &most));
		assert_true(most.v >= got.v);
	}
}

static void
test_table(void **state)
{
	struct buf text;
	struct str rest, line;
	unsigned lines = 0;

	(void)state;
	buf_init(&text, TABLE_BYTES);
	assert_true(env_system()->read_file(env_system(),
	    FRUGALD_SOURCE_DIR "/tests/table/hold.tbl", TABLE_BYTES, &text));
	rest = buf_str(&text);
	while (str_split(&rest, '\n', &line)) {
		if (line.len == 0 || line.p[0] == '#')
			continue;
		check_line(line);
		lines++;
	}
	assert_true(lines >= 30);
	buf_fini(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_table)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
