/* log.h: prose for people at start, reload and stop; one JSON line per request comes
 * from report/. Never prompts, completions or keys. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/util.h"

enum log_level { LOG_error, LOG_warn, LOG_info };

/* One line on standard error, with UTC time and level; control characters are escaped.
 * Any thread; one write(2) a line. */
void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_error(...) log_line(LOG_error, __VA_ARGS__) /* someone must act */
#define log_warn(...)  log_line(LOG_warn, __VA_ARGS__)  /* we coped; say how */
#define log_info(...)  log_line(LOG_info, __VA_ARGS__)  /* start, reload, stop */

#endif
