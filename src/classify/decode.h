/* decode.h: characters out of bytes that come in any pieces: UTF-8 and JSON's escapes.
 */
#ifndef CLASSIFY_DECODE_H
#define CLASSIFY_DECODE_H

#include <stdbool.h>
#include <stdint.h>

struct decode {
	bool plain; /* no escapes in it */
	/* a character under way */
	bool escaped;
	uint32_t point, digits_left, more, high;
};

/* Is the byte a character by itself? */
static inline bool
decode_whole(const struct decode *d, unsigned char c)
{
	return c < 0x80 && c != '\\' && !d->escaped && d->digits_left + d->more == 0;
}

/* One more byte. True: `*ret` is the character that it ends. */
bool decode_byte(struct decode *d, unsigned char c, uint32_t *ret);

#endif
