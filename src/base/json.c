/* json.c: JSON text, written value by value. */
#include "base/json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
json_init(struct json *j, struct buf *out)
{
	*j = (struct json){.out = out};
}

static void
put(struct json *j, struct str s)
{
	if (!j->full && !buf_append_str(j->out, s))
		j->full = true;
}

/* Three at once, since most values and keys need no more. */
static void
put_three(struct json *j, struct str a, struct str b, struct str c)
{
	char *p;

	j->full |= !j->full && !buf_reserve(j->out, a.len + b.len + c.len);
	if (j->full)
		return;
	p = mempcpy(j->out->p + j->out->len, a.p, a.len);
	if (b.len > 0)
		p = mempcpy(p, b.p, b.len);
	p = mempcpy(p, c.p, c.len);
	*p = '\0';
	j->out->len += a.len + b.len + c.len;
}

/* What stands for a byte that may not stand for itself. */
static struct str
escape_of(unsigned char c, char code[static 7])
{
	switch (c) {
	case '"':
		return STR("\\\"");
	case '\\':
		return STR("\\\\");
	case '\n':
		return STR("\\n");
	case '\r':
		return STR("\\r");
	case '\t':
		return STR("\\t");
	default:
		break;
	}
	if (c >= 0x20)
		return STR("\xEF\xBF\xBD"); /* U+FFFD */
	(void)snprintf(code, 7, "\\u%04x", c);
	return str_of(code);
}

/* How many of the first bytes stand for themselves. */
static size_t
plain_run(struct str s)
{
	size_t i = 0;

	while (i < s.len) {
		unsigned char c = (unsigned char)s.p[i];
		size_t n = 1;

		if (c < 0x20 || c == '"' || c == '\\')
			break;
		if (c >= 0x80)
			n = str_utf8(str_skip(s, i));
		if (n == 0)
			break;
		i += n;
	}
	return i;
}

static void
put_escaped(struct json *j, struct str s)
{
	char code[7];
	size_t run;

	for (;;) {
		run = plain_run(s);
		put(j, str_make(s.p, run));
		s = str_skip(s, run);
		if (s.len == 0)
			break;
		put(j, escape_of((unsigned char)s.p[0], code));
		s = str_skip(s, 1);
	}
}

static void
put_quoted(struct json *j, struct str before, struct str s, struct str behind)
{
	if (plain_run(s) == s.len) {
		put_three(j, before, s, behind);
		return;
	}
	put(j, before);
	put_escaped(j, s);
	put(j, behind);
}

static void
begin_value(struct json *j, const char *key)
{
	bool comma = j->comma;

	j->comma = true;
	if (key != NULL)
		put_quoted(j, comma ? STR(",\"") : STR("\""), str_of(key), STR("\":"));
	else if (comma)
		put(j, STR(","));
}

static void
open_level(struct json *j, const char *key, struct str bracket)
{
	begin_value(j, key);
	put(j, bracket);
	j->depth++;
	j->comma = false;
}

static void
close_level(struct json *j, struct str bracket)
{
	assert(j->depth > 0);
	put(j, bracket);
	j->depth--;
	j->comma = true;
}

void
json_object_begin(struct json *j, const char *key)
{
	open_level(j, key, STR("{"));
}

void
json_object_end(struct json *j)
{
	close_level(j, STR("}"));
}

void
json_array_begin(struct json *j, const char *key)
{
	open_level(j, key, STR("["));
}

void
json_array_end(struct json *j)
{
	close_level(j, STR("]"));
}

void
json_raw(struct json *j, const char *key, struct str value)
{
	begin_value(j, key);
	put(j, value);
}

void
json_str(struct json *j, const char *key, struct str value)
{
	begin_value(j, key);
	put_quoted(j, STR("\""), value, STR("\""));
}

void
json_int(struct json *j, const char *key, int64_t value)
{
	char text[24];
	size_t at = sizeof(text);
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

	do {
		text[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (value < 0)
		text[--at] = '-';
	json_raw(j, key, str_make(text + at, sizeof(text) - at));
}

void
json_bool(struct json *j, const char *key, bool value)
{
	json_raw(j, key, value ? STR("true") : STR("false"));
}

void
json_put_null(struct json *j, const char *key)
{
	json_raw(j, key, STR("null"));
}

void
json_num(struct json *j, const char *key, double value, int digits)
{
	char text[40];
	/* Up to 15 digits %g is the shortest already: it drops the zeros behind. */
	int n = digits < 15 ? digits : 15;

	if (!isfinite(value)) {
		json_put_null(j, key);
		return;
	}
	(void)snprintf(text, sizeof(text), "%.*g", n, value);
	while (n < digits && n < 17 && strtod(text, NULL) != value)
		(void)snprintf(text, sizeof(text), "%.*g", ++n, value);
	json_raw(j, key, str_of(text));
}

void
json_pusd(struct json *j, const char *key, struct pusd value)
{
	json_pusd_sum(j, key, (struct pusd_sum){.v = value.v});
}

void
json_pusd_sum(struct json *j, const char *key, struct pusd_sum value)
{
	char text[PUSD_TEXT_BYTES];

	pusd_sum_format(value, text);
	json_str(j, key, str_of(text));
}
