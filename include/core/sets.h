/* sets.h: the enums made from the .def files beside it. */
#ifndef CORE_SETS_H
#define CORE_SETS_H

#include <stdint.h>

#include "base/str.h"

/* What a step answers: on to the next row; later, when it is resumed; this is over. */
enum next { NEXT, WAIT, END };

enum basis {
#define BASIS(name, help) BASIS_##name,
#include "core/basis.def"
	BASIS_COUNT
};

enum outcome {
	OUT_unset,
#define OUTCOME(name, http, type, code, again, retry, basis, text) OUT_##name,
#include "core/outcome.def"
	OUT_COUNT
};

enum token_kind {
#define TOKEN(name, price, help) TOKEN_##name,
#include "core/token.def"
	TOKEN_COUNT
};

enum task_class {
#define CLASS(name, help) CLASS_##name,
#include "core/class.def"
	CLASS_COUNT
};

enum capability {
#define CAPABILITY(name, help) CAP_##name,
#include "core/capability.def"
	CAP_COUNT
};

/* Tiers of service; decisions in the ledger keep sets of them. */
enum service {
#define SERVICE(name, help) SERVICE_##name,
#include "core/service.def"
	SERVICE_COUNT
};

/* Why a candidate stands where it stands. */
enum reason {
#define REASON(name, text) REASON_##name,
#include "core/reason.def"
	REASON_COUNT
};

/* What cheap signs say against an answer. */
enum flaw {
#define FLAW(name, text) FLAW_##name,
#include "core/flaw.def"
	FLAW_COUNT
};

/* The ledger keeps numbers of tiers. */
enum tier { TIER_frontier, TIER_small, TIER_local, TIER_COUNT };
enum route_mode { MODE_bypass, MODE_observe, MODE_canary, MODE_live, MODE_COUNT };

/* One row of outcome.def, which says what its columns mean. */
struct outcome_row {
	const char *name, *type, *code, *text;
	int http;
	bool again, retry;
	enum basis basis;
};

const struct outcome_row *outcome_row(enum outcome o);
const char *outcome_name(enum outcome o);
const char *basis_name(enum basis b);
const char *token_name(enum token_kind k);
const char *class_name(enum task_class c);
const char *class_help(enum task_class c);
const char *capability_name(enum capability c);
const char *service_name(enum service s);
const char *reason_name(enum reason r);
const char *reason_text(enum reason r);
const char *flaw_name(enum flaw f);
const char *flaw_text(enum flaw f);
const char *tier_name(enum tier t);
const char *mode_name(enum route_mode m);

/* False when the word is not of the set. */
bool class_parse(struct str word, enum task_class *ret);
bool capability_parse(struct str word, enum capability *ret);
bool service_parse(struct str word, enum service *ret);
bool mode_parse(struct str word, enum route_mode *ret);

/* What a word for a tier of service asks for, whoever's word it is. */
enum service service_asked(struct str word);

/* Who said a tag; the ledger keeps the number. Of two values that of the stronger
 * source, which comes first, counts. */
enum tag_source {
	TAG_by_nobody, /* of rows of older releases, which do not say */
	TAG_by_key,
	TAG_by_token,
	TAG_by_path,
	TAG_by_header,
};
const char *tag_source_name(enum tag_source s); /* "key", …; "" of nobody */

/* At most so many bytes keep what a decision was made from; see decision_pack(). */
#define DECISION_BYTES 144

/* Tokens of one attempt, in disjoint kinds;
 * -1: the provider did not say (never 0 for it). */
struct usage {
	int64_t tokens[TOKEN_COUNT];
	int64_t reasoning; /* of which, within output; -1 unknown */
	int64_t calls;     /* of tools with a fee of their own; -1 unknown */
	bool inconsistent; /* the provider's sums do not fit; booked conservatively */
};

/* All kinds unknown. */
void usage_unknown(struct usage *u);

/* A count that may be unknown (-1), as a number to add. */
static inline int64_t
usage_known(int64_t count)
{
	return count > 0 ? count : 0;
}

/* Known kinds of the prompt, or of everything; unknown counts as 0. */
int64_t usage_input(const struct usage *u);

#endif
