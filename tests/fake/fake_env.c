/* fake_env.c: the clocks and the randomness of a simulation. */
#include "fake_env.h"

#include "base/mem.h"
#include "fake_files.h"

#define START_MONO_NS NS_PER_S
#define START_WALL_NS (1767225600LL * NS_PER_S)

/* xoshiro256** (Blackman, Vigna), seeded by splitmix64 as its authors advise. */
static void
rng_seed(struct rng *r, uint64_t seed)
{
	for (size_t i = 0; i < nitems(r->s); i++) {
		uint64_t z = seed += 0x9E3779B97F4A7C15U;

		z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
		z = (z ^ z >> 27) * 0x94D049BB133111EBU;
		r->s[i] = z ^ z >> 31;
	}
}

static uint64_t
rotl(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static uint64_t
rng_next(struct rng *r)
{
	uint64_t *s = r->s, result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

static int64_t
fake_mono_ns(struct env *env)
{
	return fake_of(env)->mono_ns;
}

static int64_t
fake_wall_ns(struct env *env)
{
	return fake_of(env)->wall_ns;
}

static void
fake_random(struct env *env, void *ret, size_t bytes)
{
	unsigned char *p = ret;

	for (size_t i = 0; i < bytes; i++)
		p[i] = (unsigned char)rng_next(&fake_of(env)->code);
}

struct fake_env *
fake_env_new(uint64_t seed)
{
	struct fake_env *f = xcalloc(1, sizeof(*f));

	f->env = (struct env){
	    .mono_ns = fake_mono_ns,
	    .wall_ns = fake_wall_ns,
	    .random = fake_random,
	};
	fake_files_init(f);
	f->mono_ns = START_MONO_NS;
	f->wall_ns = START_WALL_NS;
	rng_seed(&f->code, seed);
	rng_seed(&f->schedule, ~seed);
	return f;
}

void
fake_env_free(struct fake_env *f)
{
	if (f == NULL)
		return;
	fake_files_fini(f);
	xfree(f);
}

struct env *
fake_env(struct fake_env *f)
{
	return &f->env;
}

void
fake_env_advance(struct fake_env *f, int64_t ns)
{
	f->mono_ns += ns;
	f->wall_ns += ns;
}

void
fake_env_step_wall(struct fake_env *f, int64_t ns)
{
	f->wall_ns += ns;
}

uint64_t
fake_env_draw(struct fake_env *f, uint64_t below)
{
	return rng_next(&f->schedule) % below;
}
