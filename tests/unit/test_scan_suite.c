/* libs: base */
/* test_scan_suite.c: JSONTestSuite through the scanner: what must be accepted, what
 * must be refused, never slow, and the same wherever it is cut. */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/mem.h"
#include "base/scan.h"

#define SUITE       "../shared/suites/JSONTestSuite/"
#define FILE_MAX    ((size_t)1 << 20)
#define SPLIT_MAX   2048 /* longer files are cut at some bytes only */
#define SLOWEST_MS  50
#define NOT_PRESENT 77

static const struct scan_path paths[] = {{"x", 1, true}, {"x[]", 2, false},
    {"x.a", 3, false}, {"a", 4, false}, {"", 5, false}};

struct heard {
	struct buf text;
};

static bool
on_value(void *arg, const struct scan_value *v)
{
	struct heard *h = arg;

	buf_printf(&h->text, "%d:%d:%zu-%zu:%u ", v->id, (int)v->kind, v->start, v->end,
	    v->index[0]);
	return true;
}

/* What the scanner says of `text`, fed in pieces of `step`, or cut once at `cut`. */
static bool
scan(struct str text, size_t step, size_t cut, struct heard *h)
{
	struct scan_paths *p = scan_paths_new(paths, nitems(paths));
	struct scan *s = scan_new(p, SCAN_DEPTH_MAX, on_value, h);
	size_t at = 0;
	bool ok = true;

	buf_clear(&h->text);
	while (ok && at < text.len) {
		size_t n = step != 0 ? step : at == 0 && cut != 0 ? cut : text.len - at;
		char *piece;

		n = n < text.len - at ? n : text.len - at;
		piece = xmemdup(text.p + at, n);
		ok = scan_feed(s, piece, n);
		xfree(piece);
		at += n;
	}
	ok = scan_end(s);
	buf_printf(&h->text, "%s at %zu", scan_error_text(scan_error(s)),
	    ok ? 0 : scan_error_at(s));
	scan_free(s);
	scan_paths_free(p);
	return ok;
}

static double
cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Is it valid? Fails when the answer depends on how it was cut, or took too long. */
static bool
scan_all_ways(const char *name, struct str text)
{
	struct heard whole, parts;
	size_t stride = text.len > SPLIT_MAX ? text.len / 64 : 1;
	double begin;
	bool ok;

	buf_init(&whole.text, FILE_MAX);
	buf_init(&parts.text, FILE_MAX);
	begin = cpu_ms();
	ok = scan(text, 0, 0, &whole);
	if (cpu_ms() - begin > SLOWEST_MS)
		fail_msg("%s: slower than %d ms", name, SLOWEST_MS);
	for (size_t cut = 0; cut < text.len; cut += stride) {
		/* The first of them: in pieces of one byte. */
		scan(text, cut == 0, cut, &parts);
		if (strcmp(whole.text.p, parts.text.p) != 0)
			fail_msg("%s: %s, but cut at %zu %s", name, whole.text.p, cut,
			    parts.text.p);
	}
	buf_fini(&whole.text);
	buf_fini(&parts.text);
	return ok;
}

static const char *
base_name(const char *path)
{
	return strrchr(path, '/') + 1;
}

static struct buf
file_text(const char *path)
{
	struct env *env = env_system();
	struct buf b;

	buf_init(&b, FILE_MAX);
	if (!env->read_file(env, path, FILE_MAX - 1, &b))
		fail_msg("%s cannot be read", path);
	return b;
}

enum wanted { ACCEPTED, REFUSED, EITHER };

/* As a whole text, where the root must be an object; and as a member of one. */
static void
check_file(const char *path, enum wanted wanted)
{
	const char *name = base_name(path);
	struct buf file = file_text(path), inside;
	struct str text = buf_str(&file), root = str_trim(text);
	bool object = str_starts(root, STR("{")), ok;

	ok = scan_all_ways(name, text);
	if (wanted == REFUSED && ok)
		fail_msg("%s: accepted", name);
	if (wanted == ACCEPTED && ok != object)
		fail_msg("%s: %s", name, ok ? "accepted" : "refused");
	buf_init(&inside, FILE_MAX);
	buf_add(&inside, "{\"x\":");
	assert_true(buf_append_str(&inside, text));
	buf_add(&inside, "}");
	ok = scan_all_ways(name, buf_str(&inside));
	if ((wanted == REFUSED && ok) || (wanted == ACCEPTED && !ok))
		fail_msg("%s: %s as a member", name, ok ? "accepted" : "refused");
	buf_fini(&inside);
	buf_fini(&file);
}

static void
check_files(const char *pattern, size_t least, enum wanted wanted)
{
	glob_t found;

	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_true(found.gl_pathc >= least);
	for (size_t i = 0; i < found.gl_pathc; i++)
		check_file(found.gl_pathv[i], wanted);
	globfree(&found);
}

static void
test_accepted(void **state)
{
	(void)state;
	check_files(SUITE "test_parsing/y_*.json", 95, ACCEPTED);
}

static void
test_refused(void **state)
{
	(void)state;
	check_files(SUITE "test_parsing/n_*.json", 188, REFUSED);
}

/* Whatever is decided: always the same. */
static void
test_either(void **state)
{
	(void)state;
	check_files(SUITE "test_parsing/i_*.json", 35, EITHER);
	check_files(SUITE "test_transform/*.json", 20, EITHER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_accepted),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_either),
	};
	glob_t found;

	if (glob(SUITE, 0, NULL, &found) != 0)
		return NOT_PRESENT;
	globfree(&found);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
