/* sse.c: cut a stream into the data of its events, byte by byte only where it must. */
#include "sse.h"

#include <string.h>

/* A piece of lines that end in CR alone must not be searched for LF again and again. */
#define SEARCH_BYTES 1024

/* The first CR or LF, or `end`. */
static const char *
find_line_end(const char *p, const char *end)
{
	while (p < end) {
		size_t n = end - p < SEARCH_BYTES ? (size_t)(end - p) : SEARCH_BYTES;
		const char *lf = memchr(p, '\n', n);
		const char *cr;

		if (lf != NULL)
			n = (size_t)(lf - p);
		cr = memchr(p, '\r', n);
		if (cr != NULL)
			return cr;
		if (lf != NULL)
			return lf;
		p += n;
	}
	return end;
}

/* At a CR or LF. */
static void
end_line(struct sse *s, const char **p, const char *end)
{
	s->cr = **p == '\r';
	(*p)++;
	if (s->cr && *p < end) {
		s->cr = false;
		if (**p == '\n')
			(*p)++;
	}
	s->state = SSE_line;
	s->field_len = 0;
}

static enum sse_token
begin_data(struct sse *s, struct str *ret)
{
	*ret = STR("\n");
	return s->lines++ == 0 ? SSE_none : SSE_data;
}

/* Behind a field's name: is it one that matters? */
static enum sse_token
begin_value(struct sse *s, struct str *ret)
{
	struct str field = str_make(s->field, s->field_len);

	s->state = SSE_skip;
	if (str_eq(field, STR("data"))) {
		s->state = SSE_data_blank;
		return begin_data(s, ret);
	}
	if (str_eq(field, STR("event"))) {
		s->state = SSE_name_blank;
		s->name_len = 0;
	}
	return SSE_none;
}

/* Takes a byte of the mark that may stand before everything else. */
static bool
take_mark(struct sse *s, const char **p)
{
	if (**p == "\xEF\xBB\xBF"[s->mark]) {
		s->mark++;
		(*p)++;
		return true;
	}
	/* A part of it only: the first field's name begins with odd bytes. */
	if (s->mark > 0)
		s->state = SSE_skip;
	s->mark = 3;
	return false;
}

static enum sse_token
take_field(struct sse *s, const char **p, const char *end, struct str *ret)
{
	enum sse_token token = SSE_none;

	if (s->field_len == 0 && end - *p > 6 && memcmp(*p, "data: ", 6) == 0) {
		*p += 6;
		token = begin_data(s, ret);
		s->state = SSE_in_data;
		return token;
	}
	if (**p == '\r' || **p == '\n') {
		if (s->field_len == 0)
			token = SSE_end;
		else
			token = begin_value(s, ret);
		end_line(s, p, end);
		return token;
	}
	if (**p == ':')
		token = begin_value(s, ret);
	else if (s->field_len < sizeof(s->field))
		s->field[s->field_len++] = **p;
	(*p)++;
	return token;
}

/* The part of the line's value that lies in the piece. */
static struct str
take_value(struct sse *s, const char **p, const char *end)
{
	struct str value = {.p = *p};

	*p = find_line_end(value.p, end);
	value.len = (size_t)(*p - value.p);
	if (*p < end)
		end_line(s, p, end);
	return value;
}

static void
add_name(struct sse *s, struct str part)
{
	size_t room = sizeof(s->name) - s->name_len;
	size_t n = part.len < room ? part.len : room;

	memcpy(s->name + s->name_len, part.p, n);
	s->name_len = (uint8_t)(s->name_len + n);
}

static enum sse_token
step(struct sse *s, const char **p, const char *end, struct str *ret)
{
	switch (s->state) {
	case SSE_line:
		if (s->mark < 3 && take_mark(s, p))
			return SSE_none;
		if (s->state == SSE_line)
			return take_field(s, p, end, ret);
		break;
	case SSE_data_blank:
	case SSE_name_blank:
		*p += **p == ' ';
		s->state = s->state == SSE_data_blank ? SSE_in_data : SSE_in_name;
		break;
	case SSE_in_data:
		*ret = take_value(s, p, end);
		return ret->len > 0 ? SSE_data : SSE_none;
	case SSE_in_name:
		add_name(s, take_value(s, p, end));
		break;
	case SSE_skip:
		(void)take_value(s, p, end);
		break;
	}
	return SSE_none;
}

enum sse_token
sse_next(struct sse *s, const char **p, const char *end, struct str *ret)
{
	enum sse_token token = SSE_none;

	if (s->cr && *p < end) {
		s->cr = false;
		*p += **p == '\n';
	}
	while (token == SSE_none && *p < end)
		token = step(s, p, end, ret);
	return token;
}
