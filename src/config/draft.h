/* draft.h: the policy as its rows read it, before names are looked up: what lies
 * between the tree and the snapshot. */
#ifndef CONFIG_DRAFT_H
#define CONFIG_DRAFT_H

#include "config/contract.h"
#include "config/snapshot.h"
#include "row.h"
#include "terms.h"

#define ROUTES_MAX 64 /* so that a set of routes is one word */
#define TEAMS_MAX  1024
#define DATA_MAX   64
#define TAGS_MAX   32

struct provider_draft {
	struct draft draft;
	struct provider p;
	const char *url, *book, *prices;
	int api, allow_private, poll;
	const struct node *key, *keys, *headers, *contract;
	struct contract_pool commitment, credits; /* as written */
	double discount, bytes_per_token;
};

struct model_draft {
	struct draft draft;
	struct model m;
	const char *is, *as, *max_field;
	int tier;
	const struct node *at, *can, *quality, *output_tokens;
};

struct data_draft {
	struct draft draft;
	const struct node *regions;
};

enum when_unsure { UNSURE_baseline, UNSURE_ignore };

struct route_draft {
	struct draft draft;
	struct route r;
	const char *mode, *baseline, *data;
	int goal, when_unsure, on_below, switches, response_model;
	const struct node *candidates, *rules;
};

struct team_draft {
	struct draft draft;
	struct team t;
	const char *data;
	struct terms_draft terms;
};

struct ci_draft {
	struct draft draft;
	const char *issuer, *audience, *team, *keys, *ca_file;
	const struct node *require, *tags;
	struct pusd max_usd;
	int64_t lifetime_ms;
	int allow_private;
};

struct config {
	int version, half_close, durability;
	const char *listen, *admin_listen;
	const struct node *admin_token, *trusted_proxies;
	const char *tls_cert, *tls_key;
	bool behind_proxy;
	int32_t workers;
	const char *state, *keys_file, *log, *catalogue, *prices, *classifier;
	struct limits limits;
	struct ledger_terms ledger;
	struct timeouts timeouts;
	struct table providers, models, data, routes, teams, ci;
	const struct node *aliases, *tags, *budgets;
};

extern const struct row schema_rows[];
extern const struct table_def schema_providers, schema_models, schema_data,
    schema_routes, schema_teams, schema_ci;

static inline struct provider_draft *
draft_provider(const struct config *c, unsigned i)
{
	return table_at(&c->providers, &schema_providers, i);
}

static inline struct model_draft *
draft_model(const struct config *c, unsigned i)
{
	return table_at(&c->models, &schema_models, i);
}

static inline struct data_draft *
draft_data(const struct config *c, unsigned i)
{
	return table_at(&c->data, &schema_data, i);
}

static inline struct route_draft *
draft_route(const struct config *c, unsigned i)
{
	return table_at(&c->routes, &schema_routes, i);
}

static inline struct team_draft *
draft_team(const struct config *c, unsigned i)
{
	return table_at(&c->teams, &schema_teams, i);
}

static inline struct ci_draft *
draft_ci(const struct config *c, unsigned i)
{
	return table_at(&c->ci, &schema_ci, i);
}

#endif
