/* cache.h: a provider's prompt cache:
 * which beginnings of prompts it has seen lately. */
#ifndef SIM_CACHE_H
#define SIM_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "ask.h"

struct cache;

struct cache *cache_new(void);
void cache_free(struct cache *c);
void cache_clear(struct cache *c);

/* Tokens of the prompt by where they are charged;
 * `read + write + rest` is all of it. */
struct cached {
	int64_t read, write_5m, write_1h;
};

/* Whole prompts from 1,024 tokens on, in steps of 128, by itself. */
struct cached cache_openai(struct cache *c, const struct ask *a, int64_t now_ns);
/* Up to the marks that the request sets. */
struct cached cache_anthropic(struct cache *c, const struct ask *a, int64_t now_ns);

#endif
