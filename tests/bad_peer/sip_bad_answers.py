#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A callee whose answers are hostile; the user part of the URI says how.

    sip_bad_answers.py HOST:PORT
"""
import re
import socket
import sys

SDP = ("v=0\r\no=a 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
       "t=0 0\r\nm=audio 6000 RTP/AVP 0\r\n")
host, port = sys.argv[1].rsplit(":", 1)
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind((host, int(port)))


def field(text, name):
    return re.search(rf"^{name}:\s*(.*?)\r$", text, re.M | re.I).group(1)


def reply(text, status, contact=f"<sip:x@{host}:{port}>", headers=(),
          body="", tag="bad"):
    to = field(text, "To")
    if tag and "tag=" not in to:
        to += f";tag={tag}"
    out = [f"SIP/2.0 {status}", f"Via: {field(text, 'Via')}",
           f"From: {field(text, 'From')}", f"To: {to}",
           f"Call-ID: {field(text, 'Call-ID')}",
           f"CSeq: {field(text, 'CSeq')}"]
    if contact:
        out.append(f"Contact: {contact}")
    out += headers
    if body:
        out.append("Content-Type: application/sdp")
    out.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(out) + "\r\n\r\n" + body).encode()


def challenge(text):
    return [reply(text, "401 Unauthorized", headers=[
        'WWW-Authenticate: Digest realm="r",nonce="n",algorithm=SHA-256',
        'WWW-Authenticate: Digest realm="r",nonce="n",algorithm=MD5'])]


answers = {
    "sha256": challenge,
    "isbn-200": lambda t: [reply(t, "200 OK", "<isbn:1>", body=SDP)],
    "isbn-route": lambda t: [reply(t, "200 OK", body=SDP, headers=[
        "Record-Route: <isbn:1>"]), reply(t, "603 Decline")],
    "no-sdp": lambda t: [reply(t, "200 OK")],
    "two-contacts": lambda t: [reply(
        t, "200 OK", f"<sip:a@{host}:{port}>, <sip:b@{host}:{port}>",
        body=SDP)],
    "no-tag": lambda t: [reply(t, "200 OK", body=SDP, tag=None),
                         reply(t, "603 Decline")],
    "huge": lambda t: [reply(t, "183 Progress", body=SDP +
                             "a=" + "x" * 50000),
                       reply(t, "200 OK", body=SDP + "m=audio 9 RTP/AVP 0\r\n"
                             * 500)],
    "garbage": lambda t: [b"SIP/2.0 200", b"SIP/2.0 200 OK\r\n\r\n",
                          reply(t, "200 OK")[:200], reply(t, "999 Odd"),
                          reply(t, "603 Decline")],
    "late-180": lambda t: [reply(t, "200 OK", body=SDP),
                           reply(t, "180 Ringing"),
                           reply(t, "183 Progress", body=SDP)],
    "many-200": lambda t: [reply(t, "200 OK", body=SDP, tag=f"t{i}")
                           for i in range(20)],
    "early-isbn": lambda t: [
        reply(t, "183 Progress", "<isbn:1>", body=SDP,
              headers=["Require: 100rel", "RSeq: 1"]),
        reply(t, "183 Progress", "<tel:1>", body=SDP,
              headers=["Require: 100rel", "RSeq: 4294967295"]),
        reply(t, "603 Decline")],
}
seen = set()

while True:
    data, peer = sock.recvfrom(65536)
    text = data.decode("latin-1")
    if text.startswith("INVITE"):
        kind = re.match(r"INVITE sip:([^@]*)@", text).group(1)
        key = field(text, "Via")
        if key in seen:
            continue
        seen.add(key)
        for answer in answers[kind](text):
            sock.sendto(answer, peer)
    elif not text.startswith(("SIP/2.0", "ACK")):
        sock.sendto(reply(text, "200 OK"), peer)
