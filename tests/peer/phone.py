#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A small SIP phone for the demo and the tests, with nothing of ours inside.

It places or awaits one call over UDP, plays a WAV file as PCMU or PCMA,
sends digits (RFC 4733) and comfort noise (RFC 3389), and writes down every
RTP packet that it sends and receives with its time, so that two phones on
one host can be compared packet by packet.

  phone.py answer --port 5070 --play b.wav --report b.json
  phone.py call 127.0.0.1:5060 +14089529999 --from +14085551000 ...

The report is one JSON object; the exit code is 0 when the call ended as
--expect says (bye-sent, bye-received, cancelled, status-486, ...).
"""
import argparse
import hashlib
import json
import os
import random
import select
import signal
import socket
import struct
import sys
import time
import wave


def linear_to_ulaw(sample):
    sign = 0x80 if sample < 0 else 0
    value = min(abs(sample), 32635) + 0x84
    exponent = max(value.bit_length() - 8, 0)
    mantissa = (value >> (exponent + 3)) & 0x0F
    return ~(sign | (exponent << 4) | mantissa) & 0xFF


def linear_to_alaw(sample):
    sign = 0x80 if sample >= 0 else 0
    value = min(sample if sample >= 0 else -sample - 1, 32767) >> 3
    if value >= 32:
        exponent = value.bit_length() - 5
        code = (exponent << 4) | ((value >> exponent) & 0x0F)
    else:
        code = value >> 1
    return (sign | code) ^ 0x55


def ulaw_to_linear(code):
    code = ~code & 0xFF
    value = (((code & 0x0F) << 3) + 0x84) << ((code >> 4) & 7)
    return 0x84 - value if code & 0x80 else value - 0x84


def alaw_to_linear(code):
    code ^= 0x55
    value, exponent = (code & 0x0F) << 4, (code >> 4) & 7
    value = value + 8 if exponent == 0 else (value + 0x108) << (exponent - 1)
    return value if code & 0x80 else -value


ENCODE = {0: linear_to_ulaw, 8: linear_to_alaw}
DECODE = {0: [ulaw_to_linear(c) for c in range(256)],
          8: [alaw_to_linear(c) for c in range(256)]}
DIGITS = "0123456789*#ABCD"
NAMES = {0: "PCMU", 8: "PCMA"}
SHORT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact",
         "c": "content-type", "l": "content-length"}


def load_wav(path, pt):
    """The file's 8 kHz mono samples as G.711 octets."""
    with wave.open(path) as f:
        if (f.getframerate(), f.getnchannels(), f.getsampwidth()) != (8000, 1, 2):
            sys.exit(f"{path}: 8 kHz, mono, 16 bit is needed")
        pcm = f.readframes(f.getnframes())
    cache, encode = {}, ENCODE[pt]
    out = bytearray()
    for (s,) in struct.iter_unpack("<h", pcm):
        if s not in cache:
            cache[s] = encode(s)
        out.append(cache[s])
    return bytes(out)


class Message:
    def __init__(self, data):
        head, _, self.body = data.decode("utf-8", "replace").partition("\r\n\r\n")
        lines = head.split("\r\n")
        self.start = lines[0]
        self.fields = []
        for line in lines[1:]:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            self.fields.append((SHORT.get(name, name), value.strip()))

    def get(self, name):
        return next((v for k, v in self.fields if k == name), None)

    def all(self, name):
        return [v for k, v in self.fields if k == name]

    @property
    def status(self):
        return int(self.start.split()[1]) if self.start.startswith("SIP/") else 0

    @property
    def method(self):
        return "" if self.status else self.start.split()[0]


def tag(value):
    for part in (value or "").split(";"):
        if part.strip().startswith("tag="):
            return part.strip()[4:]
    return None


def inside(value):
    return value[value.index("<") + 1:value.index(">")]


class Media:
    """The RTP side: paced by the clock, every packet written down."""

    def __init__(self, args):
        self.args = args
        self.sock, self.rtcp = self.bind_pair(args)
        self.remote = None
        self.pt = args.codec[0]
        self.event_pt = 101
        self.sent, self.received = [], []
        self.ssrc = random.getrandbits(32)
        self.seq = args.seq if args.seq is not None else random.getrandbits(15)
        self.base_ts = random.getrandbits(31)
        self.plan = []
        self.started = None
        self.rtcp_count = 0

    @staticmethod
    def bind_pair(args):
        for _ in range(100):
            rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            rtcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            rtp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            try:
                rtp.bind((args.host, args.rtp))
                port = rtp.getsockname()[1]
                if port % 2 == 0:
                    rtcp.bind((args.host, port + 1))
                    rtp.setblocking(False)
                    rtcp.setblocking(False)
                    return rtp, rtcp
            except OSError:
                if args.rtp:
                    raise
            rtp.close()
            rtcp.close()
        sys.exit("no free pair of RTP ports")

    def port(self):
        return self.sock.getsockname()[1]

    def start(self, now):
        """Lay out what is sent: speech, then digits, then comfort noise."""
        if self.started is not None or self.remote is None:
            return
        self.started = now
        if self.args.silent:
            return
        octets, step, at = b"", 160, 0
        if self.args.play:
            octets = load_wav(self.args.play, self.pt)
            self.started = time.monotonic()
            if self.args.seconds:
                want = int(self.args.seconds * 8000)
                octets = (octets * (want // max(len(octets), 1) + 1))[:want]
        for i in range(0, len(octets) - step + 1, step):
            self.plan.append((at, self.pt, i == 0, at, octets[i:i + step]))
            at += step
        for digit in self.args.dtmf or "":
            code, begun, total = DIGITS.index(digit), at, self.args.dtmf_ms * 8
            for n in range(step, total + 1, step):
                self.plan.append((at, self.event_pt, n == step, begun,
                                  struct.pack("!BBH", code, 10, n)))
                at += step
            for _ in range(3):
                self.plan.append((at - step + 1, self.event_pt, False, begun,
                                  struct.pack("!BBH", code, 0x8A, total)))
            at += 800
        for _ in range(self.args.cn):
            self.plan.append((at, 13, False, at, b"\x40"))
            at += 1600
        self.plan.reverse()

    def done(self):
        return self.started is not None and not self.plan

    def next_time(self):
        if not self.plan or self.started is None:
            return None
        return self.started + self.plan[-1][0] / 8000

    def send_due(self, now):
        while self.plan and self.started + self.plan[-1][0] / 8000 <= now:
            _, pt, marker, ts, payload = self.plan.pop()
            head = struct.pack("!BBHII", 0x80, pt | (0x80 if marker else 0),
                               self.seq & 0xFFFF,
                               (self.base_ts + ts) & 0xFFFFFFFF, self.ssrc)
            at = time.monotonic()
            try:
                self.sock.sendto(head + payload, self.remote)
            except OSError:
                pass
            self.sent.append((at, self.seq & 0xFFFF, pt, ts, payload.hex(),
                              int(marker)))
            if self.args.hostile:
                self.send_junk(head + payload)
            self.seq += 1

    def send_junk(self, packet):
        """What a broken phone sends beside its speech, from the same port."""
        n = len(self.sent)
        unknown = bytes([0x80, 60 + n % 10]) + packet[2:]
        for junk in (unknown, packet, packet[:11], b"\x00" + packet[1:],
                     b"\xbf" + packet[1:], os.urandom(1 + n % 50)[:11],
                     b"\x80\xc8\xff\xff" + packet[4:20]):
            try:
                self.sock.sendto(junk, self.remote)
            except OSError:
                pass

    def receive(self):
        while True:
            try:
                data, source = self.sock.recvfrom(2048)
            except OSError:
                return
            at = time.monotonic()
            if len(data) < 12 or data[0] >> 6 != 2:
                continue
            _, mpt, seq, ts, ssrc = struct.unpack("!BBHII", data[:12])
            self.received.append((at, seq, mpt & 0x7F, ts, data[12:].hex(),
                                  mpt >> 7, ssrc, source[0], source[1]))

    def receive_rtcp(self):
        try:
            while self.rtcp.recvfrom(2048):
                self.rtcp_count += 1
        except OSError:
            pass


class Phone:
    def __init__(self, args):
        self.args = args
        self.sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sip.bind((args.host, args.port))
        self.sip.setblocking(False)
        self.port = self.sip.getsockname()[1]
        self.media = Media(args)
        self.log = []               # (time, in or out, start line)
        self.state = "idle"
        self.result = {}
        self.times = {}
        self.peer = None
        self.tag = "%08x" % random.getrandbits(32)
        self.remote_tag = None
        self.call_id = None
        self.cseq = random.randint(1, 1000)
        self.invite = None
        self.target = None
        self.routes = []
        self.replies = {}           # CSeq to reply, for repeats
        self.timers = []
        self.ended = None
        self.offers = 0             # version of our o= line
        self.held = False

    # -- bookkeeping --

    def send(self, data, to=None):
        start = data.split(b"\r\n", 1)[0].decode()
        self.log.append((time.monotonic(), "out", start))
        self.sip.sendto(data, to or self.peer)

    def after(self, delay, fn, *rest):
        self.timers.append((time.monotonic() + delay, fn, rest))

    def finish(self, how):
        if self.ended is None:
            self.ended = how
            self.times["end"] = time.monotonic()

    # -- building --

    def sdp(self):
        codecs = self.args.codec
        host = self.args.advertise or self.args.host
        lines = ["v=0", f"o=phone 1 {1 + self.offers} IN IP4 {host}", "s=-",
                 f"c=IN IP4 {host}", "t=0 0",
                 f"m=audio {self.media.port()} RTP/AVP "
                 + " ".join(map(str, codecs)) + " 101 13"]
        lines += [f"a=rtpmap:{pt} {NAMES[pt]}/8000" for pt in codecs]
        lines += ["a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15",
                  "a=rtpmap:13 CN/8000", "a=ptime:20",
                  "a=sendonly" if self.held else "a=sendrecv"]
        return "\r\n".join(lines) + "\r\n"

    def take_sdp(self, body):
        host = port = None
        for line in body.replace("\r", "").split("\n"):
            if line.startswith("c=IN IP4 "):
                host = line[9:].strip()
            elif line.startswith("m=audio ") and port is None:
                parts = line.split()
                port = int(parts[1])
                common = [int(p) for p in parts[3:]
                          if p.isdigit() and int(p) in self.args.codec]
                self.result["formats"] = parts[3:]
                if common:
                    self.media.pt = common[0]
            elif line.startswith("a=rtpmap:") and "telephone-event" in line:
                self.media.event_pt = int(line[9:].split()[0])
        if host and port:
            self.media.remote = (host, port)
            self.result["remote_rtp"] = f"{host}:{port}"

    def contact(self):
        return f"Contact: <sip:{self.args.user}@{self.args.host}:{self.port}>"

    @staticmethod
    def assemble(lines, body):
        if body:
            lines.append("Content-Type: application/sdp")
        lines.append(f"Content-Length: {len(body)}")
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()

    def request(self, method, cseq, body="", extra=(), branch=None):
        to = f"<{self.uri}>"
        if self.remote_tag and method != "CANCEL":
            to += f";tag={self.remote_tag}"
        branch = branch or "z9hG4bK%016x" % random.getrandbits(64)
        lines = [f"{method} {self.target or self.uri} SIP/2.0",
                 f"Via: SIP/2.0/UDP {self.args.host}:{self.port};rport"
                 f";branch={branch}",
                 f"Max-Forwards: {self.args.max_forwards}",
                 f"From: <{self.local}>;tag={self.tag}", f"To: {to}",
                 f"Call-ID: {self.call_id}", f"CSeq: {cseq} {method}",
                 self.contact(), "Supported: replaces, timer"]
        lines += [f"Route: {r}" for r in self.routes] + list(extra)
        return self.assemble(lines, body)

    def respond(self, msg, status, phrase, body="", to=None):
        to_field = msg.get("to")
        if status > 100 and not tag(to_field):
            to_field += f";tag={self.tag}"
        lines = [f"SIP/2.0 {status} {phrase}"]
        lines += [f"Via: {v}" for v in msg.all("via")]
        lines += [f"Record-Route: {v}" for v in msg.all("record-route")]
        lines += [f"From: {msg.get('from')}", f"To: {to_field}",
                  f"Call-ID: {msg.get('call-id')}", f"CSeq: {msg.get('cseq')}",
                  self.contact(),
                  "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE"]
        data = self.assemble(lines, body)
        if msg.get("call-id") == self.call_id:
            self.replies[msg.get("cseq")] = data
        self.send(data, to)

    # -- the caller --

    def call(self):
        host, _, port = self.args.gateway.partition(":")
        self.peer = (host, int(port or 5060))
        self.uri = f"sip:{self.args.number}@{self.args.gateway}"
        self.local = f"sip:{self.args.user}@{self.args.host}:{self.port}"
        self.call_id = "%016x@phone" % random.getrandbits(64)
        self.branch = "z9hG4bK%016x" % random.getrandbits(64)
        data = self.request("INVITE", self.cseq,
                            "" if self.args.late_offer else self.sdp(),
                            self.args.header, self.branch)
        self.times["invite"] = time.monotonic()
        self.state = "calling"
        self.send(data)
        self.after(0.5, self.call_again, data, 0.5)
        if self.args.cancel_after is not None:
            self.after(self.args.cancel_after, self.cancel)

    def call_again(self, data, delay):
        if self.state == "calling" and delay < 8:
            self.send(data)
            self.after(delay * 2, self.call_again, data, delay * 2)

    def cancel(self):
        if self.state in ("calling", "proceeding"):
            self.send(self.request("CANCEL", self.cseq, branch=self.branch))

    def on_invite_reply(self, msg):
        if msg.status >= 200 and self.state not in ("calling", "proceeding"):
            self.send(self.request("ACK", self.cseq))   # a repeated 200
            return
        self.times.setdefault(str(msg.status), time.monotonic())
        self.result.setdefault("statuses", []).append(msg.status)
        if msg.status < 200:
            self.state = "proceeding"
            if msg.body and msg.status > 100:
                self.take_sdp(msg.body)
                self.result["early_sdp"] = True
                self.media.start(time.monotonic())
            return
        self.remote_tag = tag(msg.get("to"))
        self.result["reason"] = msg.all("reason")
        if msg.status >= 300:
            self.result["retry_after"] = msg.get("retry-after")
            self.send(self.request("ACK", self.cseq, branch=self.branch))
            self.finish(f"status-{msg.status}")
            return
        self.target = inside(msg.get("contact"))
        self.routes = list(reversed(msg.all("record-route")))
        if msg.body:
            self.take_sdp(msg.body)
        self.send(self.request("ACK", self.cseq,
                               self.sdp() if self.args.late_offer else ""))
        self.established()

    def established(self):
        now = time.monotonic()
        self.state = "talking"
        self.times["established"] = now
        self.media.start(now)
        if self.args.hangup_after is not None:
            self.after(self.args.hangup_after, self.bye)
        if self.args.reinvite_after is not None:
            self.after(self.args.reinvite_after, self.reinvite)

    def bye(self):
        if self.state != "talking":
            return
        self.state = "leaving"
        self.cseq += 1
        data = self.request("BYE", self.cseq)
        self.times["bye"] = time.monotonic()
        self.send(data)
        self.after(0.5, self.bye_again, data, 0.5)
        self.after(5, self.finish, "bye-unanswered")

    def bye_again(self, data, delay):
        if self.state == "leaving" and delay < 4 and not self.ended:
            self.send(data)
            self.after(delay * 2, self.bye_again, data, delay * 2)

    def reinvite(self):
        if self.state != "talking":
            return
        self.cseq += 1
        if self.args.reinvite == "hold":
            self.offers += 1
            self.held = True
        self.branch = "z9hG4bK%016x" % random.getrandbits(64)
        self.send(self.request("INVITE", self.cseq, self.sdp(),
                               branch=self.branch))

    # -- the callee --

    def on_request(self, msg, source):
        if msg.get("call-id") == self.call_id and msg.method != "ACK" \
                and msg.get("cseq") in self.replies:
            self.send(self.replies[msg.get("cseq")], source)
        elif msg.method == "OPTIONS":
            self.respond(msg, 200, "OK", to=source)
        elif msg.method == "INVITE":
            self.on_invite(msg, source)
        elif msg.method == "ACK":
            self.on_ack(msg)
        elif msg.method == "CANCEL":
            self.respond(msg, 200, "OK")
            if self.state == "ringing":
                self.result["reason"] = msg.all("reason")
                self.respond(self.invite, 487, "Request Terminated")
                self.state = "cancelled"
                self.after(1, self.finish, "cancelled")
        elif msg.method == "BYE":
            self.result["reason"] = msg.all("reason")
            self.respond(msg, 200, "OK")
            self.times["bye"] = time.monotonic()
            self.after(0.3, self.finish, "bye-received")
        elif msg.method == "UPDATE":
            self.respond(msg, 200, "OK", self.sdp() if msg.body else "")
        else:
            self.respond(msg, 501, "Not Implemented")

    def on_invite(self, msg, source):
        if self.state == "talking" and msg.get("call-id") == self.call_id:
            self.result.setdefault("reinvite_in", []).append(msg.body)
            self.respond(msg, 200, "OK", self.sdp())
            return
        if self.state != "idle":
            self.respond(msg, 486, "Busy Here", to=source)
            return
        self.peer, self.invite, self.state = source, msg, "ringing"
        self.call_id = msg.get("call-id")
        self.remote_tag = tag(msg.get("from"))
        self.target = inside(msg.get("contact"))
        self.routes = msg.all("record-route")
        self.uri = inside(msg.get("from"))
        self.local = inside(msg.get("to"))
        self.times["invite"] = time.monotonic()
        self.result.update(
            request_uri=msg.start.split()[1], caller=self.uri,
            headers=dict(msg.fields), offer=msg.body)
        if msg.body:
            self.take_sdp(msg.body)
        self.respond(msg, 100, "Trying")
        if self.args.status:
            if self.args.ring:
                self.respond(msg, 180, "Ringing")
            self.after(self.args.ring, self.refuse)
            return
        if self.args.early:
            self.respond(msg, 183, "Session Progress", self.sdp())
            self.media.start(time.monotonic())
        else:
            self.respond(msg, 180, "Ringing")
        if not self.args.never_answer:
            self.after(self.args.ring, self.answer)

    def refuse(self):
        if self.state == "ringing":
            self.state = "refused"
            self.respond(self.invite, self.args.status, "Refused")

    def answer(self):
        if self.state != "ringing":
            return
        self.state = "answered"
        self.times["200"] = time.monotonic()
        self.respond(self.invite, 200, "OK", self.sdp())
        self.after(0.5, self.answer_again, 0.5)

    def answer_again(self, delay):
        if self.state == "answered" and delay < 8:
            self.send(self.replies[self.invite.get("cseq")])
            self.after(delay * 2, self.answer_again, delay * 2)

    def on_ack(self, msg):
        if self.state == "refused":
            self.finish(f"refused-{self.args.status}")
        elif self.state == "cancelled":
            self.finish("cancelled")
        elif self.state == "answered":
            if msg.body:
                self.take_sdp(msg.body)
            self.established()

    # -- both --

    def on_message(self, data, source):
        if len(data) < 20:
            return
        msg = Message(data)
        self.log.append((time.monotonic(), "in", msg.start))
        if not msg.status:
            self.on_request(msg, source)
            return
        method = (msg.get("cseq") or "0 ?").split()[1]
        if method == "INVITE" and "established" in self.times \
                and int(msg.get("cseq").split()[0]) == self.cseq \
                and self.args.reinvite_after is not None:
            if msg.status >= 200:
                self.result.setdefault("reinvite_out", []).append(msg.status)
                self.result["reinvite_body"] = msg.body
                # The ACK of a refusal belongs to the INVITE's transaction.
                self.send(self.request("ACK", self.cseq, branch=self.branch
                                       if msg.status >= 300 else None))
        elif method == "INVITE":
            self.on_invite_reply(msg)
        elif method == "BYE" and msg.status >= 200:
            self.result["bye_status"] = msg.status
            self.finish("bye-sent")

    def run(self):
        end = time.monotonic() + self.args.limit
        hangup_at = None
        print(f"ready {self.port}", flush=True)
        if self.args.command == "call":
            self.call()
        while self.ended is None and time.monotonic() < end:
            now = time.monotonic()
            due = [t for t in self.timers if t[0] <= now]
            self.timers = [t for t in self.timers if t[0] > now]
            for _, fn, rest in due:
                fn(*rest)
            self.media.send_due(now)
            if self.args.hangup_when_done and self.state == "talking" \
                    and self.media.done() and hangup_at is None:
                hangup_at = now + self.args.tail
            if hangup_at and now >= hangup_at:
                self.bye()
            waits = [end] + [t[0] for t in self.timers]
            waits += [t for t in (hangup_at, self.media.next_time())
                      if t and t > now]
            if self.media.next_time():
                waits.append(self.media.next_time())
            if self.ended is not None:
                break
            ready, _, _ = select.select(
                [self.sip, self.media.sock, self.media.rtcp], [], [],
                max(0, min(waits) - time.monotonic()))
            if self.media.sock in ready:
                self.media.receive()
            if self.media.rtcp in ready:
                self.media.receive_rtcp()
            if self.sip in ready:
                try:
                    self.on_message(*self.sip.recvfrom(65536))
                except OSError:
                    pass
        self.finish("time-limit")
        return self.report()

    def report(self):
        m = self.media
        out = dict(self.result)
        out.update(
            ended=self.ended, port=self.port, rtp=m.port(), times=self.times,
            log=self.log, call_id=self.call_id, sent=m.sent,
            received=m.received, rtcp=m.rtcp_count,
            ssrcs=sorted({r[6] for r in m.received}),
            sources=sorted({f"{r[7]}:{r[8]}" for r in m.received}),
            digits=digits_of(m.received), digits_sent=digits_of(m.sent),
            cn=sum(1 for r in m.received if r[2] == 13),
            audio_sha=audio_hash(m.received), audio_sent_sha=audio_hash(m.sent))
        if self.args.report:
            with open(self.args.report, "w") as f:
                json.dump(out, f)
        if self.args.record:
            self.write_wav(self.args.record)
        return out

    def write_wav(self, path):
        """What was heard, placed by RTP timestamp."""
        with wave.open(path, "w") as f:
            f.setnchannels(1)
            f.setsampwidth(2)
            f.setframerate(8000)
            audio = [r for r in self.media.received if r[2] in (0, 8)]
            if not audio:
                return
            first = audio[0][3]
            spans = {(r[3] - first) & 0xFFFFFFFF: r for r in audio}
            spans = {k: v for k, v in spans.items() if k < 8000 * 600}
            pcm = [0] * (max(spans) + 240)
            for at, r in spans.items():
                for i, c in enumerate(bytes.fromhex(r[4])[:240]):
                    pcm[at + i] = DECODE[r[2]][c]
            f.writeframes(struct.pack(f"<{len(pcm)}h", *pcm))


def digits_of(packets):
    """Each event once: digit, duration in ms, end packets."""
    out, last = [], None
    for p in packets:
        if p[2] not in (96, 97, 101) or len(p[4]) != 8:
            continue
        code, flags, duration = struct.unpack("!BBH", bytes.fromhex(p[4]))
        if last != (p[3], code):
            last = (p[3], code)
            out.append({"digit": DIGITS[code & 15], "ms": 0, "ends": 0})
        out[-1]["ms"] = max(out[-1]["ms"], duration // 8)
        out[-1]["ends"] += flags >> 7
    return out


def audio_hash(packets):
    """SHA-256 over the speech payloads in the order of their timestamps."""
    audio = {}
    for p in packets:
        if p[2] in (0, 8):
            audio.setdefault(p[3], p[4])
    if not audio:
        return None
    base = next(iter(audio))
    keys = sorted(audio, key=lambda k: (k - base + (1 << 31)) & 0xFFFFFFFF)
    joined = "".join(audio[k] for k in keys)
    return hashlib.sha256(bytes.fromhex(joined)).hexdigest()


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("command", choices=["call", "answer"])
    p.add_argument("gateway", nargs="?", help="host:port to call")
    p.add_argument("number", nargs="?")
    p.add_argument("--host", default="127.0.0.1")
    p.add_argument("--advertise", help="address in SDP")
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--rtp", type=int, default=0)
    p.add_argument("--from", dest="user", default="+14085551000")
    p.add_argument("--codec", default="PCMU", help="PCMU, PCMA or both")
    p.add_argument("--play", help="8 kHz mono WAV")
    p.add_argument("--seconds", type=float, help="of the WAV, repeated")
    p.add_argument("--silent", action="store_true", help="send no RTP")
    p.add_argument("--dtmf", help="digits after the speech")
    p.add_argument("--dtmf-ms", type=int, default=100)
    p.add_argument("--cn", type=int, default=0, help="comfort noise packets")
    p.add_argument("--seq", type=int, help="first RTP sequence number")
    p.add_argument("--hostile", action="store_true",
                   help="broken packets between the good ones")
    p.add_argument("--record", help="WAV of what was heard")
    p.add_argument("--report", help="JSON of everything")
    p.add_argument("--ring", type=float, default=0.4, help="seconds")
    p.add_argument("--early", action="store_true", help="183 with SDP")
    p.add_argument("--status", type=int, help="refuse with this status")
    p.add_argument("--never-answer", action="store_true")
    p.add_argument("--late-offer", action="store_true")
    p.add_argument("--cancel-after", type=float)
    p.add_argument("--hangup-after", type=float)
    p.add_argument("--hangup-when-done", action="store_true")
    p.add_argument("--tail", type=float, default=0.5)
    p.add_argument("--reinvite-after", type=float)
    p.add_argument("--reinvite", choices=["same", "hold"], default="same")
    p.add_argument("--header", action="append", default=[])
    p.add_argument("--max-forwards", type=int, default=70)
    p.add_argument("--expect", help="how the call shall end")
    p.add_argument("--limit", type=float, default=60)
    args = p.parse_args()
    if args.command == "call" and not args.number:
        p.error("call needs host:port and a number")
    args.codec = [{"PCMU": 0, "PCMA": 8}[c] for c in args.codec.split(",")]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
    out = Phone(args).run()
    if args.expect and out["ended"] != args.expect:
        print(f"expected {args.expect}, ended {out['ended']}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
