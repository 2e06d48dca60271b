/* schema.c: the ledger's tables, version by version; a file of an older version is
 * brought forward statement by statement, one of a newer version is refused. */
#include "schema.h"

/* ledger.db: roll-ups, what policies and prices were in force, learned values. Amounts
 * are in two parts, dollars and the pico-dollars below one: SUM() of int64 pico-dollars
 * ends at $9.22 M. */
static const char *const ledger_steps[] = {
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE kept(kind TEXT NOT NULL, hash TEXT NOT NULL, since_ms INTEGER NOT "
    "NULL,"
    " text BLOB NOT NULL, PRIMARY KEY(kind, hash)) WITHOUT ROWID;"
    "CREATE TABLE rollup(hour INTEGER NOT NULL, team TEXT NOT NULL, key TEXT NOT NULL,"
    " route TEXT NOT NULL, class TEXT NOT NULL, model TEXT NOT NULL,"
    " provider TEXT NOT NULL, tier INTEGER NOT NULL, tags TEXT NOT NULL,"
    " requests INTEGER NOT NULL, attempts INTEGER NOT NULL, failed INTEGER NOT NULL,"
    " unpriced INTEGER NOT NULL, estimated INTEGER NOT NULL,"
    " input_uncached INTEGER NOT NULL, cache_read INTEGER NOT NULL,"
    " cache_write_5m INTEGER NOT NULL, cache_write_1h INTEGER NOT NULL,"
    " audio_input INTEGER NOT NULL, image_input INTEGER NOT NULL,"
    " output INTEGER NOT NULL, audio_output INTEGER NOT NULL,"
    " reasoning INTEGER NOT NULL,"
    " paid_hi INTEGER NOT NULL, paid_lo INTEGER NOT NULL,"
    " list_hi INTEGER NOT NULL, list_lo INTEGER NOT NULL,"
    " wasted_hi INTEGER NOT NULL, wasted_lo INTEGER NOT NULL,"
    " estimated_hi INTEGER NOT NULL, estimated_lo INTEGER NOT NULL,"
    " exposure_hi INTEGER NOT NULL, exposure_lo INTEGER NOT NULL,"
    " baseline_hi INTEGER NOT NULL, baseline_lo INTEGER NOT NULL,"
    " compared_hi INTEGER NOT NULL, compared_lo INTEGER NOT NULL,"
    " tokens_hist BLOB NOT NULL, ttft_hist BLOB NOT NULL, total_hist BLOB NOT NULL,"
    " PRIMARY KEY(hour, team, key, route, class, model, provider, tier, tags))"
    " WITHOUT ROWID;"
    "CREATE TABLE outlook(number INTEGER NOT NULL, at_ms INTEGER NOT NULL,"
    " provider TEXT NOT NULL, bytes_per_token_milli INTEGER NOT NULL,"
    " PRIMARY KEY(number, provider)) WITHOUT ROWID;",
    /* Of outlook N a cell has the newest row up to N: only what moved is written. */
    "CREATE TABLE outlook_cell(cell TEXT NOT NULL, number INTEGER NOT NULL,"
    " at_ms INTEGER NOT NULL, value REAL NOT NULL, samples REAL NOT NULL,"
    " PRIMARY KEY(cell, number)) WITHOUT ROWID;"
    "INSERT INTO outlook_cell SELECT 'bytes_per_token '||provider, number, at_ms,"
    " bytes_per_token_milli, 0 FROM outlook;"
    "DROP TABLE outlook;",
    /* What values of the outlook are reckoned from: only the newest. */
    ("CREATE TABLE learned(cell TEXT PRIMARY KEY, at_ms INTEGER NOT NULL,"
     " bytes BLOB NOT NULL) WITHOUT ROWID;"),
    /* What was spent within budgets: made again from the rows, as roll-ups are. And
     * what was refused, which no row tells. */
    "CREATE TABLE budget_rule(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " scope INTEGER NOT NULL, value TEXT, tag TEXT, per INTEGER NOT NULL, zone TEXT);"
    "CREATE TABLE budget(rule INTEGER NOT NULL, value TEXT NOT NULL,"
    " period_ms INTEGER NOT NULL, spent_hi INTEGER NOT NULL, spent_lo INTEGER NOT "
    "NULL,"
    " at_ms INTEGER NOT NULL, PRIMARY KEY(rule, value, period_ms)) WITHOUT ROWID;"
    "CREATE TABLE refusal(hour INTEGER NOT NULL, team TEXT NOT NULL, key TEXT NOT NULL,"
    " name TEXT NOT NULL, kind TEXT NOT NULL, count INTEGER NOT NULL,"
    " PRIMARY KEY(hour, team, key, name, kind)) WITHOUT ROWID;",
    /* What of `wasted` was given up by clients and by cascades; how many requests were
     * compared with their baseline, and how sure that is (of older ones nothing is
     * known: the whole of it, as if nothing had been learned); models as served, and
     * the last price. */
    "ALTER TABLE rollup ADD COLUMN gone_hi INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE rollup ADD COLUMN gone_lo INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE rollup ADD COLUMN escalated_hi INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE rollup ADD COLUMN escalated_lo INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE rollup ADD COLUMN compared_requests INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE rollup ADD COLUMN bias_hi INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE rollup ADD COLUMN bias_lo INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE rollup ADD COLUMN var_hi INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE rollup ADD COLUMN var_lo INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE rollup ADD COLUMN served TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE rollup ADD COLUMN price TEXT NOT NULL DEFAULT '';"
    "UPDATE rollup SET compared_requests=requests,"
    " bias_hi=baseline_hi/4,"
    " bias_lo=baseline_hi%4*250000000000+baseline_lo/4 WHERE "
    "baseline_hi+baseline_lo>0;",
    /* When it was last said to be in force. */
    "ALTER TABLE kept ADD COLUMN last_ms INTEGER NOT NULL DEFAULT 0;"
    "UPDATE kept SET last_ms=since_ms;",
    /* Roll-ups of days, made of those of their hours: `rollup_done` has the days that
     * are whole, and those that are being made. Whatever touches an hour of one, it is
     * neither any more (what adds to one says so itself: see rollup.c). */
    "CREATE TABLE rollup_day(day INTEGER NOT NULL, team TEXT NOT NULL,"
    " key TEXT NOT NULL, route TEXT NOT NULL, class TEXT NOT NULL, model TEXT NOT NULL,"
    " provider TEXT NOT NULL, tier INTEGER NOT NULL, tags TEXT NOT NULL,"
    " requests INTEGER NOT NULL, attempts INTEGER NOT NULL, failed INTEGER NOT NULL,"
    " unpriced INTEGER NOT NULL, estimated INTEGER NOT NULL,"
    " input_uncached INTEGER NOT NULL, cache_read INTEGER NOT NULL,"
    " cache_write_5m INTEGER NOT NULL, cache_write_1h INTEGER NOT NULL,"
    " audio_input INTEGER NOT NULL, image_input INTEGER NOT NULL,"
    " output INTEGER NOT NULL, audio_output INTEGER NOT NULL,"
    " reasoning INTEGER NOT NULL,"
    " paid_hi INTEGER NOT NULL, paid_lo INTEGER NOT NULL,"
    " list_hi INTEGER NOT NULL, list_lo INTEGER NOT NULL,"
    " wasted_hi INTEGER NOT NULL, wasted_lo INTEGER NOT NULL,"
    " estimated_hi INTEGER NOT NULL, estimated_lo INTEGER NOT NULL,"
    " exposure_hi INTEGER NOT NULL, exposure_lo INTEGER NOT NULL,"
    " baseline_hi INTEGER NOT NULL, baseline_lo INTEGER NOT NULL,"
    " compared_hi INTEGER NOT NULL, compared_lo INTEGER NOT NULL,"
    " gone_hi INTEGER NOT NULL, gone_lo INTEGER NOT NULL,"
    " escalated_hi INTEGER NOT NULL, escalated_lo INTEGER NOT NULL,"
    " bias_hi INTEGER NOT NULL, bias_lo INTEGER NOT NULL,"
    " var_hi INTEGER NOT NULL, var_lo INTEGER NOT NULL,"
    " compared_requests INTEGER NOT NULL, served TEXT NOT NULL, price TEXT NOT NULL,"
    " tokens_hist BLOB NOT NULL, ttft_hist BLOB NOT NULL, total_hist BLOB NOT NULL,"
    " PRIMARY KEY(day, team, key, route, class, model, provider, tier, tags))"
    " WITHOUT ROWID;"
    "CREATE TABLE rollup_done(day INTEGER PRIMARY KEY, whole INTEGER NOT NULL);"
    "CREATE TRIGGER rollup_changed AFTER UPDATE ON rollup"
    " WHEN EXISTS(SELECT 1 FROM rollup_done WHERE day=NEW.hour/24) BEGIN"
    " DELETE FROM rollup_done WHERE day=NEW.hour/24; END;"
    "CREATE TRIGGER rollup_removed AFTER DELETE ON rollup"
    " WHEN EXISTS(SELECT 1 FROM rollup_done WHERE day=OLD.hour/24) BEGIN"
    " DELETE FROM rollup_done WHERE day=OLD.hour/24; END;",
    /* How many sessions there were: see base/sketch.h. Of older ones nobody knows. */
    "ALTER TABLE rollup ADD COLUMN sessions BLOB NOT NULL DEFAULT x'';"
    "ALTER TABLE rollup_day ADD COLUMN sessions BLOB NOT NULL DEFAULT x'';",
};

/* Refused by the database itself, whoever asks. INSERT OR REPLACE deletes without
 * asking a trigger on DELETE, so a row that is there is no place for another either. */
#define KEPT(table)                                                       \
	"CREATE TRIGGER " table "_kept BEFORE DELETE ON " table " BEGIN"  \
	" SELECT RAISE(ABORT, 'the ledger is append-only'); END;"         \
	"CREATE TRIGGER " table "_fixed BEFORE UPDATE ON " table " BEGIN" \
	" SELECT RAISE(ABORT, 'the ledger is append-only'); END;"
#define NOT_REPLACED(table, same)                                    \
	"CREATE TRIGGER " table "_new BEFORE INSERT ON " table       \
	" WHEN EXISTS(SELECT 1 FROM " table " WHERE " same ") BEGIN" \
	" SELECT RAISE(ABORT, 'the ledger is append-only'); END;"

/* ledger-YYYY-MM.db: one row a request,
 * one an attempt; never changed, never deleted. */
static const char *const month_steps[] = {
    "CREATE TABLE name(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);"
    "CREATE TABLE request(seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE,"
    " start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, key INTEGER NOT NULL,"
    " team INTEGER NOT NULL, user INTEGER NOT NULL, session INTEGER NOT NULL,"
    " route INTEGER NOT NULL, asked INTEGER NOT NULL, path INTEGER NOT NULL,"
    " class INTEGER NOT NULL, complexity REAL NOT NULL, confidence REAL NOT NULL,"
    " data INTEGER NOT NULL, mode INTEGER NOT NULL, policy INTEGER NOT NULL,"
    " classifier INTEGER NOT NULL, outlook INTEGER NOT NULL, baseline INTEGER NOT NULL,"
    " baseline_pusd INTEGER, baseline_success REAL NOT NULL, decided INTEGER NOT NULL,"
    " flags INTEGER NOT NULL, outcome INTEGER NOT NULL, attempts INTEGER NOT NULL,"
    " plan BLOB NOT NULL, tags TEXT NOT NULL, rollup_tags INTEGER NOT NULL);"
    "CREATE INDEX request_end ON request(end_ms);"
    "CREATE INDEX request_session ON request(session);"
    "CREATE TABLE attempt(request INTEGER NOT NULL, n INTEGER NOT NULL,"
    " model INTEGER NOT NULL, provider INTEGER NOT NULL, region INTEGER NOT NULL,"
    " tier INTEGER NOT NULL, price INTEGER NOT NULL, contract_ppm INTEGER NOT NULL,"
    " start_ms INTEGER NOT NULL, outcome INTEGER NOT NULL, http_status INTEGER NOT "
    "NULL,"
    " basis INTEGER NOT NULL, flags INTEGER NOT NULL, list_pusd INTEGER,"
    " amount_pusd INTEGER, at_most_pusd INTEGER, input_uncached INTEGER,"
    " cache_read INTEGER, cache_write_5m INTEGER, cache_write_1h INTEGER,"
    " audio_input INTEGER, image_input INTEGER, output INTEGER, audio_output INTEGER,"
    " reasoning INTEGER, input_estimate INTEGER NOT NULL,"
    " expected_output INTEGER NOT NULL, connect_ms INTEGER, ttft_ms INTEGER,"
    " total_ms INTEGER, served_model INTEGER NOT NULL, service_tier INTEGER NOT NULL,"
    " raw_usage TEXT, PRIMARY KEY(request, n)) WITHOUT ROWID;"
    "CREATE TABLE tag(name INTEGER NOT NULL, value INTEGER NOT NULL,"
    " request INTEGER NOT NULL, PRIMARY KEY(name, value, request)) WITHOUT ROWID;" KEPT(
	"request") KEPT("attempt") KEPT("name") KEPT("tag")
	NOT_REPLACED("request", "seq=NEW.seq OR id=NEW.id")
	    NOT_REPLACED("attempt", "request=NEW.request AND n=NEW.n")
		NOT_REPLACED("name", "id=NEW.id OR text=NEW.text"),
    "ALTER TABLE request ADD COLUMN decision BLOB NOT NULL DEFAULT x'';"
    "ALTER TABLE attempt ADD COLUMN warm_idle_ms INTEGER;"
    "ALTER TABLE attempt ADD COLUMN warm_tokens INTEGER;",
    "ALTER TABLE request ADD COLUMN basis INTEGER NOT NULL DEFAULT 0;",
    /* A correction says what an attempt cost after all; NULL: unknown. */
    "ALTER TABLE request ADD COLUMN budget INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE attempt ADD COLUMN granted_ms INTEGER;"
    "ALTER TABLE attempt ADD COLUMN calls INTEGER;"
    "ALTER TABLE tag ADD COLUMN source INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE correction(seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL,"
    " request BLOB NOT NULL, n INTEGER NOT NULL, list_pusd INTEGER,"
    " amount_pusd INTEGER, why TEXT NOT NULL);" KEPT("correction"),
    /* How sure the baseline is; NULL: nobody knows. */
    "ALTER TABLE request ADD COLUMN baseline_output_ppm INTEGER;"
    "ALTER TABLE request ADD COLUMN baseline_samples INTEGER;",
    /* Texts that come again and again are names, too: all tags of a request together
     * (then `tags` is empty, and `tag` has them with the name, negated, for all such
     * requests), and the words of a raw usage (then `raw_usage` are its numbers, see
     * raw_usage_split()). */
    "ALTER TABLE request ADD COLUMN tagset INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX request_tagset ON request(tagset);"
    "ALTER TABLE attempt ADD COLUMN shape INTEGER NOT NULL DEFAULT 0;" NOT_REPLACED(
	"correction", "seq=NEW.seq"),
};

const struct schema schema_ledger = {
    "ledger", ledger_steps, sizeof(ledger_steps) / sizeof(ledger_steps[0])};
const struct schema schema_month = {
    "month", month_steps, sizeof(month_steps) / sizeof(month_steps[0])};
