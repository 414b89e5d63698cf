#!/bin/bash
# SPDX-License-Identifier: MIT
# tests/bad_peer/sip_hostile.sh - hostile SIP against our legs: see
# sip_hostile.py.  A second agent places calls that are answered badly.
. "$(dirname "$0")/../lib.sh"

agent=$build/tests/peer/sip_agent
[ -x "$agent" ] || { fail "agent" "$agent is missing: make check builds it"; finish; }

port_of() {
	wait_for 5 grep -q '^listening' "$work/$1.log" || return 1
	sed -n 's/^listening //p' "$work/$1.log"
}

# Ends in order: the exit code is 0 and, sanitized, nothing leaked.
ends() {
	local name=$1 of=$2
	kill "$of" 2>/dev/null
	if wait "$of"; then
		pass "$name"
	else
		fail "$name" "$(tail -c 2000 "$work/${name%% *}.log")"
	fi
}

theirs=$(free_port)
start agent "$agent" --listen 127.0.0.1:0 --trunk "127.0.0.1:$theirs" answer
a=$pid
ours=$(port_of agent) || { fail agent "does not start"; finish; }

# Answers to calls of ours that have killed the library.
bad=$(free_port)
start bad python3 "$root/tests/bad_peer/sip_bad_answers.py" "127.0.0.1:$bad"
wait_port udp "$bad"
callers=()
for kind in sha256 isbn-200 isbn-route no-sdp two-contacts no-tag huge \
	garbage late-180 many-200 early-isbn; do
	start "call-$kind" timeout 60 "$agent" --listen 127.0.0.1:0 \
		--trunk "127.0.0.1:$bad" --hold 200 --no-answer 3000 \
		call "$kind"
	callers+=("$kind:$pid")
done

python3 "$root/tests/bad_peer/sip_hostile.py" --target "127.0.0.1:$ours" \
	--local "127.0.0.1:$theirs" --pid "$a" >"$work/hostile.log" 2>&1
hostile=$?
cat "$work/hostile.log"
# lib.sh counts what it prints itself; these lines are counted by who reads us.
[ $hostile = 0 ] || failed=$((failed + 1))

for c in "${callers[@]}"; do
	if wait "${c#*:}" && grep -q '^ended' "$work/call-${c%%:*}.log"; then
		pass "call answered with ${c%%:*}"
	else
		fail "call answered with ${c%%:*}" \
			"$(tail -c 1500 "$work/call-${c%%:*}.log")"
	fi
done
ends "agent ends in order" "$a"
finish
