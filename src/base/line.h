/* line.h: one line of prose to standard error; what log and trace have in common. */
#ifndef LINE_H
#define LINE_H

#include <stdarg.h>

#include "base/util.h"

/* "2026-01-31T12:00:00.000Z WORD text": what is no printable UTF-8 is escaped, what is
 * too long is cut and marked; one write(2). */
void line_write(const char *word, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

#endif
