/* route.h: the plan of a request: candidates in order, their numbers, and why. */
#ifndef STAGE_ROUTE_H
#define STAGE_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/id.h"
#include "base/json.h"
#include "base/money.h"
#include "config/snapshot.h"
#include "core/sets.h"

struct env;
struct task;
struct verdict;
struct principal;
struct outlook;

/* Times of a signal are at most this: so they fit a row, and a plan that is made again
 * sees the same ones. */
#define SIGNAL_MS_MAX 65534
/* What is known of a provider at this moment. Times: -1: unknown. */
struct signal {
	bool up;         /* neither out of service nor asking for a rest */
	int32_t ttft_ms; /* of late, to the first byte */
	/* until a place is free there: now, and the longest of the last seconds */
	int32_t wait_ms, wait_high_ms;
};
#define SIGNAL_UNKNOWN \
	((struct signal){.up = true, .ttft_ms = -1, .wait_ms = -1, .wait_high_ms = -1})
struct candidate;
typedef struct signal signal_fn(void *arg, const struct candidate *c);

struct candidate {
	const struct model *model;
	unsigned at; /* which provider of the model: model->at[at] */
	/* the tier of service to ask for, by a rule or because there is time; NULL: as
	 * the client asked */
	const char *service;
	struct signal signal; /* by which it was judged */
	const char *price_id; /* NULL: unpriced */
	const struct price_row
	    *price; /* of the contract amount; see contract_price() */
	const struct price_row *list;
	int64_t contract_ppm;
	double success;  /* expected, [0, 1] */
	double cost_usd; /* expected, an estimate; -1: unpriced */
	double input_tokens, cached_tokens, output_tokens; /* expected */
	double cache_usd;  /* what the cached ones save, of cost_usd */
	double output_usd; /* of cost_usd, for the answer */
	/* Under a deadline: to the end of the answer, in nine of ten cases, -1:
	 * unknown; and of the tier `flex`, what is to be left for asking without it.
	 */
	int32_t takes_ms, spare_ms;
	double machine_s; /* expected, of a machine that is paid by the hour; else 0 */
	enum reason reason;
	int rule; /* index of the rule that put it out, or -1 */
	/* to set upstream when the client named none; -1: leave it */
	int64_t max_output;
};

/* The cheap tier of service, which may have no room: who is asked for it is asked once
 * more without, when it refused or was late. */
#define FLEX "flex"
static inline bool
asks_flex(const struct candidate *c)
{
	return c->service != NULL && str_is(str_of(c->service), FLEX);
}

#define CANDIDATES_MAX 16

/* Candidates in the order in which they are tried stand first (`usable` of them); those
 * that are out follow, for explain. */
struct plan {
	const struct route *route; /* NULL: the client named a model */
	enum route_mode mode;      /* in force: a bypass may stand over the config's */
	char asked[64];            /* the client's model name, cut */
	struct candidate candidate[CANDIDATES_MAX];
	unsigned count, usable;
	/* a usable one that would be first, were its machine's queue not too long;
	 * 0: nobody */
	unsigned spilled;
	double floor; /* least expected success, -1: none */
	double baseline_success, baseline_cost_usd; /* -1: unknown */
	const struct model *baseline;
	double baseline_output_usd; /* of its cost, for the answer */
	float baseline_samples;     /* answers that the expected length rests on */
	/* observe mode: the model that would have been chosen; else candidate[0]'s */
	const struct model *decided;
	bool below_quality;  /* flagged: nobody meets the bar */
	bool unsure;         /* confidence low: baseline */
	bool pinned, stayed; /* by bound content or a tool loop; by the session */
	/* A cascade: those before this one are of one model, whose answer is judged; it
	 * and those of its model behind it are asked when that fails. 0: there is none.
	 */
	unsigned escalate_to;
	double cascade_success, cascade_cost_usd; /* expected, of both together */
	/* What moving the session off the place where it last ran gives up of its
	 * prompt cache, expected; 0: nothing. Does the first candidate keep it? */
	double switch_usd;
	bool keeps_cache;
	const struct data_class *data;
	int64_t max_output; /* of route and team when the client named none; -1: none */
	/* when there is no plan */
	enum outcome refusal;
	const char *refusal_param;
	char refusal_text[240];
};

/* Everything that a decision depends on; the same input gives the same plan. */
struct route_input {
	const struct snapshot *snap;
	const struct task *task;
	const struct verdict *verdict;
	const struct principal *who;
	const struct outlook *outlook;
	const struct session_view *session;
	const struct tag *tags;
	unsigned tag_count;
	const struct data_class *data; /* by header; NULL */
	double min_quality;            /* by header; -1 */
	double max_cost_usd;           /* by header; -1 */
	int64_t deadline_ms;           /* what the client's leaves; 0: it has none */
	enum route_mode bypass_mode;   /* MODE_COUNT: no bypass in force */
	int64_t wall_s;                /* when it came: the prices of that moment */
	int64_t hours_s; /* by which rules with hours go; only `check` looks at another
			    time than wall_s */
	signal_fn *signal; /* NULL: all are up and of no known speed */
	void *signal_arg;
	uint64_t draw; /* hash of the session: canary and hold-out */
};

/* Only what `hours` says; true without. */
bool rule_hours_hold(const struct rule *r, int64_t wall_s);

/* False: `ret->refusal` and its text say why;
 * candidates that are out are listed all the same. */
bool plan_build(const struct route_input *in, struct plan *ret);

/* What the request would cost at that model, at its first provider, as if its session
 * had run there: estimates in dollars. */
struct yardstick {
	double cost_usd, output_usd; /* in all; for the answer */
	float samples;               /* answers that its expected length rests on */
};
/* False: it is unpriced. */
bool plan_yardstick(
    const struct route_input *in, const struct model *m, struct yardstick *ret);

/* All of an input that a row of the ledger does not have in a column of its own, nor
 * in its packed plan. Gives the number of bytes; 0: they do not fit, such a decision
 * cannot be made again. */
size_t decision_pack(const struct route_input *in, uint8_t ret[static DECISION_BYTES]);

/* What such a row holds. */
struct decision_row {
	struct str asked, class_name, key, team, tags; /* as in struct slot_request */
	float complexity, confidence;
	int64_t start_ms;
	uint64_t session;
	struct str decision, plan;
};
/* The input made again, from `mem`; plan_build() makes the same plan of it as long as
 * that has no more than CANDIDATES_MAX options, and when the caller adds the outlook.
 * NULL: there is none, it is damaged, or it was made under another policy. */
struct route_input *decision_unpack(
    const struct decision_row *row, const struct snapshot *s, struct arena *mem);

/* The same request before another policy: what it names is looked up there by name.
 * NULL: that does not have the request's or its key's data class, or its team, so that
 * nobody knows who may see it. A model or provider that is gone is forgotten. `in` must
 * outlive it. */
struct route_input *decision_move(
    const struct route_input *in, const struct snapshot *to, struct arena *mem);

/* ---- a plan as it is told: one view for `explain`, the header and the API ---- */

/* Of texts: empty; of numbers: -1; of pointers: NULL: not known, or there is none. */
struct view_candidate {
	struct str model, provider, region;
	struct str service; /* tier asked for; empty: as the client asked */
	double success;     /* -1: nothing was reckoned */
	double cost_usd;    /* -1: unpriced */
	double input_tokens, cached_tokens, output_tokens;
	struct signal signal;
	int32_t takes_ms; /* under a deadline, to the end of the answer */
	enum reason reason;
	int rule;
};
struct plan_view {
	struct str asked, route, mode, data, baseline, decided;
	const char *data_of;     /* whose data class it is */
	unsigned canary_percent; /* 0: no canary */
	bool canary_acts;        /* this session is in it */
	struct str goal;         /* what the chosen one is the best at */
	struct str rules;        /* of the route, up to the one that holds */
	bool session_told;       /* else only its number is known */
	uint64_t session;        /* 0: that neither */
	unsigned turn;           /* which this is; 0: not known */
	struct str session_model, session_provider; /* that answered last */
	int64_t idle_ms;                            /* -1: it is new */
	double warm;     /* probability that its prompt cache is still there */
	const char *pin; /* what binds the request to a model */
	/* what was read */
	struct str class_name;
	double class_p, complexity, confidence;
	const char *reasons[4];
	/* the plan */
	struct view_candidate candidate[CANDIDATES_MAX];
	unsigned count, usable;
	double floor, baseline_success, baseline_cost_usd;
	unsigned escalate_to; /* see struct plan */
	double cascade_success, cascade_cost_usd;
	double switch_usd; /* see struct plan */
	bool keeps_cache;
	unsigned spilled; /* see struct plan */
	bool below_quality, unsure, pinned, stayed;
	enum outcome refusal;
	struct str refusal_text;
};
/* `in` NULL: of rules and session nothing is told. Texts are the snapshot's, the plan's
 * or from `mem`. */
void plan_view(const struct plan *p, const struct verdict *v,
    const struct route_input *in, struct arena *mem, struct plan_view *ret);

void plan_text(const struct plan_view *v, struct buf *ret);
/* Member `key` of an object, or NULL. */
void plan_json(const struct plan_view *v, const char *key, struct json *j);
/* The JSON form on one line, for a header; from `mem`. */
const char *plan_line(const struct plan *p, const struct verdict *v, struct arena *mem);

/* Name and value of a tag, in the order of their strength. */
struct tag {
	struct str name, value;
	enum tag_source source;
};

/* What is remembered of a conversation. */
struct session_view {
	bool known;
	uint64_t id;
	uint16_t turns;
	int64_t idle_ms;           /* since the last request */
	const struct model *model; /* that served last; NULL: gone from the config */
	const struct provider *provider; /* where; NULL: unknown or gone */
	int64_t cached_tokens;           /* prefix that the provider's cache may hold */
	bool hour;                       /* which is to last an hour or longer */
	float complexity; /* of the task under way; -1: nothing was answered yet */
	int class;        /* of it, enum task_class; -1: unknown */
};

/* The shared table: fixed size, sharded, in a mapped file, touched by all workers. */
struct sessions_shared;
/* NULL with errno when the file cannot be mapped. */
struct sessions_shared *sessions_open(struct env *env, const char *path);
void sessions_close(struct sessions_shared *s); /* takes NULL */

/* The session of a request: by header, by body, or by what its first turns hash to. */
uint64_t session_id(const struct task *t, const char *key_name, struct str header);

void session_look(struct sessions_shared *s, uint64_t id, const struct snapshot *snap,
    int64_t wall_ms, struct session_view *ret);
/* Claims the model for the first request of a session: of two that come at the same
 * time the second gets the first's model. Gives the model that holds. */
const struct model *session_claim(struct sessions_shared *s, uint64_t id,
    const struct snapshot *snap, const struct model *wanted, int64_t wall_ms);
/* Tokens of the prefix that the provider has kept after an answer: what it says it read
 * and wrote; where it does not tell of writing, it keeps whole prompts that are long
 * enough. */
int64_t session_prefix(const struct usage *u);
/* After an answer: one turn more, served by `seen`'s model and provider, with its
 * cached prefix and the task's complexity. */
void session_note(struct sessions_shared *s, uint64_t id,
    const struct session_view *seen, int64_t wall_ms);

/* Bypasses in force, over all workers. */
struct bypass_shared;
struct bypass_shared *bypass_open(struct env *env, const char *path); /* NULL: errno */
void bypass_close(struct bypass_shared *b);
/* route NULL: all. `until_ms` wall clock, 0: lifts it. */
bool bypass_set(
    struct bypass_shared *b, const char *route, int64_t until_ms, const char *reason);
bool bypass_active(struct bypass_shared *b, const char *route, int64_t wall_ms);
void bypass_json(struct bypass_shared *b, int64_t wall_ms, struct json *j);

#endif
