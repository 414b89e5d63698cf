/* SPDX-License-Identifier: MIT */
/*
 * bench/nua_b2b: the barest back-to-back program on the library that we use
 * for SIP.  Two dialogs, SDP passed through, no database, no policy, no
 * media: what bench/setup compares the gateway with.
 *
 *   nua_b2b LISTEN TARGET        e.g. nua_b2b 127.0.0.1:5080 127.0.0.1:5090
 *
 * It runs until SIGTERM.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct leg;
struct program;
#define NUA_MAGIC_T struct program
#define NUA_HMAGIC_T struct leg
#define SU_ROOT_MAGIC_T struct program
#define SU_WAKEUP_ARG_T struct program
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include <sofia-sip/nta_tag.h>
#include <sofia-sip/nua.h>
#include <sofia-sip/nua_tag.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/su_wait.h>
#include <sofia-sip/tport_tag.h>
#pragma GCC diagnostic pop

struct program {
	su_root_t *root;
	nua_t *nua;
	const char *target;
	int signals;
};

/* One dialog; a call is two of them. */
struct leg {
	nua_handle_t *nh;
	struct leg *other;
	int in;
};

static const char *sdp_of(const sip_t *sip)
{
	return sip && sip->sip_payload ? sip->sip_payload->pl_data : NULL;
}

static void on_invite(struct program *p, nua_handle_t *nh, const sip_t *sip)
{
	struct leg *in = calloc(1, sizeof(*in)), *out;
	char to[256], from[256];

	out = calloc(1, sizeof(*out));
	if (!in || !out)
		abort();
	in->nh = nh;
	in->in = 1;
	in->other = out;
	out->other = in;
	nua_handle_bind(nh, in);
	snprintf(to, sizeof(to), "sip:%s@%s",
		 sip->sip_to->a_url->url_user ? sip->sip_to->a_url->url_user
					      : "x", p->target);
	snprintf(from, sizeof(from), "<sip:%s@127.0.0.1>",
		 sip->sip_from->a_url->url_user
			 ? sip->sip_from->a_url->url_user
			 : "x");
	out->nh = nua_handle(p->nua, out, SIPTAG_TO_STR(to),
			     SIPTAG_FROM_STR(from), NUTAG_URL(to), TAG_END());
	nua_invite(out->nh, SIPTAG_CONTENT_TYPE_STR("application/sdp"),
		   SIPTAG_PAYLOAD_STR(sdp_of(sip)), TAG_END());
}

static void on_answer(struct leg *leg, int status, const sip_t *sip)
{
	struct leg *other = leg->other;
	const char *sdp = sdp_of(sip);

	if (!other || !other->in) {
		if (status >= 200 && status < 300)
			nua_ack(leg->nh, TAG_END());
		return;
	}
	if (status == 180)
		nua_respond(other->nh, SIP_180_RINGING, TAG_END());
	else if (status >= 200 && status < 300) {
		nua_ack(leg->nh, TAG_END());
		nua_respond(other->nh, SIP_200_OK,
			    SIPTAG_CONTENT_TYPE_STR("application/sdp"),
			    SIPTAG_PAYLOAD_STR(sdp), TAG_END());
	} else if (status >= 300) {
		nua_respond(other->nh, SIP_503_SERVICE_UNAVAILABLE, TAG_END());
	}
}

/* A dialog has ended: its other half follows. */
static void on_terminated(struct leg *leg)
{
	struct leg *other = leg->other;

	if (other) {
		other->other = NULL;
		nua_bye(other->nh, TAG_END());
	}
	nua_handle_destroy(leg->nh);
	free(leg);
}

static void on_event(nua_event_t event, int status, const char *phrase,
		     nua_t *nua, struct program *p, nua_handle_t *nh,
		     struct leg *leg, const sip_t *sip, tagi_t tags[])
{
	int state = nua_callstate_init;

	(void)phrase;
	(void)nua;
	switch (event) {
	case nua_i_invite:
		if (!leg)
			on_invite(p, nh, sip);
		break;
	case nua_r_invite:
		if (leg)
			on_answer(leg, status, sip);
		break;
	case nua_i_state:
		tl_gets(tags, NUTAG_CALLSTATE_REF(state), TAG_END());
		if (state == nua_callstate_terminated && leg)
			on_terminated(leg);
		break;
	case nua_r_shutdown:
		if (status >= 200)
			su_root_break(p->root);
		break;
	default:
		break;
	}
}

static int on_signal(struct program *p, su_wait_t *wait, struct program *arg)
{
	struct signalfd_siginfo si;

	(void)wait;
	(void)arg;
	if (read(p->signals, &si, sizeof(si)) == sizeof(si))
		nua_shutdown(p->nua);
	return 0;
}

static int watch_signals(struct program *p, const sigset_t *set)
{
	su_wait_t wait[1] = { SU_WAIT_INIT };

	p->signals = signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (p->signals < 0 ||
	    su_wait_create(wait, p->signals, SU_WAIT_IN) < 0)
		return -1;
	return su_root_register(p->root, wait, on_signal, p, su_pri_normal);
}

int main(int argc, char **argv)
{
	struct program p = { 0 };
	char url[128];
	sigset_t set;
	int index;

	if (argc != 3) {
		fprintf(stderr, "usage: nua_b2b LISTEN TARGET, both "
				"host:port\n");
		return 2;
	}
	p.target = argv[2];
	snprintf(url, sizeof(url), "sip:%s;transport=udp", argv[1]);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (su_init() < 0 || !(p.root = su_root_create(&p)))
		return 1;
	su_root_threading(p.root, 0);
	p.nua = nua_create(p.root, on_event, &p, NUTAG_URL(url),
			   NUTAG_MEDIA_ENABLE(0), NUTAG_AUTOALERT(0),
			   NUTAG_AUTOANSWER(0), NUTAG_AUTOACK(0),
			   NUTAG_AUTO302(0), NUTAG_MAX_RETRY_AFTER(0),
			   TPTAG_UDP_RMEM(8 << 20), NTATAG_MAXSIZE(65536),
			   NTATAG_UDP_MTU(65535), TAG_END());
	index = p.nua ? watch_signals(&p, &set) : -1;
	if (index < 0) {
		fprintf(stderr, "nua_b2b: cannot listen on %s\n", argv[1]);
		return 1;
	}
	su_root_run(p.root);
	su_root_deregister(p.root, index);
	nua_destroy(p.nua);
	su_root_destroy(p.root);
	su_deinit();
	return 0;
}
