/* trace.h: to see a path; costs one load and a branch when it is off. */
#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include <stdbool.h>

#include "base/str.h"
#include "base/util.h"

enum trace_topic {
#define TRACE(name, help) TRACE_##name,
#include "base/trace.def"
	TRACE_TOPICS
};

/* Which topics are on: one bit each. Made by main, constant while threads run. */
struct trace {
	unsigned topics;
};

/* "step,route" or "all"; false names the first unknown word in `*ret_unknown`. */
bool trace_parse(struct str topics, struct trace *ret, struct str *ret_unknown);

/* A line for each topic, for --help. */
const char *trace_help(void);

void trace_line(enum trace_topic topic, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define trace(t, topic, ...)                                    \
	do {                                                    \
		if (((t)->topics & (1U << TRACE_##topic)) != 0) \
			trace_line(TRACE_##topic, __VA_ARGS__); \
	} while (0)

#endif
