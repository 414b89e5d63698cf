#!/bin/bash
# SPDX-License-Identifier: MIT
# A RIPT client that we did not write (pycurl) completes a call.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/labs.sh"
speech "$work/two.wav" 4 70
labs_make
labs_start
callee_b --play "$work/two.wav" --seconds 6 --expect bye-received --limit 30
if timeout 60 /usr/bin/python3 "$root/tests/peer/stranger.py" "$work/b/lab.json" \
	"$number_b" "$number_a" >"$work/stranger.log" 2>&1; then
	passed=$((passed + $(grep -c '^ok - ' "$work/stranger.log")))
	for row in RIPT-BS-02 RIPT-BS-03 RIPT-OA-03 RIPT-TG-02 RIPT-TG-03 \
		RIPT-TG-05 RIPT-TG-09 RIPT-TD-01 RIPT-TD-02 RIPT-TD-04 \
		RIPT-HD-02 RIPT-HD-03 RIPT-HD-04 RIPT-CA-14 RIPT-CA-15 \
		RIPT-CA-16 RIPT-CA-19 RIPT-CA-20 RIPT-DR-01 RIPT-DR-02 \
		RIPT-DR-03 RIPT-DR-04 RIPT-DR-08 RIPT-SB-03 RIPT-SB-05 \
		RIPT-SB-06 RIPT-SB-07 RIPT-SB-08 RIPT-SB-11 RIPT-SB-13 \
		RIPT-EV-01 RIPT-EV-02 RIPT-EV-03 RIPT-EV-07 RIPT-EV-10 \
		RIPT-MB-09 RIPT-MB-12 RIPT-MC-04 RIPT-CC-03 RIPT-CC-04 \
		RIPT-LC-07; do
		shows $row walk
	done
	for row in RIPT-AD-03 RIPT-AD-05 RIPT-AD-10 RIPT-AD-13 RIPT-CA-01 \
		RIPT-CA-02 RIPT-CA-03 RIPT-CA-04 RIPT-CA-05 RIPT-CA-07 \
		RIPT-CA-09 RIPT-CA-10 RIPT-CA-11 RIPT-TD-03; do
		shows $row refusals
	done
	for row in RIPT-CA-12 RIPT-REQ-13; do
		shows $row spoofed
	done
else
	failed=$((failed + 1))
fi
cat "$work/stranger.log"
wait "$callee" && report callee "len([p for p in r['received'] if p[2] == 0]) > 100" >/dev/null &&
	pass "the phone heard the stranger" || fail "the phone heard the stranger" "$(report callee "r['ended']")"
wait_for 20 no_calls && pass "nothing is left behind" || fail "nothing is left behind"
finish
