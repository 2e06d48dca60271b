/* limit_say.c: which limit refuses a request, in words. */
#include "limit.h"

const char *
limit_name(const struct request *r, enum limit_of of)
{
	return of == LIMIT_key ? r->who.key_name : r->who.team_name;
}

/* What may not be exceeded: "60 requests a minute (rpm)". */
static const char *
limit_text(struct request *r, const struct limit_refusal *why)
{
	static const char *const what[] = {
	    [LIMIT_requests] = "requests a minute (rpm)",
	    [LIMIT_tokens] = "tokens a minute (tpm)",
	    [LIMIT_inflight] = "requests at once (max_inflight)",
	};

	return arena_printf(r->mem, "%lld %s", (long long)why->most, what[why->kind]);
}

static const char *
refusal_text(struct request *r, const struct limit_refusal *why)
{
	const char *of = limit_of_name(why->of), *name = limit_name(r, why->of);
	const char *limit = limit_text(r, why);
	long long wait_s = (why->wait_ms + 999) / 1000;

	if (why->sharing > 0)
		return arena_printf(r->mem,
		    "%s '%s' may have %s; %u keys share them, and key '%s' has had its "
		    "part: what is left is for the others; come back in %lld s",
		    of, name, limit, why->sharing, r->who.key_name, wait_s);
	if (why->kind == LIMIT_inflight)
		return arena_printf(r->mem,
		    "%s '%s' may have %s; there is room when one of them has ended", of,
		    name, limit);
	return arena_printf(r->mem,
	    "%s '%s' may have %s, and they are used; there is room in %lld s", of, name,
	    limit, wait_s);
}

void
limit_say(struct request *r, const struct limit_refusal *why)
{
	static const char *const words[] = {"rpm", "tpm", "max_inflight"};

	r->fail_text = refusal_text(r, why);
	r->limits.reached =
	    arena_printf(r->mem, "%s %s", limit_of_name(why->of), words[why->kind]);
	r->retry_after_ms = why->wait_ms;
}
