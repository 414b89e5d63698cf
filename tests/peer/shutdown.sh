#!/bin/bash
# SPDX-License-Identifier: MIT
# SIGTERM while calls are up: the last call's end, from each side, ends the
# gateway, and a phone that never answers does not hold it up.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/labs.sh"

speech "$work/one.wav" 3 30
labs_make

# gone NAME SECONDS: both gateways end clean within that time.
gone() {
	local name=$1 side gateway bad
	for side in a b; do
		gateway=gateway_$side
		wait_for "$2" not_running "${!gateway}" || {
			fail "$name" "gateway ${side^^} still runs"
			kill -9 "${!gateway}"
			return
		}
		wait "${!gateway}" || { fail "$name" "gateway ${side^^} ends with $?"; return; }
		bad=$(grep -m1 -E 'Sanitizer|runtime error|Assertion' "$work/gateway-$side.log")
		[ -z "$bad" ] || { fail "$name" "$bad"; return; }
	done
	pass "$name"
}

not_running() {
	! kill -0 "$1" 2>/dev/null
}

for who in caller callee; do
	labs_start
	by=(--seconds 30 --limit 30)
	hangs_up=(--seconds 30 --limit 30 --hangup-after 2)
	if [ $who = caller ]; then
		callee_b "${by[@]}"
		caller_a "${hangs_up[@]}"
	else
		callee_b "${hangs_up[@]}"
		caller_a "${by[@]}"
	fi
	sleep 1
	kill -TERM "$gateway_a" "$gateway_b"
	gone "the last call is ended by its $who" 15
	stop "$callee"
	stop "$caller"
done

for mode in ring answer; do
	labs_start
	start mute python3 "$root/tests/bad_peer/mute_phone.py" "$phone_b" $mode
	mute=$pid
	wait_for 5 grep -q ready "$work/mute.log"
	caller_a --play "$work/one.wav" --seconds 30 --limit 30
	sleep 1
	kill -TERM "$gateway_a" "$gateway_b"
	sleep 0.3
	kill -TERM "$gateway_a" "$gateway_b"
	gone "a phone that never answers again ($mode)" 20
	stop "$mute"
	stop "$caller"
done
finish
