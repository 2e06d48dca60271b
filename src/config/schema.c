/* schema.c: the keys of frugald.yaml, one row each. */
#include "draft.h"

#include "base/util.h"

#define HOUR_MS (3600.0 * 1000)
#define GIB     (1024.0 * 1024 * 1024)

static const char *const apis[] = {"openai", "anthropic", NULL};
static const char *const later_apis[] = {"azure", "bedrock", "gemini", "vertex", NULL};
static const char *const tiers[] = {"frontier", "small", "local", NULL};
static const char *const goals[] = {"cheapest", "best", NULL};
static const char *const unsure[] = {"baseline", "ignore", NULL};
static const char *const below[] = {"serve_best", "refuse", NULL};
static const char *const switches[] = {"never", "new_task", "any_turn", NULL};
static const char *const named[] = {"served", "requested", NULL};
static const char *const half_closes[] = {"cancel", "serve", NULL};
static const char *const polls[] = {"vllm", "llamacpp", "ollama", NULL};
static const char *const keeps[] = {"full", "slim", NULL};
static const char *const durabilities[] = {"process", NULL};

#define NEEDED  .flags = ROW_required
#define RESTART .flags = ROW_restart
#define FROM(a) .min = (a)
#define TO(b)   .max = (b)
#define LATER(key, mend)                                      \
	{                                                     \
		.name = key, .kind = KIND_later, .help = mend \
	}

#include "schema.def"
