/* admin_ledger.c: what the ledger of a running daemon can be asked to do. */
#include "admin_call.h"
#include "base/scan.h"
#include "core/request.h"
#include "core/worker.h"
#include "dates.h"

/* What a body says; texts are unescaped. */
struct wish {
	struct str body;
	char dir[1024], request[64], amount[64], why[256];
	int64_t attempt; /* from 1 on; 0: not said */
	bool ok;
};

enum { WISH_dir, WISH_request, WISH_amount, WISH_why, WISH_attempt };

static const struct scan_path wish_paths[] = {
    {"dir", WISH_dir, true},
    {"request", WISH_request, true},
    {"amount_usd", WISH_amount, true},
    {"why", WISH_why, true},
    {"attempt", WISH_attempt, true},
};

static bool
on_wish(void *arg, const struct scan_value *v)
{
	struct wish *w = arg;
	struct str raw = str_make(w->body.p + v->start, v->end - v->start);
	const struct {
		char *dst;
		size_t cap;
	} text[] = {{w->dir, sizeof(w->dir)}, {w->request, sizeof(w->request)},
	    {w->amount, sizeof(w->amount)}, {w->why, sizeof(w->why)}};

	if (v->id == WISH_attempt)
		w->ok = v->kind == SCAN_number && scan_int(raw, &w->attempt) &&
			w->attempt >= 1 && w->attempt <= 100;
	else
		w->ok = scan_text(raw, v->kind, text[v->id].dst, text[v->id].cap);
	return w->ok;
}

static bool
read_wish(struct admin_call *c, struct wish *ret)
{
	struct scan_paths *paths = scan_paths_new(wish_paths, nitems(wish_paths));
	struct scan *scan = scan_new(paths, 8, on_wish, ret);
	struct str body = buf_str(&c->in);
	bool ok;

	*ret = (struct wish){.body = body, .ok = true};
	ok = scan_feed(scan, body.p, body.len) && scan_end(scan);
	scan_free(scan);
	scan_paths_free(paths);
	return ok && ret->ok;
}

/* ---- backup ---- */

static const char *const states[] = {"none", "running", "done", "failed"};

static void
put_date(struct json *j, const char *key, int64_t ms)
{
	char text[DATE_TEXT_BYTES];

	if (ms <= 0) {
		json_put_null(j, key);
		return;
	}
	date_format_ms(ms, text);
	json_str(j, key, str_of(text));
}

void
admin_get_backup(struct admin_call *c)
{
	struct ledger_backup_status st;
	struct json j;

	ledger_backup_get(c->report->o.shared->ledger, &st);
	json_init(&j, &c->out);
	json_object_begin(&j, NULL);
	json_str(&j, "state", str_of(states[st.state]));
	json_str(&j, "dir", str_of(st.dir));
	put_date(&j, "began_at", st.began_ms);
	put_date(&j, "ended_at", st.ended_ms);
	put_date(&j, "complete_until", st.until_ms);
	json_int(&j, "files", st.files);
	json_int(&j, "bytes", st.bytes);
	json_num(&j, "longest_step_ms", (double)st.longest_step_ns / 1e6, 4);
	json_str(&j, "error", str_of(st.why));
	json_object_end(&j);
}

void
admin_post_backup(struct admin_call *c)
{
	struct wish w;
	char why[256];

	if (!read_wish(c, &w) || w.dir[0] != '/')
		admin_fail(c, 400, "dir",
		    "expected {\"dir\": \"/a/new/folder\"}, from the root on");
	else if (!ledger_backup(c->report->o.shared->ledger, w.dir, why))
		admin_fail(c, 409, NULL, "%s", why);
	else
		admin_get_backup(c);
}

/* ---- corrections ---- */

static bool
read_correction(struct admin_call *c, struct ledger_correction *ret)
{
	struct str id;
	struct wish w;

	*ret = (struct ledger_correction){.attempt = -1};
	if (!read_wish(c, &w)) {
		admin_fail(c, 400, NULL,
		    "expected {\"request\": \"req_...\", \"amount_usd\": \"0.12\", "
		    "\"why\": \"...\", \"attempt\": 1}");
		return false;
	}
	id = str_of(w.request);
	if (str_starts(id, STR("req_")))
		id = str_skip(id, 4);
	if (!id_parse(id, &ret->request))
		admin_fail(c, 400, "request", "expected the id of a request, req_...");
	else if (!pusd_parse(str_of(w.amount), &ret->amount))
		admin_fail(c, 400, "amount_usd",
		    "expected what it cost after all, such as \"0.12\"");
	else if (w.why[0] == '\0')
		admin_fail(c, 400, "why", "say why: it is kept and shown");
	else {
		str_copy(ret->why, sizeof(ret->why), str_of(w.why));
		ret->attempt = (int)w.attempt - 1;
		return true;
	}
	return false;
}

static void
put_amount(struct json *j, const char *key, int64_t pusd)
{
	if (pusd < 0)
		json_put_null(j, key);
	else
		json_pusd(j, key, (struct pusd){pusd});
}

void
admin_post_correct(struct admin_call *c)
{
	struct ledger *l = c->report->o.shared->ledger;
	struct ledger_correction what;
	struct ledger_corrected done;
	char why[256], id[ID_TEXT_BYTES];
	struct json j;

	if (!read_correction(c, &what))
		return;
	/* One that cannot be written just now would keep this thread waiting. */
	if (!ledger_accepts(l)) {
		admin_fail(c, 503, NULL, "the ledger cannot be written just now");
		return;
	}
	if (!ledger_correct(l, &what, &done, why)) {
		admin_fail(c, 404, NULL, "%s", why);
		return;
	}
	id_format(what.request, id);
	json_init(&j, &c->out);
	json_object_begin(&j, NULL);
	json_str(&j, "request", str_of(id));
	json_int(&j, "attempt", done.attempt + 1);
	json_str(&j, "model", str_of(done.model));
	json_str(&j, "provider", str_of(done.provider));
	put_amount(&j, "was_usd", done.was_pusd);
	json_pusd(&j, "amount_usd", what.amount);
	put_date(&j, "at", done.at_ms);
	json_object_end(&j);
}
