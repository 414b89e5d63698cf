#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compare what the tests showed with docs/conformance.md.

  conformance.py SHOWS.tsv OUT.tsv     compare; exit code 1 on a difference
  conformance.py --write SHOWS.tsv     write docs/conformance.md anew

A test that shows a row writes "row<TAB>test" after its assertions. A row
that the page lists and no test of this run showed is a failure; so is a row
that a test showed and the page does not list.
"""
import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "conformance.md"
ROW = re.compile(r"^\| ((?:RIPT|AC|CC)-[A-Z0-9]+-\d+) \| (.*?) \| (.*?) \|")
HEAD = """# Conformance

Every requirement of `tests/data/requirements.md` with the tests that show
it. `./run check` fails when a listed row is not shown by its tests, or when a
test shows a row that is not listed. "-" means: no test shows it yet.

| Row | Strength | Shown by |
| --- | --- | --- |
"""


def requirements():
    """Row ID to strength, in the order of the document."""
    out = {}
    for line in (ROOT / "tests/data/requirements.md").read_text().splitlines():
        m = ROW.match(line)
        if m:
            out[m[1]] = line.split("|")[3].strip()
    return out


def shown(path):
    """Row ID to the set of tests that showed it in this run."""
    out = collections.defaultdict(set)
    for line in pathlib.Path(path).read_text().splitlines():
        row, _, test = line.partition("\t")
        out[row].add(test)
    return out


def listed():
    out = {}
    for line in PAGE.read_text().splitlines():
        m = ROW.match(line)
        if m and m[3] != "-":
            out[m[1]] = set(m[3].replace("`", "").split(", "))
    return out


def write(path):
    rows, tests = requirements(), shown(path)
    with PAGE.open("w") as f:
        f.write(HEAD)
        for row, strength in rows.items():
            names = ", ".join(f"`{t}`" for t in sorted(tests.get(row, ())))
            f.write(f"| {row} | {strength} | {names or '-'} |\n")
    print(f"{sum(1 for r in rows if tests.get(r))} of {len(rows)} rows shown")


def compare(path, out):
    rows, tests, page = requirements(), shown(path), listed()
    problems = [f"{r}: no such requirement" for r in tests if r not in rows]
    with open(out, "w") as f:
        for row in rows:
            for test in sorted(page.get(row, set()) | tests.get(row, set())):
                ok = test in tests.get(row, ())
                f.write(f"{row}\t{test}\t{'passed' if ok else 'failed'}\n")
                if not ok:
                    problems.append(f"{row}: not shown by {test}")
                elif test not in page.get(row, ()):
                    problems.append(f"{row}: shown by {test}, not listed; "
                                    "run tests/conformance.py --write")
    print("\n".join(problems))
    print(f"{len(page)} rows shown of {len(rows)}")
    return 1 if problems else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    if sys.argv[1] == "--write":
        write(sys.argv[2])
    else:
        sys.exit(compare(sys.argv[1], sys.argv[2]))
