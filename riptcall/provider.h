/* SPDX-License-Identifier: MIT */
/*
 * riptcall/provider.h - the RIPT server that `riptcall serve` is: terminal
 * groups, tokens, certificates and trust of a lab.
 *
 * Owner:  the command.
 * Loop:   control.
 */
#ifndef RIPTIDE_RIPTCALL_PROVIDER_H
#define RIPTIDE_RIPTCALL_PROVIDER_H

struct endpoint;
struct options;
struct passport_trust;
struct ript_server;
struct ript_server_events;

struct provider {
	struct ript_server *server;
	struct passport_trust *trust;
};

/* Returns 0 or an errno with *@why (malloc'ed). */
int provider_start(struct provider *provider, struct endpoint *ep,
		   const struct options *options,
		   const struct ript_server_events *events, void *arg,
		   char **why);
void provider_stop(struct provider *provider);

#endif
