# SPDX-License-Identifier: MIT
# tests/lib.sh - what every test script sources.
#
#   . "$(dirname "$0")/../lib.sh"
#   start NAME COMMAND...     a process in the background, ended at exit
#   wait_port udp|tcp PORT    until something listens (10 s)
#   pass NAME / fail NAME WHY one line each, counted by ./run check
#   shows ROW CASE            the case shows the requirement
#   finish                    exit code 0 only if nothing failed
#
# Processes are ended by process ID, never by name.

set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${RIPTIDE_BUILD:-$root/build/plain}
script=$(basename "$0")
script_path=${0##*/tests/}
script_path=tests/${script_path#tests/}
work=$(mktemp -d "${TMPDIR:-/tmp}/riptide-test.XXXXXX")
passed=0
failed=0
pids=()

cleanup() {
	local pid
	for pid in "${pids[@]:-}"; do
		[ -n "$pid" ] && kill "$pid" 2>/dev/null
	done
	for pid in "${pids[@]:-}"; do
		[ -n "$pid" ] || continue
		for _ in $(seq 50); do
			kill -0 "$pid" 2>/dev/null || break
			sleep 0.1
		done
		kill -9 "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	[ -n "${KEEP:-}" ] && echo "# kept: $work" || rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# start NAME COMMAND...: output goes to $work/NAME.log, the PID into $pid.
start() {
	local name=$1
	shift
	: >"$work/$name.log"
	"$@" >"$work/$name.log" 2>&1 </dev/null &
	pid=$!
	pids+=("$pid")
}

# stop PID: ends one process that start() made and waits for it.
stop() {
	kill "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

pass() {
	passed=$((passed + 1))
	echo "ok - $script: $1"
}

fail() {
	failed=$((failed + 1))
	echo "not ok - $script: $1: ${2:-}"
}

# check NAME COMMAND...: passes when the command succeeds.
check() {
	local name=$1
	shift
	if "$@"; then pass "$name"; else fail "$name" "failed: $*"; return 1; fi
}

# shows ROW CASE: call it after the case has passed.
shows() {
	[ -n "${RIPTIDE_SHOWS:-}" ] || return 0
	printf '%s\t%s:%s\n' "$1" "$script_path" "${2:-}" >>"$RIPTIDE_SHOWS"
}

# free_port [udp|tcp]: a port that nothing uses now (UDP: even, so that RTP
# fits).
free_port() {
	python3 - "${1:-udp}" <<-'PY'
	import socket, sys
	kind = socket.SOCK_DGRAM if sys.argv[1] == "udp" else socket.SOCK_STREAM
	for _ in range(1000):
	    s = socket.socket(socket.AF_INET, kind)
	    s.bind(("127.0.0.1", 0))
	    port = s.getsockname()[1]
	    s.close()
	    # The kernel gives TCP listeners odd ports only.
	    if (port % 2 == 0 or sys.argv[1] == "tcp") and port < 60000:
	        print(port)
	        break
	PY
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
	local end=$(($(date +%s) + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt "$end" ] || return 1
		sleep 0.1
	done
}

wait_port() {
	local flag=-lun
	[ "$1" = tcp ] && flag=-ltn
	wait_for 10 sh -c "ss -H $flag | grep -q ':$2 '"
}

finish() {
	echo "# $script: $passed passed, $failed failed"
	[ "$failed" -eq 0 ]
	exit
}
