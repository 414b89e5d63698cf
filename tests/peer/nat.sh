#!/bin/bash
# SPDX-License-Identifier: MIT
# A gateway behind NAT: the address that it advertises is not the one that it
# is bound to.  Three network namespaces of our own:
#
#   gateway A         NAT                   outside: phone A, gateway B, phone B
#   10.93.1.2 ------- 10.93.1.1 | 10.93.2.1 ------- 10.93.2.2
#
# What the NAT's outer address gets on the ports of SIP and RTP goes to A.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/labs.sh"

inner=riptide-$$-gw middle=riptide-$$-nat outer=riptide-$$-out
remove_namespaces() {
	local ns
	for ns in "$inner" "$middle" "$outer"; do
		ip netns del "$ns" 2>/dev/null
	done
}
trap 'cleanup; remove_namespaces' EXIT

# Root and namespaces are the machine's to give: without them there is no NAT
# to test.  ./run check prints the reason.
skip() {
	echo "# skipped: $1"
	exit 0
}

[ "$(id -u)" = 0 ] || skip "network namespaces need root"
command -v nft >/dev/null || command -v iptables >/dev/null || skip "neither nft nor iptables is installed"
for ns in "$inner" "$middle" "$outer"; do
	ip netns add "$ns" 2>"$work/ns.log" && ip -n "$ns" link set lo up ||
		skip "no network namespaces: $(cat "$work/ns.log")"
done
ip -n "$middle" link add in0 type veth peer name gw0 netns "$inner" 2>"$work/ns.log" &&
	ip -n "$middle" link add out0 type veth peer name ph0 netns "$outer" 2>>"$work/ns.log" ||
	skip "no pairs of virtual interfaces: $(cat "$work/ns.log")"
gw=10.93.1.2 public=10.93.2.1 outside=10.93.2.2
ip -n "$middle" addr add 10.93.1.1/24 dev in0
ip -n "$middle" addr add $public/24 dev out0
ip -n "$inner" addr add $gw/24 dev gw0
ip -n "$outer" addr add $outside/24 dev ph0
ip -n "$middle" link set in0 up
ip -n "$middle" link set out0 up
ip -n "$inner" link set gw0 up
ip -n "$outer" link set ph0 up
ip -n "$inner" route add default via 10.93.1.1
ip netns exec "$middle" sysctl -qw net.ipv4.ip_forward=1 2>"$work/ns.log" ||
	skip "no forwarding: $(cat "$work/ns.log")"

# The namespaces are ours alone: ports need no search.
sip_a=5060 sip_b=5080 ript_a=4433 ript_b=4434 phone_a=5070 phone_b=5072
if command -v nft >/dev/null; then
	ip netns exec "$middle" nft -f - 2>"$work/ns.log" <<-N || skip "no NAT: $(head -1 "$work/ns.log")"
	table ip riptide {
	    chain in {
	        type nat hook prerouting priority -100;
	        iifname "out0" udp dport { $sip_a, $ript_a, 20000-21999 } dnat to $gw
	    }
	    chain out {
	        type nat hook postrouting priority 100;
	        oifname "out0" snat to $public
	    }
	}
	N
else
	ip netns exec "$middle" iptables -t nat -A PREROUTING -i out0 -p udp \
		-m multiport --dports $sip_a,$ript_a,20000:21999 -j DNAT --to-destination $gw 2>"$work/ns.log" &&
		ip netns exec "$middle" iptables -t nat -A POSTROUTING -o out0 -j SNAT --to-source $public 2>>"$work/ns.log" ||
		skip "no NAT: $(head -1 "$work/ns.log")"
fi

make() {
	"$build/riptide" init --lab "$work/a" --authority "$public:$ript_a" --sip "$gw:$sip_a" \
		--sip-peer "$outside:$phone_a" --numbers '+1408555*' --origins '+1408952*' &&
		"$build/riptide" init --lab "$work/b" --authority "$outside:$ript_b" --sip "$outside:$sip_b" \
			--sip-peer "$outside:$phone_b" --numbers '+1408952*' --origins '+1408555*' &&
		"$build/riptide" init --lab "$work/a" --provider "$work/b/lab.json" &&
		"$build/riptide" init --lab "$work/b" --provider "$work/a/lab.json"
}
make >"$work/init.log" 2>&1 || { fail "labs" "$(tail -3 "$work/init.log")"; finish; }
# A lab is made for one host; here the two listen on different ones.
python3 - "$work" "$gw" "$public" "$outside" $ript_a $ript_b <<-'PY'
	import re, sys
	work, gw, public, outside, ript_a, ript_b = sys.argv[1:]
	def edit(side, *changes):
	    with open(f"{work}/{side}/riptide.yaml") as f:
	        text = f.read()
	    for old, new in changes:
	        text, n = re.subn(old, new, text, count=1)
	        assert n, f"{old} is not in the file of {side}"
	    with open(f"{work}/{side}/riptide.yaml", "w") as f:
	        f.write(text)
	edit("a", (r'listen: .*', f'listen: "{gw}:{ript_a}"'),
	     (r'\n    address: .*\n', f'\n    address: "{gw}"\n    advertise: "{public}"\n'),
	     (r'rtp-ports: .*', 'rtp-ports: 20000-21999'),
	     (r'address: \[.*', f'address: ["{outside}:{ript_b}"]'))
	edit("b", (r'listen: .*', f'listen: "{outside}:{ript_b}"'),
	     (r'address: \[.*', f'address: ["{public}:{ript_a}"]'))
	PY

speech "$work/one.wav" 2 30
speech "$work/two.wav" 2 70
start gateway-a ip netns exec "$inner" "$build/riptide" run -c "$work/a/riptide.yaml"
start gateway-b ip netns exec "$outer" "$build/riptide" run -c "$work/b/riptide.yaml"
labs_ready && pass "both gateways find each other through the NAT" || {
	tail -n 20 "$work/gateway-a.log" "$work/gateway-b.log"
	fail "labs" "the gateways did not become ready"
	finish
}

phone() { # NAME ARGS...: outside
	local name=$1
	shift
	start "$name" ip netns exec "$outer" "$phone_py" "$@" --host $outside --report "$work/$name.json"
	wait_for 5 grep -q ready "$work/$name.log"
}
caller_a() { phone caller call "$public:$sip_a" "$number_b" --port "$phone_a" --from "$number_a" "$@"; caller=$pid; }
caller_b() { phone caller call "$outside:$sip_b" "$number_a" --port "$phone_b" --from "$number_b" "$@"; caller=$pid; }

# talk NAME FROM TO: speech both ways, and only the public address in SDP.
talk() {
	"callee_$3" --play "$work/two.wav" --seconds 5 --expect bye-received --limit 30
	"caller_$2" --play "$work/one.wav" --seconds 3 --hangup-when-done --expect bye-sent --limit 30
	both || { fail "$1" "$(tail -n 2 "$work/caller.log" "$work/callee.log" | paste -sd' ')"; return; }
	python3 - "$work" <<-'PY' >"$work/verdict" 2>&1
	import json, sys
	a, b = (json.load(open(f"{sys.argv[1]}/{n}.json")) for n in ("caller", "callee"))
	assert a["audio_sent_sha"] == b["audio_sha"], "the caller's speech differs"
	sent = [p[4] for p in b["sent"] if p[2] == 0]
	got = [p[4] for p in a["received"] if p[2] == 0]
	assert got and sent[:len(got)] == got, "the callee's speech differs"
	PY
	[ $? = 0 ] && pass "$1" || fail "$1" "$(tail -1 "$work/verdict")"
	report "$4" "r['remote_rtp'].startswith('$public:') and r['sources'] == [r['remote_rtp']]" >/dev/null &&
		pass "$1: the phone meets the public address alone" ||
		fail "$1: the phone meets the public address alone" "$(report "$4" "(r.get('remote_rtp'), r['sources'])")"
}
talk "a phone outside calls through the NAT" a b caller
talk "a phone outside is called through the NAT" b a callee
grep -q "$gw" "$work/callee.json" && fail "no inner address leaks" "$(grep -o ".\{60\}$gw.\{20\}" "$work/callee.json" | head -2)" ||
	pass "no inner address leaks"
wait_for 20 no_calls && pass "nothing is left behind" || fail "nothing is left behind"
finish
