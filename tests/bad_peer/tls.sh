#!/bin/bash
# SPDX-License-Identifier: MIT
# A provider whose certificate or whose opinion of our token is not what we
# need: calls are refused at once, with the reason wherever people look, and
# run again as soon as it is mended.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/labs.sh"
labs_make
# The certificate authority of somebody else.
"$build/riptide" init --lab "$work/c" --authority "localhost:$(free_port)" \
	--sip "127.0.0.1:$(free_port)" --sip-peer "127.0.0.1:$(free_port)" \
	--numbers '+1*' >"$work/init-c.log" 2>&1 || { fail "a third lab" "$(cat "$work/init-c.log")"; finish; }
cp -r "$work/b/tls" "$work/tls.good"

# issue SUBJECT-ALT-NAME DAYS: B's own authority signs another certificate.
issue() {
	openssl req -new -key "$work/b/tls/server.key" -subj "/CN=test" -out "$work/csr" 2>/dev/null &&
		openssl x509 -req -in "$work/csr" -CA "$work/b/tls/ca.pem" -CAkey "$work/b/tls/ca.key" \
			-CAcreateserial -days "$2" -extfile <(echo "subjectAltName=$1") \
			-out "$work/b/tls/server.pem" 2>"$work/issue.log" || fail "certificate for $1" "$(cat "$work/issue.log")"
}
good_again() {
	rm -rf "$work/b/tls"
	cp -r "$work/tls.good" "$work/b/tls"
}

metric() {
	python3 - "$(lab a metrics)" "$1" <<-'PY'
	import re, sys, urllib.request
	text = urllib.request.urlopen(f"http://{sys.argv[1]}/metrics").read().decode()
	print(sum(int(line.split()[-1]) for line in text.splitlines()
	          if line[0] != "#" and re.search(sys.argv[2], line)))
	PY
}

# runs a|b: whether all is well or not.
runs() { ctl "$1" status --json | grep -q '"version"'; }

start_b() {
	start gateway-b "$build/riptide" run -c "$work/b/riptide.yaml"
	gateway_b=$pid
	wait_for 20 runs b
}
start_a() {
	start gateway-a "$build/riptide" run -c "$work/a/riptide.yaml"
	gateway_a=$pid
	wait_for 20 asked
}
# asked: A runs and has tried its provider, in vain.
asked() { ctl a status --json | grep -q '"why": *"[^"]'; }

# refuses NAME CODE WORD: a call of A's phone is told 503 within 2 s.
refuses() {
	local before=$(metric "rejects_total.*\"$2\"")
	phone caller call "127.0.0.1:$sip_a" "$number_b" --port "$phone_a" --expect status-503 --limit 8
	wait "$pid" && report caller "r['times']['end'] - r['times']['invite'] < 2 and any('\"$2\"' in x for x in r['reason'])" >/dev/null &&
		pass "$1: 503 within 2 s, $2" || fail "$1: 503 within 2 s, $2" "$(report caller "(r['ended'], r.get('reason'))")"
	[ "$(metric "rejects_total.*\"$2\"")" -gt "$before" ] && pass "$1: counted" || fail "$1: counted"
	ctl a explain "$(report caller "r['call_id']")" >"$work/explain"
	grep -qi "$3" "$work/explain" && grep -q 'What to do' "$work/explain" &&
		pass "$1: explained" || fail "$1: explained" "$(cat "$work/explain")"
	ctl a status >"$work/status"
	[ $? = 1 ] && grep -qi "DOWN.*$3" "$work/status" &&
		pass "$1: status says so" || fail "$1: status says so" "$(grep -A3 RIPT "$work/status")"
	grep -qi "level=warn.*$3.*reason=" "$work/gateway-a.log" &&
		pass "$1: logged" || fail "$1: logged" "$(tail -3 "$work/gateway-a.log")"
}

# riptcall_refuses NAME WORD
riptcall_refuses() {
	timeout 20 "$build/riptcall/riptcall" tgs --lab "$work/b/lab.json" >"$work/riptcall.log" 2>&1
	[ $? = 1 ] && grep -qi "$2" "$work/riptcall.log" && pass "$1: riptcall" ||
		fail "$1: riptcall" "$(cat "$work/riptcall.log")"
}

# bad NAME CODE WORD: both gateways start afresh with what is bad.
bad() {
	start_b
	start_a
	refuses "$@"
	riptcall_refuses "$1" "$3"
	stop "$gateway_a"
	stop "$gateway_b"
}

cp "$work/c/tls/server.pem" "$work/c/tls/server.key" "$work/b/tls/"
bad "a certificate of another authority" peer-unreachable certificate
good_again
issue DNS:elsewhere.example 30
bad "a certificate of another name" peer-unreachable certificate
good_again
issue DNS:localhost 0
sleep 1.1
bad "a certificate that has expired" peer-unreachable certificate
good_again

# Tokens: one that the provider never knew.
cp "$work/a/secrets/provider.token" "$work/token.good"
echo "stale-token-of-nobody-0123456789abcdefghijkl" >"$work/a/secrets/provider.token"
start_b
start_a
refuses "an unknown token" peer-unreachable token
stop "$gateway_a"
cp "$work/token.good" "$work/a/secrets/provider.token"
start gateway-a "$build/riptide" run -c "$work/a/riptide.yaml"
gateway_a=$pid
labs_ready

# One that was good until now.
hash=$(python3 -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1]).read().strip().encode()).hexdigest())' "$work/token.good")
cp "$work/b/riptide.yaml" "$work/b.yaml"
grep -q "$hash" "$work/b/riptide.yaml" || fail "the token's hash is in the provider's file"
stop "$gateway_b"
sed -i "s/$hash/$(printf %064d 7)/" "$work/b/riptide.yaml"
start_b
before=$(metric 'rejects_total.*"peer-unauthorized"')
phone caller call "127.0.0.1:$sip_a" "$number_b" --port "$phone_a" --expect status-503 --limit 8
wait "$pid" && report caller "r['times']['end'] - r['times']['invite'] < 2 and any('peer-unauthorized' in x for x in r['reason'])" >/dev/null &&
	pass "a token withdrawn: 503 within 2 s, peer-unauthorized" ||
	fail "a token withdrawn: 503 within 2 s, peer-unauthorized" "$(report caller "(r['ended'], r.get('reason'), r['times'])")"
[ "$(metric 'rejects_total.*"peer-unauthorized"')" = $((before + 1)) ] &&
	pass "a token withdrawn: counted" || fail "a token withdrawn: counted"
ctl a explain "$(report caller "r['call_id']")" >"$work/explain"
grep -q '401 unauthorized' "$work/explain" && grep -q 'renew the peer' "$work/explain" &&
	pass "a token withdrawn: explained" || fail "a token withdrawn: explained" "$(cat "$work/explain")"

# Nobody there at all.
stop "$gateway_b"
phone caller call "127.0.0.1:$sip_a" "$number_b" --port "$phone_a" --expect status-503 --limit 8
wait "$pid" && report caller "r['times']['end'] - r['times']['invite'] < 2" >/dev/null &&
	pass "a provider that is gone: 503 within 2 s" ||
	fail "a provider that is gone: 503 within 2 s" "$(report caller "(r['ended'], r.get('reason'), r['times'])")"

# All mended: it finds back by itself.
cp "$work/b.yaml" "$work/b/riptide.yaml"
start_b
wait_for 40 ctl a status && pass "mended: the provider is up again" || fail "mended: the provider is up again" "$(ctl a status)"
# A client that has failed rests before it connects again: not the first call
# need go through.
callee_b --expect bye-received --limit 40
called() {
	caller_a --hangup-after 0.3 --expect bye-sent --limit 10
	wait "$caller"
}
wait_for 30 called && wait "$callee" && pass "mended: calls run" ||
	fail "mended: calls run" "$(report caller "(r['ended'], r.get('reason'))")"
wait_for 20 no_calls && pass "nothing is left behind" || fail "nothing is left behind"
finish
