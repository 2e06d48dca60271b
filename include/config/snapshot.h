/* snapshot.h: the configuration as the daemon uses it: made whole from
 * files, never written again, shared by all threads, reference-counted. A
 * request keeps the one it began with. */
#ifndef CONFIG_SNAPSHOT_H
#define CONFIG_SNAPSHOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/env.h"
#include "base/hash.h"
#include "base/money.h"
#include "base/str.h"
#include "config/catalogue.h"
#include "config/prices.h"
#include "core/sets.h"

struct classifier; /* stage/classify.h */
struct dialect;
struct zone;     /* config/zone.h */
struct contract; /* config/contract.h */
struct queue;    /* of call/: how long one waits at a local machine; by name, too */
struct health;   /* of call/: breakers, in-flight counts; kept by name across reloads */
struct limit;    /* of budget/: what was used of rpm, tpm, max_inflight; by name, too */

#define MODELS_MAX          64 /* so that a set of models is one word */
#define PROVIDERS_MAX       32
#define PROVIDER_KEYS_MAX   8
#define MODEL_PROVIDERS_MAX 8
#define SHARES_MAX          128 /* of teams and keys with frontier_at_most */
#define TAG_WORD_BYTES      128
/* A request has at most so many, and so many bytes of name, value and 2 more each. */
#define TAGS_MOST       16
#define TAGS_BYTES      320
#define BUDGETS_MAX     32768
#define BUDGETS_ON_PATH 16 /* of one request */
#define BUDGET_NAME     128
#define BUDGET_VALUE    64 /* bytes; longer ones are cut, as the ledger's rows are */
#define BUDGET_WARN_MAX 4

struct timeouts {
	int32_t connect_ms, first_byte_ms, idle_ms, total_ms; /* total 0: none */
	int32_t flex_first_byte_ms;                           /* 0: as first_byte_ms */
};

struct listen_address {
	const char *text; /* as written */
	const char *host; /* numeric */
	uint16_t port;
};

/* What a local machine's server is, and how it is asked for its queue; in the order of
 * the schema's words. */
enum poll_kind { POLL_none, POLL_vllm, POLL_llamacpp, POLL_ollama };

struct provider {
	const char *name;
	const char *api;               /* word of the dialect */
	const struct dialect *dialect; /* set once, before the snapshot is published */
	const char *url;               /* without a trailing slash */
	const char *host;              /* of the url */
	uint16_t port;
	bool tls;
	const char *base_path; /* of the url, "" or "/v1" */
	struct {
		const char *secret; /* resolved; never printed */
		const char *source; /* "env:OPENAI_API_KEY" */
	} key[PROVIDER_KEYS_MAX];
	unsigned keys;
	const char *region;
	const char *book; /* provider name in the price book */
	bool local;       /* costs no list price; its tokens are priced 0 and say so */
	bool allow_private; /* the connected address may be private; loopback too */
	const char *ca_file, *proxy; /* NULL: system bundle, none */
	const char *const *headers;  /* "name: value" lines, the last NULL */
	int64_t contract_ppm;        /* 1,000,000 less the discount that has no date */
	const struct contract *contract; /* the rest of it; NULL: none */
	struct pusd usd_per_hour;        /* of a local machine; 0: not said */
	int32_t max_inflight;            /* 0: no limit */
	int32_t places; /* requests at once: that limit, or those of its models
			   together; 0: none is said */
	enum poll_kind poll;
	int32_t poll_ms;
	int32_t bytes_per_token_milli; /* start value, e.g. 4000 */
	struct timeouts timeouts;
	const char
	    *default_tier; /* of service, where none is asked for; NULL: unknown */
	bool stream_usage; /* takes stream_options.include_usage */
	unsigned index;
	struct health *health; /* set once, before the snapshot is published */
	struct queue *queue;   /* the same, of a local one; else NULL */
};

struct model {
	const char *name;
	const struct catalogue_model *catalogue;
	const char *served_as; /* the name to send upstream, by provider: see at[] */
	struct {
		const struct provider *provider;
		const char *name;      /* what the provider calls the model */
		const char *price_key; /* what the price book does; NULL: its id */
		int32_t weight;        /* share of the sessions; 0: in order of `at` */
		struct health *health; /* of (model, provider) */
		/* of it at a tier of service that a rule asks for; else the same */
		struct health *tier_health;
		uint64_t place, tier_place; /* snapshot_place() */
	} at[MODEL_PROVIDERS_MAX];
	unsigned ats;
	enum tier tier;
	int32_t max_inflight;        /* 0: no limit; over all workers */
	int64_t context, max_output; /* overrides applied */
	uint32_t can;
	double quality[CLASS_COUNT];
	int32_t output_tokens[CLASS_COUNT];
	double discrimination; /* slope of the item-response curve */
	unsigned index;
	struct health *health; /* for max_inflight over all providers */
};

/* A wall: which regions may see a request. */
struct data_class {
	const char *name;
	uint32_t providers; /* set of provider indices whose region is listed */
	unsigned index;
};

/* What has to hold for a rule; an absent condition always holds. */
struct rule {
	struct diag_place at;
	uint32_t classes;                          /* 1 << enum task_class; 0: any */
	double complexity_above, complexity_below; /* -1, 2: none */
	const char *tag_name, *tag_value;          /* value NULL: any */
	bool has_hours;
	uint8_t days;                   /* 1 << (0 Sunday …) */
	int16_t from_minute, to_minute; /* of the local day; may wrap */
	const char *zone;               /* tz name */
	const struct zone *clock;       /* of it; NULL: UTC */
	const char *team;
	uint64_t use, avoid; /* sets of model indices; use 0: all */
	const char *service_tier;
	const char *text; /* canonical, for explain */
};

enum goal { GOAL_cheapest, GOAL_best };
enum session_switch { SWITCH_never, SWITCH_new_task, SWITCH_any_turn };
enum below_quality { BELOW_serve_best, BELOW_refuse };

struct route {
	const char *name;
	enum route_mode mode;
	unsigned canary_percent;
	const struct model *candidate[MODELS_MAX];
	unsigned candidates;
	const struct model *baseline;
	enum goal goal;
	double keep_quality, min_quality; /* -1: not set */
	struct pusd max_cost;             /* 0: none */
	double
	    unsure_below; /* confidence under which the baseline is taken; 0: never */
	enum below_quality on_below;
	enum session_switch switches;
	int32_t max_ttft_ms;     /* 0: none */
	double min_tokens_per_s; /* 0: none */
	int32_t max_wait_ms;     /* in the queue of a local machine; 0: none */
	int32_t max_attempts;
	bool cascade; /* ask a cheap one first, a better one when its answer fails */
	int64_t max_output;            /* -1: none; sent when the client named none */
	const struct data_class *data; /* NULL: none */
	bool response_model_requested; /* answer's model: as asked, not as served */
	const struct rule *rules;
	unsigned rule_count;
	unsigned index;
};

struct alias {
	struct str pattern;        /* exact, or with a trailing '*' */
	const struct model *model; /* one of these two, or neither: refuse */
	const struct route *route;
};

/* What becomes of a key that spends too fast; in the order of the schema's words. */
enum runaway_then { RUNAWAY_throttle, RUNAWAY_pause };

/* What a team or a key may do and spend. Of both the stricter holds: auth_terms(); but
 * of what is counted (rpm, tpm, max_inflight) each has its own. */
struct terms {
	bool may_use_all;                        /* of routes and models */
	uint64_t may_use_models, may_use_routes; /* sets of indices */
	uint32_t may_use_providers; /* set of indices; UINT32_MAX: not limited */
	uint32_t services;          /* set of enum service; UINT32_MAX: not limited */
	const char *const *require_tags; /* the last NULL; NULL: none */
	struct pusd max_per_request;     /* 0: none */
	int64_t max_output;              /* tokens; -1: none */
	int64_t rpm, tpm, max_inflight;  /* -1: none; see stage/limit.h */
	/* Of a key, of a team's for each of its keys: spend in a minute, 0: none; and
	 * enum runaway_then, -1: not said. */
	struct pusd runaway;
	int runaway_then;
	/* share of a month's spend on frontier models, [0, 1]; -1: not limited */
	double frontier_at_most;
};

struct team {
	const char *name, *cost_centre, *owner;
	const struct data_class *data;
	struct terms terms;
	struct limit *limit; /* set once, before the snapshot is published */
	unsigned index;
};

/* Whose spend a budget caps. */
enum budget_scope {
	SCOPE_daemon,
	SCOPE_team,
	SCOPE_key,
	SCOPE_user,
	SCOPE_session,
	SCOPE_tag,
};
/* How long it lasts: until the next full hour, day, Monday, month; or for good. */
enum budget_per { PER_all, PER_hour, PER_day, PER_week, PER_month };
/* What becomes of a request that would pass the cap. */
enum on_exhausted { EXHAUSTED_refuse, EXHAUSTED_downgrade, EXHAUSTED_local_only };
/* What is set aside for a request before it is sent. */
enum hold_kind { HOLD_worst_case, HOLD_expected };

/* A cap, of the policy's `budgets`, of a team or of a key. */
struct budget {
	/* Canonical, from scope, value, period and zone: "team payments per month",
	 * "each tag.run in all". What was spent is kept under it over reloads and
	 * restarts, so a changed cap goes on where the old one was. */
	const char *name;
	enum budget_scope scope;
	const char *value; /* the team, key, …; NULL: an account for each value */
	const char *tag;   /* of SCOPE_tag: its name; of SCOPE_key: how names of keys
			      must begin, or NULL */
	enum budget_per per;
	const char *zone;         /* tz name; NULL: UTC */
	const struct zone *clock; /* of it */
	struct pusd_sum cap;
	int32_t warn_ppm[BUDGET_WARN_MAX]; /* of the cap, ascending */
	unsigned warns;
	enum on_exhausted on_exhausted;
	enum hold_kind hold;
	bool fit_output; /* of a client without a maximum, so that it still fits */
	int http_status; /* of a refusal: 402, or 429 where the policy says so */
	unsigned index;
};

enum tag_depth { TAG_rollup, TAG_index, TAG_store };
struct tag_name {
	const char *name;
	enum tag_depth depth;
};

/* A client's key: who it is and what it may do.
 * The secret is not here, only its hash. */
struct key_entry {
	const char *name;
	struct sha256 hash;
	const char *hint; /* "sk-fr…9xYz": first and last characters, for people */
	const struct team *team; /* NULL: none */
	bool revoked, paused;
	int64_t expires_s;   /* 0: never */
	struct terms terms;  /* within the team's */
	struct limit *limit; /* set once, before the snapshot is published */
	const struct data_class *data;
	const char *const *tags; /* "name=value", the last NULL */
	bool of_token; /* given to a job for its token, whose claims the tags are */
	int64_t created_s;
};

/* ---- jobs of a pipeline, which trade an OIDC token for a key ---- */

#define CI_MAX          16
#define CI_CLAIMS_MAX   32
#define CI_REQUIRES_MAX 16
#define CI_NAME_MAX     20
/* Their keys are named "ci:RULE", or "ci:RULE:…" where each has a cap of its own. */
#define CI_KEY "ci:"

struct jwks;

/* Whose tokens get a key, and what key that is. */
struct ci_rule {
	const char *name, *issuer, *audience;
	const char *key;     /* "ci:NAME" */
	struct limit *limit; /* of all its keys; set once, before it is published */
	const struct team *team;
	const char *claim[CI_CLAIMS_MAX]; /* that are read, by name */
	unsigned claims;
	struct {
		unsigned claim;
		struct str value; /* exact, or with a trailing '*' */
	} require[CI_REQUIRES_MAX];
	unsigned requires;
	struct {
		const char *name;
		unsigned claim;
	} tag[TAGS_MOST];
	unsigned tags;
	int32_t lifetime_s;
	bool capped;             /* max_usd: a budget of its own for each key */
	bool own_keys;           /* the issuer's keys are in a file … */
	const struct jwks *keys; /* … and these; NULL offline */
	const char *ca_file;     /* for asking the issuer; NULL: system bundle */
	bool allow_private;
	uint64_t terms; /* hash of name, issuer, audience, capped, require and tags */
};

struct limits {
	int64_t body_bytes;       /* of one request */
	int64_t body_bytes_total; /* of all */
	int32_t connections;
	int32_t header_ms, body_ms, idle_ms; /* whole header, whole body, keep-alive */
	int32_t client_stall_ms;             /* a client that does not read */
	int32_t grace_ms;                    /* at SIGTERM */
	int32_t request_ms;      /* one deadline for all attempts; 0: none */
	int32_t slots;           /* requests in flight, at most, in all */
	int32_t hold_back_bytes; /* of an answer that is not a stream */
};

/* How long the ledger keeps what, and how much of it. */
struct ledger_terms {
	int32_t keep_days; /* rows; 0: for good */
	int32_t
	    keep_months; /* roll-ups, policies, prices, what was learned; 0: for good */
	int slim; /* 1: without raw usage, plan and decision where all is settled */
};

struct snapshot {
	atomic_uint refs_shared;
	const char *path;
	struct sha256 hash; /* of the canonical policy */
	char short_hash[8]; /* for people */

	struct listen_address listen, admin_listen;
	const char *tls_cert, *tls_key; /* of the listener; NULL: plain */
	bool behind_proxy;
	const char *const *trusted_proxies; /* addresses and networks, the last NULL */
	bool half_close_serve;
	unsigned workers;
	const char *state_dir, *keys_file; /* keys_file NULL: no keys, loopback only */
	const char *admin_token;           /* resolved secret; NULL: loopback without */
	const char *log;                   /* "stderr", "none" or a path */
	struct limits limits;
	struct ledger_terms ledger;
	struct timeouts timeouts;

	const struct catalogue *catalogue;
	const struct price_book *prices;
	const struct provider *providers;
	unsigned provider_count;
	const struct model *models;
	unsigned model_count;
	const struct alias *aliases; /* exact ones first, then by falling length */
	unsigned alias_count;
	const struct data_class *data_classes;
	unsigned data_class_count;
	const struct route *routes;
	unsigned route_count;
	const struct team *teams;
	unsigned team_count;
	const struct tag_name *tags;
	unsigned tag_count;
	const struct budget
	    *budgets; /* those of teams and keys among them; see budget_order() */
	unsigned budget_count;
	uint32_t rules; /* generation of them; set once, before it is published */
	const struct ci_rule *ci;
	unsigned ci_count;
	const struct key_entry *keys; /* sorted by hash */
	unsigned key_count;
	const char *canonical; /* the policy printed back */
	struct str catalogue_text;
	struct str contracts_text; /* of all price books of contracts; may be empty */
	char basis[12]; /* set once, before it is published: see config/kept.h */

	/* The weights file that the policy names: path NULL, no bytes: the built-in. */
	struct diag_place classifier_at;
	const char *classifier_path;
	struct str classifier_file;          /* aligned for any type */
	const struct classifier *classifier; /* set once, before it is published */
};

/* From files: the policy at `path`, the catalogue and price book it names (or the
 * built-in ones), the keys file. NULL when there is any error; all findings are in `d`.
 * The caller has one reference. */
struct snapshot *snapshot_load(struct env *env, const char *path, struct diag *d);

/* The same for a reload: what only a restart changes (addresses, TLS, workers, state
 * folder, slots) stays as it is in `running`, and with that it must be safe. */
struct snapshot *snapshot_reload(
    struct env *env, const char *path, const struct snapshot *running, struct diag *d);

/* The same for looking only: no secret (they are NULL) and no client's key is read. */
struct snapshot *snapshot_load_offline(
    struct env *env, const char *path, struct diag *d);

/* From text, for tests: no files but those that it names. */
struct snapshot *snapshot_parse(
    struct env *env, struct str yaml, const char *path, struct diag *d);

struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot *s); /* takes NULL; the last one frees */

/* By name; NULL when there is none. */
const struct model *snapshot_model(const struct snapshot *s, struct str name);
const struct route *snapshot_route(const struct snapshot *s, struct str name);
const struct provider *snapshot_provider(const struct snapshot *s, struct str name);
const struct team *snapshot_team(const struct snapshot *s, struct str name);
const struct data_class *snapshot_data_class(const struct snapshot *s, struct str name);
const struct key_entry *snapshot_key(
    const struct snapshot *s, const struct sha256 *hash);
const struct tag_name *snapshot_tag(const struct snapshot *s, struct str name);

/* A name or a value that a tag may have: 1 to 128 bytes of A-Za-z0-9._:/@+-, so that it
 * can stand in a log, a metric and a URL. */
bool tag_text_ok(struct str s);

/* Budgets stand in this order: those without a value first, then by scope, tag and
 * value. As strcmp(): where does `b` stand before the budgets of that scope, tag and
 * value (`value.p` NULL: none)? */
int budget_order(
    const struct budget *b, enum budget_scope scope, struct str tag, struct str value);

/* "MODEL at PROVIDER", or "tier MODEL at PROVIDER" for a tier of service that we ask
 * for, as one number under which is found what was learned of it. */
uint64_t snapshot_place(const char *model, const char *provider, bool tier);

/* What a client's model name means: a route,
 * a model, or neither (unknown or refused). */
struct asked {
	const struct route *route;
	const struct model *model;
	bool refused; /* an alias says so */
};
struct asked snapshot_resolve(const struct snapshot *s, struct str name);

/* In words, a line each: what a change from `old` to `fresh` would do, and which
 * changed keys need a restart. Appends to `ret`; gives the number of lines. */
unsigned snapshot_diff(
    const struct snapshot *old, const struct snapshot *fresh, struct buf *ret);

#endif
