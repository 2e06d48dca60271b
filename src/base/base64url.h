/* base64url.h: base64 without padding, as RFC 7515 writes bytes. */
#ifndef BASE64URL_H
#define BASE64URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Bytes that `s` stands for. */
static inline size_t
base64url_bytes(struct str s)
{
	return s.len / 4 * 3 + (s.len % 4 > 0 ? s.len % 4 - 1 : 0);
}

/* Into `ret`, at least base64url_bytes(); false: another character, padding, or bits
 * behind the last byte. */
bool base64url_read(struct str s, uint8_t *ret);

#endif
