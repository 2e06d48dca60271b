/* libs: base */
/* fuzz_scan.c: any bytes through the scanner: in any pieces it tells the same values
 * and comes to the same end. The first two bytes say how the rest is cut. */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct scan_path paths[] = {
    {"a", 1, true},
    {"a.b", 2, true},
    {"a.b[]", 3, false},
    {"m[].c", 4, true},
    {"m[].c[].t", 5, false},
    {"x[][][][]", 6, false},
    {"\xC3\xA9", 7, true},
};

static bool
on_value(void *arg, const struct scan_value *v)
{
	/* What does not fit is left out, both times alike. */
	return buf_append(arg, v, sizeof(*v)) || true;
}

/* What was told, and how it ended. */
static void
run(const uint8_t *data, size_t len, size_t step, struct buf *told)
{
	struct scan_paths *p = scan_paths_new(paths, nitems(paths));
	struct scan *s = scan_new(p, 64, on_value, told);
	struct scan_value under_way;
	char where[64];
	size_t end[2];
	bool ok = true;

	for (size_t at = 0; ok && at < len; at += step) {
		size_t n = step < len - at ? step : len - at;
		char *piece = xmemdup(data + at, n);

		ok = scan_feed(s, piece, n);
		(void)scan_under_way(s, &under_way);
		xfree(piece);
	}
	ok = scan_end(s);
	if (ok != (scan_error(s) == SCAN_ok))
		abort();
	if (scan_error_at(s) > len)
		abort();
	scan_where(s, where, sizeof(where));
	end[0] = (size_t)scan_error(s);
	end[1] = ok ? 0 : scan_error_at(s);
	if (!buf_append(told, end, sizeof(end)) ||
	    !buf_append(told, where, ok ? 0 : strlen(where)))
		abort();
	scan_free(s);
	scan_paths_free(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf whole, parts;
	size_t step;

	if (len < 2)
		return 0;
	step = 1 + (size_t)(data[0] | data[1] << 8) % (len < 4096 ? len : 4096);
	buf_init(&whole, 64 << 20);
	buf_init(&parts, 64 << 20);
	run(data + 2, len - 2, len, &whole);
	run(data + 2, len - 2, step, &parts);
	if (!str_eq(buf_str(&whole), buf_str(&parts)))
		abort();
	buf_fini(&whole);
	buf_fini(&parts);
	return 0;
}
