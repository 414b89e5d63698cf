/* SPDX-License-Identifier: MIT */
/*
 * gateway/report.h - what riptidectl asks, answered from the control loop.
 *
 *   status  calls[?all]  call/ID  ladder/ID  explain/ID
 *   hangup/ID (POST)  healthz  ready
 *
 * ID is the beginning of a call ID, a SIP Call-ID or a RIPT call's UUID.
 *
 * Owner:  gateway/gateway.c.
 * Loop:   control.
 */
#ifndef RIPTIDE_GATEWAY_REPORT_H
#define RIPTIDE_GATEWAY_REPORT_H

struct gateway;
struct inquiry;
struct report;

/* Questions get 503 until report_open(): the library of SIP takes turns of
 * the loop while the gateway is still half built. */
struct report *report_new(struct gateway *gateway);
void report_open(struct report *report);
/* Questions that wait are answered 503.  NULL is fine. */
void report_free(struct report **reportp);

/* As admin_config.ask; @arg is the report. */
void report_ask(struct inquiry *inquiry, void *arg);

#endif
