#!/usr/bin/env bash
# test_check.sh: each gate turns red on a breach of its own, and stays green on what resembles one.
set -eu
cd "$(dirname "$0")/../.."

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cp -r CMakeLists.txt cmake scripts .clang-format .clang-tidy "$tree"
cd "$tree"
git init -q
printf '%s\n' /build/ /out.txt >.gitignore
unset TALLY LOG_LINES
bad=0

complain() {
	echo "$*"
	bad=1
}

# put PATH: make that file from the standard input.
put() {
	mkdir -p "$(dirname "$1")"
	cat >"$1"
}

# red RULE PATH PATTERN: the text is refused, at a line of that file, in these words.
red() {
	local out status=0
	put "$2"
	out=$(scripts/check-source "$1") || status=$?
	rm "$2"
	[ "$status" = 1 ] || complain "$1 let pass: $2 ($3)"
	echo "$out" | grep -Eq "^$2:[0-9]+: $3" || complain "$1 $2: wanted '$3', got '$out'"
}

# green RULE PATH: the text is accepted.
green() {
	local out
	put "$2"
	out=$(scripts/check-source "$1") || complain "$1 refused $2: $out"
	rm "$2"
}

# lines N: so many empty statements.
lines() {
	yes '	;' | head -n "$1"
}

red layers src/base/a.c 'includes "config/x.h"' <<<'#include "config/x.h"'
red layers src/config/a.c 'includes "core/request.h"' <<<'#include "core/request.h"'
red layers src/edge/a.c 'includes "stage/relay.h"' <<<'#include "stage/relay.h"'
red layers src/core/a.c 'includes "stage/relay.h"' <<<'  #  include "stage/relay.h"'
red layers include/stage/edge.h 'includes "stage/relay.h"' <<<'#include "stage/relay.h"'
red layers include/stage/edge.h 'includes "core/request.h"' <<<'#include "core/request.h"'
red layers src/edge/a.c 'includes "../relay/b.h"' <<<'#include "../relay/b.h"'
red layers src/edge/a.c 'includes "b.h"' <<<'#include "b.h"'
red layers src/edge/a.c 'includes <curl/curl.h>' <<<'#include <curl/curl.h>'
red layers src/route/a.c 'names dialect_openai' <<<'bool f(void) { return d == &dialect_openai; }'
red layers src/relay/a.c 'names anthropic' <<<'bool f(void) { return str_is(s, "anthropic"); }'
red layers src/core/a.c 'names claude-opus-5' <<<'const char *m = "claude-opus-5";'
red layers src/edge/a.c 'names x-claude-code-session-id' <<<'const char *h = "x-claude-code-session-id";'
red layers include/stage/route.h 'names gpt-6' <<<'#define DEFAULT_MODEL "gpt-6"'
green layers src/parse/a.c <<<'const struct dialect dialect_openai = {.name = "openai"};'
green layers src/relay/tap_events.c <<<'bool f(void) { return d == &dialect_anthropic; }'
green layers src/route/a.c <<<'/* as OpenAI has it */ // Claude
int chatgpt_like, agpt;'
put include/core/header.def <<<'HEADER("x-claude-code-session-id", request, any, ours)'
green layers src/edge/a.c <<<'const char *h = "x-claude-code-session-id"; int i = HDR_x_claude_code_session_id;'
rm include/core/header.def
red layers src/other/a.c 'lies outside|includes' <<<'#include <sqlite3.h>'
green layers include/core/request.h <<<'#include "stage/relay.h"'
green layers src/edge/a.c <<<'#include "stage/edge.h"
#include "core/request.h"
#include <microhttpd.h>'

{ echo 'int f(void)'; echo '{'; lines 59; echo '}'; } | red sizes src/edge/a.c 'f\(\) has 61 lines'
{ echo 'int f(void)'; echo '{'; lines 58; echo '}'; } | green sizes src/edge/a.c
lines 501 | red sizes tests/unit/a.c '501 lines'
lines 500 | green sizes tests/unit/a.c
red sizes src/edge/a.c 'f\(\) nests 4 deep' <<<'int f(void)
{
	if (a)
		for (;;)
			while (b)
				switch (c) { case 1: d(); }
}'
green sizes src/edge/a.c <<<'int f(void)
{
	struct x y = {.a = 1};

	if (a) {
		do {
			TAILQ_FOREACH(r, &h, link)
				g("{ if while for");
		} while (b);
	} else if (a) { c(); } else if (b) { c(); } else if (d) { c(); } else { e(); }
	{ { { { g(); } } } }
}'
red sizes src/edge/a.c 'f\(\) takes 7 parameters' <<<'int
f(int a, int b, int c, int d, int e, int g, void (*h)(int, int))
{
}'
green sizes src/edge/a.c <<<'int f(int a, int b, int c, int d, int e, void (*h)(int, int)) { }'

red banned src/edge/a.c 'calls time\(\)' <<<'int t = time(NULL);'
red banned src/meter/a.c 'calls open\(\)' <<<'int fd = open ("x", 0);'
red banned src/edge/a.c 'calls getrandom\(\)' <<<'int n = getrandom(p, 1, 0);'
red banned include/stage/edge.h 'calls free\(\)' <<<'static inline void f(void *p) { free(p); }'
red banned tests/unit/a.c 'calls strcpy\(\)' <<<'void f(void) { strcpy(a, b); }'
red banned src/meter/a.c 'SUM\(amount_pusd\)' <<<'const char *sql = "SELECT SUM(amount_pusd) FROM x";'
red banned src/meter/a.c 'SUM\( +a.list_cost' <<<'const char *sql = "SELECT SUM("
	"a.list_cost)";'
red banned src/meter/a.sql 'TOTAL\(' <<<'SELECT TOTAL(x + usd) FROM y'
green banned src/edge/a.c <<<'/* time() and free() */ int n = e->open("malloc(1)") + my_time(1) + (*time)(2);
const char *sql = "SELECT SUM(amount >> 32), SUM(tokens), SUM(amount & 4294967295)";'
green banned src/base/env.c <<<'int t = time(NULL);'
green banned src/base/mem.c <<<'void *p = malloc(1);'
green banned tests/sim/a.c <<<'int t = time(NULL);'

red itself docs/a.md '/ho''me/me' <<<'see /ho''me/me/x'
red itself src/edge/a.c '/t''mp/x' <<<'const char *p = "/t''mp/x";'
red itself README.md 'Written by' <<<'Written by'' an AI.'
green itself tests/unit/a.c <<<'char dir[] = "/t''mp/x-XXXXXX"; /* for mkdtemp */'
green itself README.md <<<'See https://example.org/ho''me/me; a model writes with care.'

# The rules that need compilers: one tree with a breach of each, then the same without.
put include/base/alone.h <<<'#ifndef ALONE_H
#define ALONE_H

size_t alone(void);

#endif'
put src/base/layout.c <<<'int layout( void );
int layout( void ) { return 1; }'
put src/base/warned.c <<<'int warned(void);

int
warned(void)
{
	int unused;

	return 1;
}'
put src/base/overrun.c <<<'int overrun(int i);

int
overrun(int i)
{
	int a[2] = {1, 2};

	if (i == 7)
		return a[i];
	return a[0];
}'
put src/base/tidy.c <<<'int tidy(int a);

int
tidy(int a)
{
	if (a == 1)
		return 2;
	else
		return 2;
}'
put src/config/global.c <<<'int next(void);

int
next(void)
{
	static int last;
	static const char *const names[] = {"a", "b"};

	last++;
	return last + names[last & 1][0];
}'
for folder in config core; do
	put src/$folder/twin.c <<<'int twin(void);

int
twin(void)
{
	return 1;
}'
done
if scripts/check >out.txt 2>&1; then
	complain "check passed a tree full of breaches"
fi
for wanted in 'FAIL  check format' 'FAIL  check gcc' 'FAIL  check globals' 'FAIL  check symbols' 'FAIL  check headers' \
	'FAIL  check cppcheck' 'FAIL  check clang' 'src/base/layout.c:1: layout' '-Werror=unused-variable' \
	'src/config/global.c:6: last can change' 'twin.c.o: defines twin' 'include/base/alone.h:1: does not compile alone' \
	'src/base/overrun.c:9:11: .*arrayIndex' '-Werror,-Wunused-variable' 'src/base/tidy.c:.*bugprone'; do
	grep -q -e "$wanted" out.txt || complain "check: no '$wanted'"
done
! grep -q 'names can change' out.txt || complain "check takes a constant table for a global"
[ "$bad" = 0 ] || cat out.txt

rm -r src/base/*.c src/config/*.c src/core build/gcc
put include/base/alone.h <<<'#ifndef ALONE_H
#define ALONE_H

int alone(void);

#endif'
put src/base/alone.c <<<'#include "base/alone.h"

int
alone(void)
{
	return 1;
}'
out=$(scripts/check 2>&1) || complain "check refused a clean tree: $out"
[ "$(echo "$out" | grep -c '^ok  ')" = 11 ] || complain "check: 11 gates wanted: $out"

[ "$bad" = 0 ] && echo "every gate can fail"
exit $bad
