#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Bad RTP and RTCP of every kind at one RTP port of a gateway.

  rtp_hostile.py KIND HOST:PORT COUNT

All of them come from a socket of our own, which the call never heard of:
KIND is one of
  stranger    good PCMU of a stranger
  empty       no octet, one octet, 11 octets
  version     RTP version 0, 1 and 3
  cut         CSRC list, extension or padding longer than the packet
  random      random octets of random lengths
  long        1500 to 9000 octets
  rtcp        every RTCP type with lengths that lie, to the odd port
"""
import os
import random
import socket
import struct
import sys
import time


def rtp(pt=0, seq=1, ts=0, ssrc=0xdeadbeef, first=0x80, payload=bytes(160)):
    return struct.pack("!BBHII", first, pt, seq & 0xffff, ts & 0xffffffff, ssrc) + payload


def stranger(i):
    return rtp(seq=i, ts=160 * i)


def empty(i):
    return [b"", b"\x80", rtp()[:11]][i % 3]


def version(i):
    return rtp(first=[0x00, 0x40, 0xc0][i % 3], seq=i)


def cut(i):
    return [rtp(first=0x8f, payload=bytes(8)),
            rtp(first=0x90, payload=b"\xbe\xde\xff\xff"),
            rtp(first=0x90, payload=b"\xbe"),
            rtp(first=0xa0, payload=b"\xff"),
            rtp(first=0xa0, payload=b"\x00")][i % 5]


def noise(i):
    return os.urandom(random.randint(1, 400))


def long(i):
    return rtp(seq=i, payload=bytes(random.randint(1500, 8900)))


def rtcp(i):
    pt = [200, 201, 202, 203, 204, 205, 206, 207, 0, 255][i % 10]
    count = random.randint(0, 31)
    words = random.choice([0, 1, 6, 7, 0xffff])
    return struct.pack("!BBH", 0x80 | count, pt, words) + os.urandom(random.randint(0, 60))


KINDS = {"stranger": stranger, "empty": empty, "version": version, "cut": cut,
         "random": noise, "long": long, "rtcp": rtcp}


def main():
    kind, target, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    host, port = target.rsplit(":", 1)
    port = int(port) + (kind == "rtcp")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for i in range(count):
            try:
                s.sendto(KINDS[kind](i), (host, port))
            except OSError:
                pass                # the port is closed: ICMP came back
            if i % 20 == 19:
                time.sleep(0.005)


if __name__ == "__main__":
    main()
