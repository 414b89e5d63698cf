#!/bin/bash
# SPDX-License-Identifier: MIT
# A provider that is not there, does not want us, or is somebody else; a caller
# that our certificate does not cover.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/labs.sh"

labs_make
labs_start

# refused NUMBER FROM STATUS CODE [ARGS]: at once, with the reason.
refused() {
	local number=$1 from=$2 status=$3 code=$4
	shift 4
	phone caller call "127.0.0.1:$sip_a" "$number" --port "$phone_a" --from "$from" \
		--expect "status-$status" --limit 10 "$@"
	if wait "$pid" && report caller "any('text=\"$code\"' in x for x in r['reason'])" >/dev/null &&
		ctl a calls --all --json | grep -q "\"$code\""; then
		pass "$number from $from: $status, $code"
	else
		fail "$number from $from: $status, $code" "$(report caller "r['ended'], r.get('reason')")"
		return 1
	fi
}
refused "$number_b" +14155550000 403 caller-not-covered && shows RIPT-GW-15 spoofed-number
id=$(ctl a calls --all --json | python3 -c 'import json, sys
print(json.load(sys.stdin)["calls"][-1]["id"])')
ctl a explain "${id:0:8}" >"$work/explain"
grep -q "What to do: our certificate does not vouch" "$work/explain" &&
	pass "explain says what to do" || fail "explain says what to do" "$(cat "$work/explain")"

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
refused "$number_b" "$number_a" 503 peer-unreachable && [ "$failed" = 0 ] && shows RIPT-GW-06 own-failures

for side in a b; do
	gateway=gateway_$side
	stop "${!gateway}"
	bad=$(grep -m1 -E 'ERROR: AddressSanitizer|runtime error|Assertion' "$work/gateway-$side.log")
	[ -z "$bad" ] && pass "gateway ${side^^} ran clean" || fail "gateway ${side^^} ran clean" "$bad"
done
finish
