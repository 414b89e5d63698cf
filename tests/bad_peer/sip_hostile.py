#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Messages that have hung, crashed or fooled SIP stacks, sent to one of ours.

    sip_hostile.py --target 127.0.0.1:5060 --local 127.0.0.1:5070
                   [--stranger 127.0.0.2] [--wait 60] [--pid PID]

--local is the address that the target knows as its trunk; a host that it does
not know is played from --stranger.  Everything is sent, then one wait covers
all delayed effects (a BYE after an ACK that never came follows 32 s later),
then the target must still answer OPTIONS and take a call.
"""
import argparse
import os
import random
import socket
import struct
import sys
import time

passed = failed = 0
held_rest = []


def ok(name, good, why=""):
    global passed, failed
    if good:
        passed += 1
        print(f"ok - sip_hostile.py: {name}", flush=True)
    else:
        failed += 1
        print(f"not ok - sip_hostile.py: {name}: {why}", flush=True)


SDP = ("v=0\r\no=a 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
       "t=0 0\r\nm=audio 6000 RTP/AVP 0 8 101\r\n"
       "a=rtpmap:101 telephone-event/8000\r\n")


class Peer:
    def __init__(self, target, local):
        self.target = target
        self.host = local[0]
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(local)
        self.local = "%s:%d" % self.sock.getsockname()
        self.count = 0
        self.backlog = []

    def message(self, method="INVITE", body=None, headers=(), **over):
        """One request; `over` replaces its parts, None leaves one out."""
        self.count += 1
        n = f"{self.count}-{random.randrange(1 << 30)}"
        if body is None and method == "INVITE":
            body = SDP
        body = body or ""
        host, port = self.target
        parts = {
            "uri": f"sip:+14085552000@{host}:{port}",
            "via": f"SIP/2.0/UDP {self.local};branch=z9hG4bK{n}",
            "from_": f"<sip:+14085551000@{self.local}>;tag=t{n}",
            "to": f"<sip:+14085552000@{host}:{port}>",
            "call_id": f"hostile-{n}",
            "cseq": f"1 {method}",
            "contact": f"<sip:peer@{self.local}>",
            "forwards": "70",
            "type": "application/sdp" if body else None,
            "length": str(len(body.encode())),
        }
        parts.update(over)
        names = (("Via", "via"), ("Max-Forwards", "forwards"),
                 ("From", "from_"), ("To", "to"), ("Call-ID", "call_id"),
                 ("CSeq", "cseq"), ("Contact", "contact"),
                 ("Content-Type", "type"))
        text = f"{method} {parts['uri']} SIP/2.0\r\n"
        for name, key in names:
            if parts[key] is not None:
                text += f"{name}: {parts[key]}\r\n"
        for line in headers:
            text += line + "\r\n"
        if parts["length"] is not None:
            text += f"Content-Length: {parts['length']}\r\n"
        self.call_id = parts["call_id"]
        return (text + "\r\n" + body).encode()

    def send(self, data):
        try:
            self.sock.sendto(data, self.target)
        except OSError:
            pass    # the size of a datagram has its limits

    def recv(self, seconds, call_id=None):
        """The next message (of a call), None after a while."""
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            if left <= 0:
                return None
            self.sock.settimeout(left)
            try:
                text = self.sock.recv(65536).decode("latin-1")
            except (socket.timeout, ConnectionError):
                continue
            if call_id is None or call_id in text:
                return text

    def final(self, data, call_id=None, seconds=3):
        """Send; the status of the final answer, 0: none.  A 2xx or a refusal
        of an INVITE is not acknowledged: that is a test too."""
        self.send(data)
        call_id = call_id or self.call_id
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            text = self.recv(end - time.monotonic(), call_id)
            if text and text.startswith("SIP/2.0 "):
                status = int(text[8:11])
                if status >= 200:
                    self.last = text
                    return status
        return 0


def expect(peer, name, data, wanted, call_id=None):
    got = peer.final(data, call_id, 1.0 if wanted == [0] else 4)
    ok(name, got in wanted, f"answered {got}, wanted {wanted}")


# ---- the cases ----


def bad_sdp(p):
    for name, line in (("image with @", "m=image 9 udptl @"),
                       ("AVPF with a quote", 'm=audio 9 RTP/AVPF 0 "x'),
                       ("port 70000", "m=audio 70000 RTP/AVP 0"),
                       ("no token", "m=au\x01dio 9 RTP/AVP 0")):
        expect(p, "SDP: " + name,
               p.message(body=f"v=0\r\no=x\r\n{line}\r\n"), [400])
    expect(p, "SDP: only the 60 octets",
           p.message(body="v=0\no=- 1 1 IN IP4 1\ns=-\nt=0 0\n"
                          "m=image 9 udptl @"), [400])
    expect(p, "SDP: 2 800 m= lines",
           p.message(body=SDP + "m=audio 9 RTP/AVP 0\r\n" * 2000), [413])
    expect(p, "SDP: 27 000 formats",
           p.message(body=SDP + "m=audio 9 RTP/AVP" + " 0" * 7000 + "\r\n"),
           [413])
    expect(p, "SDP: 50 kB", p.message(body=SDP + "a=x:" + "y" * 50000), [413])
    expect(p, "SDP: a NUL", p.message(body=SDP + "a=\0\r\n"), [400])
    expect(p, "SDP: nothing for us",
           p.message(body="v=0\r\no=x\r\nm=video 9 RTP/AVP 31\r\n"), [488])


def bad_bodies(p):
    for name, ctype, body in (
            ("multipart", "multipart/mixed;boundary=x",
             "--x\r\nContent-Type: application/sdp\r\n\r\n" + SDP +
             "\r\n--x--\r\n"),
            ("multipart without boundary", "multipart/mixed", "--\r\n\r\n--"),
            ("multipart that ends at once", "multipart/mixed;boundary=x",
             "--x"),
            ("multipart of nothing", 'multipart/mixed;boundary=""', "--\r\n"),
            ("ISUP", "application/isup", "\x01\x02"),
            ("text", "text/plain", "hello")):
        expect(p, "body: " + name, p.message(body=body, type=ctype), [415])
    expect(p, "body: no type", p.message(type=None), [400, 415])
    expect(p, "body: gzip",
           p.message(headers=["Content-Encoding: gzip"]), [415])


def bad_contacts(p):
    for name, contact in (("isbn:1", "<isbn:1>"), ("none", None),
                          ("star", "*"), ("tel", "<tel:+1>"),
                          ("two", "<sip:a@127.0.0.1>, <sip:b@127.0.0.1>"),
                          ("port 99999", "<sip:a@127.0.0.1:99999>"),
                          ("no host", "<sip:>"), ("empty", "<>"),
                          ("http", "<http://127.0.0.1/>")):
        expect(p, "Contact: " + name, p.message(contact=contact), [400])


def never_acknowledged(p):
    """Answered with 2xx, and the library's own BYE must find a way."""
    port = p.local.rsplit(":", 1)[1]
    for name, contact in (
            ("plain", f"<sip:peer@{p.local}>"),
            ("a name", "<sip:peer@no-such-host.invalid>"),
            ("a dead port", "<sip:peer@127.0.0.1:9>"),
            ("TLS", "<sips:peer@127.0.0.1>"),
            ("SCTP", f"<sip:peer@{p.local};transport=sctp>"),
            ("a list of transports",
             f"<sip:peer@{p.local};transport=udp,tcp>"),
            ("maddr", f"<sip:peer@1.2.3.4;maddr=127.0.0.1:{port}>"),
            ("IPv6", "<sip:peer@[::1]>"),
            ("TCP that nobody takes", "<sip:peer@127.0.0.1:9;transport=tcp>")):
        expect(p, "no ACK, Contact: " + name, p.message(contact=contact),
               [200])
    expect(p, "no ACK, Record-Route: a name",
           p.message(headers=["Record-Route: <sip:no-such-host.invalid;lr>"]),
           [200])


def odd_uris(p):
    host, port = p.target
    for param in (";maddrx", ";lrx", ";transportx", ";MADDRy", ";a=b;compz"):
        expect(p, "URI: " + param,
               p.message("OPTIONS", uri=f"sip:x@{host}:{port}{param}"), [0])
        expect(p, f"Route: {param}",
               p.message("OPTIONS",
                         headers=[f"Route: <sip:{host}:{port}{param}>"]),
               [0])
        expect(p, f"Contact: {param}",
               p.message(contact=f"<sip:x@127.0.0.1{param}>"), [0])
    expect(p, "Record-Route: isbn:1",
           p.message(headers=["Record-Route: <isbn:1>"]), [0])
    expect(p, "URI: http", p.message("OPTIONS", uri="http://x/"), [0, 400,
                                                                   416])
    expect(p, "URI: no-such-host",
           p.message("OPTIONS", uri="sip:x@no-such-host.invalid"),
           [200, 404, 503])


def short_branches(p):
    for branch in ("", "z", "z9hG4b", "abc"):
        via = f"SIP/2.0/UDP {p.local};branch={branch}"
        p.send(p.message("OPTIONS", via=via, call_id="short-branch"))
        p.send(p.message("OPTIONS", call_id="short-branch", from_="<sip:a@b>"
                         ";tag=1", via=f"SIP/2.0/UDP {p.local};"
                         "branch=z9hG4bKlonger"))
    ok("short branches sent", True)


def lengths(p):
    expect(p, "Call-ID of 1 000", p.message(call_id="x" * 1000), [400],
           "x" * 1000)
    expect(p, "From of 600", p.message(from_="<sip:" + "a" * 600 +
                                       "@h>;tag=1"), [400])
    expect(p, "To URI of 600", p.message(uri="sip:" + "a" * 600 + "@h"),
           [400])
    expect(p, "Identity of 9 000",
           p.message(headers=["Identity: " + "a" * 9000]), [400])
    expect(p, "300 Via",
           p.message("OPTIONS", headers=[f"Via: SIP/2.0/UDP 127.0.0.1:{i + 1}"
                                         ";branch=z9hG4bKx" for i in
                                         range(300)]), [0, 200, 400, 503])
    expect(p, "2 000 unknown headers",
           p.message("OPTIONS", headers=[f"X-{i}: y" for i in range(2000)]),
           [200, 503])
    p.send(p.message(headers=["X-Big: " + "z" * 60000]))
    p.send(p.message(body="v=0\r\n" + "a=" + "z" * 64000))
    ok("huge datagrams sent", True)


def odd_requests(p):
    expect(p, "BYE of no dialog", p.message("BYE", to="<sip:a@b>;tag=9"),
           [481])
    expect(p, "UPDATE of no dialog",
           p.message("UPDATE", to="<sip:a@b>;tag=9"), [481])
    expect(p, "re-INVITE of no dialog", p.message(to="<sip:a@b>;tag=9"),
           [481])
    expect(p, "CANCEL of nothing", p.message("CANCEL"), [481])
    expect(p, "PRACK of nothing",
           p.message("PRACK", headers=["RAck: 1 1 INVITE"]), [481])
    for method in ("REGISTER", "MESSAGE", "SUBSCRIBE", "REFER", "INFO",
                   "PUBLISH", "NOTIFY", "FOO"):
        expect(p, method, p.message(method), [405, 481, 501])
    expect(p, "Require: unknown", p.message(headers=["Require: foo, bar"]),
           [420])
    expect(p, "CSeq of another method",
           p.message("OPTIONS", cseq="1 INVITE"), [0, 400])
    expect(p, "CSeq too large",
           p.message("OPTIONS", cseq="99999999999999 OPTIONS"), [0, 400])
    expect(p, "Max-Forwards 0", p.message(forwards="0"), [200, 483])
    expect(p, "Max-Forwards -1", p.message(forwards="-1"), [0, 200, 400])
    expect(p, "Session-Expires 1",
           p.message(headers=["Supported: timer", "Session-Expires: 1"]),
           [422])
    expect(p, "Content-Length too long", p.message(length="9999"), [0, 400])
    expect(p, "Content-Length negative", p.message(length="-1"), [0, 400])
    p.send(p.message("ACK"))
    p.send(p.message("ACK", to="<sip:a@b>;tag=9"))
    ok("stray ACKs sent", True)


def stray_responses(p):
    for status in (100, 180, 200, 302, 401, 486, 699):
        for method in ("INVITE", "OPTIONS", "BYE"):
            p.send((f"SIP/2.0 {status} Odd\r\n"
                    f"Via: SIP/2.0/UDP {p.target[0]}:{p.target[1]};"
                    "branch=z9hG4bKstray\r\nFrom: <sip:a@b>;tag=1\r\n"
                    f"To: <sip:c@d>;tag=2\r\nCall-ID: s\r\nCSeq: 1 {method}"
                    "\r\nContact: <isbn:1>\r\nRSeq: 1\r\n"
                    "Require: 100rel\r\nContent-Length: 0\r\n\r\n").encode())
    ok("stray responses sent", True)


def garbage(p):
    random.seed(1)
    for size in (1, 2, 20, 200, 2000):
        for _ in range(20):
            p.send(bytes(random.randrange(256) for _ in range(size)))
    for start in ("INVITE", "INVITE sip:a@b", "INVITE sip:a@b SIP/3.0",
                  "SIP/2.0", "SIP/2.0 abc Foo", " \r\n\r\n", "\r\n\r\n",
                  "INVITE\tsip:a@b\tSIP/2.0", "INVITE <sip:a@b> SIP/2.0"):
        for end in ("", "\r\n", "\r\n\r\n", "\r\nVia:\r\n\r\n"):
            p.send((start + end).encode())
    whole = p.message()
    for cut in range(0, len(whole), 37):
        p.send(whole[:cut])
        p.send(whole[:cut] + b"\r\n\r\n")
    for _ in range(300):
        broken = bytearray(p.message(random.choice(
            ("INVITE", "OPTIONS", "BYE", "UPDATE", "PRACK", "CANCEL"))))
        for _ in range(random.randrange(1, 8)):
            broken[random.randrange(len(broken))] = random.randrange(256)
        p.send(bytes(broken))
        if random.random() < 0.1:
            time.sleep(0.01)
    ok("garbage and mutations sent", True)


def stun(p):
    request = struct.pack(">HHI12s", 1, 0, 0x2112A442, os.urandom(12))
    old = struct.pack(">HH16s", 1, 0, os.urandom(16))
    response = struct.pack(">HHI12s", 0x101, 0, 0x2112A442, os.urandom(12))
    drain(p)
    for data in (request, old, response, request + b"\0\x03\0\x04" + b"\0" * 4,
                 b"\0\x01\xff\xff" + b"x" * 30, b"\x01"):
        p.send(data)
    text = None
    end = time.monotonic() + 1
    while time.monotonic() < end:
        p.sock.settimeout(max(0.01, end - time.monotonic()))
        try:
            data = p.sock.recv(2048)
        except (socket.timeout, ConnectionError):
            continue
        if data[:1] in (b"\0", b"\1"):
            text = data
    ok("STUN is not answered", text is None, f"answered {text!r}")


def drain(p):
    p.sock.settimeout(0.2)
    try:
        while True:
            p.sock.recv(65536)
    except (socket.timeout, ConnectionError):
        pass


def strangers(args):
    try:
        s = Peer(args.target, (args.stranger, 0))
    except OSError as e:
        ok("strangers", False, f"cannot bind {args.stranger}: {e}")
        return
    expect(s, "stranger: OPTIONS", s.message("OPTIONS"), [0])
    expect(s, "stranger: INVITE", s.message(), [0])
    expect(s, "stranger: bad INVITE", s.message(contact=None), [0])
    expect(s, "stranger: INVITE without blank line",
           s.message(body="")[:-4] + b"\r\n", [0])
    expect(s, "stranger: SIP/3.0",
           s.message("OPTIONS").replace(b"SIP/2.0\r\n", b"SIP/3.0\r\n", 1),
           [0])
    expect(s, "stranger: half a header", s.message("OPTIONS")[:60], [0])
    with socket.create_connection(args.target, 3,
                                  (args.stranger, 0)) as t:
        t.sendall(s.message("OPTIONS", via=f"SIP/2.0/TCP {s.local};"
                            "branch=z9hG4bKtcp"))
        t.settimeout(5)
        try:
            got = t.recv(4096)
        except socket.timeout:
            got = b"(still open)"
        except ConnectionError:
            got = b""
    ok("stranger: TCP is closed unanswered", got == b"", f"got {got[:40]!r}")


def tcp(p, args):
    """Connections that stall; returned so that they stay open."""
    held = []

    def connect():
        c = socket.create_connection(args.target, 3, (p.host, 0))
        held.append(c)
        return c

    whole = p.message("OPTIONS", via=f"SIP/2.0/TCP {p.local};"
                      "branch=z9hG4bKt1")
    c = connect()
    for i in range(0, len(whole), 50):
        c.sendall(whole[i:i + 50])
        time.sleep(0.01)
    c.settimeout(3)
    try:
        got = c.recv(4096)
    except socket.timeout:
        got = b""
    ok("TCP in small pieces", got.startswith(b"SIP/2.0 "), f"got {got[:20]!r}")
    c = connect()
    c.sendall(p.message(length="200000", via=f"SIP/2.0/TCP {p.local};"
                        "branch=z9hG4bKt2"))
    try:
        for _ in range(200):
            c.sendall(b"x" * 1000)
        c.settimeout(3)
        got = c.recv(4096)
    except (socket.timeout, ConnectionError):
        got = b""
    ok("TCP of 200 kB is refused", got == b"" or b" 413 " in got[:20],
       f"got {got[:30]!r}")
    held_rest.append(whole[len(whole) // 2:])
    for data in (whole[:40], whole[:len(whole) // 2], b"\r\n\r\n",
                 b"INVITE", b"\0" * 500, whole + whole[:30]):
        connect().sendall(data)
    for _ in range(20):
        connect()
    c = connect()
    c.sendall(whole[:100])
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                 struct.pack("ii", 1, 0))
    c.close()
    held.remove(c)
    ok("stalled TCP connections opened", True)
    return held


def half_is_forgotten(held):
    """Half a message that stood still for 30 s is no longer waited for."""
    c, rest = held[3], held_rest[0]
    try:
        c.sendall(rest)
        c.settimeout(1)
        got = c.recv(1000)
    except (socket.timeout, ConnectionError):
        got = b""
    ok("half a TCP message is forgotten in time", b" 200 " not in got[:20],
       f"{got[:40]!r}")


def answer_byes(p, seconds):
    """What a peer does that is not dead: 200 to every request."""
    byes = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        text = p.recv(min(1, end - time.monotonic()))
        if not text or text.startswith("SIP/2.0"):
            continue
        byes += text.startswith("BYE")
        lines = text.split("\r\n")
        keep = [x for x in lines[1:] if x.split(":")[0] in
                ("Via", "From", "To", "Call-ID", "CSeq")]
        p.send(("SIP/2.0 200 OK\r\n" + "\r\n".join(keep) +
                "\r\nContent-Length: 0\r\n\r\n").encode())
    return byes


def still_works(p):
    drain(p)
    expect(p, "afterwards: OPTIONS", p.message("OPTIONS"), [200])
    invite = p.message()
    got = p.final(invite)
    ok("afterwards: INVITE", got == 200, f"answered {got}")
    if got != 200:
        return
    to = [x for x in p.last.split("\r\n") if x.startswith("To:")][0][4:]
    head = invite.decode().split("\r\n")
    from_ = [x for x in head if x.startswith("From:")][0][6:]
    call_id = p.call_id
    p.send(p.message("ACK", to=to, from_=from_, call_id=call_id,
                     cseq="1 ACK"))
    got = p.final(p.message("BYE", to=to, from_=from_, call_id=call_id,
                            cseq="2 BYE"), call_id)
    ok("afterwards: BYE", got == 200, f"answered {got}")


def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--target", type=address, required=True)
    ap.add_argument("--local", type=address, required=True)
    ap.add_argument("--stranger", default="127.0.0.2")
    ap.add_argument("--wait", type=float, default=60)
    ap.add_argument("--pid", type=int)
    args = ap.parse_args()
    p = Peer(args.target, args.local)
    bad_sdp(p)
    bad_bodies(p)
    bad_contacts(p)
    never_acknowledged(p)
    begun = time.monotonic()
    held = tcp(p, args)
    odd_uris(p)
    short_branches(p)
    lengths(p)
    odd_requests(p)
    stray_responses(p)
    stun(p)
    strangers(args)
    garbage(p)
    left = args.wait - (time.monotonic() - begun)
    print(f"# waiting {left:.0f} s for what comes late", flush=True)
    byes = answer_byes(p, left)
    if args.wait >= 45:
        ok("unacknowledged calls were given up by BYE", byes >= 4,
           f"{byes} BYEs")
        half_is_forgotten(held)
    still_works(p)
    if args.pid:
        try:
            os.kill(args.pid, 0)
            ok("the process lives", True)
        except OSError:
            ok("the process lives", False, "gone")
    print(f"# sip_hostile.py: {passed} passed, {failed} failed")
    sys.exit(failed != 0)


main()
