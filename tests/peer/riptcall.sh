#!/bin/bash
# SPDX-License-Identifier: MIT
# riptcall against itself over loopback: both ways of media, digits, comfort
# noise, refusals, both ends of a call, and clear sentences when it fails.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/riptcall_lab.sh"

riptcall_lab

# verdict NAME CODE CHECK...: the call ended with CODE and all checks hold.
verdict() {
	local name=$1 want=$2
	shift 2
	[ "$code" = "$want" ] || {
		fail "$name" "exit code $code: $(tail -1 "$work/call.err") $(grep '"reason"' "$work/call.json")"
		return 1
	}
	rows "$@" && pass "$name" || { fail "$name" "$why"; return 1; }
}

# show ROW...: the row's own check holds for the call before.
show() {
	local row
	for row in "$@"; do
		rows "${row//-/}" && pass "RIPT-$row" || { fail "RIPT-$row" "$why"; continue; }
		shows "RIPT-$row" riptcall
	done
}

talk=(--play "$work/one.wav" --dtmf '0123456789*#ABCD')

# Told nothing but where: the one terminal group that is listed is used.
python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["token"])' "$lab" >"$work/token"
stir() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["stir"][sys.argv[2]])' "$lab" "$1"; }
pair --play "$work/two.wav" --record "$work/s.wav" --dtmf 'DCBA#*9876543210' --keepalive 0.25 -- --alone \
	--authority "localhost:$port" --address "127.0.0.1:$port" \
	--ca "$work/lab/tls/ca.pem" --token-file "$work/token" \
	--key "$(stir key)" --cert "$(stir cert)" --x5u "$(stir x5u)" \
	--from +14085551000 "${talk[@]}" --record "$work/c.wav"
verdict "speech both ways, digits, noise over WebTransport" 0 \
	ok identical digits digits_back noise webtransport shape by_client &&
	rows TG08 HD02 &&
	show TG-01 TG-06 CA-14 CA-15 CA-16 SB-01 SB-05 SB-07 \
		EV-09 EV-10 EV-15 MB-01 DR-07 DR-09 MC-04 MB-16 &&
	shows RIPT-AD-27 digits && shows RIPT-AD-28 noise
python3 - "$work" <<-'PY' && pass "the recordings are as long as the speech" || fail "recordings"
import sys, wave
for name in "c", "s":
    with wave.open(f"{sys.argv[1]}/{name}.wav") as w:
        assert (w.getframerate(), w.getnchannels(), w.getsampwidth()) == (8000, 1, 2)
        assert 1.1 <= w.getnframes() / 8000 < 6, w.getnframes()
PY

pair --play "$work/two.wav" -- --lab "$lab" --transport byway "${talk[@]}"
verdict "the same over PUT and GET" 0 ok identical digits noise byway shape &&
	show MB-06 MB-07 MB-08 MB-09 MB-12
pair --play "$work/two.wav" --transport byway -- --lab "$lab" --play "$work/one.wav"
verdict "a provider without WebTransport" 0 ok identical byway && shows RIPT-MB-02 riptcall
pair --play "$work/two.wav" -- --lab "$lab" --play "$work/one.wav" --codec PCMA
verdict "PCMA" 0 ok identical pcma && show DR-09
pair --play "$work/two.wav" --seconds 2 -- --lab "$lab" --play "$work/one.wav" --seconds 20
verdict "the callee hangs up" 0 by_peer identical
pair -- --lab "$lab" --seconds 0.3
verdict "the caller hangs up" 0 ok by_client

for how in declined busy failed noanswer; do
	pair --refuse "$how" --ring 0.5 -- --lab "$lab" --transport byway
	verdict "refused: $how" 1 "$how"
	[ "$how" != declined ] || show MB-03
done
for how in unreachable policy; do
	pair --refuse "$how" -- --lab "$lab"
	verdict "refused: $how" 1 "$how"
done

# misbehave NAME CODE CHECK...: what the provider makes of a fault.
misbehave() {
	local FAULT_CALL=$1
	pair --play "$work/two.wav" -- --lab "$lab" --play "$work/one.wav" ${extra:-}
	verdict "fault $1" "$2" "${@:3}"
}
misbehave late-passport 1 stale &&
	misbehave altered-passport 1 altered &&
	misbehave wrong-dest 1 wrong_dest && shows RIPT-CA-10 faults
misbehave no-passport 1 bad_request && misbehave no-destination 1 bad_request &&
	misbehave omit-handler 1 bad_request && shows RIPT-CA-02 faults
misbehave no-handler 1 unknown_handler && shows RIPT-CA-04 faults && shows RIPT-HD-01 faults
misbehave foreign-handler 1 unknown_handler && shows RIPT-CA-03 faults
misbehave zero-hops 1 loop
misbehave delete-call 0 CA20 && shows RIPT-CA-20 faults
misbehave two-byways 0 ok identical
misbehave drop-events-get 0 reopened identical
misbehave drop-events-put 0 reopened_put identical
misbehave unknown-tag 0 ok identical && shows RIPT-MC-17 faults
misbehave swap-chunks 0 ok
misbehave repeat-chunks 0 ok identical duplicates
misbehave truncated-chunks-first 0 unrebuilt
misbehave bad-chunks 0 bad_chunks
misbehave drop-chunks 0 losses
extra="--transport byway" misbehave swap-chunks 0 ok

# sentence NAME PATTERN ARGS...: it fails, and says so in words.
sentence() {
	local name=$1 pattern=$2
	shift 2
	timeout 30 "$rc" "$@" >"$work/said" 2>&1 </dev/null
	code=$?
	[ "$code" = "${want:-1}" ] || { fail "$name" "exit code $code: $(tail -1 "$work/said")"; return 1; }
	grep -qiE -- "$pattern" "$work/said" && pass "$name" || { fail "$name" "$(tail -2 "$work/said")"; return 1; }
}
sentence "nobody listens" "nobody listens at 127.0.0.1:$port" call "$number" --lab "$lab"
serve
echo wrong >"$work/wrong"
sentence "a wrong token" "401 unauthorized" call "$number" --lab "$lab" --token-file "$work/wrong" &&
	shows RIPT-TG-09 riptcall
sentence "a wrong token, tgs" "401 unauthorized" tgs --lab "$lab" --token-file "$work/wrong"
sentence "a certificate of another CA" "certificate.*not trusted" call "$number" --lab "$lab" --ca "$work/lab/stir/ca.pem"
sentence "a number that nobody reaches" "no terminal group .* leads to" call +14155550000 --lab "$lab"
sentence "a caller who is not vouched for" "does not vouch for" call "$number" --lab "$lab" --from +14155550000
sentence "the terminal group of another customer" "does not list" call "$number" --lab "$lab" \
	--tg "https://localhost:$port/.well-known/ript/v1/providertgs/other"
sentence "no such file" "nowhere.wav" call "$number" --lab "$lab" --play "$work/nowhere.wav"
sentence "a second provider on the port" "127.0.0.1:$port" serve --lab "$lab"
want=0 sentence "tgs" "leads to +.1408952" tgs --lab "$lab"
want=0 sentence "handler" "/providertgs/customer/handlers/" handler --lab "$lab"
id=$(sed 's,.*/,,' "$work/said")
want=0 sentence "handler --list" "$id +riptcall" handler --list --lab "$lab"
want=0 sentence "handler --delete" "is gone" handler --delete "$id" --lab "$lab"
want=0 sentence "it is gone" "No handler" handler --list --lab "$lab"
sentence "deleted twice" "404" handler --delete "$id" --lab "$lab"
"$rc" tgs --lab "$lab" --json | python3 -c 'import json, sys; t = json.load(sys.stdin)["tgs"]; assert len(t) == 1 and t[0]["document"]["outbound"]' 2>&1 &&
	pass "tgs --json" || fail "tgs --json"
kill "$server"
serve_end
check "a provider that is stopped ends well" test "$serve_code" = 0

for command in tgs handler call serve; do
	want=0 sentence "$command --help" "^usage: riptcall $command" "$command" --help
done
want=0 sentence "--help" "usage: riptcall COMMAND" --help
want=2 sentence "no command" "usage"
want=2 sentence "an unknown command" "no command" dial
want=2 sentence "no number" "which NUMBER" call --lab "$lab"
want=2 sentence "a number without +" "write \+" call 4711 --lab "$lab"
want=2 sentence "an unknown fault" "no such fault" call "$number" --lab "$lab" --fault nonsense
want=2 sentence "a fault of the other role" "other role" serve --lab "$lab" --fault no-ping
want=2 sentence "no lab" "no --authority" call "$number"
want=2 sentence "an option of another command" "unrecognized" tgs --ring 3
finish
