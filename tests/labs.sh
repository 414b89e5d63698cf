# SPDX-License-Identifier: MIT
# tests/labs.sh - two gateways that call each other, for test scripts; after
# tests/lib.sh.
#
#   labs_make [INIT-OPTION...]   $work/a, $work/b: each the other's customer
#   labs_start                   both daemons, until ready
#   labs_ready
#   phone NAME ARGS...           a phone in the background: $work/NAME.json
#   ctl a|b ARGS...              riptidectl of that gateway
#
# Behind gateway A a phone at 127.0.0.1:$phone_a has +1408555*, behind B one
# at 127.0.0.1:$phone_b has +1408952*.

# lab a|b MEMBER: of lab.json.
lab() {
	python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' \
		"$work/$1/lab.json" "$2"
}

phone_py=$root/tests/peer/phone.py
number_a=+14085551000
number_b=+14089529999

labs_make() {
	sip_a=$(free_port) sip_b=$(free_port)
	ript_a=$(free_port) ript_b=$(free_port)
	phone_a=$(free_port) phone_b=$(free_port)
	"$build/riptide" init --lab "$work/a" --authority "localhost:$ript_a" \
		--sip "127.0.0.1:$sip_a" --sip-peer "127.0.0.1:$phone_a" \
		--numbers '+1408555*' --origins '+1408952*' "$@" >"$work/init.log" 2>&1 &&
	"$build/riptide" init --lab "$work/b" --authority "localhost:$ript_b" \
		--sip "127.0.0.1:$sip_b" --sip-peer "127.0.0.1:$phone_b" \
		--numbers '+1408952*' --origins '+1408555*' "$@" >>"$work/init.log" 2>&1 &&
	"$build/riptide" init --lab "$work/a" --provider "$work/b/lab.json" >>"$work/init.log" 2>&1 &&
	"$build/riptide" init --lab "$work/b" --provider "$work/a/lab.json" >>"$work/init.log" 2>&1 ||
		{ cat "$work/init.log"; fail "labs" "riptide init failed"; finish; }
}

labs_start() {
	start gateway-a "$build/riptide" run -c "$work/a/riptide.yaml"
	gateway_a=$pid
	start gateway-b "$build/riptide" run -c "$work/b/riptide.yaml"
	gateway_b=$pid
	labs_ready || {
		tail -n 20 "$work/gateway-a.log" "$work/gateway-b.log"
		fail "labs" "the gateways did not become ready"
		finish
	}
}

# ctl a|b ARGS...
ctl() {
	local side=$1
	shift
	"$build/riptidectl" -c "$work/$side/riptide.yaml" "$@"
}

labs_ready() {
	wait_for 20 ctl a status && wait_for 20 ctl b status
}

# phone NAME ARGS...: $pid is the phone's.
phone() {
	local name=$1
	shift
	start "$name" "$phone_py" "$@" --report "$work/$name.json"
	wait_for 5 grep -q ready "$work/$name.log"
}

# callee_b/callee_a ARGS..., caller_a/caller_b ARGS...: the two usual phones.
callee_b() { phone callee answer --port "$phone_b" --from "$number_b" "$@"; callee=$pid; }
callee_a() { phone callee answer --port "$phone_a" --from "$number_a" "$@"; callee=$pid; }
caller_a() { phone caller call "127.0.0.1:$sip_a" "$number_b" --port "$phone_a" --from "$number_a" "$@"; caller=$pid; }
caller_b() { phone caller call "127.0.0.1:$sip_b" "$number_a" --port "$phone_b" --from "$number_b" "$@"; caller=$pid; }

# both: wait for both phones; their exit codes are OR'ed.
both() {
	local rc=0
	wait "$caller" || rc=1
	wait "$callee" || rc=1
	return $rc
}

# report NAME EXPRESSION: a Python expression over the phone's report `r`.
report() {
	python3 - "$work/$1.json" "$2" <<-'PY'
	import json, sys
	r = json.load(open(sys.argv[1]))
	value = eval(sys.argv[2])
	print(value)
	sys.exit(0 if value else 1)
	PY
}

# no_calls: both gateways have given everything back.
no_calls() {
	local side
	for side in a b; do
		ctl "$side" calls --json | python3 -c 'import json, sys
sys.exit(1 if json.load(sys.stdin)["calls"] else 0)' || return 1
		[ "$(sqlite3 "$work/$side/riptide.db" 'select count(*) from calls')" = 0 ] || return 1
	done
}

# speech FILE SECONDS [PITCH]: a WAV of 8 kHz, mono, 16 bit.
speech() {
	espeak-ng -p "${3:-50}" -w "$1.raw.wav" "This is a telephone call. It travels over SIP to the first gateway, over RIPT to the second, and over SIP again to the other phone. One two three four five six seven eight nine ten." &&
	sox "$1.raw.wav" -r 8000 -c 1 -b 16 "$1" pad 0 "$2" trim 0 "$2" 2>/dev/null
	rm -f "$1.raw.wav"
}
