/* answer.c: small values of a provider's answer, none of which is to be believed. */
#include "answer.h"

/* Above this no count is a count; a sum of a few stays far below 2^63. */
#define COUNT_MAX INT64_C(1000000000000)

bool
answer_count(enum scan_kind kind, struct str text, int64_t *ret, bool *inconsistent)
{
	int64_t number = -1;
	uint64_t digits;

	*ret = -1;
	if (kind == SCAN_null)
		return false;
	if (kind == SCAN_number && text.p != NULL && scan_int(text, &number))
		*ret = number;
	if (kind == SCAN_string && text.p != NULL && str_to_u64(text, &digits) &&
	    digits <= COUNT_MAX)
		*ret = (int64_t)digits;
	if (*ret >= 0 && *ret <= COUNT_MAX)
		return true;
	*ret = -1;
	*inconsistent = true;
	return false;
}

void
answer_text(struct tap *t, struct str raw)
{
	bool plain = raw.p == NULL || memchr(raw.p, '\\', raw.len) == NULL;

	t->output_bytes += (int64_t)(plain ? raw.len : scan_text_bytes(raw));
}

/* The first bytes of a text, but no part of a character. */
static struct str
cut(const char *text, size_t len, size_t max)
{
	if (len > max) {
		len = max;
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	return str_make(text, len);
}

void
answer_error(struct tap *t, enum scan_kind kind, struct str raw)
{
	char text[TAP_USAGE_MAX + 1];
	size_t len;

	if (kind == SCAN_object)
		t->event_failed = true;
	if (kind != SCAN_string || raw.len == 0)
		return;
	t->event_failed = true;
	if (raw.p == NULL || raw.len >= sizeof(text) || t->error.len > 0)
		return;
	len = scan_unescape(raw, text);
	(void)!buf_append_str(&t->error, cut(text, len, t->error.max));
}

void
answer_copy(char *dst, size_t cap, enum scan_kind kind, struct str raw)
{
	char text[TAP_USAGE_MAX + 1];
	size_t len;

	if (kind != SCAN_string || raw.p == NULL || raw.len >= sizeof(text))
		return;
	len = scan_unescape(raw, text);
	str_copy(dst, cap, cut(text, len, cap - 1));
}
