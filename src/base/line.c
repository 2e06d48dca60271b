/* line.c: prose for people, safe to look at in a terminal, in one write(2). */
#include "line.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/env.h"
#include "base/str.h"

#define TEXT_BYTES 2048U
#define CUT        "..."

/* Room for each byte as "\xNN", behind time and word. */
#define LINE_BYTES (4 * TEXT_BYTES + 64U)

static size_t
stamp(char *dst, size_t cap, const char *word)
{
	struct env *env = env_system();
	int64_t ms = env_wall_ms(env);
	time_t s = (time_t)(ms / 1000);
	struct tm t = {0};
	int n;

	(void)gmtime_r(&s, &t);
	n = snprintf(dst, cap, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ %s ",
	    t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec,
	    (int)(ms % 1000), word);
	return n < 0 ? 0 : (size_t)n < cap ? (size_t)n : cap - 1;
}

/* How many bytes may be shown as they are: none of control characters, also of those
 * that hide behind two bytes (U+0080 to U+009F), nor of what is not UTF-8. */
static size_t
printable(struct str s)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t n = str_utf8(s);

	if (c < 0x20 || c == 0x7F)
		return 0;
	return c == 0xC2 && n == 2 && (unsigned char)s.p[1] < 0xA0 ? 0 : n;
}

static size_t
escape(char *dst, struct str s)
{
	static const char hex[] = "0123456789abcdef";
	size_t len = 0;

	while (s.len > 0) {
		size_t n = printable(s);
		unsigned char c = (unsigned char)s.p[0];

		if (n == 0) {
			const char code[4] = {'\\', 'x', hex[c >> 4], hex[c & 15]};

			memcpy(dst + len, code, sizeof(code));
			len += sizeof(code);
			n = 1;
		} else {
			memcpy(dst + len, s.p, n);
			len += n;
		}
		s = str_skip(s, n);
	}
	return len;
}

void
line_write(const char *word, const char *fmt, va_list ap)
{
	char text[TEXT_BYTES], line[LINE_BYTES];
	size_t len = stamp(line, 64, word);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	ssize_t written;

	if (n < 0)
		return;
	if ((size_t)n < sizeof(text)) {
		len += escape(line + len, str_make(text, (size_t)n));
	} else {
		len +=
		    escape(line + len, str_make(text, sizeof(text) - 1 - strlen(CUT)));
		len += escape(line + len, STR(CUT));
	}
	line[len++] = '\n';
	/* Where should we complain if this fails? */
	written = write(STDERR_FILENO, line, len);
	(void)written;
}
