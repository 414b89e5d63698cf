# SPDX-License-Identifier: MIT
# tests/riptcall_lab.sh - one lab and pairs of riptcalls on it; sourced
# after tests/lib.sh.
#
#   riptcall_lab                 makes $work/lab, $work/one.wav, two.wav
#   serve ARGS...                a provider in the background
#   pair [SERVE-ARG...] -- [CALL-ARG...]
#                                one call: $work/{call,serve}.json, $code
#   rows CHECK...                riptcall_rows.py on the two; $why
#
# FAULT_SERVE and FAULT_CALL break the two ends (riptcall --fault help).

rc=$build/riptcall/riptcall
number=+14089520001

riptcall_lab() {
	port=$(free_port)
	lab=$work/lab/lab.json
	"$build/riptide" init --lab "$work/lab" --authority "localhost:$port" \
		--sip-peer "127.0.0.1:$(free_port)" >"$work/init.log" 2>&1 || {
		cat "$work/init.log"
		fail "lab" "riptide init failed"
		finish
	}
	python3 - "$work" <<-'PY'
	import math, random, struct, sys, wave
	for name, seed in (("one", 1), ("two", 2)):
	    random.seed(seed)
	    with wave.open(f"{sys.argv[1]}/{name}.wav", "wb") as out:
	        out.setparams((1, 2, 8000, 0, "NONE", ""))
	        out.writeframes(b"".join(struct.pack("<h", int(
	            8000 * math.sin(i * 0.02 * seed * (1 + i / 9000)) +
	            random.randint(-2000, 2000))) for i in range(9000)))
	PY
}

listening() {
	ss -Hlun "sport = :$port" | grep -q .
}

serve() {
	local fault=()
	[ -z "${FAULT_SERVE:-}" ] || fault=(--fault "$FAULT_SERVE")
	"$rc" serve --lab "$lab" --json "${fault[@]}" "$@" \
		>"$work/serve.json" 2>"$work/serve.err" </dev/null &
	server=$!
	pids+=("$server")
	wait_for 5 listening
}

# The provider ends by itself after its call, or is told to.
serve_end() {
	wait_for "${1:-4}" sh -c "! kill -0 $server" || kill "$server"
	wait "$server"
	serve_code=$?
}

call() {
	local fault=()
	[ -z "${FAULT_CALL:-}" ] || fault=(--fault "$FAULT_CALL")
	timeout 40 "$rc" call "$number" --json "${fault[@]}" "$@" \
		>"$work/call.json" 2>"$work/call.err" </dev/null
	code=$?
}

pair() {
	local serve_args=() with=(--lab "$lab")
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		serve_args+=("$1")
		shift
	done
	shift
	[ "${1:-}" != --alone ] || { with=(); shift; }
	serve --calls 1 "${serve_args[@]}"
	call "${with[@]}" "$@"
	serve_end
}

rows() {
	why=$("$root/tests/peer/riptcall_rows.py" "$work/call.json" "$work/serve.json" "$@" 2>&1)
}
