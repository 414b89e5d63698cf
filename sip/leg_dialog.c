/* SPDX-License-Identifier: MIT */
/*
 * What identifies a dialog, where its requests go, and the SDP of both sides
 * as text.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "sip/leg_inside.h"

void leg_replace(char **textp, char *text)
{
	free(*textp);
	*textp = text;
}

/* ---- next hop ---- */

/*
 * Requests go to the first route, else to the target, if that is an address
 * that this network reaches; else (a name, TLS) to the host that the dialog
 * began with.  So the library never resolves a name, and never meets a URI
 * that it cannot send to: both have killed it (docs/sip.md).
 */
static void hop_print(struct leg *leg, char *out, size_t size,
		      const url_t *url)
{
	enum uri_transport transport = url ? uri_transport(url) : URI_OTHER;
	bool tcp = transport == URI_ANY ? leg->tcp : transport == URI_TCP;
	char text[ADDR_TEXT_LEN];
	struct addr addr;
	int i;

	if (transport == URI_OTHER || uri_address(&addr, url) != 0 ||
	    addr.ss.ss_family != leg->net->address.ss.ss_family ||
	    (tcp ? !leg->net->tcp : !leg->net->udp)) {
		i = trunk_host_at(leg->trunk, &leg->peer);
		addr = leg->trunk->host[i < 0 ? 0 : i].host;
		tcp = leg->tcp;
	}
	if (!addr_port(&addr))
		addr_set_port(&addr, 5060);
	addr_print(text, &addr);
	snprintf(out, size, "sip:%s;transport=%s", text, tcp ? "tcp" : "udp");
}

static void learn_hop(struct leg *leg, const sip_route_t *route,
		      const sip_contact_t *target)
{
	char hop[sizeof(leg->hop)];

	hop_print(leg, hop, sizeof(hop),
		  route ? route->r_url : target ? target->m_url : NULL);
	if (strcmp(hop, leg->hop) == 0)
		return;
	memcpy(leg->hop, hop, sizeof(hop));
	nua_set_hparams(leg->nh, NUTAG_PROXY(leg->hop), TAG_END());
}

/* ---- identity ---- */

static void learn_route(struct leg *leg, const sip_route_t *route)
{
	struct buf buf;
	char uri[URI_LEN + 1];

	buf_init(&buf, sizeof(leg->route) - 1);
	for (; route; route = route->r_next) {
		if (uri_print(uri, route->r_url) != 0)
			break;
		if (buf_printf(&buf, "%s<%s>", buf.len ? ", " : "", uri) != 0)
			break;
	}
	snprintf(leg->route, sizeof(leg->route), "%s", buf_str(&buf));
	buf_free(&buf);
}

static char *tagged(const sip_addr_t *addr, const char *tag)
{
	char uri[URI_LEN + 1];

	if (!addr || uri_print(uri, addr->a_url) != 0)
		return NULL;
	if (!tag)
		tag = addr->a_tag;
	return tag ? xasprintf("<%s>;tag=%.255s", uri, tag)
		   : xasprintf("<%s>", uri);
}

static void learn_uris(struct leg *leg, const sip_t *sip, const char *our_tag)
{
	bool theirs = (sip->sip_request != NULL);
	const sip_addr_t *remote = theirs ? sip->sip_from : sip->sip_to;
	const sip_addr_t *local = theirs ? sip->sip_to : sip->sip_from;
	char *text;

	text = tagged(remote, NULL);
	if (text)
		leg_replace(&leg->remote_uri, text);
	text = tagged(local, our_tag);
	if (text)
		leg_replace(&leg->local_uri, text);
}

void leg_dialog_learn(struct leg *leg, const sip_t *sip)
{
	const sip_contact_t *target = NULL;
	const sip_route_t *route = NULL;
	nta_leg_t *dialog;

	dialog = nta_leg_by_call_id(leg->net->agent, leg->call_id);
	if (dialog) {
		nta_leg_get_route(dialog, &route, &target);
		leg->local_cseq = nta_leg_get_seq(dialog);
		leg->remote_cseq = nta_leg_get_rseq(dialog);
		if (target)
			uri_print(leg->target, target->m_url);
		learn_route(leg, route);
		learn_hop(leg, route, target);
	}
	if (sip && sip->sip_from && sip->sip_to)
		learn_uris(leg, sip,
			   dialog ? nta_leg_get_tag(dialog) : NULL);
}

/* ---- SDP ---- */

int leg_sdp_read(struct sipsdp **sdpp, char **textp, const sip_t *sip,
		 const char **why)
{
	const sip_content_type_t *type = sip->sip_content_type;
	const sip_payload_t *body = sip->sip_payload;
	int err;

	*why = "no SDP";
	if (!body || !body->pl_data || !body->pl_len)
		return ENOENT;
	if (!type || !type->c_type ||
	    strcasecmp(type->c_type, "application/sdp") != 0 ||
	    (sip->sip_content_encoding &&
	     sip->sip_content_encoding->k_items)) {
		*why = "the body is not plain application/sdp";
		return ENOTSUP;
	}
	err = sipsdp_parse(sdpp, body->pl_data, body->pl_len, why);
	if (!err && textp)
		*textp = xstrndup(body->pl_data, body->pl_len);
	return err;
}

/* RFC 3264, 8: another text of the same session is its next version. */
static void say(struct leg *leg, const struct sipsdp *offer, unsigned line,
		const struct media_desc *desc)
{
	char *text;

	if (!leg->origin.session_id) {
		random_bytes(&leg->origin.session_id,
			     sizeof(leg->origin.session_id));
		leg->origin.session_id >>= 2;	/* signed in old parsers */
		leg->origin.session_id |= 1;
		leg->origin.version = 1;
		leg->origin.address = desc && desc->rtp.len
					      ? desc->rtp
					      : leg->net->advertise;
	}
	text = offer ? sipoffer_answer(&leg->origin, offer, line, desc)
		     : sipoffer_make(&leg->origin, desc);
	if (leg->local_sdp && strcmp(text, leg->local_sdp) != 0) {
		leg->origin.version++;
		free(text);
		text = offer ? sipoffer_answer(&leg->origin, offer, line, desc)
			     : sipoffer_make(&leg->origin, desc);
	}
	leg_replace(&leg->local_sdp, text);
	if (desc)
		leg->local = *desc;
}

const char *leg_say_offer(struct leg *leg, const struct media_desc *desc)
{
	say(leg, NULL, 0, desc);
	return leg->local_sdp;
}

const char *leg_say_answer(struct leg *leg, const struct sipsdp *offer,
			   unsigned line, const struct media_desc *desc)
{
	say(leg, offer, line, desc);
	return leg->local_sdp;
}
