/* scan.h: a resumable JSON scanner: validates bytes as they arrive,
 * copies nothing, and tells of the values at the paths that somebody
 * wants. Fed in any pieces, the same result. */
#ifndef BASE_SCAN_H
#define BASE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "base/util.h"

enum scan_kind {
	SCAN_object,
	SCAN_array,
	SCAN_string,
	SCAN_number,
	SCAN_true,
	SCAN_false,
	SCAN_null,
};

/* A path that matters: keys (of at most 63 bytes) joined by '.', "[]" for any element
 * of an array (four at most), e.g. "messages[].content[].type". Each path stands once;
 * ids are the caller's and may repeat. */
struct scan_path {
	const char *path;
	int id;
	bool once; /* twice in one object is an error: a duplicate key that matters */
};

/* A wanted value. For objects and arrays there are two calls: at the begin
 * (end == 0) and at the end. Offsets count from the first byte ever fed; a
 * string's span includes its quotes. */
struct scan_value {
	int id;
	enum scan_kind kind;
	size_t start, end;
	size_t saved; /* by a string's escapes: what scan_text_bytes() takes off */
	/* How many elements stood before it, at each "[]" of the path. */
	uint32_t index[4];
};

enum scan_error {
	SCAN_ok,
	SCAN_syntax,       /* not JSON */
	SCAN_utf8,         /* not UTF-8, a lone surrogate, or a BOM */
	SCAN_depth,        /* deeper than max_depth */
	SCAN_duplicate,    /* a key that matters stands twice */
	SCAN_number_range, /* 1e309 and beyond */
	SCAN_truncated,    /* the text ended too early */
	SCAN_refused,      /* the callback said no */
};

struct scan;

/* A compiled set of paths: immutable, shared by all threads; scan_paths_free() it. The
 * strings must outlive it. */
struct scan_paths;
struct scan_paths *scan_paths_new(const struct scan_path *paths, size_t count);
void scan_paths_free(struct scan_paths *p); /* takes NULL */

/* False stops the scan with SCAN_refused. */
typedef bool scan_value_fn(void *arg, const struct scan_value *v);

/* Fixed size, no allocation while feeding; scan_free() it. */
#define SCAN_DEPTH_MAX 128U
struct scan *scan_new(const struct scan_paths *paths, unsigned max_depth,
    scan_value_fn *on_value, void *arg);
/* Begins a new text; keeps paths and callback. */
void scan_reset(struct scan *s);
void scan_free(struct scan *s); /* takes NULL */

/* False after the first error, for good. */
bool scan_feed(struct scan *s, const char *p, size_t len) MUST_CHECK;
/* The text is over: exactly one value of the
 * wanted root (an object), only blanks behind. */
bool scan_end(struct scan *s) MUST_CHECK;

/* The wanted string, number or literal in whose middle the last piece has ended; `end`
 * is how far it came. False: there is none. */
bool scan_under_way(const struct scan *s, struct scan_value *ret);

enum scan_error scan_error(const struct scan *s);
/* Offset of the byte at which it went wrong. */
size_t scan_error_at(const struct scan *s);
const char *scan_error_text(enum scan_error e);
/* The value at which it went wrong, such as "messages[2].content", as far as the wanted
 * paths have names for it; cut at `cap`, empty when they have none. */
void scan_where(const struct scan *s, char *dst, size_t cap);

/* The text of a JSON string's inside, escapes resolved, into `dst` (at least src.len +
 * 1 bytes, NUL-terminated); gives the length. Works on validated text only. */
size_t scan_unescape(struct str src, char *dst);

/* The text of a value, with its quotes; false: it is no string, does not fit into `cap`
 * bytes with a NUL, or has one in it. */
bool scan_text(struct str raw, enum scan_kind kind, char *dst, size_t cap) MUST_CHECK;

/* How long that text is, without making it; a pair of surrogates counts as 6 bytes. */
size_t scan_text_bytes(struct str raw);

/* An integer as JSON writes it (also 1.0 and 1e3 when they are whole); false when it is
 * no integer or does not fit. */
bool scan_int(struct str number, int64_t *ret);

#endif
