#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SIPp scenarios from a few words each.

    scenarios.py NAME > NAME.xml      scenarios.py --list

A scenario is a function that is given a Peer and says what it sends and
expects.  Peer("uac") calls the program under test, Peer("uas") is called.
"""
import sys

CRLF = "\n"

SDP = """v=0
o=sipp 1 {version} IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio 6000 RTP/AVP 0 8 101
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:20
a={direction}
"""

T38 = """v=0
o=sipp 1 2 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=image 6002 udptl t38
"""

ANSWER = """v=0
o=sipp 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio 6000 RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
"""


def sdp(version=1, direction="sendrecv"):
    return SDP.format(version=version, direction=direction)


CONTACT = ("Contact: <sip:sipp@[local_ip]:[local_port];"
           "transport=[transport]>")


class Peer:
    def __init__(self, role):
        self.role = role
        self.cseq = 0
        self.out = []
        self.used = set()
        self.counter = 0
        self.invited = 0        # where in the scenario our INVITE is

    # ---- building blocks ----

    def raw(self, text):
        self.out.append(text)

    def message(self, start, headers, body=None, **attrs):
        lines = [start] + headers
        if body is not None:
            lines += ["Content-Type: application/sdp",
                      "Content-Length: [len]", "", body.rstrip("\n"), ""]
        else:
            lines += ["Content-Length: 0", "", ""]
        extra = "".join(f' {k}="{v}"' for k, v in attrs.items())
        self.raw(f"<send{extra}><![CDATA[\n" + CRLF.join(lines) +
                 "\n]]></send>")

    def from_to(self):
        """From and To of a request of ours."""
        if self.role == "uac":
            return ["From: \"Some One\" <sip:+14085551000@[local_ip]:"
                    "[local_port]>;tag=[pid]t[call_number]",
                    "To: <sip:+14085552000@[remote_ip]:[remote_port]>"
                    "[peer_tag_param]"]
        self.used |= {"rfrom", "rto"}
        return ["From:[$rto];tag=[pid]t[call_number]", "To:[$rfrom]"]

    def request(self, method, *headers, body=None, cseq=None, target=None,
                same_branch=False, contact=True, to_tag=True, **attrs):
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        if target is None:
            if self.role == "uas":
                target = "[$rtarget]"
                self.used.add("rtarget")
            else:
                target = "sip:+14085552000@[remote_ip]:[remote_port]"
        branch = "[branch]"
        if method == "INVITE":
            self.invited = len(self.out)
        if same_branch:     # N scenario steps back
            branch = f"[branch-{len(self.out) - self.invited}]"
        heads = ["Via: SIP/2.0/[transport] [local_ip]:[local_port];"
                 f"branch={branch}"]
        if not any(h.startswith("Max-Forwards") for h in headers):
            heads.append("Max-Forwards: 70")
        heads += self.from_to()
        if not to_tag:
            heads[-1] = heads[-1].replace("[peer_tag_param]", "")
        heads += ["Call-ID: [call_id]", f"CSeq: {cseq} {method}"]
        if contact:
            heads.append(CONTACT)
        heads += headers
        self.message(f"{method} {target} SIP/2.0", heads, body, **attrs)

    def invite(self, *headers, body=sdp(), **kw):
        self.request("INVITE", *headers, body=body, retrans=500, **kw)

    def ack(self, body=None, cseq=None, failure=False):
        # To a failure the ACK belongs to the INVITE's transaction: its branch.
        self.request("ACK", body=body, cseq=cseq or self.cseq,
                     same_branch=failure, contact=False)

    def reply(self, status, phrase, *headers, body=None, tag=None, **attrs):
        to = "[last_To:]"
        if tag != "none":
            to += f";tag={tag}" if tag else ";tag=[pid]t[call_number]"
        heads = ["[last_Via:]", "[last_Record-Route:]", "[last_From:]", to,
                 "[last_Call-ID:]", "[last_CSeq:]"] + list(headers)
        if not any(h.startswith("Contact") for h in headers):
            heads.append(CONTACT)
        self.message(f"SIP/2.0 {status} {phrase}", heads, body, **attrs)

    def reply_in_dialog(self, status, phrase, *headers, body=None):
        """To a request that has our tag in To already."""
        self.reply(status, phrase, *headers, body=body, tag="none")

    def reply_late(self, status, *headers, body=None):
        """To the INVITE, when another request came in between."""
        self.message(f"SIP/2.0 {status}",
                     ["Via:[$ivia]", "From:[$rfrom]",
                      "To:[$rto];tag=[pid]t[call_number]",
                      "Call-ID: [call_id]", "CSeq:[$icseq]"] + list(headers),
                     body, retrans=500)

    def checks(self, checks):
        text = ""
        for where, regexp in checks:
            self.counter += 1
            name = f"c{self.counter}"
            self.used.add(name)
            regexp = regexp.replace('"', "&quot;").replace("<", "&lt;")
            if where == "body":
                search = 'search_in="body"'
            elif where == "msg":
                search = 'search_in="msg"'
            else:
                search = f'search_in="hdr" header="{where}:"'
            text += (f'<ereg regexp="{regexp}" {search} check_it="true" '
                     f'assign_to="{name}"/>')
        return text

    def recv(self, what, *checks, absent=(), optional=False, rrs=False,
             capture="", timeout=8000):
        kind = "response" if isinstance(what, int) else "request"
        attrs = f'{kind}="{what}"'
        if optional:
            attrs += ' optional="true"'
        else:
            attrs += f' timeout="{timeout}"'
        if rrs:
            attrs += ' rrs="true"'
        actions = self.checks(checks) + capture
        for where, regexp in absent:
            self.counter += 1
            name = f"c{self.counter}"
            self.used.add(name)
            actions += (f'<ereg regexp="{regexp}" search_in="{where}" '
                        f'check_it_inverse="true" assign_to="{name}"/>')
        if actions:
            actions = f"<action>{actions}</action>"
        self.raw(f"<recv {attrs}>{actions}</recv>")

    def recv_invite(self, *checks, keep=False, **kw):
        """The INVITE to a uas, with what its own requests will need, and
        (keep) what reply_late() needs."""
        self.used |= {"rfrom", "rto", "rtarget", "whole"}
        kept = ""
        if keep:
            self.used |= {"ivia", "icseq"}
            kept = "".join(
                f'<ereg regexp=".*" search_in="hdr" header="{h}:" '
                f'assign_to="{v}"/>'
                for h, v in (("Via", "ivia"), ("CSeq", "icseq")))
        self.recv("INVITE", *checks, capture=kept + (
            '<ereg regexp=".*" search_in="hdr" header="From:" '
            'assign_to="rfrom"/>'
            '<ereg regexp=".*" search_in="hdr" header="To:" '
            'assign_to="rto"/>'
            '<ereg regexp="&lt;([^>]*)>" search_in="hdr" header="Contact:" '
            'assign_to="whole,rtarget"/>'), **kw)

    def pause(self, ms):
        self.raw(f'<pause milliseconds="{ms}"/>')

    def xml(self, name):
        body = "\n".join(self.out)
        refs = ",".join(sorted(self.used))
        if refs:
            body += f'\n<Reference variables="{refs}"/>'
        return ('<?xml version="1.0" encoding="ISO-8859-1" ?>\n'
                f'<scenario name="{name}">\n{body}\n</scenario>\n')

    # ---- phrases ----

    def until_200(self, *checks, **kw):
        self.recv(100, optional=True)
        self.recv(180, optional=True)
        self.recv(183, optional=True)
        self.recv(200, *checks, **kw)

    def set_up(self):
        """The whole way to a call that is up, calling or called."""
        if self.role == "uac":
            self.invite()
            self.until_200()
            self.ack()
            self.pause(100)
        else:
            self.recv_invite()
            self.reply(180, "Ringing")
            self.reply(200, "OK", body=ANSWER, retrans=500)
            self.recv("ACK")

    def bye(self, *headers):
        self.request("BYE", *headers, retrans=500)
        self.recv(200)

    def get_bye(self, *checks, **kw):
        self.recv("BYE", *checks, **kw)
        self.reply_in_dialog(200, "OK")


RIPT = '\\bRIPT;text="'

# ---- calls in: SIPp calls ----


def in_bye(p):
    p.invite()
    p.until_200(("Contact", "<sip:127.0.0.1:[0-9]+"),
                ("body", "m=audio 40000 RTP/AVP 0 8 101"))
    p.ack()
    p.pause(100)
    p.bye('Reason: Q.850;cause=17;text="User busy"')


def in_bye_from_us(p):
    p.set_up()
    p.get_bye(("Reason", 'Q.850;cause=16'), ("msg", RIPT + "test-over"))


def in_bye_before_ack(p):
    p.invite()
    p.until_200()
    p.pause(400)
    p.ack()
    p.get_bye()


def in_late(p):
    p.invite(body=None)
    p.until_200(("body", "m=audio 40000 RTP/AVP 0 8 101"))
    p.ack(body=ANSWER)
    p.pause(100)
    p.bye()


def in_late_no_answer(p):
    p.invite(body=None)
    p.until_200(("body", "m=audio"))
    p.ack()
    p.get_bye(("msg", RIPT + "no-answer-in-ack"))


def in_early(p):
    p.invite()
    p.recv(100, optional=True)
    p.recv(183, ("body", "m=audio 40000 RTP/AVP 0 8 101"),
           absent=[("msg", "Require:")])
    p.recv(200, ("body", "m=audio 40000"))
    p.ack()
    p.pause(100)
    p.bye()


def in_100rel(p):
    p.used.add("rseq")
    p.invite("Supported: 100rel")
    p.recv(100, optional=True)
    p.recv(183, ("Require", "100rel"), ("body", "m=audio"),
           capture='<ereg regexp="[0-9]+" search_in="hdr" header="RSeq:" '
                   'assign_to="rseq"/>')
    p.request("PRACK", "RAck: [$rseq] 1 INVITE", retrans=500)
    p.recv(200, ("CSeq", "PRACK"))
    p.recv(200, ("CSeq", "INVITE"))
    p.ack(cseq=1)
    p.pause(100)
    p.bye()


def in_100rel_required(p):
    p.used.add("rseq")
    p.invite("Require: 100rel")
    p.recv(100, optional=True)
    p.recv(180, ("Require", "100rel"),
           capture='<ereg regexp="[0-9]+" search_in="hdr" header="RSeq:" '
                   'assign_to="rseq"/>')
    p.request("PRACK", "RAck: [$rseq] 1 INVITE", retrans=500)
    p.recv(200, ("CSeq", "PRACK"))
    p.recv(200, ("CSeq", "INVITE"))
    p.ack(cseq=1)
    p.pause(100)
    p.bye()


def in_late_100rel_required(p):
    # An 18x would have to carry the offer: none comes.
    p.invite("Require: 100rel", body=None)
    p.recv(100, optional=True)
    p.recv(200, ("body", "m=audio"))
    p.ack(body=ANSWER)
    p.pause(100)
    p.bye()


def in_cancel(p):
    p.invite()
    p.recv(100, optional=True)
    p.recv(180)
    p.request("CANCEL",
              'Reason: SIP;cause=200;text="Call completed elsewhere"',
              cseq=1, same_branch=True, contact=False, to_tag=False)
    p.recv(200)
    p.recv(487)
    p.ack(cseq=1, failure=True)


def in_refused(p):
    p.invite()
    p.recv(100, optional=True)
    p.recv(486, ("msg", RIPT + "user-busy"))
    p.ack(failure=True)


def in_headers(p):
    p.invite("P-Asserted-Identity: <sip:+1-408-555-7777@pbx;user=phone>",
             "P-Asserted-Identity: <tel:+14085557777>", "Privacy: id;header",
             "Identity: abc.def.ghi;info=<https://x/c.pem>;alg=ES256",
             "Max-Forwards: 42", "X-Foo: bar")
    p.until_200()
    p.ack()
    p.pause(100)
    p.bye()


def in_reinvite_same(p):
    p.set_up()
    p.invite()
    p.recv(100, optional=True)
    p.recv(200, ("body", "m=audio 40000 RTP/AVP 0 8 101"))
    p.ack()
    p.pause(50)
    # Another version, the same meaning.
    p.invite(body=sdp(version=2))
    p.recv(100, optional=True)
    p.recv(200, ("body", "m=audio 40000 RTP/AVP 0 8 101"))
    p.ack()
    p.pause(50)
    # And without a body: our offer is what stands.
    p.invite(body=None)
    p.recv(100, optional=True)
    p.recv(200, ("body", "m=audio 40000 RTP/AVP 0 8 101"))
    p.ack(body=sdp(version=2))
    p.pause(100)
    p.bye()


def in_reinvite_changed(p):
    p.set_up()
    p.invite(body=sdp(2, "sendonly"))
    p.recv(100, optional=True)
    p.recv(488, ("msg", RIPT + "no-change-yet"))
    p.ack(failure=True)
    p.pause(50)
    p.invite(body=T38)
    p.recv(100, optional=True)
    p.recv(488, ("msg", RIPT + "no-audio-in-offer"))
    p.ack(failure=True)
    p.pause(100)
    p.bye()


def in_reinvite_accepted(p):
    p.set_up()
    p.invite(body=sdp(2, "sendonly"))
    p.recv(100, optional=True)
    p.recv(200, ("body", "a=recvonly"), ("body", "o=- [0-9]+ 2 IN"))
    p.ack()
    p.pause(50)
    # The old way to hold.
    p.invite(body=sdp(3).replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0"))
    p.recv(100, optional=True)
    p.recv(200, ("body", "a=recvonly"), ("body", "o=- [0-9]+ 2 IN"))
    p.ack()
    p.pause(50)
    p.invite(body=sdp(4))
    p.recv(100, optional=True)
    p.recv(200, ("body", "a=sendrecv"), ("body", "o=- [0-9]+ 3 IN"))
    p.ack()
    p.pause(100)
    p.bye()


def in_update(p):
    p.set_up()
    p.request("UPDATE", retrans=500)
    p.recv(200, absent=[("msg", "m=audio")])
    p.request("UPDATE", body=sdp(), retrans=500)
    p.recv(200, ("body", "m=audio 40000 RTP/AVP 0 8 101"))
    p.request("UPDATE", body=sdp(2, "sendonly"), retrans=500)
    p.recv(488, ("msg", RIPT + "no-change-yet"))
    p.pause(50)
    p.bye()


def in_change_later(p):
    """What the other side thinks about for a while."""
    p.set_up()
    p.request("UPDATE", body=sdp(2, "sendonly"), retrans=500)
    p.recv(200, ("body", "a=recvonly"))
    p.invite(body=sdp(3))
    p.recv(100, optional=True)
    p.recv(200, ("body", "a=sendrecv"))
    p.ack()
    p.pause(50)
    # One that is taken back, ...
    p.invite(body=sdp(4, "sendonly"))
    p.recv(100)
    p.request("CANCEL", cseq=p.cseq, same_branch=True, contact=False)
    p.recv(200)
    p.recv(487)
    p.ack(failure=True)
    p.pause(50)
    # ... and one that the end of the call overtakes.
    p.request("UPDATE", body=sdp(5, "sendonly"))
    p.pause(20)
    p.request("BYE", retrans=500)
    p.recv(200)
    p.recv(487)
    p.pause(600)


def in_overlap(p):
    """A second offer while the first has no answer."""
    p.set_up()
    p.request("UPDATE", body=sdp(2, "sendonly"))
    p.request("UPDATE", body=sdp(3, "inactive"))
    p.recv(500, ("Retry-After", "[0-9]"))
    p.recv(200, ("body", "a=recvonly"))
    p.pause(50)
    p.bye()


def in_timer(p):
    p.invite("Supported: timer", "Session-Expires: 90;refresher=uac",
             "Min-SE: 90")
    p.until_200(("Session-Expires", "90;refresher=uac"))
    p.ack()
    p.pause(300)
    p.request("UPDATE", "Supported: timer",
              "Session-Expires: 90;refresher=uac", retrans=500)
    p.recv(200, ("Session-Expires", "90;refresher=uac"))
    p.pause(300)
    p.invite("Supported: timer", "Session-Expires: 90;refresher=uac")
    p.recv(100, optional=True)
    p.recv(200, ("Session-Expires", "90;refresher=uac"),
           ("body", "m=audio 40000"))
    p.ack()
    p.pause(100)
    p.bye()


def in_timer_expires(p):
    p.invite("Supported: timer", "Session-Expires: 90;refresher=uac")
    p.until_200(("Session-Expires", "90;refresher=uac"))
    p.ack()
    # Never refreshed: the other side ends it, 30 s before the end at most.
    p.recv("BYE", timeout=95000)
    p.reply_in_dialog(200, "OK")


def in_timer_small(p):
    p.invite("Supported: timer", "Session-Expires: 60")
    p.recv(100, optional=True)
    p.recv(422, ("Min-SE", "90"))
    p.ack(failure=True)


def in_options(p):
    p.set_up()
    p.request("OPTIONS", retrans=500)
    p.recv(200)
    p.bye()


def in_crossing_byes(p):
    p.set_up()
    p.recv("BYE", capture='<ereg regexp=".*" search_in="hdr" header="Via:" '
                          'assign_to="bvia"/><ereg regexp=".*" '
                          'search_in="hdr" header="CSeq:" '
                          'assign_to="bcseq"/><ereg regexp=".*" '
                          'search_in="hdr" header="From:" '
                          'assign_to="bfrom"/><ereg regexp=".*" '
                          'search_in="hdr" header="To:" assign_to="bto"/>')
    p.used |= {"bvia", "bcseq", "bfrom", "bto"}
    p.request("BYE", retrans=500)
    p.recv(481, optional=True)
    p.recv(200, timeout=3000)
    p.message("SIP/2.0 200 OK",
              ["Via:[$bvia]", "From:[$bfrom]", "To:[$bto]",
               "Call-ID: [call_id]", "CSeq:[$bcseq]"])


def options_503(p):
    p.request("OPTIONS", retrans=500)
    p.recv(503, ("Retry-After", "[0-9]"))


def options_200(p):
    p.request("OPTIONS", retrans=500)
    p.recv(200, ("Allow", "INVITE.*UPDATE"), ("Accept", "application/sdp"))


# ---- calls out: SIPp is called ----


def out_bye(p):
    p.recv_invite(("From", 'Test .*Agent.*sip:\\+14085551000@127.0.0.1'),
                  ("Max-Forwards", "17"), ("Identity", "aaa.bbb.ccc;alg=ES256"),
                  ("Contact", "<sip:127.0.0.1:[0-9]+"),
                  ("User-Agent", "Riptide"),
                  ("body", "m=audio 40000 RTP/AVP 0 8 101"),
                  absent=[("msg", "X-Foo")])
    p.reply(180, "Ringing")
    p.reply(200, "OK", body=ANSWER, retrans=500)
    p.recv("ACK")
    p.get_bye(("Reason", "Q.850;cause=16"))


def out_plain(p):
    p.set_up()
    p.get_bye()


def out_bye_from_them(p):
    p.set_up()
    p.pause(200)
    p.request("BYE", 'Reason: Q.850;cause=31;text="Normal, unspecified"',
              retrans=500)
    p.recv(200)


def out_late(p):
    p.recv_invite(absent=[("msg", "m=audio"), ("msg", "100rel")])
    p.reply(180, "Ringing")
    p.reply(200, "OK", body=sdp(), retrans=500)
    p.recv("ACK", ("body", "m=audio 40000 RTP/AVP 0 8 101"))
    p.get_bye()


def out_late_no_audio(p):
    p.recv_invite()
    p.reply(200, "OK", body=T38, retrans=500)
    p.recv("ACK", ("body", "m=image 0 udptl t38"))
    p.get_bye(("msg", RIPT + "no-audio-in-offer"))


def out_early(p):
    p.recv_invite()
    p.reply(183, "Session Progress", body=ANSWER)
    p.pause(100)
    p.reply(200, "OK", body=ANSWER, retrans=500)
    p.recv("ACK")
    p.get_bye()


def out_forked(p):
    p.recv_invite()
    p.reply(180, "Ringing", tag="one")
    p.reply(183, "Session Progress", body=ANSWER, tag="two")
    p.reply(180, "Ringing", tag="three")
    p.reply(200, "OK", body=ANSWER, tag="two", retrans=500)
    p.recv("ACK", ("To", "tag=two"))
    p.get_bye(("To", "tag=two"))


def out_100rel(p):
    p.recv_invite(("Supported", "100rel"), keep=True)
    p.reply(183, "Session Progress", "Require: 100rel", "RSeq: 77",
            body=ANSWER, retrans=500)
    p.recv("PRACK", ("RAck", "77 [0-9]+ INVITE"))
    p.reply_in_dialog(200, "OK")
    # The answer was in the reliable 183.
    p.reply_late("200 OK", CONTACT)
    p.recv("ACK")
    p.get_bye()


def out_cancel(p):
    p.recv_invite(keep=True)
    p.reply(180, "Ringing")
    p.recv("CANCEL", ("Reason", "Q.850;cause=1[69]"))
    p.reply_in_dialog(200, "OK")
    p.reply_late("487 Request Terminated")
    p.recv("ACK")


def out_cancel_crossed(p):
    p.recv_invite(keep=True)
    p.reply(180, "Ringing")
    p.recv("CANCEL")
    p.reply_in_dialog(481, "Call Does Not Exist")
    p.reply_late("200 OK", CONTACT, body=ANSWER)
    p.recv("ACK")
    p.get_bye()


def refused(status, phrase, *headers):
    def scenario(p):
        p.recv_invite()
        p.reply(status, phrase, *headers, retrans=500)
        p.recv("ACK")
    return scenario


out_486 = refused(486, "Busy Here", 'Reason: Q.850;cause=17;text="busy"')
out_603 = refused(603, "Decline")
out_408 = refused(408, "Request Timeout")
out_480 = refused(480, "Temporarily Unavailable")
out_500 = refused(500, "Server Internal Error", "Retry-After: 1")
out_503 = refused(503, "Service Unavailable")
out_302_away = refused(302, "Moved",
                       "Contact: <sip:other@192.0.2.99:5060>")


def out_302_here(p):
    # To the second host of the trunk, whose port is the key `second`.
    p.recv_invite()
    p.reply(302, "Moved", "Contact: <sip:moved@127.0.0.1:[second]>",
            retrans=500)
    p.recv("ACK")


def out_moved(p):
    p.recv_invite(("msg", "INVITE sip:moved@127.0.0.1"))
    p.reply(180, "Ringing")
    p.reply(200, "OK", body=ANSWER, retrans=500)
    p.recv("ACK")
    p.get_bye()


def out_glare(p):
    """An offer in UPDATE before ours has an answer."""
    p.recv_invite(keep=True)
    p.reply(180, "Ringing")
    p.request("UPDATE", body=sdp(1))
    p.recv(491)
    p.reply_late("486 Busy Here")
    p.recv("ACK")


def out_refresher(p):
    """The callee makes us refresh: UPDATE at half time."""
    p.recv_invite(("Supported", "timer"), absent=[("msg", "Session-Expires")])
    p.reply(200, "OK", "Require: timer", "Session-Expires: 90;refresher=uac",
            body=ANSWER, retrans=500)
    p.recv("ACK")
    p.recv("UPDATE", ("Session-Expires", "90;refresher=uac"), timeout=60000)
    p.reply_in_dialog(200, "OK", "Require: timer",
                      "Session-Expires: 90;refresher=uac")
    p.get_bye(timeout=20000)


def out_alive(p):
    p.set_up()
    p.recv("OPTIONS")
    p.reply_in_dialog(200, "OK")
    p.get_bye()


def out_not_alive(p):
    p.set_up()
    p.recv("OPTIONS")
    p.reply_in_dialog(481, "Call Does Not Exist")


def out_record_route(p):
    # Requests in the dialog go to the route; it is us again.
    p.recv_invite()
    rr = "Record-Route: <sip:127.0.0.1:[local_port];transport=[transport];lr>"
    p.reply(180, "Ringing", rr)
    p.reply(200, "OK", rr, body=ANSWER, retrans=500)
    p.recv("ACK", ("Route", "sip:127.0.0.1:[0-9]+.*lr"))
    p.get_bye(("Route", "sip:127.0.0.1"))


def out_named_contact(p):
    # A name that nobody may ask DNS for: requests come to our address.
    p.recv_invite()
    named = "Contact: <sip:sipp@no-such-host.invalid:[local_port]>"
    p.reply(180, "Ringing", named)
    p.reply(200, "OK", named, body=ANSWER, retrans=500)
    p.recv("ACK", ("msg", "ACK sip:sipp@no-such-host.invalid"))
    p.get_bye(("msg", "BYE sip:sipp@no-such-host.invalid"))


def out_bad_contact(p):
    # The 2xx that kills the bare library when its own BYE cannot be sent.
    p.recv_invite()
    p.reply(200, "OK", "Contact: <isbn:1>", body=ANSWER, retrans=500)
    p.recv("ACK")
    p.get_bye()


def far(p):
    """The far side of two joined calls."""
    p.recv_invite(("Max-Forwards", "41"),
                  ("Identity", "abc.def.ghi;info="),
                  ("From", "sip:\\+14085557777@"),
                  absent=[("msg", "X-Foo"), ("msg", "Privacy"),
                          ("msg", "P-Asserted"), ("msg", "pbx")])
    p.reply(180, "Ringing")
    p.reply(200, "OK", body=ANSWER, retrans=500)
    p.recv("ACK")
    p.get_bye()


def main():
    names = {n: f for n, f in globals().items()
             if n.startswith(("in_", "out_", "options_")) or n == "far"}
    if sys.argv[1:] == ["--list"]:
        print("\n".join(names))
        return
    name = sys.argv[1]
    peer = Peer("uas" if name.startswith(("out_", "far")) else "uac")
    names[name](peer)
    print(peer.xml(name))


main()
