#!/bin/bash
# SPDX-License-Identifier: MIT
# The tests of riptcall.sh are proven: each fault of one end breaks one
# requirement, and the row's own check must fail - and pass without it.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/riptcall_lab.sh"

riptcall_lab

ways=("--play $work/two.wav --keepalive 0.25 --lab $lab -- --lab $lab --play $work/one.wav --dtmf 159D"
	"--play $work/two.wav --lab $lab -- --lab $lab --play $work/one.wav --transport byway"
	"--ring 0.5 --refuse declined --lab $lab -- --lab $lab --transport byway")

# The rows that hold without a fault.
for way in 0 1 2; do
	case $way in
	0) checks="TG01 TG08 HD02 CA14 CA15 CA16 SB01 SB05 SB07 EV09 EV10 EV15 DR07 DR09 MC04 MB01 MB16" ;;
	1) checks="MB06 MB07 MB08 MB09 MB12" ;;
	2) checks="MB03" ;;
	esac
	pair ${ways[way]}
	rows $checks && pass "way $way without a fault" || fail "way $way without a fault" "$why"
done

# mutant ROW WAY END FAULT: the check of the row fails.
mutant() {
	local check=${1//-/} FAULT_SERVE="" FAULT_CALL=""
	[ "$3" = serve ] && FAULT_SERVE=$4 || FAULT_CALL=$4
	pair ${ways[$2]}
	if rows "$check"; then
		fail "RIPT-$1 by $4" "the check passes all the same"
	else
		pass "RIPT-$1 notices $4"
	fi
}

mutant CA-14 0 serve no-location
mutant CA-14 0 serve http-200-instead-of-201
mutant CA-15 0 serve short-location
mutant CA-16 0 serve missing-directives
mutant CA-16 0 serve missing-from
mutant SB-01 0 call two-byways
mutant SB-05 0 serve no-bracket
mutant SB-05 0 call no-bracket
mutant SB-07 0 serve no-first-event
mutant EV-09 0 call no-ping
mutant EV-10 0 serve no-pong
mutant EV-10 0 serve wrong-nonce
mutant EV-15 0 call no-ping
mutant DR-07 0 serve wrong-codec
mutant DR-09 0 call wrong-codec
mutant MC-04 0 call truncated-chunks-first
mutant MB-16 0 serve no-acks
mutant MB-01 1 call none
mutant MB-03 2 call one-get
mutant MB-06 1 call one-get
mutant MB-07 1 call two-chunks-per-put
mutant MB-08 1 call no-acks
mutant MB-09 1 serve no-acks
mutant MB-12 1 serve two-chunks-per-get
finish
