/* meter.h: what the tests of slots, ledger and recovery share: a request to book, a
 * ledger on a fake disk, and rows as SQLite tells them. */
#ifndef UNIT_METER_H
#define UNIT_METER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>

#include "base/env.h"
#include "base/mem.h"
#include "fake_env.h"
#include "fake_vfs.h"
#include "meter/ledger_turn.h"
#include "meter/slots_file.h"
#include "stage/meter.h"

#define STATE    "/state"
#define JANUARY  "ledger-2026-01.db"
#define FEBRUARY "ledger-2026-02.db"

/* One process: what a crash takes away. */
struct process {
	struct fake_env *fake;
	struct env *env;
	struct ledger *ledger;
	struct slots *slots;
	struct outlook_shared *outlook;
	char why[256];
};

static inline bool
process_start(struct process *p, unsigned slots, unsigned workers)
{
	p->why[0] = '\0';
	if (!ledger_open(p->env, STATE, &p->ledger, p->why))
		return false;
	p->slots = slots_create(p->env, STATE, slots, workers);
	p->outlook = outlook_shared_new();
	if (p->slots != NULL)
		ledger_attach(p->ledger, p->slots, p->outlook);
	return p->slots != NULL;
}

/* In the daemon's order. */
static inline void
process_stop(struct process *p)
{
	slots_close(p->slots);
	ledger_close(p->ledger);
	outlook_shared_free(p->outlook);
	p->slots = NULL;
	p->ledger = NULL;
	p->outlook = NULL;
}

static inline void
process_init(struct process *p, uint64_t seed)
{
	*p = (struct process){.fake = fake_env_new(seed)};
	p->env = fake_env(p->fake);
	fake_vfs_use(p->fake);
	assert_true(p->env->make_dir(p->env, STATE));
}

static inline void
process_fini(struct process *p)
{
	process_stop(p);
	fake_vfs_forget();
	fake_env_free(p->fake);
}

/* Set-up and tear-down of a cmocka test whose state is a process. */
static inline struct process *
process_new(void **state, uint64_t seed)
{
	struct process *p = xcalloc(1, sizeof(*p));

	process_init(p, seed);
	*state = p;
	return p;
}

static inline int
process_tear_down(void **state)
{
	process_fini(*state);
	xfree(*state);
	return 0;
}

static inline void
on_slot_name(void *arg, const char *name)
{
	if (str_starts(str_of(name), STR(SLOTS_PREFIX)))
		str_copy(arg, 64, str_of(name));
}

/* A slot file in the state folder; "" when there is none. */
static inline const char *
process_slot_file(struct process *p, char ret[static 128])
{
	char name[64] = "";

	assert_true(p->env->list_dir(p->env, STATE, on_slot_name, name));
	snprintf(ret, 128, "%s%s", name[0] == '\0' ? "" : STATE "/", name);
	return ret;
}

static inline struct slot_request
some_request(struct env *env)
{
	struct slot_request r = {
	    .id = id_new(env),
	    .start_ms = env_wall_ms(env),
	    .key = "laptop",
	    .team = "web",
	    .user = "u1",
	    .route = "auto",
	    .asked = "auto",
	    .class_name = "code",
	    .mode = "live",
	    .path = "/v1/chat/completions",
	    .policy = "1f0c22ab",
	    .baseline = "sol",
	    .decided = "luna",
	    .baseline_pusd = 5000000,
	    .baseline_success = 0.9F,
	    .stream = 1,
	    .tags = "app=shop\ncommit=4711\n",
	    .tags_len = 21,
	    .rollup_tags_len = 9,
	};

	return r;
}

/* 100 tokens in at 2,000, 50 expected out at 8,000 pico-dollars, 10 % off. */
static inline struct slot_attempt
some_attempt(struct env *env)
{
	struct slot_attempt a = {
	    .model = "luna",
	    .provider = "openai",
	    .region = "us",
	    .price_id = "openai/luna/2026-01-01",
	    .tier = TIER_small,
	    .contract_ppm = 900000,
	    .start_ms = env_wall_ms(env),
	    .price_input_pusd = 2000,
	    .price_output_pusd = 8000,
	    .at_most_pusd = 10000000,
	    .input_estimate = 100,
	    .text_bytes = 400,
	    .expected_output = 50,
	    .reasoning = -1,
	};

	for (size_t k = 0; k < TOKEN_COUNT; k++)
		a.tokens[k] = -1;
	return a;
}

/* As meter_settle() leaves it after an answer with usage. */
static inline struct slot_attempt
answered(const struct slot_attempt *open, int64_t input, int64_t output)
{
	struct slot_attempt a = *open;
	struct pusd amount = {0};

	a.outcome = OUT_served;
	a.http_status = 200;
	a.first_byte = 1;
	a.basis = BASIS_reported;
	a.tokens[TOKEN_input_uncached] = input;
	a.tokens[TOKEN_output] = output;
	a.list_pusd = input * a.price_input_pusd + output * a.price_output_pusd;
	assert_true(pusd_divide((wide)a.list_pusd * a.contract_ppm, 1000000, &amount));
	a.amount_pusd = amount.v;
	a.connect_ms = 10;
	a.ttft_ms = 200;
	a.total_ms = 900;
	return a;
}

/* From opening to closing, in one go. */
static inline struct id
book_one(struct process *p, unsigned worker)
{
	struct slot_request r = some_request(p->env);
	struct slot_attempt a = some_attempt(p->env);
	struct slot *s = slot_open(p->slots, worker, &r);
	int i;

	assert_non_null(s);
	i = slot_attempt_open(s, &a);
	slot_attempt_sent(s, i);
	a = answered(&s->attempt[i], 120, 40);
	slot_attempt_close(s, i, &a, STR("{\"prompt_tokens\":120}"));
	slot_close(p->slots, s, OUT_served, env_wall_ms(p->env));
	return r.id;
}

/* ---- rows ---- */

/* One number of one database in the state folder; -1: NULL or no row. */
static inline int64_t
ask(const char *file, const char *sql)
{
	char path[128];
	sqlite3 *db;
	sqlite3_stmt *q;
	int64_t v = -1;

	snprintf(path, sizeof(path), STATE "/%s", file);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), 0);
	if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK)
		fail_msg("%s: %s: %s", file, sql, sqlite3_errmsg(db));
	if (sqlite3_step(q) == SQLITE_ROW && sqlite3_column_type(q, 0) != SQLITE_NULL)
		v = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	sqlite3_close(db);
	return v;
}

#endif
