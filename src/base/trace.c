/* trace.c: the topics by name, and their lines. */
#include "base/trace.h"

#include <stdarg.h>

#include "line.h"

static const char *const names[] = {
#define TRACE(name, help) [TRACE_##name] = #name,
#include "base/trace.def"
};

static bool
topic_bits(struct str word, unsigned *bits)
{
	if (str_is(word, "all")) {
		*bits |= (1U << TRACE_TOPICS) - 1;
		return true;
	}
	for (unsigned i = 0; i < TRACE_TOPICS; i++) {
		if (str_is(word, names[i])) {
			*bits |= 1U << i;
			return true;
		}
	}
	return false;
}

bool
trace_parse(struct str topics, struct trace *ret, struct str *ret_unknown)
{
	unsigned bits = 0;
	struct str word;

	while (str_split(&topics, ',', &word)) {
		word = str_trim(word);
		if (!topic_bits(word, &bits)) {
			*ret_unknown = word;
			return false;
		}
	}
	ret->topics = bits;
	return true;
}

const char *
trace_help(void)
{
	return
#define TRACE(name, help) "    " #name "\t" help "\n"
#include "base/trace.def"
	    "    all\t\teverything\n";
}

void
trace_line(enum trace_topic topic, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line_write(names[topic], fmt, ap);
	va_end(ap);
}
