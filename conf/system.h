/* SPDX-License-Identifier: MIT */
/*
 * conf/system.h - whether this machine can carry what a configuration
 * promises: `riptide check --system`.
 *
 * Each line says the value, what is needed, and, where they differ, the
 * command that mends it.
 *
 * Owner:  the caller.
 * Loop:   none; it is a program run.
 */
#ifndef RIPTIDE_CONF_SYSTEM_H
#define RIPTIDE_CONF_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct conf;

/* What the machine says of itself. */
struct system_facts {
	bool clock_synced;
	uint64_t open_files;		/* the soft limit */
	uint64_t rmem_max;		/* net.core.rmem_max */
	unsigned local_first, local_last;	/* ip_local_port_range */
	char reserved[1024];		/* ip_local_reserved_ports */
	int64_t now_s;
};

void system_facts_read(struct system_facts *facts);

/* Compare, a line each.  Returns how many are not as needed. */
unsigned system_check(struct buf *out, const struct conf *conf,
		      const struct system_facts *facts);

#endif
