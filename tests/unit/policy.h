/* policy.h: what the tests of the configuration share. */
#ifndef POLICY_H
#define POLICY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/diag.h"
#include "config/snapshot.h"
#include "fake_env.h"

/* A contract's own price book. */
#define FIXED_PRICES                                                             \
	"version: 1\n"                                                           \
	"source: \"contract 7, 2026-01-01\"\n"                                   \
	"prices:\n"                                                              \
	"  - {id: sol/2026, provider: openai, model: openai/gpt-5.6-sol, from: " \
	"2026-01-01, to: 2027-01-01, usd_per_million: {input: \"3\", output: "   \
	"\"11\"}}\n"

/* An issuer's public key. */
#define ISSUER_KEYS                                                    \
	"{\"keys\":[{\"kty\":\"EC\",\"kid\":\"g1\",\"crv\":\"P-256\"," \
	"\"x\":\"FokogJ2LkRllJOF3ZwzLFVcXBjOg7aUMjk6I0KkzzJY\","       \
	"\"y\":\"QPeF0PTQeEjsEMz0NX0gxr1lRp5IxHUnULQxQh4G_0Y\"}]}"

#define POLICY_BYTES ((size_t)4 << 20)

/* The smallest policy that routes. */
#define SMALL_POLICY                                                               \
	"version: 1\n"                                                             \
	"providers:\n"                                                             \
	"  openai: {api: openai, url: 'https://api.openai.com/v1', region: us}\n"  \
	"  rack: {api: openai, url: 'http://10.0.7.4/v1', region: onprem, local: " \
	"true}\n"                                                                  \
	"models:\n"                                                                \
	"  sol: {is: openai/gpt-5.6-sol, at: [openai]}\n"                          \
	"  luna: {is: openai/gpt-5.6-luna, at: [openai]}\n"                        \
	"  qwen: {is: qwen/qwen3-32b, at: [rack]}\n"                               \
	"routes:\n"                                                                \
	"  auto: {candidates: [qwen, luna, sol], baseline: sol}\n"

/* All findings, a line each, as `frugald check` prints them. The caller frees. */
static inline struct buf
findings(struct diag *d)
{
	struct buf out;
	size_t n;
	const struct diag_finding *f = diag_findings(d, &n);

	buf_init(&out, POLICY_BYTES);
	buf_add(&out, "");
	for (size_t i = 0; i < n; i++)
		buf_printf(&out, "%s:%u:%u: %s%s\n", f[i].at.file, f[i].at.line,
		    f[i].at.column, f[i].level == DIAG_warning ? "warning: " : "",
		    f[i].text);
	return out;
}

/* A file of the source tree. The caller frees. */
static inline struct buf
source_file(const char *path)
{
	char full[1024];
	struct buf text;

	snprintf(full, sizeof(full), "%s/%s", FRUGALD_SOURCE_DIR, path);
	buf_init(&text, POLICY_BYTES);
	if (!env_system()->read_file(env_system(), full, POLICY_BYTES - 1, &text))
		fail_msg("%s cannot be read", full);
	buf_add(&text, "");
	return text;
}

/* A policy that must be without any finding. */
static inline struct snapshot *
good_policy(struct fake_env *f, struct str yaml)
{
	struct diag *d = diag_new();
	struct snapshot *s = snapshot_parse(fake_env(f), yaml, "policy.yaml", d);
	struct buf found = findings(d);

	assert_string_equal(found.p, "");
	assert_non_null(s);
	buf_fini(&found);
	diag_free(d);
	return s;
}

/* A policy that must not load; its findings. The caller frees. */
static inline struct buf
bad_policy(struct fake_env *f, struct str yaml)
{
	struct diag *d = diag_new();
	struct buf found;

	assert_null(snapshot_parse(fake_env(f), yaml, "policy.yaml", d));
	found = findings(d);
	diag_free(d);
	return found;
}

/* A zone file (RFC 8536) without recorded changes: an empty block for readers of 32
 * bits, one for 64, and the rule of today. The bytes are sizes in big endian. */
#define ZONE_HEAD \
	"TZif2"   \
	"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define ZONE_COUNTS \
	"\0\0\0\0"  \
	"\0\0\0\0"  \
	"\0\0\0\0"  \
	"\0\0\0\0"  \
	"\0\0\0\1"  \
	"\0\0\0\4"
#define ZONE_TYPE      \
	"\0\0\016\020" \
	"\0\0"         \
	"CET\0"
#define ZONE_BERLIN                                                     \
	ZONE_HEAD ZONE_COUNTS ZONE_TYPE ZONE_HEAD ZONE_COUNTS ZONE_TYPE \
	    "\nCET-1CEST,M3.5.0,M10.5.0/3\n"

/* What the examples name outside of themselves. */
static inline void
put_world(struct fake_env *f)
{
	fake_env_put(f, "keys.yaml", STR("version: 1\nkeys: []\n"), 0600);
	fake_env_put(f, "/etc/frugald/keys.yaml", STR("version: 1\nkeys: []\n"), 0600);
	fake_env_put(f, "jwks.json", STR(ISSUER_KEYS), 0644);
	fake_env_put(f, "fixed.yaml", STR(FIXED_PRICES), 0600);
	fake_env_put(f, "/usr/share/zoneinfo/Europe/Berlin", STR(ZONE_BERLIN), 0644);
	assert_int_equal(setenv("OPENAI_API_KEY", "sk-openai", 1), 0);
	assert_int_equal(setenv("ANTHROPIC_API_KEY", "sk-anthropic", 1), 0);
	assert_int_equal(unsetenv("OPENAI_KEY"), 0);
}

#endif
