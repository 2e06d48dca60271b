# lib.sh: what the scripts share. Source it from bash; it moves to the project's root.
# shellcheck shell=bash
set -eu

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"

BUILD_PACKAGES="gcc libc6-dev cmake ninja-build pkg-config libmicrohttpd-dev
	libcurl4-openssl-dev libjansson-dev libyaml-dev libsqlite3-dev libssl-dev"
CHECK_PACKAGES="git python3 binutils libcmocka-dev clang clang-format clang-tidy cppcheck"

# as_root_apt ARG...: apt-get as root. Where we may not, say what to type and give up with 2.
as_root_apt() {
	if [ "$(id -u)" = 0 ]; then
		DEBIAN_FRONTEND=noninteractive apt-get -qq "$@"
	elif sudo -n true 2>/dev/null || { [ -t 0 ] && command -v sudo >/dev/null; }; then
		sudo DEBIAN_FRONTEND=noninteractive apt-get -qq "$@"
	else
		return 2
	fi
}

# need_packages PACKAGE...: have these Debian packages, installing what is missing.
need_packages() {
	local package missing=""
	for package in "$@"; do
		dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
			missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	echo "installing:$missing"
	if [ -z "$(find /var/lib/apt/lists -name '*Packages*' -print -quit 2>/dev/null)" ]; then
		as_root_apt update >/dev/null || true
	fi
	# Lists that are there may be older than the archive: once more after an update.
	# shellcheck disable=SC2086 # a list of words
	as_root_apt install --no-install-recommends -y $missing >/dev/null 2>&1 ||
		{ as_root_apt update && as_root_apt install --no-install-recommends -y $missing; } >/dev/null || {
		echo "cannot install packages here. As root, type:" >&2
		echo "  apt-get update && apt-get install -y --no-install-recommends$missing" >&2
		exit 2
	}
}

# build NAME TARGET [CMAKE ARGUMENT...]: configure and build below build/NAME; TARGET may be "all".
# Speaks only when something is wrong, then of all that is.
build() {
	local dir=build/$1 target=$2
	shift 2
	mkdir -p "$dir"
	cmake -S . -B "$dir" -G Ninja "$@" >"$dir/configure.log" 2>&1 || {
		cat "$dir/configure.log"
		return 1
	}
	cmake --build "$dir" --target "$target" -- --quiet -k 0
}

# seconds_since MILLISECONDS: "3.2 s".
now_ms() {
	date +%s%3N
}

seconds_since() {
	local ms=$(($(now_ms) - $1))
	echo "$((ms / 1000)).$((ms % 1000 / 100)) s"
}

# A script that counts steps makes the file $TALLY; scripts that it calls add to it.
count() {
	local word=$1 times=${2:-1}
	while [ "$times" -gt 0 ]; do
		echo "$word" >>"$TALLY"
		times=$((times - 1))
	done
}

counted() {
	grep -cx "$1" "$TALLY" || true
}

# step NAME COMMAND...: run it and count it. Its output is shown when it fails, the last line
# of it when it answers 77: skipped.
step() {
	local name=$1 log start status=0
	shift
	log=build/log/$(echo "$name" | tr '/ ' '__').txt
	start=$(now_ms)
	mkdir -p build/log
	"$@" >"$log" 2>&1 </dev/null || status=$?
	case $status in
	0)
		count passed
		echo "ok    $name  $(seconds_since "$start")"
		;;
	77)
		skip "$name" "$(tail -n 1 "$log")"
		;;
	*)
		count failed
		tail -n "${LOG_LINES:-200}" "$log"
		echo "FAIL  $name  $(seconds_since "$start")  (whole output: $log)"
		;;
	esac
}

skip() {
	count skipped
	echo "skip  $1  $2"
}
