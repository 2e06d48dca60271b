/* libs: base core classify */
/* bench_classify.c: what a verdict takes: a prompt of 2 KB with warm and with cold
 * caches, and one of 200 KB. Prints nanoseconds, and instructions where the kernel
 * counts them. */
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "core/request.h"

#define WARM 5000
#define COLD 200
#define WIPE ((size_t)64 << 20)

/* Words that differ, as in real text: the rows of a repeated sentence would all be
 * warm. */
static const char *const words[] = {"committee", "weigh", "the", "proposals", "for",
    "harbour", "three", "of", "them", "ask", "longer", "pier", "two", "a", "new",
    "crane", "and", "one", "which", "nobody", "had", "expected", "leaving",
    "everything", "as", "it", "is", "explain", "why", "budget", "report", "should",
    "compare", "every", "option", "with", "last", "year", "numbers", "risk", "board",
    "summary", "write", "short", "letter", "to", "mayor", "about", "delay", "contract"};

static int
by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
fill(char *text, size_t bytes)
{
	uint64_t seed = 7;
	size_t len = 0;

	while (len + 32 < bytes) {
		const char *word;
		int n;

		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		word = words[(seed >> 33) % nitems(words)];
		n = snprintf(text + len, 32, "%s%s", word,
		    (seed >> 50) % 12 == 0  ? ".\\n"
		    : (seed >> 50) % 9 == 0 ? ", "
					    : " ");
		len += (size_t)n;
	}
	memset(text + len, 'a', bytes - len);
}

static int
counter(void)
{
	struct perf_event_attr a = {.type = PERF_TYPE_HARDWARE,
	    .size = sizeof(a),
	    .config = PERF_COUNT_HW_INSTRUCTIONS,
	    .exclude_kernel = 1};

	return (int)syscall(SYS_perf_event_open, &a, 0, -1, -1, 0);
}

static void
instructions(const struct task *t, const struct prompt *p)
{
	uint64_t count = 0;
	struct verdict v;
	int fd = counter();

	if (fd < 0)
		return;
	ioctl(fd, PERF_EVENT_IOC_RESET, 0);
	classify(classifier_builtin(), t, p, &v);
	if (read(fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
		printf("           %llu instructions\n", (unsigned long long)count);
	close(fd);
}

static int64_t
once(const struct task *t, const struct prompt *p)
{
	struct env *env = env_system();
	struct verdict v;
	int64_t start = env->mono_ns(env);

	classify(classifier_builtin(), t, p, &v);
	return env->mono_ns(env) - start;
}

static void
measure(const char *what, const struct task *t, const struct prompt *p)
{
	static int64_t ns[WARM];
	char *wipe = xcalloc(1, WIPE);

	for (int i = 0; i < WARM; i++)
		ns[i] = once(t, p);
	qsort(ns, WARM, sizeof(ns[0]), by_value);
	printf("%-8s warm p50 %7lld ns  p99 %7lld ns", what, (long long)ns[WARM / 2],
	    (long long)ns[WARM * 99 / 100]);
	for (int i = 0; i < COLD; i++) {
		memset(wipe, i, WIPE);
		ns[i] = once(t, p);
	}
	qsort(ns, COLD, sizeof(ns[0]), by_value);
	printf("   cold p50 %7lld ns\n", (long long)ns[COLD / 2]);
	instructions(t, p);
	xfree(wipe);
}

int
main(void)
{
	static const size_t sizes[] = {200, 2048, 200000};
	struct prompt_piece piece = {.role = ROLE_user};
	struct prompt prompt = {.pieces = &piece, .count = 1};
	struct task task = {.max_output = -1, .n = 1, .messages = 1, .turns = 1};

	printf("weights %s\n", classifier_version(classifier_builtin()));
	for (size_t i = 0; i < nitems(sizes); i++) {
		char *text = xcalloc(1, sizes[i]), name[16];

		fill(text, sizes[i]);
		piece.raw = str_make(text, sizes[i]);
		snprintf(name, sizeof(name), "%zu B", sizes[i]);
		measure(name, &task, &prompt);
		xfree(text);
	}
	return 0;
}
