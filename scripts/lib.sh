# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2016 # what at_end is given, and dpkg's format, expand later
# What the scripts share: installing, building, talking, and leaving nothing behind. For bash, sourced.
set -euo pipefail
export LC_ALL=C.UTF-8
export PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SCRIPT=scripts/$(basename "$0")
WORK=''        # a temporary folder, made by make_work, removed at the end
POLICY=''      # the policy-rc.d that we put there, if we did

# Debian packages, by purpose.
declare -A PACKAGES=(
	[build]="gcc libc6-dev linux-libc-dev pkgconf meson ninja-build clang bpftool
		libbpf-dev libxdp-dev libcap-dev libgrpc-dev liblmdb-dev libmicrohttpd-dev
		libprotobuf-c-dev protobuf-c-compiler liburcu-dev libxxhash-dev libyaml-dev
		libcmocka-dev"
	[lab]="iproute2 util-linux ethtool procps udhcpc"
	[etcd]="etcd-server etcd-client"
	[test]="python3 python3-pytest python3-scapy isc-dhcp-client isc-dhcp-relay prometheus
		strace iputils-ping lmdb-utils dnsmasq-base spin nftables faketime"
	[bench]="python3"
	[bench_engine]="valgrind"
	[bench_compare]="kea-dhcp4-server kea-admin postgresql-15 postgresql-client-15
		isc-dhcp-server dnsmasq-base"
)

say() {
	printf '%s\n' "$*"
}

fail() {
	printf '%s: %s\n' "$SCRIPT" "$*" >&2
	exit 1
}

need_root() {
	[ "$(id -u)" -eq 0 ] || { say "needs root: sudo $SCRIPT${1:+ $1}" >&2; exit 1; }
}

# Runs the commands given to at_end, last first, however the script ends.
ENDINGS=()
at_end() {
	ENDINGS+=("$1")
}

run_endings() {
	local status=$? i
	trap - EXIT
	trap '' INT TERM HUP
	for ((i = ${#ENDINGS[@]} - 1; i >= 0; i--)); do
		eval "${ENDINGS[i]}" || true
	done
	exit "$status"
}
trap run_endings EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

make_work() {
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/etcdhcp.XXXXXX")
	at_end 'rm -rf "$WORK"'
}

# missing_packages PURPOSE...: those not installed, one a line.
missing_packages() {
	local purpose package
	for purpose in "$@"; do
		for package in ${PACKAGES[$purpose]}; do
			[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
				printf '%s\n' "$package"
		done
	done
}

# Debian's packages start their daemons when installed (etcd, prometheus): not on behalf of a test.
forbid_daemons() {
	[ -e /usr/sbin/policy-rc.d ] && return
	POLICY=/usr/sbin/policy-rc.d
	at_end allow_daemons
	printf '#!/bin/sh\nexit 101\n' >"$POLICY"
	chmod 755 "$POLICY"
}

allow_daemons() {
	[ -z "$POLICY" ] || rm -f "$POLICY"
	POLICY=''
}

# install PURPOSE...: only what is missing.
install() {
	local packages
	command -v apt-get >/dev/null || fail "needs apt-get: this is made for Debian 12"
	mapfile -t packages < <(missing_packages "$@")
	[ ${#packages[@]} -gt 0 ] || return 0
	say "      installing ${packages[*]}"
	forbid_daemons
	export DEBIAN_FRONTEND=noninteractive
	quietly apt-get -o DPkg::Lock::Timeout=300 -qq update
	quietly apt-get -o DPkg::Lock::Timeout=300 -qq -y --no-install-recommends install \
		"${packages[@]}"
	allow_daemons
}

# quietly COMMAND...: its output is shown only if it fails.
quietly() {
	local log
	log=$(mktemp "$WORK/output.XXXXXX")
	if ! "$@" >"$log" 2>&1 </dev/null; then
		tail -n 60 "$log" >&2
		fail "failed: $*"
	fi
}

# at_least HAVE WANTED: compares versions.
at_least() {
	dpkg --compare-versions "$1" ge "$2"
}

check_versions() {
	local kernel
	kernel=$(uname -r)
	at_least "${kernel%%-*}" 5.10 ||
		fail "needs Linux 5.10 or later for XDP links (this is $kernel)"
	at_least "$(meson --version)" 1.0 || fail "needs meson 1.0 or later"
}

# build DIR TARGETS -- MESON_OPTIONS: configures if necessary, then compiles.
build() {
	local dir=$1 targets=$2
	shift 3
	if [ ! -f "$dir/build.ninja" ]; then
		quietly meson setup "$dir" "$ROOT" "$@"
	elif [ $# -gt 0 ]; then
		quietly meson configure "$dir" "$@"
	fi
	# shellcheck disable=SC2086 # targets are words
	quietly ninja -C "$dir" $targets
}

# wait_for SECONDS COMMAND...: until it succeeds; fails when it has not in time.
wait_for() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.05
	done
}
