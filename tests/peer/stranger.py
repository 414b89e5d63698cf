#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A stranger's client: walks the resources, holds both event streams open
and completes a call with byway media, over somebody else's HTTP/3.

  stranger.py LAB.json PHONE-REPORT DESTINATION ORIGIN
"""
import json
import re
import sys
import time

from ript_peer import (Call, Client, Events, Lab, Transfer, media_record,
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


def advert(sink):
    return {"handler-id": "stranger-x", "advertisement": {"sink": sink}}


def end(**members):
    return {"id": 1, "media": "audio", "param-sets": {}, **members}


def refused_handlers(ript, lab):
    for name, sink in (
            ("two sinks of one id", [end(), end()]),
            ("no param-set", end(**{"param-sets": []})),
            ("a sample size of 4", end(**{"param-sets": {"ss": 4}})),
            ("a rate of 1.5", end(**{"param-sets": {"sr": 1.5}})),
            ("a rate as text", end(**{"param-sets": {"sr": "8000"}}))):
        r = ript.request("POST", lab.tg + "/handlers", advert(sink))
        check(f"handler with {name}: 400", r.status == 400
              and r.problem() == "bad-advertisement", r)


def refused_calls(ript, lab, handler, destination, origin):
    """Each change of a good POST calls, and what it is answered."""
    def signed(to=destination, caller=origin, **more):
        return passport(lab, caller, to, **more)

    good = {"handler": handler, "destination": destination,
            "passport": signed()}
    wrong = signed()
    wrong = wrong[:-3] + ("A" if wrong[-3] != "A" else "B") + wrong[-2:]
    elsewhere = handler.replace(lab.authority, "elsewhere.example")
    for name, change, status, problem in (
            ("no handler", {"handler": None}, 400, "bad-request"),
            ("no destination", {"destination": None}, 400, "bad-request"),
            ("no passport", {"passport": None}, 400, "bad-request"),
            ("destination bob", {"destination": "bob"}, 400, "bad-request"),
            ("a number with a domain",
             {"destination": destination + "@example.com"}, 400, "bad-request"),
            ("a destination outside the group's",
             {"destination": "+442079460000",
              "passport": signed("+442079460000")},
             403, "destination-not-allowed"),
            ("an unknown handler", {"handler": handler + "0"},
             500, "handler-unknown"),
            ("a handler of another authority", {"handler": elsewhere},
             500, "handler-unknown"),
            ("a broken signature", {"passport": wrong}, 403, "bad-passport"),
            ("an old passport", {"passport": signed(iat=time.time() - 120)},
             403, "bad-passport"),
            ("a passport for another number",
             {"passport": signed("+14089528888")}, 403, "bad-passport"),
            ("a caller outside the origins",
             {"passport": signed(caller="+12125550100")}, 403, "bad-passport")):
        body = {k: v for k, v in {**good, **change}.items() if v is not None}
        r = ript.request("POST", lab.tg + "/calls", body)
        check(f"POST calls, {name}: {status}",
              r.status == status and r.problem() == problem
              and r.headers["content-type"] == "application/problem+json", r)
    for body in (b"{", b"[]", b""):
        r = ript.request("POST", lab.tg + "/calls", body)
        check(f"POST calls with {body!r}: 400", r.status == 400, r)
    r = ript.request("POST", lab.tg + "/calls", good,
                     headers=["Content-Type: text/plain"])
    check("POST calls as text/plain: 415", r.status == 415, r)
    r = ript.request("POST", lab.tg + "/calls", good, token=None)
    check("POST calls without token: 401", r.status == 401, r)


def check_directives(both):
    """Of the handler's own source and sink, within what it said."""
    client, server = (both[k]["stream"] for k in ("client", "server"))
    check("directives name one stream each way, of the handler's ends",
          client["source"]["id"] == 0 and server["sink"]["id"] == 1, both)
    for stream in (client, server):
        values = stream["param-sets"]
        check("one set, PCMU at 8000 Hz, no codec that was not listed",
              isinstance(values, dict) and values.get("PCMU") == 1
              and values.get("sr") == 8000 and values.get("ptime", 30) <= 30
              and not any(values.get(c) for c in ("PCMA", "opus", "G722")),
              values)


def check_events(events, uri):
    stamp = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
    bad = [e for e in events if e.get("direction") != "s2c"
           or e.get("call") != uri or "type" not in e or "state" not in e
           or not stamp.fullmatch(e.get("timestamp", ""))]
    check("every event has direction, time, call, type and state",
          events and not bad, bad)
    check("events are numbered from 0",
          [e["seq"] for e in events] == list(range(len(events))), events)


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
          and tgs[0]["name"] and isinstance(tgs[0]["description"], str)
          and r.headers["content-type"] == "application/json", r)
    r = ript.request("GET", lab.tg)
    doc = r.json() if r.status == 200 else {}
    check("the TG document has outbound, origins, destinations",
          "BEGIN CERTIFICATE" in doc.get("outbound", {}).get("origins", "")
          and doc["outbound"]["destinations"], r)
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

    refused_handlers(ript, lab)
    refused_calls(ript, lab, handler, destination, origin)

    # Whatever else claims to say who calls is not heard.
    body = {"handler": handler, "destination": destination,
            "passport": passport(lab, origin, destination),
            "from": "+12125550100", "p-asserted-identity": "+12125550100"}
    r = ript.request("POST", lab.tg + "/calls", body, headers=[
        "From: <sip:+12125550100@example.com>",
        "P-Asserted-Identity: <tel:+12125550100>"])
    if not check("POST calls: 201", r.status == 201, r):
        return
    uri, info = r.headers["location"], r.json()
    check("201 has all six members", all(m in info for m in (
        "directives", "handler", "direction", "from", "to"))
        and "client" in info["directives"] and "server" in info["directives"], info)
    check("caller is the passport's", info["from"] == origin
          and "+12125550100" not in r.body.decode(), info)
    check("the call URI is of this group and has a UUID",
          re.fullmatch(re.escape(lab.tg) + "/calls/[0-9a-f]{8}(-[0-9a-f]{4}){3}"
                       "-[0-9a-f]{12}", uri), uri)
    check_directives(info["directives"])

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
          and r.json()["state"] == "answered"
          and r.json()["directives"] == info["directives"]
          and all(r.json()[m] == info[m] for m in (
              "handler", "direction", "from", "to")), r)
    late = Transfer(ript, "GET", uri + "/events")
    late_events = Events(late)
    check("a late GET hears the state first",
          ript.until(lambda: late_events.types()[:1] == ["answered"])
          and late.data.startswith(b"["), late_events.types())
    r = ript.request("DELETE", uri)
    check("DELETE: 405", r.status == 405 and "allow" in r.headers, r)

    stream = info["directives"]["client"]["stream"]
    source, sink = stream["source"]["id"], stream["sink"]["id"]
    seq = int(time.time() * 1000)
    begin, acked, got, puts = time.monotonic(), 0, [], []
    n, pending, owed, single = 0, list(gets), b"", True
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
                media = [x for x in parse_records(bytes(t.data)) if 5 not in x[0]]
                single = single and len(media) == 1
                got += media
            pending.append(Transfer(ript, "GET", uri + "/media"))
        acked = sum(1 for t in puts if t.done and t.status == 200
                    and any(5 in x[0] for x in parse_records(bytes(t.data))))
    ript.until(lambda: all(t.done for t in puts), 2)
    acked = sum(1 for t in puts if t.done and t.status == 200
                and any(5 in x[0] for x in parse_records(bytes(t.data))))
    check("every PUT is answered with its ack", acked == len(puts) > 100,
          f"{acked} of {len(puts)}")
    check("media came on the GETs, one chunk each", single and len(got) > 100,
          len(got))
    # We never acked one.
    check("until one is acked, chunks have full values",
          all(len(env[1]) == len(env[2]) == 8 for env, _ in got), got[-1:])
    acks = [x for t in puts for x in parse_records(bytes(t.data))]
    check("acks name source, sink and number, and no call",
          all({1, 6, 7} <= set(p) and sum(map(len, p.values())) < 20
              for _, p in acks), acks[:1])
    call.send("end", state="ended", cause={"sip": 200, "q850": 16, "text": "bye"})
    check("end is echoed", call.wait("end"), call.events.types())
    check("both streams are closed by the server",
          ript.until(lambda: call.get.done), "GET still open")
    check("the array is closed", bytes(call.get.data).rstrip().endswith(b"]"))
    check_events(call.events.read(), uri)
    check("both GETs heard the end", ript.until(lambda: late.done)
          and late_events.types()[-1] == "end", late_events.types())
    call.put.finish()
    r = ript.request("GET", uri + "/events")
    check("a byway for an ended call: 404 call-ended",
          r.status == 404 and r.problem() == "call-ended", r)
    r = ript.request("DELETE", handler)
    check("handler deleted", r.status == 204, r)


main()
sys.exit(1 if failures else 0)
