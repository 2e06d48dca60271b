/* pattern.c: compare an event with the one before, and find the strings that vary. */
#include "pattern.h"

#include "reading.h"

/* Longer events are read. */
#define FIXED_MAX 1024U

void
pattern_init(struct pattern *x)
{
	*x = (struct pattern){0};
	buf_init(&x->fixed, FIXED_MAX);
}

void
pattern_fini(struct pattern *x)
{
	buf_fini(&x->fixed);
}

void
pattern_forget(struct pattern *x)
{
	x->varies = 0;
}

static bool
add_part(struct pattern *x, unsigned i, const char *p, const char *end)
{
	x->part[i] = (size_t)(end - p);
	return buf_append(&x->fixed, p, x->part[i]);
}

void
pattern_learn(
    struct pattern *x, struct str event, const struct str *vary, unsigned varies)
{
	const char *p = event.p, *end = event.p + event.len;
	bool fits = true;

	buf_clear(&x->fixed);
	for (unsigned i = 0; i < varies; i++) {
		fits = fits && add_part(x, i, p, vary[i].p);
		p = vary[i].p + vary[i].len;
	}
	fits = fits && add_part(x, varies, p, end);
	x->varies = fits ? varies : 0;
}

/* Bytes of the character at `p` inside a JSON string; 0: the string ends here, or it is
 * one that the scanner had better look at. */
static inline size_t
character(const char *p, const char *end)
{
	unsigned char c = (unsigned char)*p;

	if (c >= 0x80)
		return str_utf8(str_make(p, (size_t)(end - p)));
	if (c == '\\')
		return end - p > 1 && p[1] != '\0' && strchr("\"\\/bfnrt", p[1]) ? 2
										 : 0;
	return c >= ' ' && c != '"';
}

static size_t
string_length(const char *p, const char *end)
{
	const char *from = p;
	size_t n;

	while (p < end && (n = character(p, end)) > 0)
		p += n;
	return (size_t)(p - from);
}

size_t
pattern_match(
    const struct pattern *x, const char *p, const char *end, struct str *ret_text)
{
	const char *fixed = x->fixed.p, *from = p;

	if (x->varies == 0)
		return 0;
	for (unsigned i = 0;; i++) {
		size_t n = x->part[i];

		if ((size_t)(end - p) < n || memcmp(p, fixed, n) != 0)
			return 0;
		p += n;
		fixed += n;
		if (i == x->varies)
			return (size_t)(p - from);
		n = string_length(p, end);
		if (n == 0 || n > READING_VALUE_MAX - 2)
			return 0;
		if (i == x->text)
			*ret_text = str_make(p, n);
		p += n;
	}
}
