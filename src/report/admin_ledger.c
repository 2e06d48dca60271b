/* admin_ledger.c: what the ledger of a running daemon can be asked to do. */
#include "admin_call.h"
#include "base/scan.h"
#include "core/request.h"
#include "core/worker.h"
#include "dates.h"

/* What a body says, by the ids of its paths; texts are unescaped. */
struct wish {
	struct str body;
	char dir[1024];
	bool ok;
};

enum { WISH_dir };

static const struct scan_path wish_paths[] = {{"dir", WISH_dir, true}};

/* A string's text into `dst`; false: it is none, or too long. */
static bool
take_text(struct str raw, enum scan_kind kind, char *dst, size_t cap)
{
	size_t len;

	if (kind != SCAN_string || raw.len < 2 || raw.len - 2 >= cap)
		return false;
	len = scan_unescape(str_make(raw.p + 1, raw.len - 2), dst);
	return strlen(dst) == len;
}

static bool
on_wish(void *arg, const struct scan_value *v)
{
	struct wish *w = arg;
	struct str raw = str_make(w->body.p + v->start, v->end - v->start);

	w->ok = take_text(raw, v->kind, w->dir, sizeof(w->dir));
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
