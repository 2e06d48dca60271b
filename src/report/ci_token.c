/* ci_token.c: a pipeline's job shows the token that its runner has signed for it, and
 * gets a key of an hour. Whoever gets none is told the same whatever the reason. */
#include "ci_token.h"

#include "base/jwt.h"
#include "base/scan.h"
#include "core/worker.h"
#include "dates.h"

#define BODY_BYTES 4096U

/* In the request's arena; the request has one reference more until it is answered. */
struct trade {
	bool answered;
	struct ci_answer answer;
};

/* ---- the token ---- */

enum { MEMBER_token };

static const struct scan_path paths[] = {{"token", MEMBER_token, true}};

struct body {
	struct str text, token;
};

static bool
on_member(void *arg, const struct scan_value *v)
{
	struct body *b = arg;

	if (v->kind != SCAN_string)
		return false;
	b->token = str_make(b->text.p + v->start + 1, v->end - v->start - 2);
	return true;
}

/* A token has no character that JSON would escape. */
static struct str
token_of_body(const struct request *r)
{
	struct body b = {.text = buf_str(&r->in.body), .token = STR("")};
	struct scan_paths *compiled;
	struct scan *scan;
	bool ok;

	if (r->in.body.len == 0)
		return b.token;
	compiled = scan_paths_new(paths, nitems(paths));
	scan = scan_new(compiled, 8, on_member, &b);
	ok = scan_feed(scan, b.text.p, b.text.len) && scan_end(scan);
	scan_free(scan);
	scan_paths_free(compiled);
	return ok ? b.token : STR("");
}

static struct str
token_of(const struct request *r)
{
	const char *bearer = r->in.header[HDR_authorization];

	return bearer != NULL ? auth_shown(bearer, NULL) : token_of_body(r);
}

/* ---- the answer ---- */

static void
put_tags(struct json *j, const char *tags)
{
	struct str rest = str_of(tags), line, name;
	char key[TAG_WORD_BYTES + 1];

	json_object_begin(j, "tags");
	while (str_split(&rest, '\n', &line)) {
		if (line.len == 0 || !str_split(&line, '=', &name))
			continue;
		str_copy(key, sizeof(key), name);
		json_str(j, key, line);
	}
	json_object_end(j);
}

static void
reply_key(struct request *r, const struct ci_answer *a)
{
	struct reply_head h = {.status = 200, .content_type = "application/json"};
	char until[DATE_TEXT_BYTES];
	struct json j;
	struct buf b;

	date_format_s(a->expires_s * 1000, until);
	buf_init(&b, BODY_BYTES);
	json_init(&j, &b);
	json_object_begin(&j, NULL);
	json_str(&j, "object", STR("frugald.ci_key"));
	json_str(&j, "key", str_of(a->secret));
	json_str(&j, "expires_at", str_of(until));
	json_int(&j, "expires_in", a->grant.rule->lifetime_s);
	json_str(&j, "name", str_of(a->grant.key));
	json_str(&j, "team", str_of(a->grant.rule->team->name));
	put_tags(&j, a->grant.tags);
	json_object_end(&j);
	reply_header(&h, "cache-control", "no-store");
	edge_reply_whole(r, &h, buf_str(&b));
	explicit_bzero(b.p, b.len);
	buf_fini(&b);
	count(r->worker, ci_tokens_traded);
	r->outcome = OUT_served;
}

static enum next
reply(struct request *r)
{
	struct ci_answer *a = &r->trade->answer;

	switch (a->result) {
	case CI_key:
		reply_key(r, a);
		explicit_bzero(a->secret, sizeof(a->secret));
		return END;
	case CI_refused:
		count(r->worker, ci_tokens_refused);
		return request_fail_text(r, OUT_unauthenticated, NULL,
		    "there is no key for this token; frugald's log says why");
	default:
		return request_fail_text(r, OUT_overloaded, NULL,
		    "no key can be given just now: the issuer of the token does not "
		    "answer, or too many keys are out; try again in a minute");
	}
}

static void
on_answer(void *arg, const struct ci_answer *a)
{
	struct request *r = arg;

	if (!r->client_gone && r->in.conn != NULL) {
		r->trade->answered = true;
		r->trade->answer = *a;
		/* The rule lives in our snapshot, too: it is the one that was asked. */
		request_run(r);
	}
	request_unref(r);
}

enum next
ci_token_answer(struct request *r)
{
	struct str token;

	if (r->trade != NULL)
		return r->trade->answered ? reply(r) : WAIT;
	if (r->snap->ci_count == 0)
		return request_fail_text(r, OUT_not_found, NULL,
		    "no pipeline may trade its token here: the policy has no `ci`");
	token = token_of(r);
	if (token.len == 0 || token.len > JWT_BYTES_MAX)
		return request_fail_text(r, OUT_bad_request, NULL,
		    "no token: send it as Authorization: Bearer TOKEN, or as "
		    "{\"token\": \"TOKEN\"}");
	r->trade = arena_alloc(r->mem, sizeof(*r->trade));
	r->refs++;
	if (ci_desk_trade(
		r->worker->shared->ci_desk, r->worker, r->snap, token, on_answer, r))
		return WAIT;
	r->refs--; /* never the last: the client's is there */
	return request_fail_text(r, OUT_overloaded, NULL,
	    "too many tokens are being looked at; try again in some seconds");
}
