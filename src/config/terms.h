/* terms.h: what a team or a key may do and spend, as a file says it: the same keys in
 * the policy and in the keys file. */
#ifndef CONFIG_TERMS_H
#define CONFIG_TERMS_H

#include "config/snapshot.h"
#include "row.h"

struct terms_draft {
	struct terms t;
	const struct node *may_use, *service_tiers, *require_tags, *budgets;
	struct node *budget;
};

/* Rows of the group `runaway`, which whoever has TERMS_ROWS calls runaway_rows. */
#define RUNAWAY_ROWS(type, member)                                                   \
	{                                                                            \
		{"usd_per_minute", KIND_usd, LANDS(type, member.t.runaway),          \
		    .shape = "5.00",                                                 \
		    .help = "spend of one key in any minute, with what its running " \
			    "requests are expected to cost"},                        \
		    {"then", KIND_word, LANDS(type, member.t.runaway_then),          \
			.words = runaway_words, .shape = "pause",                    \
			.help = "throttle: 429 until it has spent less (the "        \
				"default); pause: 403 until `frugald keys resume`"}, \
		{                                                                    \
			0                                                            \
		}                                                                    \
	}
extern const char *const runaway_words[];

#define TERMS_ROWS(type, member)                                                      \
	{"budget", KIND_any, LANDS(type, member.budget),                              \
	    .shape = "{usd: 4000, per: month}",                                       \
	    .help = "cap on its spend; keys as in `budgets` below, without scope, "   \
		    "each and value"},                                                \
	    {"budgets", KIND_any, LANDS(type, member.budgets),                        \
		.shape = "[{usd: 300, per: day}]", .help = "several of them"},        \
	    {"require_tags", KIND_names, LANDS(type, member.require_tags),            \
		.shape = "[app, env]", .help = "a request without these is refused"}, \
	    {"max_usd_per_request", KIND_usd, LANDS(type, member.t.max_per_request),  \
		.shape = "2.00",                                                      \
		.help = "the most that one request may cost, all attempts together"}, \
	    {"max_output", KIND_int, LANDS(type, member.t.max_output), .min = 1,      \
		.max = 1e9, .help = "longest answer in tokens"},                      \
	    {"rpm", KIND_int, LANDS(type, member.t.rpm), .min = 1, .max = 1e9,        \
		.shape = "60",                                                        \
		.help = "requests in any minute; a team's are shared by its keys"},   \
	    {"tpm", KIND_int, LANDS(type, member.t.tpm), .min = 1, .max = 1e12,       \
		.shape = "200000",                                                    \
		.help = "tokens in any minute, prompt and answer: what a request "    \
			"may use at most counts when it is sent, what it did use "    \
			"when it has ended"},                                         \
	    {"max_inflight", KIND_int, LANDS(type, member.t.max_inflight), .min = 1,  \
		.max = 1e6, .shape = "20", .help = "requests at once"},               \
	    {"runaway", KIND_group, .rows = runaway_rows,                             \
		.help = "a key that spends too fast; of a team: for each of its "     \
			"keys"},                                                      \
	    {"service_tiers", KIND_names, LANDS(type, member.service_tiers),          \
		.shape = "[standard, flex]",                                          \
		.help = "tiers of service that may be asked for: standard (also no "  \
			"word, `auto`, `default`), flex, priority, other; default: "  \
			"all"},                                                       \
	{                                                                             \
		"frontier_at_most", KIND_percent,                                     \
		    LANDS(type, member.t.frontier_at_most),                           \
		    .min = 0, .max = 1, .shape = "20%",                               \
		    .help = "of this month's spend on models of tier `frontier`; "    \
			    "above it others serve where there are any"               \
	}

#endif
