#!/bin/bash
# SPDX-License-Identifier: MIT
# tests/peer/sip.sh - our SIP legs against SIPp: calls both ways, over UDP and
# TCP, and what can go wrong in them.
#
#   tests/peer/sip.sh [CASE...]       RIPTIDE_BUILD=build-asan
. "$(dirname "$0")/../lib.sh"

agent=$build/tests/peer/sip_agent
scenarios=$root/tests/peer/sip/scenarios.py
only=("$@")
command -v sipp >/dev/null || { fail "SIPp" "missing: apt-get install sip-tester"; finish; }
[ -x "$agent" ] || { fail "agent" "$agent is missing: make check builds it"; finish; }

wanted() {
	local name
	[ ${#only[@]} -eq 0 ] && return 0
	for name in "${only[@]}"; do [ "$name" = "$1" ] && return 0; done
	return 1
}

has() { grep -qF -- "$2" "$work/$1.log"; }
lacks() { ! grep -qF -- "$2" "$work/$1.log"; }

# The port that `start NAME agent` really listens on.
port_of() {
	wait_for 5 grep -q '^listening' "$work/$1.log" || return 1
	sed -n 's/^listening //p' "$work/$1.log"
}

# sipp_run NAME SCENARIO ARGS...: in the foreground, its exit code.
sipp_run() {
	local name=$1 scenario=$2
	shift 2
	python3 "$scenarios" "$scenario" >"$work/$name.xml"
	(cd "$work" && timeout -k 1 "${limit:-20}" sipp -sf "$name.xml" \
		-i 127.0.0.1 -m 1 -nostdin -trace_msg \
		-message_file "$name.msg" -trace_err -error_file "$name.err" \
		"$@" >"$name.sipp" 2>&1)
}

why() {
	head -c 300 "$work/$1.err" 2>/dev/null | tr '\n' ' '
}

# Ends an agent and sees that it ended in order (under ASan: without a leak).
agent_ends() {
	kill "$1" 2>/dev/null
	wait "$1"
}

# in_case CASE SCENARIO "AGENT OPTIONS" EXPECTED-LINE...: SIPp calls.
in_case() {
	local name=$1 scenario=$2 options=$3 theirs ours a flag=u1
	shift 3
	wanted "$name" || return 0
	[[ $options == *--tcp* ]] && flag=t1
	theirs=$(free_port)
	# shellcheck disable=SC2086
	start "$name" "$agent" --listen 127.0.0.1:0 \
		--trunk "127.0.0.1:$theirs" $options answer
	a=$pid
	ours=$(port_of "$name") || { fail "$name" "no agent"; return; }
	if ! sipp_run "$name" "$scenario" "127.0.0.1:$ours" -p "$theirs" \
		-t $flag; then
		fail "$name" "sipp: $(why "$name")"
	elif [[ $scenario != in_timer_small ]] &&
		! wait_for 6 has "$name" ended; then
		fail "$name" "the call did not end"
	elif ! agent_ends "$a"; then
		fail "$name" "the agent died: $(tail -c 300 "$work/$name.log")"
	else
		expect "$name" "$@"
	fi
	stop "$a"
}

expect() {
	local name=$1 line
	shift
	for line in "$@"; do
		if ! has "$name" "$line"; then
			fail "$name" "no line '$line': $(tr '\n' '|' <"$work/$name.log")"
			return 1
		fi
	done
	pass "$name"
}

# out_case CASE SCENARIO "AGENT OPTIONS" EXPECTED-LINE...: the agent calls.
out_case() {
	local name=$1 scenario=$2 options=$3 theirs s a flag=u1 sock=udp
	shift 3
	wanted "$name" || return 0
	[[ $options == *--tcp* ]] && flag=t1 sock=tcp
	theirs=$(free_port)
	sipp_run "$name" "$scenario" -p "$theirs" -t $flag &
	s=$!
	wait_port $sock "$theirs" || { fail "$name" "no sipp"; return; }
	# shellcheck disable=SC2086
	start "$name" timeout 60 "$agent" --listen 127.0.0.1:0 \
		--trunk "127.0.0.1:$theirs" $options call +14085552000
	a=$pid
	if ! wait $s; then
		fail "$name" "sipp: $(why "$name")"
		stop "$a"
	elif ! wait "$a"; then
		fail "$name" "the agent died: $(tail -c 300 "$work/$name.log")"
	else
		expect "$name" "$@"
	fi
}

# The messages of a SIPp log match.
says() { grep -aqE -- "$2" "$work/$1.msg"; }

# All 200s to the INVITEs of a SIPp log have one o= line.
one_answer() {
	[ "$(grep -a '^o=- ' "$work/$1.msg" | tr -d '\r' | sort -u | wc -l)" = 1 ]
}

calls_in() {
	local t
	for t in "" --tcp; do
		in_case "in_bye${t:+_tcp}" in_bye "--ring $t" \
			"ended status=0 q850=17 by=peer text=User busy"
	done
	if wanted in_bye_tcp; then
		check in_bye_tcp_contact says in_bye_tcp \
			"Contact: <sip:127.0.0.1:[0-9]*;transport=tcp>"
	fi
	in_case in_bye_from_us in_bye_from_us "--hold 200" \
		"ended status=0 q850=16 by=us"
	in_case in_bye_before_ack in_bye_before_ack "--drop 100" \
		"<- ACK" "-> BYE" "by=us"
	in_case in_late in_late "--ring" "offer=late" "confirmed PCMU"
	in_case in_late_no_answer in_late_no_answer "" \
		"ended status=488 q850=0 by=us"
	in_case in_early in_early "--early --answer 200" "-> 183"
	in_case in_100rel in_100rel "--early --answer 300" "<- PRACK"
	in_case in_100rel_required in_100rel_required "--ring --answer 300" \
		"<- PRACK"
	in_case in_late_100rel_required in_late_100rel_required \
		"--ring --early --answer 200" "confirmed PCMU"
	in_case in_cancel in_cancel "--ring --answer 5000" \
		"ended status=487 q850=0 by=peer text=Call completed elsewhere"
	in_case in_refused in_refused "--refuse 486 --code user-busy" \
		"ended status=486 q850=0 by=us"
	in_case in_headers in_headers "" "from=+14085551000" \
		"to=+14085552000" "display=Some One" "pai=+14085557777" \
		"privacy=id;header" "mf=42" \
		"identity=abc.def.ghi;info=<https://x/c.pem>;alg=ES256"
	in_case in_options in_options "" "<- OPTIONS"
	in_case in_crossing_byes in_crossing_byes "--hold 200" "by=us"
	in_case in_advertise in_bye_from_us \
		"--advertise 127.0.0.9 --hold 200" "by=us"
	if wanted in_advertise; then
		check in_advertise_contact says in_advertise \
			"Contact: <sip:127.0.0.9:"
		check in_advertise_via says in_advertise \
			"Via: SIP/2.0/UDP 127.0.0.9:"
	fi
}

changes() {
	in_case in_reinvite_same in_reinvite_same "" "<- INVITE"
	if wanted in_reinvite_same; then
		check in_reinvite_same_answer one_answer in_reinvite_same
		check in_reinvite_same_unasked lacks in_reinvite_same change
	fi
	in_case in_reinvite_changed in_reinvite_changed "" "change dir=1" \
		"ended status=0 q850=0 by=peer"
	in_case in_reinvite_accepted in_reinvite_accepted --accept-change \
		"change dir=1" "change dir=3"
	in_case in_update in_update "" "<- UPDATE" "change dir=1"
	in_case in_change_later in_change_later \
		"--accept-change --change-later 150" "change dir=1" "by=peer"
	in_case in_overlap in_overlap "--accept-change --change-later 300" \
		"change dir=1" "by=peer"
	in_case in_timer in_timer "" "by=peer"
	in_case in_timer_small in_timer_small ""
}

calls_out() {
	local t status
	for t in "" --tcp; do
		out_case "out_bye${t:+_tcp}" out_bye \
			"--hold 200 --identity aaa.bbb.ccc;alg=ES256 $t" \
			"answered answer PCMU" "progress 180 none" \
			"ended status=0 q850=16 by=us"
	done
	if wanted out_bye_tcp; then
		check out_bye_tcp_contact says out_bye_tcp \
			"Contact: <sip:127.0.0.1:[0-9]*;transport=tcp>"
	fi
	out_case out_bye_from_them out_bye_from_them "" \
		"ended status=0 q850=31 by=peer text=Normal, unspecified"
	out_case out_late out_late "--late --hold 200" "answered offer PCMU"
	out_case out_late_no_audio out_late_no_audio "--late" \
		"ended status=488"
	out_case out_early out_early "--hold 200" "progress 183 PCMU"
	out_case out_forked out_forked "--hold 200" "progress 180 none" \
		"progress 183 PCMU" "answered answer PCMU"
	out_case out_100rel out_100rel "--hold 200" "progress 183 PCMU" \
		"-> PRACK" "answered answer PCMU"
	out_case out_cancel out_cancel "--cancel 300" "-> CANCEL" \
		"ended status=487 q850=16 by=us"
	out_case out_cancel_crossed out_cancel_crossed "--cancel 300" \
		"<- 200 OK" "-> BYE" "by=us"
	out_case out_glare out_glare "" "ended status=486"
	out_case out_no_answer out_cancel "--no-answer 500" \
		"ended status=408 q850=0 by=us text=no answer"
	for status in 486 603 408 480 500 503; do
		out_case "out_$status" "out_$status" "" "ended status=$status" \
			"by=peer"
	done
	out_case out_302_away out_302_away "" "ended status=302"
	out_case out_alive out_alive "--alive 100 --hold 500" "alive yes"
	out_case out_not_alive out_not_alive "--alive 100 --hold 400" "alive no"
	out_case out_record_route out_record_route "--hold 200" "by=us"
	out_case out_named_contact out_named_contact "--hold 200" "by=us"
	out_case out_bad_contact out_bad_contact "--hold 200" "by=us"
}

# two_hosts CASE FIRST SECOND-SCENARIO EXPECTED...: FIRST is a scenario, or
# `closed`, `silent`.
two_hosts() {
	local name=$1 first=$2 second=$3 one two a s f="" hole
	shift 3
	wanted "$name" || return 0
	one=$(free_port)
	two=$(free_port)
	case $first in
	closed) ;;
	silent)
		start "$name-hole" python3 -c "import socket,time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('127.0.0.1', $one)); time.sleep(30)"
		hole=$pid
		wait_port udp "$one"
		;;
	*)
		sipp_run "$name-1" "$first" -p "$one" -key second "$two" &
		f=$!
		wait_port udp "$one"
		;;
	esac
	sipp_run "$name" "$second" -p "$two" &
	s=$!
	wait_port udp "$two"
	start "$name" timeout 60 "$agent" --listen 127.0.0.1:0 --hold 200 \
		--trunk "127.0.0.1:$one,127.0.0.1:$two" call +14085552000
	a=$pid
	if ! wait $s; then
		fail "$name" "sipp: $(why "$name")"
		stop "$a"
	elif [ -n "$f" ] && ! wait "$f"; then
		fail "$name" "first sipp: $(why "$name-1")"
	elif ! wait "$a"; then
		fail "$name" "the agent died: $(tail -c 300 "$work/$name.log")"
	else
		expect "$name" "$@"
	fi
	[ -z "${hole:-}" ] || stop "$hole"
}

several_hosts() {
	two_hosts next_on_error closed out_plain "reason=next-host" "by=us"
	two_hosts next_on_503 out_503 out_plain "reason=next-host" "by=us"
	two_hosts next_on_silence silent out_plain "reason=next-host" "by=us"
	two_hosts redirect out_302_here out_moved "<- 302" "by=us"
}

options_ready() {
	local name=options theirs ours a
	wanted $name || return 0
	theirs=$(free_port)
	start $name "$agent" --listen 127.0.0.1:0 \
		--trunk "127.0.0.1:$theirs" --not-ready answer
	a=$pid
	ours=$(port_of $name)
	if ! sipp_run $name-503 options_503 "127.0.0.1:$ours" -p "$theirs"; then
		fail $name "before ready: $(why $name-503)"
	elif ! { kill -USR1 "$a"; sleep 0.2; sipp_run $name-200 options_200 \
		"127.0.0.1:$ours" -p "$theirs"; }; then
		fail $name "after ready: $(why $name-200)"
	elif agent_ends "$a"; then
		pass $name
	else
		fail $name "the agent died"
	fi
	stop "$a"
}

# A trunk whose host is dead at first and then answers.
probe() {
	local name=probe theirs a
	wanted $name || return 0
	theirs=$(free_port)
	start $name "$agent" --listen 127.0.0.1:0 --probe 200 --down-after 2 \
		--trunk "127.0.0.1:$theirs" answer
	a=$pid
	wait_for 5 has $name "trunk near down" || fail $name "never down"
	start $name-peer "$agent" --listen "127.0.0.1:$theirs" \
		--trunk "127.0.0.1:$(port_of $name)" answer
	if wait_for 5 has $name "trunk near up"; then
		if agent_ends "$pid" && agent_ends "$a"; then pass $name
		else fail $name "an agent died"; fi
	else
		fail $name "never up again"
	fi
	stop "$a"
	stop "$pid"
}

# SIPp -> agent -> SIPp: what has no meaning to us goes no further.
joined() {
	local name=joined near far ours a s
	wanted $name || return 0
	near=$(free_port)
	far=$(free_port)
	sipp_run $name-far far -p "$far" &
	s=$!
	wait_port udp "$far"
	start $name "$agent" --listen 127.0.0.1:0 \
		--trunk "127.0.0.1:$near" --far "127.0.0.1:$far" join
	a=$pid
	ours=$(port_of $name)
	if ! sipp_run $name in_headers "127.0.0.1:$ours" -p "$near"; then
		fail $name "near: $(why $name)"
	elif ! wait $s; then
		fail $name "far: $(why $name-far)"
	elif ! agent_ends "$a"; then
		fail $name "the agent died: $(tail -c 300 "$work/$name.log")"
	else
		pass $name
		shows RIPT-GW-14 $name
	fi
	stop "$a"
}

# Two that take about a minute run beside everything else.
slow_start() {
	(
		trap - EXIT
		limit=100
		in_case in_timer_expires in_timer_expires "" \
			"-> BYE" "text=session expired" \
			>"$work/in_timer_expires.result"
	) &
	slow=$!
	(
		trap - EXIT
		limit=100
		out_case out_refresher out_refresher "--hold 50000" \
			"ended status=0" >"$work/out_refresher.result"
	) &
	slow+=" $!"
}

slow_end() {
	local name
	echo "# waiting for a session timer"
	# shellcheck disable=SC2086
	wait $slow
	for name in in_timer_expires out_refresher; do
		wanted $name || continue
		cat "$work/$name.result"
		if grep -q '^ok' "$work/$name.result"; then
			passed=$((passed + 1))
		else
			failed=$((failed + 1))
		fi
	done
}

slow_start
calls_in
changes
calls_out
several_hosts
options_ready
probe
joined
slow_end
finish
