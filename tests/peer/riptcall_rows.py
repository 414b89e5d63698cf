#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What two riptcalls tell of one call, and which requirements that shows.

  riptcall_rows.py CALL.json SERVE.json CHECK...

Each CHECK is a function below; a row's is called by its name without dashes
(RIPT-MB-07: MB07). Prints one line for each that fails; exit code 1 then.
"""
import json
import re
import sys

UUID = re.compile(r"/calls/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]"
                  r"[0-9a-f]{3}-[0-9a-f]{12}$")


def served(s):
    return s["calls"][0]


def types(report):
    return [e["type"] for e in report["events"]]


def short(requests):
    """Call IDs and handler IDs out of the requests."""
    return [re.sub(r"/(calls|handlers)/[^/ ]+", r"/\1/ID", r) for r in requests]


# ---- a whole call ----

def ok(c, s):
    assert c["ok"] and c["reason"] is None, c["reason"]
    assert s["ok"] and len(s["calls"]) == 1
    assert types(c) == ["proceeding", "alerting", "answered", "end"], types(c)
    assert c["call"] == served(s)["call"]
    assert c["from"] == served(s)["from"] and c["to"] == served(s)["to"]


def identical(c, s):
    a, b = c, served(s)
    for x, y, n in ((a, b, "caller"), (b, a, "callee")):
        assert x["sent"]["audio"] > 50, f"{n} sent {x['sent']['audio']}"
        assert x["sent"]["sha256"] == y["received"]["sha256"], \
            f"what the {n} said differs: {x['sent']['audio']} chunks sent, " \
            f"{y['received']['audio']} heard"
        assert y["received"]["lost"] == 0 and x["sent"]["lost"] == 0


def digits(c, s):
    got = served(s)["received"]
    assert got["digits"] == c["sent"]["digits"] != "", got["digits"]
    assert all(ms == 100 for ms in got["digit_ms"]), got["digit_ms"]


def digits_back(c, s):
    got = c["received"]
    assert got["digits"] == served(s)["sent"]["digits"] != "", got["digits"]
    assert all(ms == 100 for ms in got["digit_ms"]), got["digit_ms"]


def noise(c, s):
    assert served(s)["received"]["cn"] == c["sent"]["cn"] >= 1
    assert c["received"]["cn"] == served(s)["sent"]["cn"] >= 1


def webtransport(c, s):
    assert c["way"] == served(s)["way"] == "webtransport", c["way"]


def byway(c, s):
    assert c["way"] == served(s)["way"] == "byway", c["way"]


def pcma(c, s):
    for side in (c, served(s)):
        assert side["received"]["codec"] == side["sent"]["codec"] == "PCMA"
        assert side["client_codec"] == side["server_codec"] == "PCMA"


def shape(c, s):
    for key in ("ok", "result", "reason", "problem", "status", "call", "from",
                "to", "way", "set_up_ms", "ended_ms", "events", "sent",
                "received", "requests"):
        assert key in c, key
    for side in ("sent", "received"):
        for key in ("packets", "chunks", "audio", "digits", "cn", "acks",
                    "lost", "sha256"):
            assert key in c[side], f"{side}.{key}"
    assert 0 < c["set_up_ms"] < c["ended_ms"]


def by_peer(c, s):
    assert c["ok"] and c["by"] == "peer", c["by"]
    assert c["cause"]["q850"] == 16


def by_client(c, s):
    assert served(s)["by"] == "client", served(s)["by"]


# ---- rows ----

def TG01(c, s):
    assert s["requests"][0] == "GET /providertgs -> 200", s["requests"][:2]


def TG08(c, s):
    assert s["requests"][1] == "GET /providertgs/customer -> 200"


def TG06(c, s):
    """The caller was told an authority and nothing of terminal groups."""
    tgs = {r.split()[1] for r in s["requests"] if r.endswith("/calls -> 201")}
    assert tgs == {"/providertgs/customer/calls"}, tgs


def HD02(c, s):
    at = short(s["requests"])
    assert at.index("POST /providertgs/customer/handlers -> 201") < \
        at.index("POST /providertgs/customer/calls -> 201"), at


def CA14(c, s):
    at = c["created"]["location"]
    assert "POST /providertgs/customer/calls -> 201" in c["requests"]
    assert at and at.startswith("https://"), at


def CA15(c, s):
    assert UUID.search(c["created"]["location"] or ""), c["created"]


def CA16(c, s):
    body = c["created"]["body"]
    for key in ("handler", "direction", "from", "to", "directives"):
        assert body.get(key), f"{key} is missing"
    assert body["directives"].get("client") and body["directives"].get("server")


def CA20(c, s):
    ended = [r for r in short(c["requests"]) if r.startswith("DELETE")]
    assert ended == ["DELETE /providertgs/customer/calls/ID -> 405"] or \
        "DELETE /providertgs/customer/calls/ID -> 405" in short(s["requests"])
    ok(c, s)
    identical(c, s)


def SB01(c, s):
    at = short(s["requests"])
    post = at.index("POST /providertgs/customer/calls -> 201")
    for method in ("PUT", "GET"):
        events = f"{method} /providertgs/customer/calls/ID/events -> 200"
        assert at.count(events) == 1 and at.index(events) > post, at


def SB05(c, s):
    """The first octet of PUT and GET events, as the other end got it."""
    assert c["events_begin"] == s["events_begin"] == "[", \
        (c["events_begin"], s["events_begin"])


def SB07(c, s):
    assert types(c)[0] == "proceeding", types(c)


def EV09(c, s):
    assert c["pings"] >= 4 and s["pongs"] >= 4, (c["pings"], s["pongs"])


def EV10(c, s):
    """Each pong has the nonce of the ping before it; one may be on its way
    when the call ends."""
    assert c["pongs"] >= 4 and c["pings"] - c["pongs"] in (0, 1), \
        (c["pings"], c["pongs"])


def EV15(c, s):
    gaps = c["ping_gaps_ms"]
    assert len(gaps) >= 3 and all(150 <= g <= 400 for g in gaps), gaps


def MB01(c, s):
    webtransport(c, s)
    for side in (c, served(s)):
        assert side["received"]["http_bodies"] == 0, "PUT or GET carried media"
        assert side["received"]["datagrams"] > 50
    assert s["gets_most"] == 0, "a GET for media was open"


def MB03(c, s):
    """20 GETs are open while it rings: this call is never answered."""
    assert c["set_up_ms"] is None and s["gets_most"] == 20, s["gets_most"]


def MB06(c, s):
    assert 18 <= s["gets_least"] and s["gets_most"] == 20, \
        (s["gets_least"], s["gets_most"])


def MB07(c, s):
    got = served(s)["received"]
    assert got["most_in_body"] == 1, got["most_in_body"]
    assert got["http_bodies"] >= got["chunks"] > 50


def MB08(c, s):
    assert served(s)["received"]["acks"] == served(s)["sent"]["chunks"], \
        (served(s)["received"]["acks"], served(s)["sent"]["chunks"])


def MB09(c, s):
    assert c["received"]["acks"] == c["sent"]["chunks"], \
        (c["received"]["acks"], c["sent"]["chunks"])


def MB12(c, s):
    got = c["received"]
    assert got["most_in_body"] == 1 and got["chunks"] > 50


def MB16(c, s):
    assert c["sent"]["acked"] == c["sent"]["chunks"] and c["sent"]["lost"] == 0


def DR09(c, s):
    got, fates = served(s)["received"], served(s)["received"]["fates"]
    assert got["codec"] == served(s)["client_codec"], got["codec"]
    assert set(fates) <= {"forwarded", "control"}, fates


def DR07(c, s):
    got, fates = c["received"], c["received"]["fates"]
    assert got["codec"] == c["server_codec"], got["codec"]
    assert set(fates) <= {"forwarded", "control"}, fates


def MC04(c, s):
    for side in (c, served(s)):
        assert "unrebuilt" not in side["received"]["fates"]
    identical(c, s)


# ---- refusals ----

def refused(status, problem, detail=""):
    def look(c, s):
        assert not c["ok"] and c["result"] == "refused", c["result"]
        assert (c["status"], c["problem"]) == (status, problem), c["reason"]
        assert str(status) in c["reason"] and problem in c["reason"]
        assert detail in c["reason"], c["reason"]
    return look


def ended(state, sip):
    def look(c, s):
        assert not c["ok"] and c["result"] == "failed"
        assert types(c)[-1] == state and c["cause"]["sip"] == sip, c["cause"]
        assert c["cause"]["text"] in c["reason"], c["reason"]
    return look


unreachable = refused(404, "unreachable")
policy = refused(403, "policy")
stale = refused(403, "bad-passport", "stale")
altered = refused(403, "bad-passport", "signature")
wrong_dest = refused(403, "bad-passport", "dest")
bad_request = refused(400, "bad-request")
unknown_handler = refused(500, "handler-unknown")
loop = refused(403, "loop")
declined = ended("declined", 603)
busy = ended("declined", 486)
failed = ended("failed", 503)
noanswer = ended("noanswer", 408)


# ---- what is seen of faults ----

def reopened(c, s):
    at = short(s["requests"])
    assert at.count("GET /providertgs/customer/calls/ID/events -> 200") == 2, at
    assert c["ok"], c["reason"]


def reopened_put(c, s):
    at = short(s["requests"])
    assert at.count("PUT /providertgs/customer/calls/ID/events -> 200") == 2, at
    assert c["ok"], c["reason"]


def unrebuilt(c, s):
    assert served(s)["received"]["fates"].get("unrebuilt", 0) > 0


def duplicates(c, s):
    assert served(s)["received"]["duplicates"] > 50


def losses(c, s):
    assert served(s)["received"]["lost"] >= 3
    assert c["sent"]["chunks"] - c["sent"]["acked"] >= 3


def bad_chunks(c, s):
    assert sum(n for f, n in served(s)["received"]["fates"].items()
               if f not in ("forwarded", "control")) >= 3


def main():
    c, s = (json.load(open(f)) for f in sys.argv[1:3])
    bad = 0
    for name in sys.argv[3:]:
        try:
            globals()[name](c, s)
        except (AssertionError, KeyError, IndexError, ValueError,
                TypeError) as e:
            print(f"{name}: {type(e).__name__} {e}")
            bad = 1
    sys.exit(bad)


main()
