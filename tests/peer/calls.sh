#!/bin/bash
# SPDX-License-Identifier: MIT
# Calls between two SIP phones over two gateways: both directions, both ways
# of carrying media, every way to end or to be refused.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/labs.sh"

speech "$work/one.wav" 3 30
speech "$work/two.wav" 3 70
labs_make
# Timers that a test can wait for.
sed -i 's/rtp-timeout: .*/rtp-timeout: 3s/' "$work"/[ab]/riptide.yaml
grep -q 'rtp-timeout: 3s' "$work/a/riptide.yaml" || fail "labs" "no rtp-timeout in the lab's file"
labs_start

# talk NAME CALLER CALLEE ARGS...: speech both ways, digits, comfort noise.
talk() {
	local name=$1 caller_side=$2 callee_side=$3 digits=0123456789*#ABCD
	shift 3
	"callee_$callee_side" --play "$work/two.wav" --seconds 7 --expect bye-received --limit 40 "$@"
	"caller_$caller_side" --play "$work/one.wav" --dtmf "$digits" --cn 3 \
		--hangup-when-done --expect bye-sent --limit 40 "$@"
	both || { fail "$name" "$(tail -2 "$work/caller.log" "$work/callee.log" | paste -sd' ')"; return 1; }
	python3 - "$work" "$digits" <<-'PY' >"$work/verdict" 2>&1
	import json, sys
	a, b = (json.load(open(f"{sys.argv[1]}/{n}.json")) for n in ("caller", "callee"))
	assert a["audio_sent_sha"] == b["audio_sha"], "caller's speech differs"
	sent = [p[4] for p in b["sent"] if p[2] in (0, 8)]
	heard = {}	# byways keep no order: RTP's timestamps do
	for p in a["received"]:
	    if p[2] in (0, 8):
	        heard.setdefault(p[3], p[4])
	first = next(iter(heard), 0)
	got = [heard[t] for t in sorted(heard, key=lambda t: (t - first + (1 << 31)) & 0xffffffff)]
	assert got and sent[:len(got)] == got, "callee's speech differs"
	assert len(got) > len(sent) * 0.8, f"{len(got)} of {len(sent)} arrived"
	assert "".join(d["digit"] for d in b["digits"]) == sys.argv[2], b["digits"]
	assert all(d["ms"] == 100 and d["ends"] == 3 for d in b["digits"]), b["digits"]
	assert b["cn"] >= 3, f"{b['cn']} comfort noise"
	assert len(b["ssrcs"]) == 1 and len(b["sources"]) == 1, "SSRC or source changed"
	first = b["received"][0][1]
	seqs = sorted({p[1] for p in b["received"]}, key=lambda q: (q - first + 1000) & 0xffff)
	assert all((y - x) & 0xffff == 1 for x, y in zip(seqs, seqs[1:])), "sequence gaps"
	PY
	[ $? = 0 ] && pass "$name" || { fail "$name" "$(tail -1 "$work/verdict")"; return 1; }
}

talk "PCMU over WebTransport, A calls B" a b --codec PCMU && {
	shows RIPT-REQ-08 webtransport
	shows RIPT-REQ-09 webtransport
	shows RIPT-GW-01 webtransport
	shows RIPT-MB-01 webtransport
	shows RIPT-GW-11 webtransport
	shows RIPT-AD-27 digits
	shows RIPT-AD-28 comfort-noise
}
talk "PCMA over WebTransport, B dials back" b a --codec PCMA && shows RIPT-ARC-04 dial-back
[ "$(ctl a calls --all --json | python3 -c 'import json, sys
print(json.load(sys.stdin)["calls"][0]["media"]["way"])')" = webtransport ] &&
	pass "the media went by WebTransport" || fail "the media went by WebTransport"

# The caller that the callee sees is the passport's, whatever From says.
report callee "'$number_b' in r['caller']" >/dev/null && pass "caller is the verified number" ||
	fail "caller is the verified number" "$(report callee "r['caller']")"

callee_b --early --ring 2 --play "$work/two.wav" --seconds 4 --expect bye-received --limit 20
caller_a --play "$work/one.wav" --hangup-when-done --expect bye-sent --limit 20
both && report caller "r.get('early_sdp') and min(p[0] for p in r['received']) < r['times']['200']" >/dev/null &&
	pass "early media before the answer" || fail "early media before the answer"

callee_b --late-offer --play "$work/two.wav" --seconds 2 --expect bye-received --limit 20
caller_a --late-offer --play "$work/one.wav" --hangup-when-done --expect bye-sent --limit 20
both && report callee "r['audio_sha'] is not None" >/dev/null &&
	pass "late offer" || fail "late offer" "$(cat "$work/caller.log")"

# refused NAME STATUS-AT-CALLEE STATUS-AT-CALLER
refused() {
	callee_b --status "$2" --ring 0.2 --expect "refused-$2" --limit 15
	caller_a --expect "status-$3" --limit 15
	both && report caller "any('RIPT' in x for x in r['reason'])" >/dev/null &&
		pass "$1" || fail "$1" "$(cat "$work/caller.log")"
}
refused "busy" 486 486
refused "declined" 603 603
refused "far phone does not know the number" 404 404
refused "far phone is broken" 500 500
refused "far phone is not there" 480 480

caller_a --expect status-404 --limit 10 2>/dev/null
stop "$caller"
phone caller call "127.0.0.1:$sip_a" +33123456789 --port "$phone_a" --from "$number_a" --expect status-403 --limit 10
wait "$pid" && pass "a number outside the provider's destinations" ||
	fail "a number outside the provider's destinations" "$(cat "$work/caller.log")"

callee_b --never-answer --expect cancelled --limit 15
caller_a --cancel-after 1 --expect status-487 --limit 15
both && pass "cancel" || fail "cancel" "$(cat "$work/caller.log" "$work/callee.log")"

# CANCEL and 200 cross: either the call is cancelled, or answered and ended.
for delay in 0.50 0.505 0.51 0.515 0.52; do
	callee_b --ring 0.5 --limit 12
	caller_a --cancel-after "$delay" --hangup-after 1 --limit 12
	both
	report caller "r['ended'] in ('status-487', 'bye-sent')" >/dev/null &&
		report callee "r['ended'] in ('cancelled', 'bye-received')" >/dev/null &&
		pass "CANCEL crossing 200 ($delay)" ||
		fail "CANCEL crossing 200 ($delay)" "$(report caller "r['ended']") $(report callee "r['ended']")"
done

# Hang-up from each of the four sides.
callee_b --play "$work/two.wav" --hangup-after 1 --expect bye-sent --limit 15
caller_a --play "$work/one.wav" --seconds 10 --expect bye-received --limit 15
both && pass "the called phone hangs up" || fail "the called phone hangs up"
for side in a b; do
	callee_b --play "$work/two.wav" --seconds 10 --expect bye-received --limit 15
	caller_a --play "$work/one.wav" --seconds 10 --expect bye-received --limit 15
	wait_for 5 sh -c "'$build/riptidectl' -c '$work/$side/riptide.yaml' calls | grep -q answered"
	call=$(ctl $side calls --json | python3 -c 'import json, sys
print(json.load(sys.stdin)["calls"][0]["id"])')
	ctl $side hangup "$call" >/dev/null
	both && pass "gateway ${side^^} hangs up" || fail "gateway ${side^^} hangs up" "$(cat "$work/caller.log" "$work/callee.log")"
done
callee_b --play "$work/two.wav" --seconds 5 --hangup-after 1 --limit 15
caller_a --play "$work/one.wav" --seconds 5 --hangup-after 1 --limit 15
both
report caller "r['ended'] in ('bye-sent', 'bye-received')" >/dev/null &&
	report callee "r['ended'] in ('bye-sent', 'bye-received')" >/dev/null &&
	pass "crossing BYEs" || fail "crossing BYEs" "$(report caller "r['ended']")"

# re-INVITE: the same offer again; then one that asks for hold.
callee_b --play "$work/two.wav" --seconds 4 --expect bye-received --limit 20
caller_a --play "$work/one.wav" --reinvite-after 1 --hangup-when-done --expect bye-sent --limit 20
both && report caller "r.get('reinvite_out') == [200]" >/dev/null &&
	pass "unchanged re-INVITE" || fail "unchanged re-INVITE" "$(report caller "r.get('reinvite_out')")"
callee_b --play "$work/two.wav" --seconds 4 --expect bye-received --limit 20
caller_a --play "$work/one.wav" --reinvite-after 1 --reinvite hold --hangup-when-done --expect bye-sent --limit 20
both && report caller "r.get('reinvite_out') == [488]" >/dev/null &&
	report callee "len(r['received']) > 120" >/dev/null &&
	pass "a change that cannot be made: 488, and the call goes on" ||
	fail "a change that cannot be made: 488, and the call goes on" "$(report caller "r.get('reinvite_out')")"

# A phone loses power.
callee_b --play "$work/two.wav" --seconds 20 --expect bye-received --limit 25
caller_a --play "$work/one.wav" --seconds 20 --limit 25
sleep 1.5
kill -9 "$caller"
wait "$caller" 2>/dev/null
wait "$callee" && report callee "any('rtp-timeout' in x for x in r['reason'])" >/dev/null &&
	ctl a calls --all | grep -q rtp-timeout &&
	pass "a phone loses power: both sides end at rtp-timeout" ||
	fail "a phone loses power: both sides end at rtp-timeout" "$(report callee "r['ended'], r.get('reason')")"

wait_for 40 no_calls && pass "nothing is left behind" ||
	fail "nothing is left behind" "$(ctl a calls; ctl b calls)"
for side in a b; do
	gateway=gateway_$side
	stop "${!gateway}"
	grep -qE 'ERROR: AddressSanitizer|runtime error|Assertion' "$work/gateway-$side.log" &&
		fail "gateway ${side^^} ran clean" "$(grep -m1 -E 'AddressSanitizer|runtime error|Assertion' "$work/gateway-$side.log")"
done

# The same path over PUT and GET.
sed -i 's/transport: wt/transport: byway/' "$work"/[ab]/riptide.yaml
labs_start
talk "PCMU over byways, A calls B" a b --codec PCMU
talk "PCMA over byways, B dials back" b a --codec PCMA
wait_for 20 no_calls && pass "nothing is left behind by byways" || fail "nothing is left behind by byways"
finish
