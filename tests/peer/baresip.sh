#!/bin/bash
# SPDX-License-Identifier: MIT
# baresip, a phone of other people's, on both sides of the two gateways.
# Versions 1.0 (Debian 12) and 1.1 (Debian 13) take the same settings; without
# audio_alert, with which 1.1 crashes after the ring tone.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/labs.sh"
command -v baresip >/dev/null || { echo "# skipped: baresip is not installed"; exit 0; }
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
	ausrc_srate		8000
	auplay_srate		8000
	ausrc_channels		1
	auplay_channels		1
	module_path		$modules
	module			g711.so
	module			aufile.so
	module			sndfile.so
	module_app		account.so
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

# heard RECORDING SOURCE: loud enough, and the same speech: the envelopes of
# 20 ms of both, at the shift where they fit best, correlate.
heard() {
	python3 - "$1" "$2" <<-'PY'
	import math, struct, sys, wave

	def load(path):
	    with wave.open(path) as f:
	        n, ch, rate = f.getnframes(), f.getnchannels(), f.getframerate()
	        pcm = struct.unpack(f"<{n * ch}h", f.readframes(n))[::ch]
	    step = rate // 50
	    return [math.sqrt(sum(x * x for x in pcm[i:i + step]) / step)
	            for i in range(0, len(pcm) - step + 1, step)]

	def correlation(x, y):
	    mx, my = sum(x) / len(x), sum(y) / len(y)
	    a = sum((p - mx) ** 2 for p in x)
	    b = sum((q - my) ** 2 for q in y)
	    return sum((p - mx) * (q - my) for p, q in zip(x, y)) / math.sqrt(a * b) if a and b else 0

	got, source = load(sys.argv[1]), load(sys.argv[2])
	best = max(got, default=0)
	level = 20 * math.log10(best / 32768) if best else -120
	got = got[25:]                      # the start may be cut
	got = got[:min(len(got), 150)]
	fit = max((correlation(got, source[i:i + len(got)])
	           for i in range(0, len(source) - len(got))), default=0) if len(got) > 50 else 0
	print(f"{level:.0f} dB, correlation {fit:.2f}, {len(got) / 50:.1f} s")
	sys.exit(0 if level > -40 and fit > 0.9 else 1)
	PY
}

speech "$work/one.wav" 30 30
speech "$work/back.wav" 30 70
# The other way round, so that one is not taken for the other.
sox "$work/back.wav" "$work/two.wav" reverse silence 1 0.05 1%
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
for pair in one:two two:one; do
	name=${pair%:*}
	rec=$(ls "$work/$name"/rec/*-dec.wav 2>/dev/null | head -1)
	level="no recording"
	[ -n "$rec" ] && level=$(heard "$rec" "$work/${pair#*:}.wav") &&
		pass "$name heard the other ($level)" ||
		fail "$name heard the other" "$level"
done
finish
