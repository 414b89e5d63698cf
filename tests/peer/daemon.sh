#!/bin/bash
# SPDX-License-Identifier: MIT
# The daemon's own life: mistakes at start, signals, draining, a crash in a
# call, and what riptidectl says meanwhile.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/labs.sh"

speech "$work/one.wav" 20 30
labs_make
labs_start
run="timeout 20 $build/riptide run"

# mistake NAME EXIT-CODE SENTENCE COMMAND...
mistake() {
	local name=$1 want=$2 sentence=$3 rc
	shift 3
	"$@" >"$work/mistake" 2>&1 </dev/null
	rc=$?
	[ $rc = "$want" ] && grep -qE "$sentence" "$work/mistake" &&
		pass "$name" || fail "$name" "exit code $rc: $(head -3 "$work/mistake")"
}

# ---- mistakes ----
mistake "the same files twice" 1 "another riptide runs" $run -c "$work/a/riptide.yaml"
sed "s#^  socket: .*#  socket: other.sock#" "$work/a/riptide.yaml" >"$work/a/other.yaml"
mistake "a port in use" 1 "in use" $run -c "$work/a/other.yaml"
mistake "no such file" 1 "nowhere.yaml" $run -c "$work/nowhere.yaml"
sed "s#certificate: .*#certificate: tls/none.pem#" "$work/a/riptide.yaml" >"$work/a/nocert.yaml"
mistake "a certificate that is not there" 1 "none.pem" $run -c "$work/a/nocert.yaml"
mistake "an unknown option" 2 "usage: riptide run" $run --port 7
mistake "a word too many" 2 "what is now" $run now
mistake "an unknown command" 2 "no command rnu" "$build/riptide" rnu
mistake "a wrong log level" 2 "error, warn, info or debug" $run -c "$work/a/other.yaml" -L loud
mistake "help" 0 "route-test" "$build/riptide" help
mistake "version" 0 "^riptide [0-9]" "$build/riptide" version
mistake "riptidectl without a daemon" 2 "is riptide running" "$build/riptidectl" --socket "$work/none.sock" status
mistake "riptidectl and no such call" 1 "calls --all" ctl a explain ffffffff
mistake "riptidectl without a call" 2 "name one call" ctl a ladder
mistake "riptidectl and a wrong command" 2 "no command statsu" ctl a statsu
[ "$(stat -c %a "$work/a/riptide.sock")" = 660 ] && pass "the admin socket is for owner and group" ||
	fail "the admin socket is for owner and group" "$(stat -c %a "$work/a/riptide.sock")"
grep -q "peers are told 127.0.0.1" "$work/gateway-a.log" && grep -q "RIPT on 127.0.0.1:$ript_a" "$work/gateway-a.log" &&
	pass "it says what it listens on" || fail "it says what it listens on" "$(head -5 "$work/gateway-a.log")"
metrics=$(ctl a status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["metrics"])')
python3 - "$metrics" <<-'PY' >"$work/monitor" 2>&1 && pass "monitoring port" || fail "monitoring port" "$(tail -1 "$work/monitor")"
	import sys, urllib.error, urllib.request
	base = "http://" + sys.argv[1]
	get = lambda path: urllib.request.urlopen(base + path, timeout=5).read().decode()
	assert get("/healthz") == "ok\n" and get("/ready") == "ready\n"
	text = get("/metrics")
	for series in ("riptide_rejects_total{reason=\"no-route\"}", "riptide_store_write_seconds",
	               "riptide_call_states_total{state=\"talking\"}"):
	    assert series in text, series
	try:
	    get("/calls")
	    raise SystemExit("calls are shown to monitoring")
	except urllib.error.HTTPError as e:
	    assert e.code == 404, e.code
PY

# ---- SIGHUP ----
kill -HUP "$gateway_a"
wait_for 5 grep -q "the configuration is valid" "$work/gateway-a.log" && pass "SIGHUP reads the certificate again" ||
	fail "SIGHUP reads the certificate again" "$(tail -2 "$work/gateway-a.log")"
cp "$work/a/riptide.yaml" "$work/good.yaml"
echo "nonsense: 1" >>"$work/a/riptide.yaml"
kill -HUP "$gateway_a"
wait_for 5 grep -q "not reloaded.*unknown key" "$work/gateway-a.log" && pass "SIGHUP with a mistake changes nothing" ||
	fail "SIGHUP with a mistake changes nothing" "$(tail -2 "$work/gateway-a.log")"
cp "$work/good.yaml" "$work/a/riptide.yaml"
check "and the gateway is still ready" ctl a status >/dev/null

# ---- a crash right after the answer ----
callee_b --play "$work/one.wav" --seconds 15 --limit 40
caller_a --play "$work/one.wav" --seconds 15 --limit 40
wait_for 5 grep -q '200' "$work/caller.log" 2>/dev/null
wait_for 5 sh -c "'$build/riptidectl' -c '$work/a/riptide.yaml' calls | grep -q answered"
kill -9 "$gateway_a"
wait "$gateway_a" 2>/dev/null
row=$(sqlite3 "$work/a/riptide.db" "select count(*) from calls where sip_call_id != '' and sip_local like '%tag=%'
	and sip_remote like '%tag=%' and sip_target like 'sip:%' and sip_remote_sdp like 'v=0%'
	and ript_uri like 'https://%/calls/%' and ript_tg like '%/providertgs/%' and ript_handler like 'https://%'
	and ript_address like '127.0.0.1:%' and ript_directives like '%PCMU%' and sip_remote_cseq > 0 and answered_ms > 0")
rows=$row
[ "$row" = 1 ] && pass "the row survives kill -9" ||
	fail "the row survives kill -9" "$(sqlite3 -line "$work/a/riptide.db" 'select * from calls')"
row=$(sqlite3 "$work/b/riptide.db" "select count(*) from calls where sip_call_id != '' and sip_local_cseq > 0 and ript_uri != ''")
[ "$row" = 1 ] && pass "and the far gateway has one too" || fail "and the far gateway has one too" "$row"
[ "$rows$row" = 11 ] && shows RIPT-GW-18 kill-9
stop "$caller"
stop "$callee"
start gateway-a "$build/riptide" run -c "$work/a/riptide.yaml"
gateway_a=$pid
wait_for 20 ctl a status || fail "it starts again" "$(tail -3 "$work/gateway-a.log")"
[ "$(sqlite3 "$work/a/riptide.db" "select reason from cdr where ended_by = 'server'")" = node-lost ] &&
	[ "$(sqlite3 "$work/a/riptide.db" 'select count(*) from calls')" = 0 ] &&
	pass "it starts again and writes the record of the call it lost" ||
	fail "it starts again and writes the record of the call it lost" "$(sqlite3 "$work/a/riptide.db" 'select * from cdr')"

# ---- draining ----
callee_b --play "$work/one.wav" --seconds 15 --expect bye-received --limit 40
caller_a --play "$work/one.wav" --hangup-after 4 --expect bye-sent --limit 40
talker=$caller
wait_for 5 sh -c "'$build/riptidectl' -c '$work/a/riptide.yaml' calls | grep -q answered"
kill "$gateway_a"
wait_for 5 grep -q "no new calls" "$work/gateway-a.log"
second=$(free_port)
phone second call "127.0.0.1:$sip_a" "$number_b" --port "$second" --from "$number_a" --expect status-503 --limit 5
wait "$pid" && pass "a new call while draining: 503" || fail "a new call while draining: 503" "$(report second "r['ended']")"
ctl a status >"$work/status"
[ $? = 1 ] && grep -q draining "$work/status" && pass "status says draining" || fail "status says draining" "$(head -1 "$work/status")"
caller=$talker
both && pass "the call in progress ends by itself" || fail "the call in progress ends by itself" "$(report callee "r['ended']")"
wait "$gateway_a"
[ $? = 0 ] && pass "then the daemon exits 0" || fail "then the daemon exits 0"
[ ! -e "$work/a/riptide.sock" ] && pass "and leaves no socket behind" || fail "and leaves no socket behind"

# ---- a second signal hurries ----
start gateway-a "$build/riptide" run -c "$work/a/riptide.yaml"
gateway_a=$pid
wait_for 20 ctl a status
callee_b --play "$work/one.wav" --seconds 15 --expect bye-received --limit 40
caller_a --play "$work/one.wav" --seconds 15 --expect bye-received --limit 40
wait_for 5 sh -c "'$build/riptidectl' -c '$work/a/riptide.yaml' calls | grep -q answered"
kill -INT "$gateway_a"
sleep 0.3
kill -INT "$gateway_a"
both && report caller "any('shutdown' in x for x in r['reason'])" >/dev/null &&
	pass "a second signal ends the calls, with their reason" ||
	fail "a second signal ends the calls, with their reason" "$(report caller "r['ended'], r.get('reason')")"
wait "$gateway_a"
[ $? = 0 ] && pass "and the daemon exits 0" || fail "and the daemon exits 0"
[ "$(sqlite3 "$work/a/riptide.db" "select count(*) from cdr where reason = 'shutdown'")" = 1 ] &&
	pass "the record says shutdown" || fail "the record says shutdown"

# ---- the service manager ----
python3 - "$work/notify.sock" >"$work/notify.log" <<-'PY' &
	import socket, sys
	s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
	s.bind(sys.argv[1])
	s.settimeout(20)
	while True:
	    word = s.recv(100).decode()
	    print(word, flush=True)
	    if word == "STOPPING=1":
	        break
PY
listener=$!
wait_for 5 test -S "$work/notify.sock"
NOTIFY_SOCKET=$work/notify.sock start gateway-a "$build/riptide" run -c "$work/a/riptide.yaml"
gateway_a=$pid
wait_for 20 ctl a status
kill -HUP "$gateway_a"
wait_for 5 grep -q RELOADING "$work/notify.log"
stop "$gateway_a"
wait "$listener"
[ "$(paste -sd' ' "$work/notify.log")" = "READY=1 RELOADING=1 READY=1 STOPPING=1" ] &&
	pass "the service manager hears of each step" || fail "the service manager hears of each step" "$(paste -sd' ' "$work/notify.log")"

# ---- the far half of the call that crashed ----
# It notices by itself: 30 s until QUIC gives the connection up, 30 s without
# signalling (Q62).
wait_for 75 sh -c "'$build/riptidectl' -c '$work/b/riptide.yaml' calls | grep -q 'no calls'" &&
	ctl b calls --all | grep -q signalling-lost &&
	pass "the far gateway gives its half up" || fail "the far gateway gives its half up" "$(ctl b calls)"
stop "$gateway_b"
for side in a b; do
	bad=$(grep -m1 -E 'ERROR: AddressSanitizer|LeakSanitizer|runtime error|Assertion' "$work/gateway-$side.log")
	[ -z "$bad" ] && pass "gateway ${side^^} ran clean" || fail "gateway ${side^^} ran clean" "$bad"
done
finish
