#!/bin/bash
# SPDX-License-Identifier: MIT
# Where calls go and how they are refused: a PBX with habits, a loop between
# two gateways, a provider that is not there or does not want us.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/labs.sh"

labs_make

# ---- a PBX that dials 9 and 011, has extension 101, and calls 911 ----
python3 - "$work/a/riptide.yaml" "$number_a" <<-'PY'
import re, sys
text = open(sys.argv[1]).read()
text = text.replace("    transport: udp\n", f"""    transport: udp
    dial-plan: {{country: "1", outside-line: "9", international: "011", national: "1"}}
    caller-id: {{from: [p-asserted-identity, from], otherwise: "{sys.argv[2]}"}}
""", 1)
open(sys.argv[1], "w").write(text)
PY
labs_start

# dialled NUMBER FROM WANT: what the far phone sees as caller.
dialled() {
	callee_b --expect bye-received --limit 15
	phone caller call "127.0.0.1:$sip_a" "$1" --port "$phone_a" --from "$2" \
		--hangup-after 0.5 --expect bye-sent --limit 15
	caller=$pid
	both && report callee "'$number_a' in r['caller']" >/dev/null
}
dialled 914089529999 101 && pass "9 and eleven digits, from an extension" ||
	fail "9 and eleven digits, from an extension" "$(report callee "r.get('caller')")"
dialled 94089529999 101 && pass "9 and ten digits" || fail "9 and ten digits"
dialled 901114089529999 "$number_a" && pass "9, 011 and the country" || fail "9, 011 and the country"

# refused NUMBER FROM STATUS CODE [ARGS]: at once, with the reason.
refused() {
	local number=$1 from=$2 status=$3 code=$4
	shift 4
	phone caller call "127.0.0.1:$sip_a" "$number" --port "$phone_a" --from "$from" \
		--expect "status-$status" --limit 10 "$@"
	wait "$pid" && report caller "any('text=\"$code\"' in x for x in r['reason'])" >/dev/null &&
		ctl a calls --all --json | grep -q "\"$code\"" &&
		pass "$number from $from: $status, $code" ||
		fail "$number from $from: $status, $code" "$(report caller "r['ended'], r.get('reason')")"
}
refused 911 101 503 route-refuses
refused bob 101 484 bad-number
refused "$number_b" "$number_a" 483 loop --max-forwards 0
refused "$number_b" +14155550000 403 caller-not-covered
id=$(ctl a calls --all --json | python3 -c 'import json, sys
print(json.load(sys.stdin)["calls"][-1]["id"])')
ctl a explain "${id:0:8}" >"$work/explain"
grep -q "What to do: our certificate does not vouch" "$work/explain" &&
	pass "explain says what to do" || fail "explain says what to do" "$(cat "$work/explain")"
shows RIPT-GW-15 spoofed-number

# ---- the provider dies ----
stop "$gateway_b"
start_ms=$(date +%s%3N)
phone caller call "127.0.0.1:$sip_a" "$number_b" --port "$phone_a" --from "$number_a" \
	--expect status-503 --limit 10
wait "$pid" && [ $(($(date +%s%3N) - start_ms)) -lt 3000 ] &&
	report caller "r['times']['503'] - r['times']['invite'] < 2.0" >/dev/null &&
	pass "a provider that is gone: 503 within 2 s" ||
	fail "a provider that is gone: 503 within 2 s" "$(report caller "r['ended'], r.get('reason'), r['times']")"
ctl a status >"$work/status"
rc=$?
[ $rc = 1 ] && grep -q DOWN "$work/status" && pass "status is degraded and says why" ||
	fail "status is degraded and says why" "exit code $rc: $(cat "$work/status")"

# ---- a provider that does not want our token, and one with a false CA ----
start gateway-b "$build/riptide" run -c "$work/b/riptide.yaml"
gateway_b=$pid
wait_for 20 ctl a status || fail "the provider comes back" "$(ctl a status)"
pass "the provider comes back, and status is ready again"
stop "$gateway_a"
cp "$work/a/secrets/provider.token" "$work/token"
printf 'wrong-token' >"$work/a/secrets/provider.token"
start gateway-a "$build/riptide" run -c "$work/a/riptide.yaml"
gateway_a=$pid
wait_for 10 sh -c "'$build/riptidectl' -c '$work/a/riptide.yaml' status | grep -q 'DOWN.*token'" &&
	pass "a wrong token is named in status" || fail "a wrong token is named in status" "$(ctl a status)"
refused "$number_b" "$number_a" 503 peer-unreachable
stop "$gateway_a"
cp "$work/token" "$work/a/secrets/provider.token"
sed -i "s#ca: .*b/tls/ca.pem.*#ca: \"$work/a/tls/ca.pem\"#" "$work/a/riptide.yaml"
start gateway-a "$build/riptide" run -c "$work/a/riptide.yaml"
gateway_a=$pid
wait_for 10 sh -c "'$build/riptidectl' -c '$work/a/riptide.yaml' status | grep -qi 'DOWN.*certificate'" &&
	pass "a certificate of another CA is named in status" ||
	fail "a certificate of another CA is named in status" "$(ctl a status)"
refused "$number_b" "$number_a" 503 peer-unreachable
shows RIPT-GW-06 own-failures
stop "$gateway_a"
stop "$gateway_b"

# ---- two gateways that route +1* to each other ----
rm -rf "$work/a" "$work/b"
sip_a=$(free_port) sip_b=$(free_port) ript_a=$(free_port) ript_b=$(free_port)
phone_a=$(free_port)
"$build/riptide" init --lab "$work/a" --authority "localhost:$ript_a" --sip "127.0.0.1:$sip_a" \
	--sip-peer "127.0.0.1:$phone_a" --numbers '+1*' --origins '+1*' >"$work/init.log" 2>&1
"$build/riptide" init --lab "$work/b" --authority "localhost:$ript_b" --sip "127.0.0.1:$sip_b" \
	--sip-peer "127.0.0.1:$sip_a" --numbers '+1*' --origins '+1*' >>"$work/init.log" 2>&1
"$build/riptide" init --lab "$work/a" --provider "$work/b/lab.json" >>"$work/init.log" 2>&1
sed -i "s#hosts: .*#hosts: [\"127.0.0.1:$phone_a\", \"127.0.0.1:$sip_b\"]#" "$work/a/riptide.yaml"
start gateway-a "$build/riptide" run -c "$work/a/riptide.yaml"
gateway_a=$pid
start gateway-b "$build/riptide" run -c "$work/b/riptide.yaml"
gateway_b=$pid
labs_ready || fail "the loop's labs" "$(ctl a status)"
phone caller call "127.0.0.1:$sip_a" +14089529999 --port "$phone_a" --from "$number_a" \
	--expect status-483 --limit 10
wait "$pid" && report caller "r['times']['483'] - r['times']['invite'] < 1.0" >/dev/null &&
	pass "a loop ends with 483 within 1 s" ||
	fail "a loop ends with 483 within 1 s" "$(report caller "r['ended'], r.get('reason'), r['times']")"
legs=$(for side in a b; do ctl $side calls --all --json; done | grep -o '"state"' | wc -l)
[ "$legs" -ge 3 ] && [ "$legs" -le 12 ] && pass "the loop took $legs calls, no more than its hops" ||
	fail "the loop took no more calls than its hops" "$legs"
wait_for 10 no_calls && pass "nothing is left of the loop" || fail "nothing is left of the loop"
for side in a b; do
	gateway=gateway_$side
	stop "${!gateway}"
	bad=$(grep -m1 -E 'ERROR: AddressSanitizer|runtime error|Assertion' "$work/gateway-$side.log")
	[ -z "$bad" ] && pass "gateway ${side^^} ran clean" || fail "gateway ${side^^} ran clean" "$bad"
done
finish
