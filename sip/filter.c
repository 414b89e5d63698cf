/* SPDX-License-Identifier: MIT */
#include "sip/filter.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "sip/uri.h"

enum drop {
	DROP_UNKNOWN_SOURCE,
	DROP_NO_BLANK_LINE,
	DROP_SHORT_BRANCH,
	DROP_ODD_PARAMETER,
	DROP_ODD_ROUTE,
	DROP_BAD_CONTACT,	/* the header only */
	DROP_CNT
};

static const char *const drop_codes[DROP_CNT] = {
	[DROP_UNKNOWN_SOURCE] = "unknown-source",
	[DROP_NO_BLANK_LINE] = "no-blank-line",
	[DROP_SHORT_BRANCH] = "short-branch",
	[DROP_ODD_PARAMETER] = "odd-uri-parameter",
	[DROP_ODD_ROUTE] = "odd-record-route",
	[DROP_BAD_CONTACT] = "bad-contact",
};

struct filter {
	struct le le;
	msg_mclass_t *class;
	filter_known_h *known;
	void *arg;
};

/* From a message to its filter: by the class, of which each agent has one. */
static struct list filters;
static struct metric *drops[DROP_CNT];

/* The library's line classes with our parser in front. */
static struct msg_hclass_s request_class;
static struct msg_hclass_s status_class;
static issize_t (*parse_request)(su_home_t *, msg_header_t *, char *, isize_t);
static issize_t (*parse_status)(su_home_t *, msg_header_t *, char *, isize_t);
static issize_t (*extract_body)(msg_t *, msg_pub_t *, char *, isize_t, int);

static void count(enum drop drop)
{
	metric_inc(drops[drop]);
}

void filter_source(struct addr *from, msg_t *msg)
{
	su_addrinfo_t *ai = msg_addrinfo(msg);

	memset(from, 0, sizeof(*from));
	if (!ai->ai_addr || ai->ai_addrlen > sizeof(from->ss))
		return;
	memcpy(&from->ss, ai->ai_addr, ai->ai_addrlen);
	from->len = ai->ai_addrlen;
}

static bool source_known(msg_t *msg)
{
	const msg_mclass_t *class = msg_mclass(msg);
	struct filter *filter;
	struct addr from;
	struct le *le;

	for (le = filters.head; le; le = le->next) {
		filter = list_entry(le, struct filter, le);
		if (filter->class != class)
			continue;
		filter_source(&from, msg);
		return filter->known(&from, filter->arg);
	}
	return false;
}

/* ---- the first line ---- */

/*
 * The body's parser, where all else is checked, runs only behind a blank
 * line; a datagram without one would be taken as complete past it.
 */
static bool has_blank_line(const msg_t *msg)
{
	const char *data = msg_buf_committed_data(msg);
	size_t len = msg_buf_committed(msg);

	return data && (memmem(data, len, "\n\r\n", 3) ||
			memmem(data, len, "\n\n", 2));
}

static bool first_line_allowed(su_home_t *home)
{
	msg_t *msg = (msg_t *)home;	/* a message is its own home */

	if (msg_addrinfo(msg)->ai_socktype != SOCK_DGRAM)
		return true;	/* only the body's parser closes a stream */
	if (!source_known(msg)) {
		count(DROP_UNKNOWN_SOURCE);
		return false;
	}
	if (!has_blank_line(msg)) {
		count(DROP_NO_BLANK_LINE);
		return false;
	}
	return true;
}

static issize_t on_request_line(su_home_t *home, msg_header_t *h, char *s,
				isize_t len)
{
	return first_line_allowed(home) ? parse_request(home, h, s, len) : -1;
}

static issize_t on_status_line(su_home_t *home, msg_header_t *h, char *s,
			       isize_t len)
{
	return first_line_allowed(home) ? parse_status(home, h, s, len) : -1;
}

/* ---- shape ---- */

/*
 * url_param() reads beyond the string when the last parameter only begins
 * with the name that is looked for.
 */
static bool odd_parameter(const url_t *url)
{
	static const char *const looked_for[] = {
		"transport", "maddr", "method", "comp", "lr", "ttl", "user",
	};
	const char *last;
	size_t i, len;

	if (!url->url_params)
		return false;
	last = strrchr(url->url_params, ';');
	last = last ? last + 1 : url->url_params;
	for (i = 0; i < sizeof(looked_for) / sizeof(*looked_for); i++) {
		len = strlen(looked_for[i]);
		if (strncasecmp(last, looked_for[i], len) == 0 && last[len] &&
		    last[len] != '=')
			return true;
	}
	return false;
}

static bool odd_parameters(const sip_t *sip)
{
	const sip_contact_t *m;
	const sip_route_t *r;

	if ((sip->sip_request && odd_parameter(sip->sip_request->rq_url)) ||
	    (sip->sip_from && odd_parameter(sip->sip_from->a_url)) ||
	    (sip->sip_to && odd_parameter(sip->sip_to->a_url)))
		return true;
	for (r = sip->sip_route; r; r = r->r_next)
		if (odd_parameter(r->r_url))
			return true;
	for (r = sip->sip_record_route; r; r = r->r_next)
		if (odd_parameter(r->r_url))
			return true;
	for (m = sip->sip_contact; m; m = m->m_next)
		if (odd_parameter(m->m_url))
			return true;
	return false;
}

static bool short_branch(const sip_t *sip)
{
	const sip_via_t *v = sip->sip_via;

	/* incoming_find() compares from the seventh character on. */
	return v && v->v_branch && strlen(v->v_branch) < 7;
}

static bool odd_route(const sip_t *sip)
{
	const sip_route_t *r;

	for (r = sip->sip_record_route; r; r = r->r_next)
		if (!uri_usable(r->r_url))
			return true;
	return false;
}

static enum drop shape(const sip_t *sip)
{
	if (short_branch(sip))
		return DROP_SHORT_BRANCH;
	if (odd_parameters(sip))
		return DROP_ODD_PARAMETER;
	if (odd_route(sip))
		return DROP_ODD_ROUTE;
	return DROP_CNT;
}

const char *filter_flaw(const sip_t *sip)
{
	enum drop drop = shape(sip);

	return drop == DROP_CNT ? NULL : drop_codes[drop];
}

/* Of a message that makes or moves a dialog; elsewhere (3xx, OPTIONS) any
 * number of any kind is legal. */
static bool contact_is_target(const sip_t *sip)
{
	if (sip->sip_request)
		return sip->sip_request->rq_method == sip_method_invite ||
		       sip->sip_request->rq_method == sip_method_update;
	return sip->sip_status && sip->sip_status->st_status < 300 &&
	       sip->sip_cseq &&
	       (sip->sip_cseq->cs_method == sip_method_invite ||
		sip->sip_cseq->cs_method == sip_method_update);
}

/* ---- the body ---- */

static issize_t on_body(msg_t *msg, msg_pub_t *pub, char *b, isize_t len,
			int eos)
{
	sip_t *sip = (sip_t *)pub;
	enum drop drop = DROP_CNT;

	if (!source_known(msg))
		drop = DROP_UNKNOWN_SOURCE;
	else
		drop = shape(sip);
	if (drop != DROP_CNT) {
		/* Without a Via there is nobody to answer. */
		if (!(sip->sip_flags & MSG_FLG_ERROR))
			count(drop);
		sip->sip_via = NULL;
		sip->sip_flags |= MSG_FLG_ERROR;
	} else if (sip->sip_contact && contact_is_target(sip) &&
		   (sip->sip_contact->m_next ||
		    !uri_usable(sip->sip_contact->m_url))) {
		count(DROP_BAD_CONTACT);
		sip->sip_contact = NULL;
	}
	return extract_body(msg, pub, b, len, eos);
}

/* ---- life ---- */

static void once(void)
{
	char labels[64];
	unsigned i;

	for (i = 0; i < DROP_CNT; i++) {
		snprintf(labels, sizeof(labels), "reason=\"%s\"",
			 drop_codes[i]);
		drops[i] = metric_counter("sip_dropped_total", labels,
					  "SIP messages dropped unanswered");
	}
	memcpy(&request_class, sip_request_class, sizeof(request_class));
	memcpy(&status_class, sip_status_class, sizeof(status_class));
	parse_request = request_class.hc_parse;
	parse_status = status_class.hc_parse;
	request_class.hc_parse = on_request_line;
	status_class.hc_parse = on_status_line;
}

struct filter *filter_new(filter_known_h *known, void *arg)
{
	struct filter *filter = xzalloc(sizeof(*filter));

	once();
	/* A clone that also knows P-Asserted-Identity and its like. */
	filter->class = sip_extend_mclass(NULL);
	if (!filter->class)
		abort();
	extract_body = filter->class->mc_extract_body;
	filter->class->mc_extract_body = on_body;
	filter->class->mc_request->hr_class = &request_class;
	filter->class->mc_status->hr_class = &status_class;
	filter->known = known;
	filter->arg = arg;
	list_append(&filters, &filter->le);
	return filter;
}

void filter_free(struct filter **filterp)
{
	struct filter *filter = *filterp;

	if (!filter)
		return;
	*filterp = NULL;
	list_unlink(&filter->le);
	free(filter->class);
	free(filter);
}

const msg_mclass_t *filter_class(const struct filter *filter)
{
	return filter->class;
}
