# SPDX-License-Identifier: MIT
"""A RIPT client made of pycurl (HTTP/3) and openssl, nothing of ours.

Needs Debian's own python3 with python3-pycurl over libcurl3-gnutls 8.14.

  lab = Lab("b/lab.json")
  ript = Client(lab)
  reply = ript.request("GET", lab.tg)
  call = Call(ript, reply.json()["uri"])   # both event streams held open
"""
import base64
import hashlib
import json
import pathlib
import subprocess
import tempfile
import time
import urllib.parse

import pycurl

HTTP3_ONLY = 31


class Lab:
    """lab.json of `riptide init --lab`."""

    def __init__(self, path):
        self.data = json.loads(pathlib.Path(path).read_text())
        self.authority = self.data["authority"]
        self.address = self.data["address"]
        self.ca = self.data["ca"]
        self.token = self.data["token"]
        self.tg = self.data["tg"]
        self.stir = self.data["stir"]
        self.other = self.data["other"]

    def path(self, url):
        return urllib.parse.urlparse(url).path


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def problem(self):
        try:
            return self.json()["type"].rsplit("/", 1)[-1]
        except (ValueError, KeyError, TypeError):
            return None

    def __repr__(self):
        return f"{self.status} {self.body[:200]!r}"


class Transfer:
    """One request; its body may be fed bit by bit."""

    def __init__(self, client, method, url, headers=(), body=None,
                 streaming=False, token=True):
        self.client = client
        self.handle = c = pycurl.Curl()
        self.headers, self.data = [], bytearray()
        self.outgoing, self.closing = bytearray(), not streaming
        self.paused = self.done = False
        self.error = None
        self.status = 0
        fields = list(headers)
        if token:
            value = client.token if token is True else token
            fields.append(f"Authorization: Bearer {value}")
        c.setopt(c.URL, url)
        c.setopt(c.HTTP_VERSION, HTTP3_ONLY)
        c.setopt(c.CAINFO, client.lab.ca)
        host, port = client.lab.authority.rsplit(":", 1)
        at = client.lab.address.rsplit(":", 1)[0]
        c.setopt(c.RESOLVE, [f"{host}:{port}:{at}"])
        c.setopt(c.HEADERFUNCTION, self.on_header)
        c.setopt(c.WRITEFUNCTION, self.on_data)
        c.setopt(c.CONNECTTIMEOUT, 5)
        if method == "PUT":
            c.setopt(c.UPLOAD, 1)
            c.setopt(c.READFUNCTION, self.on_read)
            if not streaming:
                self.outgoing += body or b""
                c.setopt(c.INFILESIZE_LARGE, len(self.outgoing))
            else:
                c.setopt(c.INFILESIZE_LARGE, -1)
        elif method == "POST":
            c.setopt(c.POST, 1)
            c.setopt(c.POSTFIELDS, body or b"")
        elif method != "GET":
            c.setopt(c.CUSTOMREQUEST, method)
        if not any(f.lower().startswith("content-type") for f in fields):
            fields.append("Content-Type: application/json")
        fields.append("Expect:")
        c.setopt(c.HTTPHEADER, fields)
        client.add(self)

    def on_header(self, line):
        text = line.decode("latin-1").strip()
        if text.startswith("HTTP/"):
            self.status = int(text.split()[1])
            self.headers = []
        elif ":" in text:
            name, _, value = text.partition(":")
            self.headers.append((name.strip().lower(), value.strip()))

    def on_data(self, data):
        self.data += data

    def on_read(self, size):
        if self.outgoing:
            chunk = bytes(self.outgoing[:size])
            del self.outgoing[:size]
            return chunk
        if self.closing:
            return b""
        self.paused = True
        return pycurl.READFUNC_PAUSE

    def write(self, data):
        self.outgoing += data
        self.wake()

    def finish(self):
        self.closing = True
        self.wake()

    def wake(self):
        if self.paused and not self.done:
            self.paused = False
            self.handle.pause(pycurl.PAUSE_CONT)

    def reply(self):
        return Reply(self.status, dict(self.headers), bytes(self.data))


class Client:
    def __init__(self, lab, token=None):
        self.lab = lab
        self.token = token or lab.token
        self.multi = pycurl.CurlMulti()
        self.multi.setopt(pycurl.M_PIPELINING, 2)   # multiplex
        self.transfers = {}

    def add(self, transfer):
        self.transfers[transfer.handle] = transfer
        self.multi.add_handle(transfer.handle)

    def turn(self, seconds=0.02):
        self.multi.perform()
        while True:
            _, good, bad = self.multi.info_read()
            for handle in good:
                self.ended(handle, None)
            for handle, code, text in bad:
                self.ended(handle, (code, text))
            if not good and not bad:
                break
        self.multi.select(seconds)

    def ended(self, handle, error):
        transfer = self.transfers.pop(handle, None)
        if transfer:
            transfer.done, transfer.error = True, error
            self.multi.remove_handle(handle)

    def drop(self, transfer):
        """Give a transfer up (the stream is reset)."""
        if not transfer.done:
            self.ended(transfer.handle, (0, "dropped"))

    def until(self, condition, seconds=5):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                return False
            self.turn()
        return True

    def request(self, method, url, body=None, seconds=5, **kw):
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        t = Transfer(self, method, url, body=body, **kw)
        if not self.until(lambda: t.done, seconds):
            self.drop(t)
            raise TimeoutError(f"{method} {url}: no reply in {seconds} s")
        if t.error:
            raise ConnectionError(f"{method} {url}: {t.error}")
        return t.reply()


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def raw_signature(der):
    """ECDSA-Sig-Value to r || s."""
    def integer(at):
        size = der[at + 1]
        return der[at + 2:at + 2 + size].lstrip(b"\0").rjust(32, b"\0"), at + 2 + size
    r, at = integer(2 if der[1] < 0x80 else 3)
    s, _ = integer(at)
    return r + s


def passport(lab, orig, dest, iat=None, x5u=None, key=None, header=None,
             claims=None):
    """A compact JWS signed by the lab's STIR key with the openssl command."""
    head = {"alg": "ES256", "ppt": "shaken", "typ": "passport",
            "x5u": x5u or lab.stir["x5u"]}
    body = {"attest": "A", "dest": {"tn": [dest.lstrip("+")]},
            "iat": int(iat if iat is not None else time.time()),
            "orig": {"tn": orig.lstrip("+")},
            "origid": "123e4567-e89b-42d3-a456-426614174000"}
    head.update(header or {})
    body.update(claims or {})
    parts = [b64url(json.dumps(p, sort_keys=True, separators=(",", ":")).encode())
             for p in (head, body)]
    with tempfile.NamedTemporaryFile() as f:
        f.write(".".join(parts).encode())
        f.flush()
        der = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", key or lab.stir["key"],
             f.name], check=True, capture_output=True).stdout
    return ".".join(parts + [b64url(raw_signature(der))])


class Events:
    """Objects out of an unending JSON array, by brace depth."""

    def __init__(self, transfer):
        self.transfer, self.at = transfer, 0
        self.all = []

    def read(self):
        text = self.transfer.data.decode()
        decoder = json.JSONDecoder()
        while self.at < len(text):
            if text[self.at] in "[], \n\r\t":
                self.at += 1
                continue
            try:
                value, self.at = decoder.raw_decode(text, self.at)
            except ValueError:
                break
            self.all.append(value)
        return self.all

    def types(self):
        return [e["type"] for e in self.read()]


class Call:
    """Both signalling byways of a call, held open."""

    def __init__(self, client, uri):
        self.client, self.uri, self.seq = client, uri, 0
        self.put = Transfer(client, "PUT", uri + "/events", streaming=True)
        self.put.write(b"[\n")
        self.get = Transfer(client, "GET", uri + "/events")
        self.events = Events(self.get)

    def send(self, kind, **members):
        event = {"type": kind, "direction": "c2s", "call": self.uri,
                 "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
                 "seq": self.seq, "state": "answered"}
        event.update(members)
        text = json.dumps(event) + "\n"
        self.put.write((("," + "\n" if self.seq else "") + text).encode())
        self.seq += 1

    def wait(self, kind, seconds=5):
        return self.client.until(lambda: kind in self.events.types(), seconds)


# ---- chunks (profile section 1) ----

def varint(value):
    for size, prefix in ((1, 0), (2, 0x40), (4, 0x80), (8, 0xC0)):
        if value < 1 << (size * 8 - 2):
            out = bytearray(value.to_bytes(size, "big"))
            out[0] |= prefix
            return bytes(out)
    raise ValueError(value)


def read_varint(data, at):
    size = 1 << (data[at] >> 6)
    if at + size > len(data):
        raise ValueError("varint past the end")
    value = int.from_bytes(data[at:at + size], "big")
    return value & ((1 << (size * 8 - 2)) - 1), at + size


def integer(value):
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def tlvs(pairs):
    return b"".join(varint(tag) + varint(len(v)) + v for tag, v in pairs)


def record(envelope, package):
    env = tlvs(envelope)
    chunk = varint(len(env)) + env + tlvs(package)
    return varint(len(chunk)) + chunk


def media_record(seq, timestamp, pt, source, sink, payload, octets=8):
    return record([(1, seq.to_bytes(8, "big")[-octets:]),
                   (2, timestamp.to_bytes(8, "big")[-octets:]),
                   (3, integer(pt)), (6, integer(source)), (7, integer(sink))],
                  [(4, payload)])


def parse_records(body):
    """A list of (envelope, package), each a dict from tag to octets."""
    out, at = [], 0
    while at < len(body):
        size, at = read_varint(body, at)
        chunk, at = body[at:at + size], at + size
        env, start = read_varint(chunk, 0)
        parts = []
        for part in (chunk[start:start + env], chunk[start + env:]):
            fields, i = {}, 0
            while i < len(part):
                tag, i = read_varint(part, i)
                length, i = read_varint(part, i)
                fields[tag] = part[i:i + length]
                i += length
            parts.append(fields)
        out.append(tuple(parts))
    return out


def sha(data):
    return hashlib.sha256(data).hexdigest()
