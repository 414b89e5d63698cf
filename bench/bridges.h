/* SPDX-License-Identifier: MIT */
/*
 * bench/bridges.h - what bench/bridges and bench/riptload agree on.
 *
 * Loop:   any.
 */
#ifndef RIPTIDE_BENCH_BRIDGES_H
#define RIPTIDE_BENCH_BRIDGES_H

#define BRIDGES_PATH "/.well-known/ript/v1/providertgs/bench/calls/"
#define BRIDGES_TOKEN "bench"

#endif
