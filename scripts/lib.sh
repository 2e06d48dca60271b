# lib.sh: what the scripts share. Source it from bash; it moves to the project's root.
# shellcheck shell=bash
set -eu

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"

BUILD_PACKAGES="gcc libc6-dev cmake ninja-build pkg-config libmicrohttpd-dev
	libcurl4-openssl-dev libjansson-dev libyaml-dev libsqlite3-dev libssl-dev"
CHECK_PACKAGES="git python3 binutils libcmocka-dev clang clang-format clang-tidy cppcheck"

# apt ARG...: apt-get as root. Where we may not, say what to type and give up with 2.
apt() {
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
		apt update >/dev/null || true
	fi
	# Lists that are there may be older than the archive: once more after an update.
	# shellcheck disable=SC2086 # a list of words
	apt install --no-install-recommends -y $missing >/dev/null 2>&1 ||
		{ apt update && apt install --no-install-recommends -y $missing; } >/dev/null || {
		echo "cannot install packages here. As root, type:" >&2
		echo "  apt-get update && apt-get install -y --no-install-recommends$missing" >&2
		exit 2
	}
}

# build NAME TARGET [CMAKE ARGUMENT...]: configure and build below build/NAME; TARGET may be "all".
# Speaks only when something is wrong.
build() {
	local dir=build/$1 target=$2
	shift 2
	mkdir -p "$dir"
	cmake -S . -B "$dir" -G Ninja "$@" >"$dir/configure.log" 2>&1 || {
		cat "$dir/configure.log"
		return 1
	}
	cmake --build "$dir" --target "$target" -- --quiet
}
