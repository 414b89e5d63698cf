#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Bad requests of every kind; each gets its defined answer.

  ript_hostile.py LAB.json DESTINATION ORIGIN VECTORS.json
"""
import json
import os
import pathlib
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "peer"))
from ript_peer import (Call, Client, Lab, Transfer, media_record,  # noqa: E402
                       passport)

failures = 0
shown = set()


def check(name, good, detail="", rows=()):
    global failures
    print(f"ok - ript_hostile: {name}" if good
          else f"not ok - ript_hostile: {name}: {detail}", flush=True)
    failures += not good
    path = os.environ.get("RIPTIDE_SHOWS")
    if good and path:
        with open(path, "a") as f:
            for row in rows:
                f.write(f"{row}\ttests/bad_peer/ript_hostile.py:{name.replace(' ', '-')}\n")
    return good


def expect(ript, name, status, problem, method, url, body=None, rows=(), **kw):
    try:
        r = ript.request(method, url, body, **kw)
    except (ConnectionError, TimeoutError) as e:
        return check(name, False, e)
    good = r.status == status and (problem is None or r.problem() == problem)
    return check(name, good, r, rows)


def garbage(address):
    """Random UDP, unknown connection IDs, version 0, short and long."""
    host, port = address.rsplit(":", 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for n in range(400):
            data = os.urandom(1 + n * 3)
            if n % 4 == 1:
                data = b"\x40" + data               # a short header
            elif n % 4 == 2:                        # a long one, odd version
                data = b"\xc0" + os.urandom(4) + b"\x08" + data
            elif n % 4 == 3:
                data = b"\xc0\0\0\0\1\x14" + data.ljust(1200, b"\0")
            s.sendto(data, (host, int(port)))


def main():
    lab, dest, orig = Lab(sys.argv[1]), sys.argv[2], sys.argv[3]
    vectors = json.loads(pathlib.Path(sys.argv[4]).read_text())
    ript = Client(lab)
    base = f"https://{lab.authority}"
    root = base + "/.well-known/ript/v1"

    garbage(lab.address)
    expect(ript, "alive after random UDP", 200, None, "GET", lab.tg)

    # tokens
    expect(ript, "wrong token", 401, "unauthorized", "GET", lab.tg,
           token="nonsense", rows=["RIPT-OA-03"])
    expect(ript, "no token on calls", 401, "unauthorized", "POST",
           lab.tg + "/calls", {}, token=None)
    expect(ript, "token of another customer", 404, "not-found", "GET", lab.tg,
           token=lab.other["token"], rows=["RIPT-OA-04"])
    expect(ript, "a resource that does not exist", 404, "not-found", "GET",
           root + "/nothing")
    expect(ript, "a method that does not exist", 405, "method-not-allowed",
           "PATCH", lab.tg, {})

    # handlers
    def handler(advert):
        return {"handler-id": "h", "advertisement": advert}
    one = {"id": 0, "media": "audio", "param-sets": {"PCMU": 1}}
    for name, advert in (
            ("duplicate id", {"source": [one, one], "sink": one}),
            ("no param-set", {"source": {"id": 0, "media": "audio", "param-sets": []},
                              "sink": {"id": 1, "media": "audio", "param-sets": {"PCMU": 1}}}),
            ("fraction as value", {"source": {"id": 0, "media": "audio",
                                              "param-sets": {"PCMU": 1, "sr": 1.5}}}),
            ("text as value", {"source": {"id": 0, "media": "audio",
                                          "param-sets": {"PCMU": 1, "sr": "1"}}}),
            ("sample size 4", {"source": {"id": 0, "media": "audio",
                                          "param-sets": {"PCMU": 1, "ss": 4}}})):
        expect(ript, f"advertisement: {name}", 400, "bad-advertisement", "POST",
               lab.tg + "/handlers", handler(advert))
    for name, body, status, problem in (
            ("truncated JSON", b'{"handler-id": "x", "adv', 400, None),
            ("no JSON", b"\0\1\2\3", 400, None),
            ("an array", b"[]", 400, None),
            ("33 levels", b'{"a":' * 33 + b"1" + b"}" * 33, 400, None),
            ("70 KiB", b'{"a":"' + b"x" * 70000 + b'"}', 413, "too-large"),
            ("duplicate members", b'{"handler-id":"a","handler-id":"b"}', 400, None)):
        expect(ript, f"handler body: {name}", status, problem, "POST",
               lab.tg + "/handlers", body)
    try:
        r = ript.request("GET", lab.tg, headers=["X-Big: " + "y" * 20000])
        check("20 KiB of headers", r.status == 431, r)
    except ConnectionError as e:
        check("20 KiB of headers", False, e)

    # calls
    r = ript.request("POST", lab.tg + "/handlers", {
        "handler-id": "hostile", "advertisement": {"source": one, "sink": dict(one, id=1)}})
    good_handler = r.headers.get("location", "")
    check("a good handler beside them", r.status == 201, r)

    def body(**changes):
        out = {"handler": good_handler, "destination": dest,
               "passport": passport(lab, orig, dest)}
        out.update(changes)
        return {k: v for k, v in out.items() if v is not None}
    calls = lab.tg + "/calls"
    for member in ("handler", "destination", "passport"):
        expect(ript, f"POST calls without {member}", 400, None, "POST", calls,
               body(**{member: None}), rows=["RIPT-CA-02"])
    expect(ript, "unknown handler", 500, "handler-unknown", "POST", calls,
           body(handler=lab.tg + "/handlers/none"), rows=["RIPT-CA-04", "RIPT-HD-01"])
    expect(ript, "handler of another authority", 500, "handler-unknown", "POST",
           calls, body(handler="https://other.example/.well-known/ript/v1/h"))
    expect(ript, "destination bob", 400, None, "POST", calls,
           body(destination="bob"), rows=["RIPT-CA-05"])
    expect(ript, "E.164 with a domain", 400, None, "POST", calls,
           body(destination=dest + "@example.com"), rows=["RIPT-CA-09"])
    expect(ript, "destination outside the TG", 403, "destination-not-allowed",
           "POST", calls, body(destination="+33123456789",
                               passport=passport(lab, orig, "+33123456789")),
           rows=["RIPT-CA-07"])
    good = passport(lab, orig, dest)
    head, claims, sig = good.split(".")
    flipped = claims[:10] + ("A" if claims[10] != "A" else "B") + claims[11:]
    for name, jws in (
            ("unparsable", "nonsense"), ("not a string at all", "a.b.c"),
            ("altered", f"{head}.{flipped}.{sig}"),
            ("signature cut", f"{head}.{claims}.{sig[:-8]}"),
            ("expired", passport(lab, orig, dest, iat=time.time() - 120)),
            ("from the future", passport(lab, orig, dest, iat=time.time() + 120)),
            ("for another destination", passport(lab, orig, "+14089520000")),
            ("of a number that is not vouched for", passport(lab, "+33199999999", dest)),
            ("alg none", passport(lab, orig, dest, header={"alg": "none"})),
            ("alg HS256", passport(lab, orig, dest, header={"alg": "HS256"})),
            ("unknown crit", passport(lab, orig, dest, header={"crit": ["x"]})),
            ("x5u elsewhere", passport(lab, orig, dest,
                                       x5u="https://evil.example/c.pem"))):
        expect(ript, f"passport {name}", 403, "bad-passport", "POST", calls,
               body(passport=jws), rows=["RIPT-CA-10"])
    expect(ript, "hops 0", 403, "loop", "POST", calls, body(hops=0))

    # a call, and bad things inside it; the call goes on
    r = ript.request("POST", calls, body())
    if not check("a good call beside them", r.status == 201, r):
        sys.exit(1)
    uri, info = r.headers["location"], r.json()
    call = Call(ript, uri)
    check("it is answered", call.wait("answered", 10), call.events.types())
    media = uri + "/media"
    kind = ["Content-Type: application/ript-chunks"]
    for v in vectors["invalid"]:
        expect(ript, f"chunk: {v['name']}", 400, None, "PUT", media,
               bytes.fromhex(v["hex"]), headers=kind)
    expect(ript, "media body of 70 KiB", 413, None, "PUT", media, b"x" * 70000,
           headers=kind)
    expect(ript, "media without a token", 401, None, "PUT", media, b"x",
           headers=kind, token=None)
    expect(ript, "media with another customer's token", 404, None, "PUT",
           media, b"x", headers=kind, token=lab.other["token"])
    expect(ript, "media of a call that never was", 404, None, "PUT",
           media.replace(uri.rsplit("/", 1)[1],
                         "0b8ff3c4-6a1e-4f0e-9d57-5a4f1c1d2e3f"), b"x", headers=kind)
    stray = Transfer(ript, "PUT", uri + "/events", streaming=True)
    stray.write(b'[\n{"type":"answered","seq":99}\n,\n{"type":"alert')
    ript.until(lambda: False, 0.3)
    ript.drop(stray)
    big = Transfer(ript, "PUT", uri + "/events", streaming=True)
    big.write(b'[\n{"type":"ping","nonce":"' + b"n" * 20000)
    check("one event above 16 KiB: that PUT is reset",
          ript.until(lambda: big.done, 5), big.status)
    expect(ript, "events of another customer's call", 404, "not-found", "GET",
           uri + "/events", token=lab.other["token"])
    stream = info["directives"]["client"]["stream"]
    seq = int(time.time() * 1000)
    expect(ript, "good media beside all that", 200, None, "PUT", media,
           media_record(seq, seq, 0, stream["source"]["id"],
                        stream["sink"]["id"], b"\xff" * 160), headers=kind)
    r = ript.request("GET", uri)
    check("the call goes on", r.status == 200 and r.json()["state"] == "answered", r)
    garbage(lab.address)
    call.send("end", state="ended")
    check("and ends", call.wait("end"), call.events.types())
    sys.exit(1 if failures else 0)


main()
