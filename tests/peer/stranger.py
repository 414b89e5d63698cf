#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A stranger's client: walks the resources, holds both event streams open
and completes a call with byway media, over somebody else's HTTP/3.

  stranger.py LAB.json PHONE-REPORT DESTINATION ORIGIN
"""
import json
import sys
import time

from ript_peer import (Call, Client, Lab, Transfer, media_record,
                       parse_records, passport)

R = "/.well-known/ript/v1"
failures = 0


def check(name, good, detail=""):
    global failures
    print(f"ok - stranger: {name}" if good
          else f"not ok - stranger: {name}: {detail}", flush=True)
    failures += not good
    return good


HANDLER = {"handler-id": "stranger-1", "advertisement": {
    "source": {"id": 0, "media": "audio", "param-sets": {
        "PCMU": 1, "sr": 8000, "telephone-event": 1, "CN": 1}},
    "sink": {"id": 1, "media": "audio", "param-sets": {
        "PCMU": 1, "sr": 8000, "telephone-event": 1, "CN": 1}}}}


def main():
    lab, destination, origin = Lab(sys.argv[1]), sys.argv[2], sys.argv[3]
    ript = Client(lab)
    base = f"https://{lab.authority}"

    r = ript.request("GET", base + R + "/providertgs", token=None)
    check("no token: 401 with WWW-Authenticate",
          r.status == 401 and "www-authenticate" in r.headers, r)
    r = ript.request("GET", base + "/.well-known/ript/providertgs")
    check("unversioned path: 308", r.status == 308, r)
    r = ript.request("GET", base + R + "/providertgs")
    tgs = r.json()["tgs"] if r.status == 200 else []
    check("providertgs", r.status == 200 and tgs and tgs[0]["uri"] == lab.tg
          and tgs[0]["name"], r)
    r = ript.request("GET", lab.tg)
    doc = r.json() if r.status == 200 else {}
    check("the TG document has outbound, origins, destinations",
          "origins" in doc.get("outbound", {}), r)
    r = ript.request("GET", lab.other["tg"])
    check("another customer's TG: 404", r.status == 404, r)

    r = ript.request("POST", lab.tg + "/handlers", HANDLER)
    handler = r.headers.get("location", "")
    check("handler: 201 with Location, echoed",
          r.status == 201 and handler.startswith(lab.tg + "/handlers/")
          and r.json()["uri"] == handler
          and r.json()["advertisement"] == HANDLER["advertisement"], r)
    r = ript.request("GET", handler)
    check("handler can be read again", r.status == 200, r)

    body = {"handler": handler, "destination": destination,
            "passport": passport(lab, origin, destination)}
    r = ript.request("POST", lab.tg + "/calls", body)
    if not check("POST calls: 201", r.status == 201, r):
        return
    uri, info = r.headers["location"], r.json()
    check("201 has all six members", all(m in info for m in (
        "directives", "handler", "direction", "from", "to"))
        and "client" in info["directives"] and "server" in info["directives"], info)
    check("caller is the passport's", info["from"] == origin, info)

    call = Call(ript, uri)
    check("PUT events gets its headers at once",
          ript.until(lambda: call.put.status == 200), call.put.status)
    check("first event is proceeding",
          ript.until(lambda: call.events.types()[:1] == ["proceeding"]),
          call.events.types())
    gets = [Transfer(ript, "GET", uri + "/media") for _ in range(20)]
    check("alerting", call.wait("alerting"), call.events.types())
    check("answered", call.wait("answered", 10), call.events.types())
    call.send("ping", nonce="9f3a")
    check("pong echoes the nonce", ript.until(lambda: any(
        e["type"] == "pong" and e.get("nonce") == "9f3a"
        for e in call.events.read())), call.events.types())
    r = ript.request("GET", uri)
    check("the call can be read", r.status == 200
          and r.json()["state"] == "answered", r)
    r = ript.request("DELETE", uri)
    check("DELETE: 405", r.status == 405 and "allow" in r.headers, r)

    stream = info["directives"]["client"]["stream"]
    source, sink = stream["source"]["id"], stream["sink"]["id"]
    seq = int(time.time() * 1000)
    begin, acked, got, puts = time.monotonic(), 0, [], []
    n, pending, owed = 0, list(gets), b""
    while time.monotonic() < begin + 3:
        if time.monotonic() >= begin + n * 0.02:
            payload = bytes((n + i) & 0xFF for i in range(160))
            puts.append(Transfer(ript, "PUT", uri + "/media", body=media_record(
                seq + n, seq + n * 20, 0, source, sink, payload,
                8 if acked == 0 else 2) + owed,
                headers=["Content-Type: application/ript-chunks"]))
            owed = b""
            n += 1
        ript.turn(0.005)
        for t in [t for t in pending if t.done]:
            pending.remove(t)
            if t.status == 200:
                got += [x for x in parse_records(bytes(t.data)) if 5 not in x[0]]
            pending.append(Transfer(ript, "GET", uri + "/media"))
        acked = sum(1 for t in puts if t.done and t.status == 200
                    and any(5 in x[0] for x in parse_records(bytes(t.data))))
    ript.until(lambda: all(t.done for t in puts), 2)
    acked = sum(1 for t in puts if t.done and t.status == 200
                and any(5 in x[0] for x in parse_records(bytes(t.data))))
    check("every PUT is answered with its ack", acked == len(puts) > 100,
          f"{acked} of {len(puts)}")
    check("media came on the GETs, one chunk each", len(got) > 100, len(got))
    call.send("end", state="ended", cause={"sip": 200, "q850": 16, "text": "bye"})
    check("end is echoed", call.wait("end"), call.events.types())
    check("both streams are closed by the server",
          ript.until(lambda: call.get.done), "GET still open")
    check("the array is closed", bytes(call.get.data).rstrip().endswith(b"]"))
    call.put.finish()
    r = ript.request("GET", uri + "/events")
    check("a byway for an ended call: 404 call-ended",
          r.status == 404 and r.problem() == "call-ended", r)
    r = ript.request("DELETE", handler)
    check("handler deleted", r.status == 204, r)
    json.dump({"sent": n}, open("/dev/null", "w"))


main()
sys.exit(1 if failures else 0)
