# SPDX-License-Identifier: MIT
# tests/check.sh - what `./run check` does; sourced by ./run, which has built
# nothing yet and gives us build_in, say and die.

total_passed=0
total_failed=0
failures=()

# count LOG: adds the test lines of one log to the totals.
count() {
	local p f
	p=$(grep -cE '^(\[       OK \]|ok - )' "$1")
	f=$(grep -cE '^(\[  FAILED  \] .*[^0-9]$|not ok - )' "$1")
	total_passed=$((total_passed + p))
	total_failed=$((total_failed + f))
}

failed() {
	failures+=("$1")
	echo "  FAILED: $1"
}

stage() {
	stage_start=$SECONDS
	[ "$quiet" = 1 ] || printf '  %-44s ' "$1"
}

stage_end() {
	[ "$quiet" = 1 ] || printf '%s  %4d s\n' "$1" $((SECONDS - stage_start))
}

# unit FOLDER: the unit tests of one build.
unit() {
	local dir=build/$1 logs log name rc=0
	shift
	stage "unit tests, ${dir#build/}"
	find "$dir/tests/unit" -name '*.log' -delete 2>/dev/null
	find "$dir/tests/unit" -name '*.trs' -delete 2>/dev/null
	make -C "$dir" -j"$jobs" check "$@" >"$dir/check.log" 2>&1 || rc=1
	logs=$(find "$dir/tests/unit" -name '*.log')
	local before=$total_passed
	for log in $logs; do
		count "$log"
		name=$(basename "$log" .log)
		grep -qE '^:test-result: PASS' "${log%.log}.trs" 2>/dev/null || {
			failed "unit test $name (${dir#build/})"
			grep -qE '^\[  FAILED  \] .*[^0-9]$' "$log" || total_failed=$((total_failed + 1))
			tail -25 "$log"
		}
	done
	if [ -z "$logs" ]; then
		failed "unit tests did not run (${dir#build/})"
		total_failed=$((total_failed + 1))
		tail -25 "$dir/check.log"
	elif [ $rc != 0 ] && [ ${#failures[@]} = 0 ]; then
		failed "make check (${dir#build/})"
		total_failed=$((total_failed + 1))
		tail -25 "$dir/check.log"
	fi
	stage_end "$((total_passed - before)) passed"
}

# script FILE [LIMIT]: one test script with a time limit in seconds.
script() {
	local log=build/logs/$(basename "$1").log before=$total_passed bad=$total_failed
	stage "$(basename "$1")"
	mkdir -p build/logs
	RIPTIDE_BUILD=$root/build/plain timeout -k 10 "${2:-300}" "$1" >"$log" 2>&1
	local rc=$?
	count "$log"
	if [ $rc != 0 ]; then
		failed "$1 (exit code $rc)"
		[ "$total_failed" -gt "$bad" ] || total_failed=$((total_failed + 1))
		grep -E '^not ok' "$log" || tail -25 "$log"
	fi
	stage_end "$((total_passed - before)) passed"
	grep '^# skipped' "$log" | sed 's/^# /    /'
	return 0
}

# The corpora of the fuzz targets, through the sanitized build.
corpora() {
	local target name before=$total_passed log=build/logs/corpora.log
	stage "fuzz corpora"
	: >"$log"
	for target in build/asan/tests/fuzz/fuzz_*; do
		[ -x "$target" ] && [ -f "$target" ] || continue
		name=${target##*/fuzz_}
		if [ -d "tests/fuzz/corpus/$name" ] &&
			"$target" "tests/fuzz/corpus/$name" >>"$log" 2>&1; then
			echo "ok - corpus of $name" >>"$log"
		else
			echo "not ok - corpus of $name" >>"$log"
			failed "corpus of $name"
			tail -20 "$log"
		fi
	done
	count "$log"
	stage_end "$((total_passed - before)) passed"
}

check() {
	local s start=$SECONDS
	mkdir -p build/logs
	export RIPTIDE_SHOWS=$root/build/shows.tsv
	export ASAN_OPTIONS=detect_stack_use_after_return=1:${ASAN_OPTIONS:-}
	rm -f "$RIPTIDE_SHOWS"
	for s in plain asan tsan; do
		stage "build, $s"
		case $s in
		plain) build_in plain ;;
		asan) build_in asan --enable-sanitize=address CFLAGS="-O1 -g" ;;
		tsan) build_in tsan --enable-sanitize=thread CFLAGS="-O1 -g" ;;
		esac
		make -C "build/$s" -j"$jobs" check TESTS= >"build/$s/run.log" 2>&1 ||
			{ grep -E -A8 'error|undefined' "build/$s/run.log" | head -40; die "the tests do not build"; }
		stage_end "ok"
	done
	unit plain
	unit asan
	unit tsan TESTS="$(tsan_tests)"
	corpora
	for s in tests/static/*.sh tests/peer/*.sh tests/bad_peer/*.sh; do
		[ -x "$s" ] && script "$s" 400
	done
	conformance
	echo
	for s in "${failures[@]:-}"; do
		[ -n "$s" ] && echo "failed: $s"
	done
	say "$((SECONDS - start)) s"
	echo "$total_passed passed, $total_failed failed"
	[ "$total_failed" = 0 ] && [ ${#failures[@]} = 0 ]
}

# What runs threads or loops: the rest is the same code as under ASan.
tsan_tests() {
	local t
	for t in log loop mailbox metric fetch worker exchange byway h3 quic store admin; do
		for f in build/tsan/tests/unit/test_*"$t"*; do
			[ -x "$f" ] && [ -f "$f" ] && case $f in *.log | *.trs | *.o) ;; *) echo "${f#build/tsan/}" ;; esac
		done
	done | sort -u | tr '\n' ' '
}

# build/conformance.tsv (row, test, passed) against docs/conformance.md.
conformance() {
	stage "conformance"
	if python3 tests/conformance.py build/shows.tsv build/conformance.tsv \
		>build/logs/conformance.log 2>&1; then
		total_passed=$((total_passed + 1))
	else
		total_failed=$((total_failed + 1))
		failed "conformance: see build/logs/conformance.log"
		tail -20 build/logs/conformance.log
	fi
	stage_end "$(tail -1 build/logs/conformance.log)"
}

check_all() {
	local t ok=1
	check || ok=0
	stage "build and unit tests, clang"
	CC=clang build_in clang
	unit clang
	stage "distcheck"
	make -C build/plain -j"$jobs" distcheck >build/logs/distcheck.log 2>&1 ||
		{ ok=0; tail -20 build/logs/distcheck.log; }
	stage_end "done"
	stage "mutants"
	tests/mutants.sh >build/logs/mutants.log 2>&1 ||
		{ ok=0; grep -v ' caught by ' build/logs/mutants.log; }
	stage_end "$(tail -1 build/logs/mutants.log)"
	CC=clang build_in fuzz --enable-fuzz --enable-sanitize=address CFLAGS="-O1 -g -fsanitize=fuzzer-no-link"
	for t in build/fuzz/tests/fuzz/fuzz_*; do
		[ -x "$t" ] && [ -f "$t" ] || continue
		stage "fuzz ${t##*/fuzz_} for 60 s"
		mkdir -p "build/fuzz/corpus/${t##*/fuzz_}"
		"$t" -max_total_time=60 -rss_limit_mb=2048 -print_final_stats=1 \
			"build/fuzz/corpus/${t##*/fuzz_}" "tests/fuzz/corpus/${t##*/fuzz_}" \
			>"build/logs/${t##*/}.log" 2>&1 || { ok=0; tail -20 "build/logs/${t##*/}.log"; }
		stage_end "done"
	done
	[ "$ok" = 1 ]
}
