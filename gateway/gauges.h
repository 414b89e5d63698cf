/* SPDX-License-Identifier: MIT */
/*
 * gateway/gauges.h - trunks, peers, port ranges and the version as gauges,
 * for monitoring.
 *
 * Owner:  metrics of the process.
 * Loop:   control.
 */
#ifndef RIPTIDE_GATEWAY_GAUGES_H
#define RIPTIDE_GATEWAY_GAUGES_H

struct gateway;

/* Make the series, then keep them true. */
void gauges_make(const struct gateway *gw);
void gauges_refresh(const struct gateway *gw);

#endif
