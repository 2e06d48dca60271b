/* id.c: ULIDs, made and spelt. */
#include "base/id.h"

#include <string.h>

#include "base/env.h"

#define DIGITS 26

static struct id
make(struct env *env, const uint64_t random[2])
{
	return (struct id){
	    .hi = (uint64_t)env_wall_ms(env) << 16 | (random[0] & 0xFFFF),
	    .lo = random[1],
	};
}

struct id
id_new(struct env *env)
{
	uint64_t random[2];

	env->random(env, random, sizeof(random));
	return make(env, random);
}

struct id
id_take(struct id_stock *s, struct env *env)
{
	if (s->left == 0) {
		env->random(env, s->random, sizeof(s->random));
		s->left = nitems(s->random);
	}
	s->left -= 2;
	return make(env, &s->random[s->left]);
}

void
id_bytes(struct id id, uint8_t ret[static 16])
{
	for (int i = 0; i < 8; i++) {
		ret[i] = (uint8_t)(id.hi >> (56 - 8 * i));
		ret[8 + i] = (uint8_t)(id.lo >> (56 - 8 * i));
	}
}

void
id_format(struct id id, char ret[static ID_TEXT_BYTES])
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

	for (int i = DIGITS - 1; i >= 0; i--) {
		ret[i] = digits[id.lo & 31];
		id.lo = id.lo >> 5 | id.hi << 59;
		id.hi >>= 5;
	}
	ret[DIGITS] = '\0';
}

/* -1 for what the alphabet leaves out (I, L, O, U): we never write those. */
static int
digit_value(char c)
{
	static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
	const char *at;

	if (c >= 'A' && c <= 'Z')
		c = (char)(c - 'A' + 'a');
	at = memchr(digits, c, sizeof(digits) - 1);
	return at == NULL ? -1 : (int)(at - digits);
}

bool
id_parse(struct str s, struct id *ret)
{
	struct id id = {0};

	/* 26 digits hold 130 bits: the first one must leave two of them empty. */
	if (s.len != DIGITS || digit_value(s.p[0]) > 7)
		return false;
	for (size_t i = 0; i < DIGITS; i++) {
		int v = digit_value(s.p[i]);

		if (v < 0)
			return false;
		id.hi = id.hi << 5 | id.lo >> 59;
		id.lo = id.lo << 5 | (uint64_t)v;
	}
	*ret = id;
	return true;
}
