#!/bin/bash
# SPDX-License-Identifier: MIT
# baresip, a phone of other people's, on both sides of the two gateways.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/labs.sh"
modules=$(dirname "$(find /usr/lib -path '*baresip/modules/g711.so' 2>/dev/null | head -1)")

# baresip_phone NAME SIP-PORT NUMBER WAV: $pid, driven over its TCP port.
baresip_phone() {
	local dir=$work/$1 ctl rtp
	ctl=$(free_port tcp)
	rtp=$(free_port)
	mkdir -p "$dir/rec"
	cat >"$dir/config" <<-C
	sip_listen		127.0.0.1:$2
	sip_trans_def		udp
	net_interface		127.0.0.1
	rtp_ports		$rtp-$((rtp + 20))
	audio_player		aufile,$dir/out.wav
	audio_source		aufile,$4
	audio_alert		aufile,$dir/alert.wav
	ausrc_srate		8000
	auplay_srate		8000
	ausrc_channels		1
	auplay_channels		1
	module_path		$modules
	module			g711.so
	module			aufile.so
	module			sndfile.so
	module_tmp		account.so
	module_app		menu.so
	module_app		ctrl_tcp.so
	ctrl_tcp_listen		127.0.0.1:$ctl
	snd_path		$dir/rec
	C
	echo "<sip:$3@127.0.0.1:$2>;regint=0;answermode=auto;audio_codecs=pcmu" >"$dir/accounts"
	: >"$dir/contacts"
	start "$1" baresip -f "$dir"
	echo "$ctl" >"$dir/port"
	wait_port tcp "$ctl"
}

# command NAME COMMAND PARAMS: over the control port, as a netstring.
command_baresip() {
	python3 - "$(cat "$work/$1/port")" "$2" "${3:-}" <<-'PY'
	import json, socket, sys, time
	s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 3)
	text = json.dumps({"command": sys.argv[2], "params": sys.argv[3], "token": "1"}).encode()
	s.sendall(b"%d:%s," % (len(text), text))
	time.sleep(0.3)
	s.settimeout(1)
	try:
	    print(s.recv(65536).decode("utf-8", "replace"))
	except OSError:
	    pass
	PY
}

# heard WAV: the loudest tenth of a second, in dB below full scale.
heard() {
	python3 - "$1" <<-'PY'
	import math, struct, sys, wave
	with wave.open(sys.argv[1]) as f:
	    n = f.getnframes()
	    pcm = struct.unpack(f"<{n * f.getnchannels()}h", f.readframes(n))
	best = max((sum(x * x for x in pcm[i:i + 800]) / 800
	            for i in range(0, max(len(pcm) - 800, 1), 800)), default=0)
	level = 10 * math.log10(best / 32768 ** 2) if best else -120
	print(f"{level:.0f} dB")
	sys.exit(0 if level > -40 else 1)
	PY
}

speech "$work/one.wav" 30 30
speech "$work/two.wav" 30 70
labs_make
labs_start
baresip_phone one "$phone_a" "$number_a" "$work/one.wav"
one=$pid
baresip_phone two "$phone_b" "$number_b" "$work/two.wav"
command_baresip one dial "sip:$number_b@127.0.0.1:$sip_a" >/dev/null
wait_for 10 sh -c "'$build/riptidectl' -c '$work/a/riptide.yaml' calls | grep -q answered" &&
	pass "baresip calls baresip" || fail "baresip calls baresip" "$(tail -5 "$work/one.log")"
sleep 4
ctl a calls >"$work/calls"
command_baresip one hangup >/dev/null
wait_for 10 no_calls && pass "baresip hangs up, nothing is left" || fail "baresip hangs up" "$(ctl a calls)"
stop "$one"
stop "$pid"
for name in one two; do
	rec=$(ls "$work/$name"/rec/*-dec.wav 2>/dev/null | head -1)
	[ -n "$rec" ] && level=$(heard "$rec") && pass "$name heard the other ($level)" ||
		fail "$name heard the other" "${level:-no recording}"
done
finish
