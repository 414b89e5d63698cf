#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""One call between two SIP phones, over two gateways and RIPT, explained.

Started by `./run demo`, which has built everything. What it makes stays in
one folder until the next run: recordings, ladder, configurations, logs.
"""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import wave

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("RIPTIDE_BUILD", ROOT / "build/plain"))
OUT = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / f"riptide-demo.{os.getuid()}"
PHONE = ROOT / "tests/peer/phone.py"
QUIET = os.environ.get("quiet") == "1"
KEEP = os.environ.get("keep") == "1"
BYWAYS = os.environ.get("byways") == "1"
NUMBER = {"a": "+14085551000", "b": "+14089529999"}
TEXT = {
    "a": "Hello from phone one. My voice leaves as R T P, crosses between the "
         "gateways as datagrams of HTTP three, and comes out as R T P again. "
         "Now I press four, two, and the hash key.",
    "b": "And hello from phone two. We both speak at the same time, so you "
         "can check that each direction carries its own voice, without a gap.",
}
SECONDS = 8
processes = []


def say(text=""):
    if not QUIET:
        print(text, flush=True)


def stop():
    """End what we started, by process, and wait for it."""
    for p in reversed(processes):
        if p.poll() is None:
            p.terminate()
    for p in reversed(processes):
        try:
            p.wait(8)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()


def die(what, log=None):
    print(f"\ndemo: {what}", file=sys.stderr)
    if log and log.exists():
        lines = log.read_text(errors="replace").splitlines()[-15:]
        print("\n".join("  " + line for line in lines), file=sys.stderr)
    print(f"Everything is in {OUT}.", file=sys.stderr)
    stop()
    sys.exit(1)


def step(n, name, text, seconds=None):
    took = f"{seconds:.0f} s" if seconds is not None else ""
    say(f"  [{n}/5] {name:<10}{text:<72} {took:>4}")


def free_port():
    """An even UDP port that nothing uses, TCP included."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
            u.bind(("127.0.0.1", 0))
            port = u.getsockname()[1]
            if port % 2 or port > 60000:
                continue
            with socket.socket() as t:
                try:
                    t.bind(("127.0.0.1", port))
                    return port
                except OSError:
                    continue


def tool(*args, ok=True):
    r = subprocess.run([str(a) for a in args], capture_output=True, text=True)
    if ok and r.returncode != 0:
        die(f"{pathlib.Path(str(args[0])).name} {args[1]} failed: "
            + (r.stderr or r.stdout).strip())
    return r


def background(name, *args):
    log = open(OUT / f"{name}.log", "w")
    p = subprocess.Popen([str(a) for a in args], stdout=log,
                         stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    processes.append(p)
    return p


def ctl(side, *args, ok=True):
    return tool(BUILD / "riptidectl", "-c", OUT / side / "riptide.yaml", *args,
                ok=ok)


def make_lab(port):
    other = {"a": "b", "b": "a"}
    for side in "ab":
        tool(BUILD / "riptide", "init", "--lab", OUT / side,
             "--authority", f"localhost:{port['ript' + side]}",
             "--sip", f"127.0.0.1:{port['sip' + side]}",
             "--sip-peer", f"127.0.0.1:{port['phone' + side]}",
             "--numbers", NUMBER[side][:8] + "*",
             "--origins", NUMBER[other[side]][:8] + "*")
    for side in "ab":
        tool(BUILD / "riptide", "init", "--lab", OUT / side,
             "--provider", OUT / other[side] / "lab.json")
    if BYWAYS:
        for side in "ab":
            path = OUT / side / "riptide.yaml"
            text = path.read_text()
            path.write_text(text.replace("transport: wt", "transport: byway"))


def make_speech(side):
    path, raw = OUT / f"speech-{side}.wav", OUT / "raw.wav"
    tool("espeak-ng", "-p", "35" if side == "a" else "70", "-s", "160",
         "-w", raw, TEXT[side])
    tool("sox", raw, "-r", "8000", "-c", "1", "-b", "16", path,
         "pad", "0", str(SECONDS), "trim", "0", str(SECONDS))
    raw.unlink()
    return path


def wait_ready(gateways):
    for side, p in gateways.items():
        for _ in range(100):
            if ctl(side, "status", ok=False).returncode == 0:
                break
            if p.poll() is not None:
                break
            time.sleep(0.1)
        else:
            die(f"gateway {side.upper()} did not become ready",
                OUT / f"gateway-{side}.log")
        if p.poll() is not None:
            die(f"gateway {side.upper()} ended", OUT / f"gateway-{side}.log")


def wait_phone(name, p):
    for _ in range(100):
        if "ready" in (OUT / f"{name}.log").read_text():
            return
        if p.poll() is not None:
            break
        time.sleep(0.05)
    die(f"{name} did not start", OUT / f"{name}.log")


# ---- what happened ----

COLUMNS = ["phone 1", "gateway A", "gateway B", "phone 2"]
WIDTH = 24


def short(start):
    """A start line as the ladder shows it."""
    words = start.split()
    return words[1] if words and words[0].startswith("SIP/") else words[0]


def ladder_lines(a, b, between):
    """(time, from column, to column, text), in order."""
    out = []
    for t, way, start in a["log"]:
        out.append((t, *((0, 1) if way == "out" else (1, 0)), short(start)))
    for t, way, start in b["log"]:
        out.append((t, *((3, 2) if way == "out" else (2, 3)), short(start)))
    for t, outward, text in between:
        out.append((t, *((1, 2) if outward else (2, 1)), text))
    out.sort(key=lambda line: line[0])
    return out


def draw(lines, zero):
    say("        " + "".join(c.ljust(WIDTH) for c in COLUMNS))
    for t, left, right, text in lines:
        low, high = min(left, right), max(left, right)
        if high - low == 3:             # the voice, all the way
            parts = ("RTP", text, "RTP")
            arrow = ["==" + p for p in parts]
            row = "|" + "|".join(p.ljust(WIDTH - 2, "=") + ">" for p in arrow)
            say(f"  {t - zero:6.3f} {row}|")
            continue
        row = ""
        for column in range(4):
            row += "|"
            if column == 3:
                break
            if column == low and high == low + 1:
                room = WIDTH - 1
                label = text[:room - 4]
                if left < right:
                    row += ("--" + label).ljust(room - 1, "-") + ">"
                else:
                    row += "<" + ("-" + label).ljust(room - 1, "-")
            else:
                row += " " * (WIDTH - 1)
        say(f"  {t - zero:6.3f} {row}")


def between_gateways():
    """The RIPT messages of gateway A: (monotonic time, outward, text)."""
    calls = json.loads(ctl("a", "calls", "--all", "--json").stdout)["calls"]
    if not calls:
        return []
    call = calls[-1]["id"]
    data = json.loads(ctl("a", "ladder", call, "--json").stdout)
    (OUT / "ladder.json").write_text(json.dumps(data, indent=1))
    (OUT / "ladder.txt").write_text(ctl("a", "ladder", call).stdout)
    offset = time.time() - time.monotonic()
    out = []
    for m in data["ladder"]:
        if m["protocol"] == "ript":
            out.append((m["time_ms"] / 1000 - offset, m["dir"] == "out",
                        m["message"]))
    return out


def percentile(values, p):
    values = sorted(values)
    return values[min(int(len(values) * p / 100), len(values) - 1)] if values else 0


def compare(sender, receiver):
    """Packets of speech sent and arrived, identical or not, delays in ms."""
    sent = [p for p in sender["sent"] if p[2] in (0, 8)]
    got = [p for p in receiver["received"] if p[2] in (0, 8)]
    delays = []
    if sent and got:
        first = {p[4]: p[0] for p in sent}
        by_ts = {p[3] - sent[0][3]: p for p in sent}
        anchor = next((p for p in got if p[4] in first), None)
        if anchor:
            base = anchor[3] - next(p[3] for p in sent if p[4] == anchor[4])
            for p in got:
                match = by_ts.get(((p[3] - base) & 0xFFFFFFFF) - sent[0][3])
                if match and match[4] == p[4]:
                    delays.append((p[0] - match[0]) * 1000)
    same = sender["audio_sent_sha"] == receiver["audio_sha"]
    return len(sent), len(got), same, delays


def direct_delay(port, speech):
    """p50 of the delay between the same two phones without gateways, in ms."""
    answer = background("direct2", PHONE, "answer", "--port", port["phoneb"],
                        "--report", OUT / "direct2.json", "--limit", 10)
    wait_phone("direct2", answer)
    call = background("direct1", PHONE, "call", f"127.0.0.1:{port['phoneb']}",
                      NUMBER["b"], "--port", port["phonea"], "--play", speech,
                      "--seconds", 1, "--hangup-when-done", "--tail", 0.1,
                      "--report", OUT / "direct1.json", "--limit", 10)
    if call.wait(15) or answer.wait(15):
        die("the two phones cannot call each other directly",
            OUT / "direct1.log")
    a, b = (json.loads((OUT / f"direct{n}.json").read_text()) for n in (1, 2))
    return percentile(compare(a, b)[3], 50)


def verdicts(a, b, direct):
    ok = True
    t = a["times"]
    ring = t.get("180", t.get("183"))
    far = b["times"]["invite"]
    say(f"   set-up        {(ring - t['invite']) * 1000:.0f} ms from INVITE to "
        f"ringing, {(far - t['invite']) * 1000:.0f} ms of it until the far phone "
        "had its INVITE")
    verified = b["caller"].split(":")[1].split("@")[0]
    good = verified == NUMBER["a"]
    ok &= good
    say(f"   caller        verified by PASSporT: {'yes' if good else 'NO'} "
        f"({verified}, signed under the lab's CA)")
    for n, sender, receiver in (("1 -> 2", a, b), ("2 -> 1", b, a)):
        sent, got, same, delays = compare(sender, receiver)
        ok &= same and sent == got and sent > 0
        say(f"   audio {n}  {sent} packets sent, {got} arrived, "
            f"{'bytes identical' if same else 'BYTES DIFFER'}; added delay "
            f"p50 {max(percentile(delays, 50) - direct, 0):.1f} ms, "
            f"p99 {max(percentile(delays, 99) - direct, 0):.1f} ms")
    digits = b["digits"]
    good = [d["digit"] for d in digits] == list("42#") \
        and all(d["ms"] == 100 and d["ends"] == 3 for d in digits)
    ok &= good
    listed = ", ".join(f"{d['digit']} {d['ms']} ms" for d in digits)
    say(f"   digits        {listed or 'none'}: "
        f"{'once each, in order' if good else 'NOT AS SENT (4 2 #)'}; comfort "
        f"noise {'arrived' if b['cn'] else 'DID NOT ARRIVE'}")
    ok &= b["cn"] > 0
    info = json.loads(ctl("a", "calls", "--all", "--json").stdout)["calls"][-1]
    media = info.get("media", {})
    if media:
        say(f"   gateway A     {media.get('from_rtp', 0)} RTP packets in, "
            f"{media.get('from_ript', 0)} chunks in, lost "
            f"{media.get('lost', 0)}, over {media.get('way', 'RIPT')}")
    return ok


def main():
    start = time.monotonic()
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(mode=0o700)
    say("Riptide demo: a SIP phone calls a SIP phone, and between them the "
        "call travels over RIPT.\n")
    step(1, "packages", os.environ.get("note_packages", "all there"))
    step(2, "build", f"riptide, riptidectl, riptcall: {os.environ.get('note_build', '')}")
    t = time.monotonic()
    port = {f"{kind}{side}": free_port()
            for kind in ("ript", "sip", "phone") for side in "ab"}
    make_lab(port)
    speech = {side: make_speech(side) for side in "ab"}
    step(3, "lab", f"CA, certificates, tokens, two configurations: {OUT}",
         time.monotonic() - t)
    t = time.monotonic()
    gateways = {side: background(f"gateway-{side}", BUILD / "riptide", "run",
                                 "-c", OUT / side / "riptide.yaml")
                for side in "ab"}
    wait_ready(gateways)
    direct = direct_delay(port, speech["a"])
    phone2 = background("phone2", PHONE, "answer", "--port", port["phoneb"],
                        "--from", NUMBER["b"], "--play", speech["b"],
                        "--record", OUT / "phone2.wav", "--report",
                        OUT / "phone2.json", "--expect", "bye-received",
                        "--limit", 40)
    wait_phone("phone2", phone2)
    step(4, "start", "gateway A (customer), gateway B (provider), phone 1, phone 2",
         time.monotonic() - t)
    t = time.monotonic()
    phone1 = background("phone1", PHONE, "call", f"127.0.0.1:{port['sipa']}",
                        NUMBER["b"], "--port", port["phonea"], "--from",
                        NUMBER["a"], "--play", speech["a"], "--dtmf", "42#",
                        "--cn", 3, "--hangup-when-done", "--record",
                        OUT / "phone1.wav", "--report", OUT / "phone1.json",
                        "--expect", "bye-sent", "--limit", 40)
    wait_phone("phone1", phone1)
    while phone1.poll() is None or phone2.poll() is None:
        if not QUIET and sys.stdout.isatty():
            print(f"\r  [5/5] call          {time.monotonic() - t:4.0f} s of about "
                  f"{SECONDS + 4} s ", end="", flush=True)
        time.sleep(0.25)
    if not QUIET and sys.stdout.isatty():
        print("\r", end="")
    step(5, "call", f"{NUMBER['a']} -> {NUMBER['b']}, {SECONDS} s of speech each "
         "way, digits 4 2 #", time.monotonic() - t)
    for n, p in ((1, phone1), (2, phone2)):
        if p.returncode != 0:
            die(f"phone {n} had no good call", OUT / f"phone{n}.log")
    a = json.loads((OUT / "phone1.json").read_text())
    b = json.loads((OUT / "phone2.json").read_text())
    between = between_gateways()
    say()
    lines = ladder_lines(a, b, between)
    if a["sent"]:
        lines.append((a["sent"][0][0], 0, 3, "PUT and GET" if BYWAYS
                      else "datagrams"))
    draw(sorted(lines, key=lambda line: line[0]), a["times"]["invite"])
    say()
    ok = verdicts(a, b, direct)
    say(f"   recordings    {OUT}/phone1.wav, phone2.wav; ladder.txt, a/, b/ "
        "beside them\n")
    if KEEP:
        print(f"Gateways are still running; try\n  {BUILD}/riptidectl -c "
              f"{OUT}/a/riptide.yaml status\nEnter ends them.", flush=True)
        try:
            input()
        except (EOFError, KeyboardInterrupt):
            pass
    stop()
    if not ok:
        print("The call did not work as it should; see above.", file=sys.stderr)
        return 1
    print("The call worked. Next: docs/quickstart.md (your own PBX), "
          "`riptidectl --help`, `./run check` (all tests). "
          f"({time.monotonic() - start:.0f} s)")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        stop()
        sys.exit(130)
    finally:
        stop()
