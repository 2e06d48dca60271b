/* fault.c: what went wrong, and who is to blame. */
#include "fault.h"

enum fault
fault_of(enum outcome o)
{
	static const enum fault of[OUT_COUNT] = {
	    [OUT_served] = FAULT_alive,
	    /* It has read the request and said something about it. */
	    [OUT_context_length] = FAULT_alive,
	    [OUT_provider_refused] = FAULT_alive,
	    [OUT_escalated] = FAULT_alive,

	    [OUT_refused_connect] = FAULT_provider,
	    [OUT_slow_connect] = FAULT_provider,
	    [OUT_no_answer] = FAULT_provider,
	    [OUT_slow_first_byte] = FAULT_provider,
	    [OUT_bad_answer] = FAULT_provider,
	    [OUT_provider_error] = FAULT_provider,
	    [OUT_cut] = FAULT_provider,
	    [OUT_stalled] = FAULT_provider,
	    [OUT_stream_error] = FAULT_provider,

	    [OUT_provider_rate] = FAULT_rate,
	    [OUT_provider_key] = FAULT_key,
	    [OUT_provider_quota] = FAULT_key,
	    /* OUT_stale: a kept connection ends in the best of houses. */
	};

	return of[o];
}

/* Something came, but not HTTP as we want it. */
static bool
is_garbage(CURLcode result)
{
	switch (result) {
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9 */
	case CURLE_BAD_CONTENT_ENCODING:
	case CURLE_WRITE_ERROR:
	case CURLE_HTTP2:
		return true;
	default:
		return false;
	}
}

enum outcome
fault_of_transfer(const struct transfer_end *e)
{
	if (e->resent)
		return OUT_stale;
	if (!e->sent)
		return e->result == CURLE_OPERATION_TIMEDOUT ? OUT_slow_connect
							     : OUT_refused_connect;
	if (is_garbage(e->result))
		return OUT_bad_answer;
	if (!e->answered)
		return e->reused ? OUT_stale : OUT_no_answer;
	return e->first_byte ? OUT_cut : OUT_no_answer;
}

static bool
all_digits(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	}
	return s.len > 0;
}

static int64_t
clamp(int64_t ms)
{
	if (ms < 0)
		return 0;
	return ms < RETRY_AFTER_MAX_MS ? ms : RETRY_AFTER_MAX_MS;
}

int64_t
fault_retry_after_ms(struct str value, int64_t wall_s)
{
	struct str s = str_trim(value), whole = {0};
	char date[64];
	uint64_t seconds;
	time_t at;

	/* RFC 9110 10.2.3 knows whole seconds; some send "1.5", which we round up. */
	if (str_split(&s, '.', &whole) && all_digits(whole) &&
	    (s.len == 0 || all_digits(s))) {
		if (!str_to_u64(whole, &seconds) || seconds > RETRY_AFTER_MAX_MS)
			return RETRY_AFTER_MAX_MS;
		return clamp((int64_t)(seconds + (s.len > 0)) * 1000);
	}
	s = str_trim(value);
	if (s.len >= sizeof(date) || s.len < 8)
		return -1;
	str_copy(date, sizeof(date), s);
	at = curl_getdate(date, NULL);
	if (at < 0)
		return -1;
	return clamp(((int64_t)at - wall_s) * 1000);
}

/* ---- messages ---- */

#define KEY_LIKE_BYTES 24U /* a word as long as this, with digits in it */

static bool
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '*';
}

static bool
looks_like_key(struct str word)
{
	static const char *const prefix[] = {
	    "sk-", "sk_", "pk-", "gsk_", "key-", "xai-", "AIza", "hf_", "frg-"};
	bool digit = false;

	for (size_t i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++) {
		if (str_starts(word, str_of(prefix[i])))
			return true;
	}
	for (size_t i = 0; i < word.len; i++)
		digit |= word.p[i] >= '0' && word.p[i] <= '9';
	return digit && word.len >= KEY_LIKE_BYTES;
}

static size_t
put(char *dst, size_t at, size_t cap, struct str s)
{
	for (size_t i = 0; i < s.len && at + 1 < cap; i++) {
		unsigned char c = (unsigned char)s.p[i];

		dst[at++] = c < ' ' || c == 0x7F ? ' ' : (char)c;
	}
	return at;
}

/* Not in the middle of a character. */
static size_t
cut_utf8(const char *dst, size_t at)
{
	size_t back = at;

	while (
	    back > 0 && at - back < 4 && ((unsigned char)dst[back - 1] & 0xC0) == 0x80)
		back--;
	if (back == 0 || ((unsigned char)dst[back - 1] & 0x80) == 0)
		return at;
	back--;
	return str_utf8(str_make(dst + back, at - back)) > 0 ? at : back;
}

void
fault_mask(struct str text, char *dst, size_t cap)
{
	size_t at = 0, i = 0;

	while (i < text.len && at + 1 < cap) {
		size_t end = i;
		struct str word;

		while (end < text.len && is_word(text.p[end]))
			end++;
		word = str_make(text.p + i, end - i);
		if (word.len == 0)
			word.len = 1;
		at = put(dst, at, cap, looks_like_key(word) ? STR("***") : word);
		i += word.len;
	}
	dst[cut_utf8(dst, at)] = '\0';
}
