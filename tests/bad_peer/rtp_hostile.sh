#!/bin/bash
# SPDX-License-Identifier: MIT
# Bad RTP and RTCP of every kind, from strangers and from a phone of a call;
# each packet has one fate and its counter, and the call's audio is untouched.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/labs.sh"
speech "$work/one.wav" 10 30
speech "$work/two.wav" 10 70
labs_make
labs_start
hostile=$root/tests/bad_peer/rtp_hostile.py

# total PATTERN: the sum of gateway A's counters whose line matches.
total() {
	python3 - "$(lab a metrics)" "$1" <<-'PY'
	import re, sys, urllib.request
	text = urllib.request.urlopen(f"http://{sys.argv[1]}/metrics").read().decode()
	print(sum(int(line.split()[-1]) for line in text.splitlines()
	          if line[0] != "#" and re.search(sys.argv[2], line)))
	PY
}
fates() { total "rtp_fate_total.*from_rtp.*\"$1\""; }

reached() { [ "$(total "$1")" -ge "$2" ]; }

# counts NAME COUNTER LEAST COMMAND...: the command raises the counter.
counts() {
	local name=$1 counter=$2 least=$3 before
	shift 3
	before=$(total "$counter")
	"$@"
	if wait_for 5 reached "$counter" $((before + least)); then
		pass "$name"
	else
		fail "$name" "$counter went from $before to $(total "$counter"), not by $least"
	fi
}

callee_b --play "$work/two.wav" --seconds 14 --expect bye-received --limit 40
caller_a --play "$work/one.wav" --seconds 12 --hangup-when-done --expect bye-sent --limit 40
wait_for 5 sh -c "'$build/riptidectl' -c '$work/a/riptide.yaml' calls | grep -q 'latched 127'"
port=$(ctl a calls --json | python3 -c 'import json, sys
print(json.load(sys.stdin)["calls"][0]["media"]["rtp_port"])')
at=127.0.0.1:$port
wrong='rtp_fate_total.*from_rtp.*"wrong_source"'
bad='rtp_fate_total.*from_rtp.*"bad_rtp"'
counts "good packets of a stranger after latching" "$wrong" 200 "$hostile" stranger "$at" 200
counts "too short for RTP" "$bad" 200 "$hostile" empty "$at" 300
counts "wrong version" "$bad" 300 "$hostile" version "$at" 300
counts "lists, extensions and padding beyond the packet" "$bad" 300 "$hostile" cut "$at" 300
counts "random octets" 'rtp_fate_total.*from_rtp.*"(bad_rtp|wrong_source)"|rtcp_total.*refused' 300 "$hostile" random "$at" 300
counts "longer than any packet" 'rtp_fate_total.*from_rtp.*"(bad_rtp|wrong_source)"' 100 "$hostile" long "$at" 100
counts "RTCP whose lengths lie" 'rtcp_total.*refused' 250 "$hostile" rtcp "$at" 300
counts "a flood" "$wrong" 3500 "$hostile" stranger "$at" 4000
both && pass "the call ends in order" || fail "the call ends in order" "$(cat "$work/caller.log" "$work/callee.log")"

# untouched NAME: what was sent is what was heard, octet by octet.
untouched() {
	python3 - "$work" <<-'PY' >"$work/verdict" 2>&1
	import json, sys
	a, b = (json.load(open(f"{sys.argv[1]}/{n}.json")) for n in ("caller", "callee"))
	assert a["audio_sent_sha"] == b["audio_sha"], "the caller's speech differs"
	sent = [p[4] for p in b["sent"] if p[2] == 0]
	got = [p[4] for p in a["received"] if p[2] == 0]
	assert got and sent[:len(got)] == got, "the callee's speech differs"
	assert len(got) > len(sent) * 0.8, f"{len(got)} of {len(sent)} arrived"
	assert len(b["ssrcs"]) == 1 and len(a["ssrcs"]) == 1, "a strange SSRC was heard"
	PY
	[ $? = 0 ] && pass "$1" || fail "$1" "$(tail -1 "$work/verdict")"
}
untouched "not one octet of the call was changed"

# The port rests: whoever still sends there reaches nobody.
sum=$(total 'rtp_fate_total')
"$hostile" stranger "$at" 200
sleep 0.3
[ "$(total 'rtp_fate_total')" = "$sum" ] && pass "the port of an ended call is closed" ||
	fail "the port of an ended call is closed"

# A phone that sends rubbish between its packets.
unknown=$(fates unknown_pt) duplicate=$(fates duplicate) broken=$(fates bad_rtp) rtcp=$(total 'rtcp_total.*refused')
callee_b --play "$work/two.wav" --seconds 5 --expect bye-received --limit 20
caller_a --play "$work/one.wav" --seconds 3 --hostile --hangup-when-done --expect bye-sent --limit 20
both
untouched "a phone's rubbish goes nowhere"
[ $(($(fates unknown_pt) - unknown)) -ge 150 ] && pass "unknown payload types are counted" || fail "unknown payload types are counted" "$(fates unknown_pt)"
[ $(($(fates duplicate) - duplicate)) -ge 140 ] && pass "duplicates are counted" || fail "duplicates are counted" "$(fates duplicate)"
[ $(($(fates bad_rtp) - broken)) -ge 400 ] && pass "malformed packets are counted" || fail "malformed packets are counted" "$(fates bad_rtp)"
[ $(($(total 'rtcp_total.*refused') - rtcp)) -ge 140 ] && pass "malformed RTCP is counted" || fail "malformed RTCP is counted"
"$build/riptidectl" -c "$work/a/riptide.yaml" explain "$(report caller "r['call_id']")" | grep -q 'dropped.*unknown_pt' &&
	pass "explain says what was dropped" || fail "explain says what was dropped"
wait_for 20 no_calls && pass "nothing is left behind" || fail "nothing is left behind"
kill -0 "$gateway_a" && pass "the gateway is alive" || fail "the gateway is alive" "$(tail -5 "$work/gateway-a.log")"
finish
