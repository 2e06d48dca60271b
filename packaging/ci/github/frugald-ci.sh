#!/bin/sh
# A GitHub job and frugald: `key` trades the job's OIDC token for a key of an hour, `gate` asks what the run has cost.
#
# in:  FRUGALD_URL, such as https://frugald.example.com:4600
#      FRUGALD_AUDIENCE, as `audience` of the policy says; default frugald
#      FRUGALD_TAGS (key): NAME=VALUE,... for the base URL, beside those that the token's claims make
#      FRUGALD_GATE_TAGS (gate): which rows count, such as run=184; FRUGALD_MAX_USD: what they may cost
#      ACTIONS_ID_TOKEN_REQUEST_URL and _TOKEN: GitHub sets them for jobs with `permissions: {id-token: write}`
# out: key: OPENAI_BASE_URL, OPENAI_API_KEY, ANTHROPIC_BASE_URL, ANTHROPIC_API_KEY, FRUGALD_URL for the steps that follow
#      gate: a line in the job's summary
# exit: 0; 1 over the cap, or no answer; 2 usage
#
# Needs curl, and jq or python3. No secret is in an argument, where other processes would see it.
set -eu
umask 077

die() {
	printf '::error::frugald: %s\n' "$*"
	exit 1
}

# A text or number at the top of the JSON on standard input; nothing when it is not there.
member() {
	if command -v jq > /dev/null 2>&1; then
		jq -r --arg name "$1" '.[$name] // empty'
	else
		python3 -c 'import json, sys
value = json.load(sys.stdin).get(sys.argv[1])
print("" if value is None else value)' "$1"
	fi
}

# The message of an error object.
message() {
	if command -v jq > /dev/null 2>&1; then
		jq -r '.error.message? // empty'
	else
		python3 -c 'import json, sys
error = json.load(sys.stdin).get("error") or {}
print(error.get("message", ""))'
	fi
}

# call BEARER ARGUMENT...: prints the status, the body is in $body.
call() {
	bearer=$1
	shift
	printf 'header = "Authorization: Bearer %s"\n' "$bearer" |
		curl -sS -K - -o "$body" -w '%{http_code}' --max-time 60 --retry 3 --retry-max-time 150 "$@"
}

escape() {
	python3 -c 'import sys, urllib.parse; print(urllib.parse.quote(sys.argv[1], safe=""))' "$1" 2> /dev/null ||
		jq -rn --arg text "$1" '$text | @uri'
}

# Sets $key.
trade() {
	[ -n "${ACTIONS_ID_TOKEN_REQUEST_URL:-}" ] ||
		die "GitHub gives this job no token; it needs permissions: {id-token: write}, and not every fork may have one"
	status=$(call "$ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=$(escape "${FRUGALD_AUDIENCE:-frugald}")") ||
		die "GitHub's token service does not answer"
	[ "$status" = 200 ] || die "GitHub's token service answers $status"
	token=$(member value < "$body")
	printf '::add-mask::%s\n' "$token"
	status=$(call "$token" -X POST "$FRUGALD_URL/v1/ci/token") || die "no answer at $FRUGALD_URL"
	[ "$status" = 200 ] || die "$status at $FRUGALD_URL/v1/ci/token: $(message < "$body" 2> /dev/null || true)"
	key=$(member key < "$body")
	# It goes into curl's configuration and into GITHUB_ENV: a quote or a line's end in it would be somebody's word there.
	case $key in
	'' | *[!0-9A-Za-z-]*) die "what came from $FRUGALD_URL/v1/ci/token is no key" ;;
	esac
	printf '::add-mask::%s\n' "$key"
}

# Sets $base. Tags are often made of a branch or a commit's message, which are whoever pushes' to write: a line's end in
# them would set any variable of the steps that follow. A slash must not end them in the path.
make_base() {
	base=$FRUGALD_URL
	case $base in
	*[[:space:][:cntrl:]]*) die "url has a blank or a line's end in it" ;;
	esac
	rest=${FRUGALD_TAGS:-}
	[ -n "$rest" ] || return 0
	case $rest in
	*[!A-Za-z0-9._:/@+,=%-]*) die "tags: NAME=VALUE,... of A-Za-z0-9._:/@+-; escape what else there is, as in a URL" ;;
	esac
	base=$base/t/
	while [ "$rest" != "${rest#*/}" ]; do
		base=$base${rest%%/*}%2F
		rest=${rest#*/}
	done
	base=$base$rest
}

give_key() {
	make_base
	trade
	{
		printf 'OPENAI_BASE_URL=%s/v1\nOPENAI_API_KEY=%s\n' "$base" "$key"
		printf 'ANTHROPIC_BASE_URL=%s\nANTHROPIC_API_KEY=%s\n' "$base" "$key"
		printf 'FRUGALD_URL=%s\n' "$FRUGALD_URL"
	} >> "$GITHUB_ENV"
	printf 'frugald: a key for team %s until %s\n' "$(member team < "$body")" "$(member expires_at < "$body")"
}

# The key of the job's begin may be over by now.
ask_gate() {
	trade
	query="max_usd=$(escape "$FRUGALD_MAX_USD")"
	rest=$FRUGALD_GATE_TAGS,
	while [ -n "$rest" ]; do
		tag=${rest%%,*}
		rest=${rest#*,}
		[ -z "$tag" ] || query="$query&tag.$(escape "${tag%%=*}")=$(escape "${tag#*=}")"
	done
	status=$(call "$key" "$FRUGALD_URL/v1/costs/gate?$query") || die "no answer at $FRUGALD_URL"
	case $status in
	200 | 412) said=$(member message < "$body") ;;
	*) die "$status at $FRUGALD_URL/v1/costs/gate: $(message < "$body" 2> /dev/null || true)" ;;
	esac
	running=$(member in_flight < "$body")
	[ "${running:-0}" = 0 ] || said="$said ($running requests are still under way)"
	[ -z "${GITHUB_STEP_SUMMARY:-}" ] || printf 'Models: %s\n' "$said" >> "$GITHUB_STEP_SUMMARY"
	[ "$status" = 200 ] || die "$said"
	printf 'frugald: %s\n' "$said"
}

[ -n "${FRUGALD_URL:-}" ] || {
	echo "frugald-ci.sh: FRUGALD_URL is not set" >&2
	exit 2
}
FRUGALD_URL=${FRUGALD_URL%/}
body=$(mktemp)
trap 'rm -f "$body"' EXIT
case ${1:-} in
key) give_key ;;
gate) ask_gate ;;
*)
	echo "usage: frugald-ci.sh key|gate" >&2
	exit 2
	;;
esac
