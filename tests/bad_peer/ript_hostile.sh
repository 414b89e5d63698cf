#!/bin/bash
# SPDX-License-Identifier: MIT
# Bad RIPT requests of every kind, and random UDP on every open port; each
# has its answer and its counter, and the call beside them goes on.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/labs.sh"
speech "$work/two.wav" 3 70
labs_make
labs_start
callee_b --play "$work/two.wav" --seconds 60 --expect bye-received --limit 60
timeout 90 /usr/bin/python3 "$root/tests/bad_peer/ript_hostile.py" "$work/b/lab.json" \
	"$number_b" "$number_a" "$root/tests/data/chunks.json" >"$work/hostile.log" 2>&1
rc=$?
cat "$work/hostile.log"
passed=$((passed + $(grep -c '^ok - ' "$work/hostile.log")))
failed=$((failed + $(grep -c '^not ok - ' "$work/hostile.log")))
[ $rc = 0 ] || [ "$(grep -c '^not ok' "$work/hostile.log")" -gt 0 ] || fail "ript_hostile.py" "exit code $rc"
wait "$callee" && pass "the phone was hung up in order" || fail "the phone was hung up in order" "$(cat "$work/callee.log")"

metrics=$(lab b metrics)
python3 -c 'import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1]).read().decode())' "http://$metrics/metrics" >"$work/metrics"
for what in unauthorized not-found bad-passport destination-not-allowed \
	handler-unknown bad-advertisement; do
	grep -qE "riptide_.*\"$what\".* [1-9]" "$work/metrics" &&
		pass "counted: $what" || fail "counted: $what"
done
wait_for 20 no_calls && pass "nothing is left behind" || fail "nothing is left behind"
kill -0 "$gateway_b" && pass "the gateway is alive" || fail "the gateway is alive" "$(tail -5 "$work/gateway-b.log")"
finish
