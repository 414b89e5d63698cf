#!/bin/bash
# SPDX-License-Identifier: MIT
# What a machine can see of docs/style: banned calls, lengths, SPDX lines.
. "$(dirname "$0")/../lib.sh"
cd "$root"
sources=$(ls base/*.[ch] conf/*.[ch] store/*.[ch] media/*.[ch] sip/*.[ch] \
	ript/*.[ch] gateway/*.[ch] riptcall/*.[ch] bench/*.[ch] 2>/dev/null)

found=$(grep -nE '(^|[^_[:alnum:]])(strcpy|strcat|sprintf|vsprintf|atoi|atol|strtok|alloca|gets)[[:space:]]*\(' $sources)
[ -z "$found" ] && pass "no banned calls" || fail "banned calls" "$found"

found=$(for f in $sources tests/unit/*.[ch] tests/fuzz/*.c; do
	[ -e "$f" ] || continue
	head -1 "$f" | grep -q 'SPDX-License-Identifier: MIT' || echo "$f"
done)
[ -z "$found" ] && pass "every file has its SPDX line" || fail "no SPDX line" "$found"

found=$(awk 'FNR == 1 && prev && n > 1200 { print prev ": " n " lines" }
	{ prev = FILENAME; n = FNR }
	END { if (n > 1200) print prev ": " n " lines" }' $sources)
[ -z "$found" ] && pass "no file past one reading" || fail "long files" "$found"

found=$(awk 'FNR == 1 { start = 0 }
	/^{/ { start = FNR }
	/^}/ { if (start && FNR - start > 140) print FILENAME ":" start ": " FNR - start " lines"; start = 0 }' \
	$(ls $sources | grep '\.c$'))
[ -z "$found" ] && pass "no function past one screen or two" || fail "long functions" "$found"

found=$(expand -t8 $sources | awk 'length > 100' | head -5)
[ -z "$found" ] && pass "no line above 100 columns" || fail "long lines" "$found"

found=$(for h in $(ls $sources | grep '\.h$'); do
	case $h in tests/* | bench/*) continue ;; esac
	grep -q 'Owner:\|Loop:' "$h" || echo "$h"
done)
[ -z "$found" ] && pass "every header says owner and loop" || fail "headers without owner and loop" "$found"

found=$(grep -nE '\b(TODO|FIXME|XXX)\b' $sources)
[ -z "$found" ] && pass "nothing left for later" || fail "left for later" "$found"
finish
