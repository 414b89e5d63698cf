#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A SIP phone that takes a call and then says nothing more: no answer to
BYE or CANCEL, no RTP.

  mute_phone.py PORT ring|answer
"""
import re
import socket
import sys

port, mode = int(sys.argv[1]), sys.argv[2]
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("127.0.0.1", port))
print("ready", flush=True)

SDP = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
       "t=0 0\r\nm=audio 9 RTP/AVP 0\r\n")


def reply(text, peer, status, body=""):
    def copies(name):
        return re.findall(rf"^{name}:\s*(.*)\r$", text, re.M | re.I)

    to = copies("To")[0]
    if "tag=" not in to:
        to += ";tag=mute"
    lines = [f"SIP/2.0 {status}"] + [f"Via: {v}" for v in copies("Via")]
    lines += [f"From: {copies('From')[0]}", f"To: {to}",
              f"Call-ID: {copies('Call-ID')[0]}",
              f"CSeq: {copies('CSeq')[0]}",
              f"Contact: <sip:mute@127.0.0.1:{port}>"]
    if body:
        lines.append("Content-Type: application/sdp")
    lines.append(f"Content-Length: {len(body)}")
    sock.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), peer)


while True:
    data, peer = sock.recvfrom(65536)
    text = data.decode(errors="replace")
    method = text.split(" ", 1)[0]
    if method == "OPTIONS":
        reply(text, peer, "200 OK")
    elif method == "INVITE":
        reply(text, peer, "180 Ringing")
        if mode == "answer":
            reply(text, peer, "200 OK", SDP)
