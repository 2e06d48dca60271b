/* build.h: from drafts to the snapshot; a part each, in this order. */
#ifndef CONFIG_BUILD_H
#define CONFIG_BUILD_H

#include "base/env.h"
#include "config/kept.h"
#include "draft.h"

struct whole; /* the snapshot and what goes with it; snapshot.c */
struct own_books;

struct build {
	struct whole *whole;
	struct snapshot *s;
	struct config *c;
	struct reading r;
	struct env *env;
	struct node *root;
	int64_t now_s;
	bool offline;                       /* see snapshot_load_offline() */
	const struct snapshot *running;     /* see snapshot_reload(); else NULL */
	const struct snapshot_texts *texts; /* see snapshot_rebuild(); else NULL */
	struct own_books *own;              /* price books of contracts */
	/* the same arrays as in the snapshot, while they may still be written */
	struct provider *providers;
	struct model *models;
	struct data_class *data;
	struct route *routes;
	struct team *teams;
	/* budgets as they are found; build_budgets() puts them in order */
	struct budget_found {
		struct budget budget;
		struct diag_place at;
	} * budgets;
	unsigned budget_count, budget_room;
};

/* The value behind "env:NAME" or "file:PATH", kept until the snapshot goes; NULL after
 * a finding, or offline. */
const char *build_secret(struct build *b, const struct node *n);

void build_listeners(struct build *b);
void build_providers(struct build *b);
void build_models(struct build *b);
void build_contracts(struct build *b);
void build_data(struct build *b);
void build_routes(struct build *b);
void build_rules(struct build *b, struct route_draft *d, struct route *route);
void build_tags(struct build *b);
void build_teams(struct build *b);
void build_aliases(struct build *b);
void build_keys(struct build *b);
void build_ci(struct build *b);
/* The snapshot frees it. */
struct jwks;
void build_keep_jwks(struct build *b, const struct jwks *k);
/* A budget for each key whose name begins so. */
void budget_of_ci(
    struct build *b, const char *prefix, struct pusd cap, struct diag_place at);
void build_budgets(struct build *b);
/* Those of a team or a key of that name. */
void budgets_of(struct build *b, enum budget_scope scope, const char *name,
    const struct terms_draft *d);

/* What no single part can see: sums,
 * things nobody can reach, prices that are missing. */
void check_whole(struct build *b);

/* "… names the provider 'rakc', which is not defined; did you mean 'rack'?" */
void refuse_name(struct build *b, struct diag_place at, const char *what,
    const char *name, const struct table *t, size_t entry_bytes);

/* A tag must be declared; `name` has a NUL behind it. */
void check_tag(struct build *b, struct str name, struct diag_place at);

/* The set of models that a list names; unknown ones are findings. */
uint64_t model_set(struct build *b, const struct node *list);

/* The clock of a time zone, which becomes part of the snapshot, as workers must not
 * read files; NULL for UTC. False: this machine does not know it. */
bool zone_read(struct build *b, struct str zone, const char **ret_name,
    const struct zone **ret_clock);

/* Whose limits are looked at: of a key with its team, NULL: none. */
struct limits_of {
	const char *what, *name;
	const struct terms *terms;
	const struct team *team;
	const struct node *node;
};
/* Finds those that can never be reached. */
void check_limits(struct build *b, const struct limits_of *of);

/* Names looked up. */
struct terms terms_read(struct build *b, const struct terms_draft *d);

/* NULL when `name` is NULL, or after a finding. */
const struct data_class *data_named(
    struct build *b, const char *name, struct diag_place at);

/* A private, loopback or link-local literal, or "localhost". */
bool host_is_private(const char *host);

#endif
