/* SPDX-License-Identifier: MIT */
/*
 * The library calls its own functions through the PLT, so the program's win.
 * Two are replaced: one to learn the agent that NUA hides, one because every
 * UDP port of the library would answer STUN for anybody.
 */
#include "sip/interpose.h"

#include <dlfcn.h>
#include <stdlib.h>

#include "base/metric.h"

static nta_agent_t *last_agent;
static struct metric *stun_dropped;

#pragma GCC visibility push(default)

nta_agent_t *nta_agent_create(su_root_t *root, url_string_t const *url,
			      nta_message_f *callback,
			      nta_agent_magic_t *magic, tag_type_t tag,
			      tag_value_t value, ...)
{
	__typeof__(nta_agent_create) *real;
	ta_list ta;

	*(void **)&real = dlsym(RTLD_NEXT, "nta_agent_create");
	if (!real)
		abort();
	ta_start(ta, tag, value);
	last_agent = real(root, url, callback, magic, ta_tags(ta));
	(void)(ta_end(ta));
	return last_agent;
}

/* In no header of the library, so it is declared here. */
int tport_recv_stun_dgram(tport_t const *self, msg_t **in_out_msg,
			  su_sockaddr_t *from, socklen_t fromlen);

int tport_recv_stun_dgram(tport_t const *self, msg_t **in_out_msg,
			  su_sockaddr_t *from, socklen_t fromlen)
{
	(void)self;
	(void)from;
	(void)fromlen;
	msg_destroy(*in_out_msg);
	*in_out_msg = NULL;
	if (stun_dropped)
		metric_inc(stun_dropped);
	return 3;	/* "was a keep-alive": nothing to parse */
}

#pragma GCC visibility pop

nta_agent_t *interpose_take_agent(void)
{
	nta_agent_t *agent = last_agent;

	last_agent = NULL;
	return agent;
}

void interpose_count_stun(struct metric *counter)
{
	stun_dropped = counter;
}
