#!/bin/bash
# SPDX-License-Identifier: MIT
# The names that our programs export may replace a library's function by
# accident: only those of sip/interpose.c may be in both.
. "$(dirname "$0")/../lib.sh"
cd "$root"
allowed=$(sed -n 's/^\([a-z_ ]*[ *]\)\{0,1\}\(nta_agent_create\|tport_recv_stun_dgram\|SSL_CTX_new\)(.*/\2/p' sip/interpose.c | sort -u)

for program in riptide riptidectl riptcall; do
	file=$build/$program
	[ -d "$file" ] && file=$file/$program
	[ -x "$file" ] || { fail "$program" "not built"; continue; }
	nm -D --defined-only "$file" | awk '$2 ~ /[TDBRVW]/ { sub(/@.*/, "", $3); print $3 }' |
		grep -vE '^(_init|_fini|_start|main|__.*|data_start|_IO_stdin_used|_edata|_end)$' |
		sort -u >"$work/ours"
	# Variables of a library that the linker has copied into the program are
	# still the library's.
	readelf -rW "$file" | awk '$3 ~ /_COPY$/ { sub(/@.*/, "", $5); print $5 }' |
		sort -u >"$work/copied"
	comm -23 "$work/ours" "$work/copied" >"$work/own" && mv "$work/own" "$work/ours"
	ldd "$file" | awk '$3 ~ /^\// { print $3 }' |
		grep -vE '/(libasan|libtsan|libubsan|libgcc_s)' |
		xargs -r -n1 nm -D --defined-only 2>/dev/null |
		awk '{ sub(/@.*/, "", $3); print $3 }' | sort -u >"$work/theirs"
	comm -12 "$work/ours" "$work/theirs" >"$work/both"
	bad=$(grep -vxF "$allowed" "$work/both" | paste -sd' ')
	[ -z "$bad" ] && pass "$program replaces no library function by accident" ||
		fail "$program" "also defined by a library: $bad"
done
for name in $allowed; do
	nm -D --defined-only "$build/riptide" | grep -q " T $name\$" &&
		pass "riptide replaces $name" || fail "riptide" "$name is not exported: is it linked with -rdynamic?"
done
finish
