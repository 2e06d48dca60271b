/* edit.c: find a byte of the data among the lines of an event. */
#include "edit.h"

#include "sse.h"

/* Where byte number `at` of the data stands; `*ret_before` is the last byte of data
 * before it that is no blank. */
static size_t
place(struct str event, size_t at, char *ret_before)
{
	const char *p = event.p, *end = p + event.len;
	struct sse s = {0};
	struct str data = {0}, before;

	*ret_before = '\0';
	while (sse_next(&s, &p, end, &data) == SSE_data) {
		bool here = at < data.len;

		before = str_trim(here ? str_make(data.p, at) : data);
		if (before.len > 0)
			*ret_before = before.p[before.len - 1];
		if (here)
			return (size_t)(data.p - event.p) + at;
		at -= data.len;
	}
	return event.len;
}

void
edit_replace(struct str event, size_t from, size_t to, struct str text, struct buf *ret)
{
	char before;
	size_t start = place(event, from, &before);
	size_t end = to > from ? place(event, to - 1, &before) + 1 : start;

	(void)!buf_append(ret, event.p, start);
	(void)!buf_append_str(ret, text);
	(void)!buf_append_str(ret, str_skip(event, end));
}

void
edit_add_member(
    struct str event, size_t end, const char *name, const char *value, struct buf *ret)
{
	char before;
	size_t at = place(event, end - 1, &before);

	(void)!buf_append(ret, event.p, at);
	buf_printf(ret, "%s\"%s\":\"%s\"", before == '{' ? "" : ",", name, value);
	(void)!buf_append_str(ret, str_skip(event, at));
}
