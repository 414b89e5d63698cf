#!/bin/bash
# SPDX-License-Identifier: MIT
# tests/mutants.sh [ROW...] - prove the tests: break one requirement at a
# time, and see the row's own test fail.
#
# Each line of tests/mutants.tsv is one mutant:
#   ROW <tab> FILE <tab> TEST <tab> OLD <tab> NEW
# OLD (a literal text that stands in FILE exactly once; \n and \t as written,
# for IFS would swallow a tab) becomes NEW in a copy of the tree; TEST is the
# unit test program that shows ROW. The mutant is caught when the program fails and one of its tests that
# show ROW does not any more.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
dir=$root/build/mutants
cc=gcc
command -v ccache >/dev/null && cc="ccache gcc"

git -C "$root" ls-files --error-unmatch run >/dev/null 2>&1 ||
	{ echo "tests/mutants.sh: needs a git checkout" >&2; exit 1; }
mkdir -p "$dir/build"
rm -rf "$dir/src"
git -C "$root" ls-files -z | tar -C "$root" --null -T - -cf - --ignore-failed-read 2>/dev/null |
	{ mkdir -p "$dir/src" && tar -C "$dir/src" -xmf -; }
(cd "$dir/src" && autoreconf -i) >"$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
(cd "$dir/build" && ../src/configure -q CC="$cc" CFLAGS="-O0 -g0") >"$dir/log" 2>&1 ||
	{ tail "$dir/log"; exit 1; }

# mutate FILE OLD NEW: in place; fails unless OLD stands there once.
mutate() {
	python3 - "$@" <<-'PY'
	import sys
	path, old, new = sys.argv[1], *(s.replace("\\n", "\n").replace("\\t", "\t") for s in sys.argv[2:])
	text = open(path).read()
	if text.count(old) != 1:
	    sys.exit(f"stands there {text.count(old)} times")
	open(path, "w").write(text.replace(old, new))
	PY
}

# One unit test program of the copy. The archives are made anew: `ar u` looks
# at whole seconds, and a mutant takes less.
build() {
	make -C "$dir/build" -j"$(nproc)" ARFLAGS=cr "$@" >"$dir/log" 2>&1
}

# run TEST: writes the rows that it shows to $dir/shows.
run() {
	rm -f "$dir/shows"
	(cd "$dir/src" && RIPTIDE_SHOWS=$dir/shows timeout 60 "$dir/build/tests/unit/$1" >"$dir/log" 2>&1) 2>/dev/null
}

# times ROW FILE: how many of a program's tests show the row.
times() {
	grep -c "^$1	" "$2" 2>/dev/null || true
}

# sound TEST ROW: without a mutant the program passes and shows the row.
sound() {
	if [ ! -e "$dir/sound/$1" ]; then
		: >"$dir/sound/$1"
		build "tests/unit/$1" && run "$1" && cp "$dir/shows" "$dir/sound/$1"
	fi
	[ "$(times "$2" "$dir/sound/$1")" != 0 ]
}

rm -rf "$dir/sound"
mkdir -p "$dir/sound"
caught=0 survived=0 broken=0
while IFS=$'\t' read -r row file test old new; do
	case $row in '' | \#*) continue ;; esac
	[ $# -eq 0 ] || case " $* " in *" $row "*) ;; *) continue ;; esac
	if ! sound "$test" "$row"; then
		broken=$((broken + 1))
		printf '%-14s %-28s BROKEN: %s does not show it\n' "$row" "$file" "$test"
		continue
	fi
	src=$dir/src/$file
	cp "$src" "$dir/keep"
	if ! why=$(mutate "$src" "$old" "$new" 2>&1); then
		broken=$((broken + 1))
		printf '%-14s %-28s BROKEN: the text %s\n' "$row" "$file" "$why"
		cp "$dir/keep" "$src"
		continue
	fi
	if ! build "tests/unit/$test"; then
		broken=$((broken + 1))
		printf '%-14s %-28s BROKEN: does not compile\n' "$row" "$file"
		grep -m3 error "$dir/log"
	elif run "$test" || [ "$(times "$row" "$dir/shows")" = "$(times "$row" "$dir/sound/$test")" ]; then
		survived=$((survived + 1))
		printf '%-14s %-28s SURVIVED: %s passes\n' "$row" "$file" "$test"
	else
		caught=$((caught + 1))
		printf '%-14s %-28s caught by %s\n' "$row" "$file" "$test"
	fi
	cp "$dir/keep" "$src"
done < <(cat "$root/tests/mutants.tsv")
echo "$caught caught, $survived survived, $broken broken"
[ $survived = 0 ] && [ $broken = 0 ]
