#!/bin/bash
# SPDX-License-Identifier: MIT
# Routes and limits that callers meet: a loop between two gateways, a PBX with
# its own way of dialling, an emergency call, and every limit of a trunk.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/labs.sh"

# why PHONE: how its call ended.
why() {
	report "$1" "(r['ended'], r.get('reason'))" 2>/dev/null
}

# reason PHONE CODE: the Reason header names it.
reason() {
	report "$1" "any('RIPT' in x and '\"$2\"' in x for x in r['reason'])" >/dev/null
}

# took PHONE SECONDS: from INVITE to the end no longer than that.
took() {
	report "$1" "r['times']['end'] - r['times']['invite'] < $2" >/dev/null
}

# counted a|b CODE: refusals by that reason so far.
counted() {
	python3 - "$(lab "$1" metrics)" "$2" <<-'PY'
	import re, sys, urllib.request
	text = urllib.request.urlopen(f"http://{sys.argv[1]}/metrics").read().decode()
	print(sum(int(n) for n in re.findall(
	    r'riptide_rejects_total\{[^}]*"%s"[^}]*\} (\d+)' % sys.argv[2], text)))
	PY
}

# explained: what riptidectl says at gateway A about the caller's call.
explained() {
	ctl a explain "$(report caller "r['call_id']")"
}

# begun a|b: calls since the start.
begun() {
	ctl "$1" status --json | python3 -c 'import json, sys
print(json.load(sys.stdin)["calls"]["begun"])'
}

# edit a|b PYTHON: change the lab's file; `text` is its content.
edit() {
	python3 - "$work/$1/riptide.yaml" "$2" <<-'PY'
	import sys
	with open(sys.argv[1]) as f:
	    text = f.read()
	before, names = text, {"text": text}
	exec(sys.argv[2], names)
	if names["text"] == before:
	    sys.exit(f"{sys.argv[1]} is as it was")
	with open(sys.argv[1], "w") as f:
	    f.write(names["text"])
	PY
}

stop_labs() {
	stop "$gateway_a"
	stop "$gateway_b"
}

# ---- a PBX's way of dialling ----

labs_make
edit a '
text = text.replace("    transport: udp\n", """    transport: udp
    dial-plan: {country: "1", outside-line: "9", international: "011", national: "1"}
    caller-id: {from: [p-asserted-identity, from], otherwise: "+14085551000"}
""", 1).replace("routes:\n", """routes:
  - {name: premium, from: phones, to: ["+1900*"], refuse: 403}
""", 1)'
labs_start

# dialled NAME DIGITS CALLED CALLER FROM...: what the far phone is shown.
dialled() {
	local name=$1 digits=$2 called=$3 shown=$4 from=$5
	shift 5
	callee_b --expect bye-received --limit 15
	phone caller call "127.0.0.1:$sip_a" "$digits" --port "$phone_a" --from "$from" \
		--hangup-after 0.3 --expect bye-sent --limit 15 "$@"
	caller=$pid
	both && report callee "'$called@' in r['request_uri'] and '$shown@' in r['caller']" >/dev/null &&
		pass "$name" || { fail "$name" "$(why caller) $(report callee "r.get('request_uri'), r.get('caller')")"; return 1; }
}
dialled "9 and a national number, caller 101" 914089529999 "+14089529999" "+14085551000" 101
dialled "9 and ten digits" 94089529999 "+14089529999" "+14085551000" 101
dialled "9 and 011" 901114089529999 "+14089529999" "+14085551000" 101
dialled "a caller in P-Asserted-Identity is kept" 914089529999 "+14089529999" "+14085551007" 101 \
	--header "P-Asserted-Identity: <sip:+14085551007@pbx.example>"
dialled "a national caller becomes E.164" 914089529999 "+14089529999" "+14085551008" 4085551008
[ "$(ctl b calls --all --json | python3 -c 'import json, sys
print(" ".join(sorted({c["from"] for c in json.load(sys.stdin)["calls"]})))')" = \
	"+14085551000 +14085551007 +14085551008" ] && pass "the other gateway verified the number that was signed" ||
	fail "the other gateway verified the number that was signed" "$(ctl b calls --all)"

# refuses NAME NUMBER STATUS CODE EXPLAINED: at gateway A, before any RIPT.
refuses() {
	local before=$(counted a "$4")
	phone caller call "127.0.0.1:$sip_a" "$2" --port "$phone_a" --from 101 --expect "status-$3" --limit 8
	if wait "$pid" && reason caller "$4" && took caller 1; then pass "$1"; else fail "$1" "$(why caller)"; fi
	[ "$(counted a "$4")" = $((before + 1)) ] && pass "$1: counted" || fail "$1: counted" "$4"
	explained >"$work/explain"
	grep -q "SIP $3, reason $4" "$work/explain" && grep -q "$5" "$work/explain" &&
		pass "$1: explained" || fail "$1: explained" "$(cat "$work/explain")"
}
refuses "911 gets the route's 503" 911 503 route-refuses emergency
refuses "9 911 as well" 9911 503 route-refuses emergency
refuses "a premium number gets the route's 403" 919005551234 403 route-refuses premium
refuses "a short code needs a route of its own" 411 404 no-route 'What to do'
refuses "a number that is none" 'bob!' 484 bad-number 'What to do'

# ---- Max-Forwards ----

phone caller call "127.0.0.1:$sip_a" "$number_b" --port "$phone_a" --max-forwards 1 --expect status-483 --limit 8
if wait "$pid" && reason caller loop && took caller 1; then pass "Max-Forwards 1: 483"; else fail "Max-Forwards 1: 483" "$(why caller)"; fi
callee_b --expect bye-received --limit 10
caller_a --max-forwards 4 --hangup-after 0.2 --expect bye-sent --limit 10
both && report callee "r['headers']['max-forwards'] == '2'" >/dev/null &&
	pass "each gateway takes one of Max-Forwards" ||
	fail "each gateway takes one of Max-Forwards" "$(report callee "r['headers'].get('max-forwards')")"
callee_b --expect bye-received --limit 10
caller_a --hangup-after 0.2 --expect bye-sent --limit 10
both && report callee "int(r['headers']['max-forwards']) <= 10" >/dev/null &&
	pass "the peer's limits.hops binds" ||
	fail "the peer's limits.hops binds" "$(report callee "r['headers'].get('max-forwards')")"
stop_labs

# ---- limits ----

# Both phones of A are hosts of its trunk.
phone_a2=$(free_port)
edit a 'text = text.replace("calls: 1000", "calls: 1", 1).replace(
	"call-duration: 4h", "call-duration: 2s", 1).replace(
	"hosts: [", "hosts: [\"127.0.0.1:'"$phone_a2"'\", ", 1)'
labs_start

# second NAME STATUS CODE: a call of the other phone, refused at once.
second() {
	phone caller2 call "127.0.0.1:$sip_a" "$number_b" --port "$phone_a2" --expect "status-$2" --limit 8
	if wait "$pid" && reason caller2 "$3" && took caller2 1; then pass "$1"; else fail "$1" "$(why caller2)"; fi
}
answered_a() { wait_for 5 sh -c "'$build/riptidectl' -c '$work/a/riptide.yaml' calls | grep -q answered"; }

callee_b --expect bye-received --limit 12
caller_a --expect bye-received --limit 12
answered_a
second "the trunk's limits.calls" 503 trunk-calls
[ "$(counted a trunk-calls)" = 1 ] && pass "limits.calls: counted" || fail "limits.calls: counted"
both && report caller "any('call-duration' in x for x in r['reason'])" >/dev/null &&
	report caller "1.8 < r['times']['bye'] - r['times']['established'] < 3" >/dev/null &&
	pass "call-duration is a hard limit" ||
	fail "call-duration is a hard limit" "$(why caller)"
report callee "any('cause=31' in x for x in r['reason'])" >/dev/null &&
	pass "the far phone is told as well" || fail "the far phone is told as well" "$(why callee)"
stop_labs

edit a 'text = text.replace("calls: 1\n", "calls: 9\n", 1).replace("calls-per-second: 1000", "calls-per-second: 1", 1)'
labs_start
callee_b --expect bye-received --limit 12
caller_a --expect bye-received --limit 12
second "the trunk's limits.calls-per-second" 503 trunk-rate
both
[ "$(counted a trunk-rate)" = 1 ] && pass "limits.calls-per-second: counted" || fail "limits.calls-per-second: counted"
stop_labs

edit a 'text = text.replace("calls-per-second: 1\n", "calls-per-second: 1000\n", 1)'
edit b 'i = text.index("  customer:")
text = text[:i] + text[i:].replace("calls: 1000", "calls: 1", 1)'
labs_start
callee_b --expect bye-received --limit 12
caller_a --expect bye-received --limit 12
answered_a
second "the peer's limits.calls" 503 unavailable
[ "$(counted b peer-calls)" = 1 ] && pass "the peer's limits.calls: counted" || fail "the peer's limits.calls: counted"
both
stop_labs

edit b 'i = text.index("  customer:")
text = text[:i] + text[i:].replace("calls: 1\n", "calls: 1000\n", 1).replace("calls-per-second: 1000", "calls-per-second: 1", 1)'
labs_start
callee_b --expect bye-received --limit 12
caller_a --expect bye-received --limit 12
second "the peer's limits.calls-per-second" 503 slow-down
both
[ "$(counted b peer-rate)" = 1 ] && pass "the peer's limits.calls-per-second: counted" ||
	fail "the peer's limits.calls-per-second: counted"
wait_for 20 no_calls && pass "nothing is left behind by limits" || fail "nothing is left behind by limits"
stop_labs

# ---- loops ----

# Two labs that route +1* to each other: RIPT from A to B, SIP from B to A.
rm -rf "$work/a" "$work/b"
labs_make --numbers '+1*' --origins '+1*'
edit a 'text = text.replace("\npeers:", """
  other-gateway:
    network: lab
    hosts: ["127.0.0.1:'"$sip_b"'"]
    probe: {every: off}

peers:""", 1).replace("from: phones, to: [\"+*\"]", "to: [\"+1*\"]")'
edit b 'text = text.replace("127.0.0.1:'"$phone_b"'", "127.0.0.1:'"$sip_a"'")'
labs_start

# looped NAME STATUS CODE: one call, told so within a second, and nothing
# stays.
looped() {
	caller_a --expect "status-$2" --limit 10
	if wait "$caller" && reason caller "$3" && took caller 1; then pass "$1: $2 within 1 s"; else fail "$1: $2 within 1 s" "$(why caller)"; fi
	explained >"$work/explain"
	grep -q "SIP $2, reason $3" "$work/explain" && grep -q "What to do" "$work/explain" &&
		pass "$1: explained" || fail "$1: explained" "$(cat "$work/explain")"
	wait_for 20 no_calls && pass "$1: nothing is left behind" || fail "$1: nothing is left behind" "$(ctl a calls; ctl b calls)"
}
looped "two gateways that route to each other" 483 loop
legs=$(($(begun a) + $(begun b)))
[ "$legs" -gt 4 ] && [ "$legs" -le 11 ] && pass "at most limits.hops legs ($legs)" ||
	fail "at most limits.hops legs" "$legs"
stop_labs

# B sends it back to the very peer that it came from, both under one name.
cp "$work/b/riptide.yaml" "$work/b.yaml"
edit b 'text = text.replace("via: [phones]", "via: [customer]", 1)'
"$build/riptide" check -c "$work/b/riptide.yaml" >"$work/check.log" 2>&1 &&
	fail "a rule that leads straight back is an error of the file" ||
	check "a rule that leads straight back is an error of the file" \
		grep -q "is where the call comes from; it never goes back" "$work/check.log"
cp "$work/b.yaml" "$work/b/riptide.yaml"
edit b 'text = text.replace("  customer:\n    accept:", "    accept:").replace("{name: inward, from: customer,", "{name: inward,").replace("via: [phones]", "via: [provider]", 1)'
labs_start
looped "a route back to where the call came from" 483 loop
[ "$(begun a) $(begun b)" = "1 1" ] && pass "no second leg" || fail "no second leg" "$(begun a) $(begun b)"
[ "$(counted b loop)" = 1 ] && pass "the loop is counted" || fail "the loop is counted"
stop_labs

# B back over RIPT under another peer's name: RIPT is never joined with RIPT.
cp "$work/b.yaml" "$work/b/riptide.yaml"
edit b 'text = text.replace("via: [phones]", "via: [provider]", 1)'
labs_start
looped "a route back under another name" 404 unreachable
[ "$(counted b same-side)" = 1 ] && pass "it is counted" || fail "it is counted"
finish
