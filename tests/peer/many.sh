#!/bin/bash
# SPDX-License-Identifier: MIT
# 200 calls at once by SIPp through both gateways, with the sanitizers: no
# leak, no race, every port and row given back.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/labs.sh"
calls=${CALLS:-200}

# round KIND: the gateways of one build carry all the calls.
round() {
	local kind=$1
	build=$root/build/$kind
	[ -x "$build/riptide" ] || { fail "$calls calls ($kind)" "not built"; return; }
	rm -rf "$work/a" "$work/b"
	labs_make
	sed -i 's/calls-per-second: .*/calls-per-second: 1000/; s/^\( *\)calls: .*/\1calls: 1000/' "$work"/[ab]/riptide.yaml
	labs_start
	start uas sipp -sn uas -i 127.0.0.1 -p "$phone_b" -mp "$(free_port)" -nostdin -m "$calls" -trace_err -error_file "$work/uas.err"
	uas=$pid
	wait_port udp "$phone_b"
	sipp -sf "$root/tests/peer/sipp/uac.xml" -i 127.0.0.1 -p "$phone_a" \
		-mp "$(free_port)" -s "$number_b" -nostdin -m "$calls" -l "$calls" \
		-r 40 -d 8000 -timeout 120s "127.0.0.1:$sip_a" \
		-trace_err -error_file "$work/uac.err" >"$work/uac.log" 2>&1
	local rc=$?
	[ $rc = 0 ] && pass "$calls calls at once ($kind)" || {
		fail "$calls calls at once ($kind)" "SIPp's exit code is $rc"
		grep -E 'Successful|Failed|Current' "$work/uac.log" | tail -6
		head -3 "$work/uac.err" 2>/dev/null
	}
	wait_for 60 no_calls && pass "rows are gone ($kind)" || fail "rows are gone ($kind)" "$(ctl a calls | tail -3)"
	ports=$(ctl a status --json | python3 -c 'import json, sys
print(json.load(sys.stdin)["networks"][0]["rtp_ports"]["used"])')
	[ "$ports" = 0 ] && pass "ports are free ($kind)" || fail "ports are free ($kind)" "$ports in use"
	stop "$uas"
	for side in a b; do
		gateway=gateway_$side
		kill "${!gateway}"
		wait "${!gateway}"
		rc=$?
		bad=$(grep -m1 -E 'AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error|Assertion' "$work/gateway-$side.log")
		[ $rc = 0 ] && [ -z "$bad" ] && pass "gateway ${side^^} ends clean ($kind)" ||
			fail "gateway ${side^^} ends clean ($kind)" "exit code $rc $bad $(grep -A12 -m1 -E 'Sanitizer' "$work/gateway-$side.log" | head -14 | paste -sd'|')"
	done
}

# fates DIRECTION: packets that gateway A carried.
fates() {
	python3 - "$(lab a metrics)" "$1" <<-'PY'
	import re, sys, urllib.request
	text = urllib.request.urlopen(f"http://{sys.argv[1]}/metrics").read().decode()
	print(sum(int(n) for n in re.findall(
	    r'riptide_rtp_fate_total\{dir="%s",fate="forwarded"\} (\d+)' % sys.argv[2], text)))
	PY
}

# variant NAME TRANSPORT CALLS SCENARIO: the called side by that transport,
# its RTP an echo; by gateways of the plain build.
variant() {
	local name=$1 transport=$2 calls=$3 flag=u1
	[ "$transport" = tcp ] && flag=t1
	rm -rf "$work/a" "$work/b"
	labs_make
	sed -i "s/^\( *\)transport: udp/\1transport: $transport/" "$work/b/riptide.yaml"
	labs_start
	start uas sipp -sn uas -t $flag -rtp_echo -i 127.0.0.1 -p "$phone_b" -mp "$(free_port)" -nostdin -m "$calls"
	uas=$pid
	wait_port "$transport" "$phone_b"
	sipp -sf "$4" -t u1 -i 127.0.0.1 -p "$phone_a" \
		-mp "$(free_port)" -s "$number_b" -nostdin -m "$calls" -l "$calls" \
		-r 20 -d 2000 -timeout 60s "127.0.0.1:$sip_a" >"$work/uac.log" 2>&1 &&
		pass "$name" || fail "$name" "$(grep -E 'Successful|Failed' "$work/uac.log" | tail -2 | paste -sd' ')"
	there=$(fates from_rtp) back=$(fates from_ript)
	wait_for 40 no_calls && pass "$name: rows are gone" || fail "$name: rows are gone" "$(ctl a calls | tail -3)"
	stop "$uas"
	stop "$gateway_a"
	stop "$gateway_b"
}

build=$root/build/plain
variant "calls that go on over TCP" tcp 50 "$root/tests/peer/sipp/uac.xml"
speech "$work/speech.wav" 3
sox "$work/speech.wav" -t ul -r 8000 -c 1 "$work/speech.ul"
sed "s#<pause/>#<nop><action><exec rtp_stream=\"$work/speech.ul,-1,0\"/></action></nop><pause/>#" \
	"$root/tests/peer/sipp/uac.xml" >"$work/rtp.xml"
variant "calls with SIPp's RTP" udp 20 "$work/rtp.xml"
[ "$there" -gt 1500 ] && [ "$back" -gt 1500 ] && pass "RTP went there and came back as an echo ($there, $back)" ||
	fail "RTP went there and came back as an echo" "$there packets, $back back"
round asan
round tsan
finish
