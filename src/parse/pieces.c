/* pieces.c: the forwarded body without a copy of it:
 * the client's bytes around the splices. */
#include <assert.h>

#include "stage/parse.h"

static void
put(struct pieces *p, struct str s)
{
	if (s.len == 0)
		return;
	p->piece[p->count++] = s;
	p->bytes += s.len;
}

void
pieces_make(
    struct str body, const struct splice *splices, size_t count, struct pieces *ret)
{
	size_t at = 0;

	assert(count <= SPLICES_MAX);
	*ret = (struct pieces){0};
	for (size_t i = 0; i < count; i++) {
		const struct splice *s = &splices[i];

		assert(s->start >= at && s->end >= s->start && s->end <= body.len);
		put(ret, str_make(body.p + at, s->start - at));
		put(ret, s->text);
		at = s->end;
	}
	put(ret, str_skip(body, at));
}

size_t
pieces_read(const struct pieces *p, size_t offset, char *dst, size_t cap)
{
	size_t done = 0;

	for (unsigned i = 0; i < p->count && done < cap; i++) {
		struct str s = p->piece[i];
		size_t n;

		if (offset >= s.len) {
			offset -= s.len;
			continue;
		}
		s = str_skip(s, offset);
		offset = 0;
		n = s.len < cap - done ? s.len : cap - done;
		memcpy(dst + done, s.p, n);
		done += n;
	}
	return done;
}
