/* log.c: the levels of prose. */
#include "base/log.h"

#include <stdarg.h>

#include "line.h"

void
log_line(enum log_level level, const char *fmt, ...)
{
	static const char *const words[] = {
	    [LOG_error] = "error",
	    [LOG_warn] = "warn",
	    [LOG_info] = "info",
	};
	va_list ap;

	va_start(ap, fmt);
	line_write(words[level], fmt, ap);
	va_end(ap);
}
