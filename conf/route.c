/* SPDX-License-Identifier: MIT */
#include "conf/route.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DIGITS "0123456789"

static bool all_digits(const char *text)
{
	return *text && !text[strspn(text, DIGITS)];
}

/* Emergency and service numbers: 3 to 6 digits without "+". */
static bool is_short_code(const char *number)
{
	size_t len = strlen(number);

	return len >= 3 && len <= 6 && all_digits(number);
}

/* ---- one route ---- */

/* Whether a pattern of @set names the short code @number: "*" and "+..."
 * never do. */
static bool set_names(const struct number_set *set, const char *number)
{
	size_t i;

	for (i = 0; i < set->except_cnt; i++)
		if (number_pattern_match(set->except[i], number))
			return false;
	for (i = 0; i < set->allow_cnt; i++)
		if (strcmp(set->allow[i], "*") != 0 &&
		    number_pattern_match(set->allow[i], number))
			return true;
	return false;
}

static bool takes_from(const struct conf_route *route, const char *source)
{
	return !route->from || strcmp(route->from, source) == 0;
}

static bool takes_to(const struct conf_route *route, const char *called)
{
	return is_short_code(called) ? set_names(&route->to, called)
				     : number_set_match(&route->to, called);
}

static bool takes_caller(const struct conf_route *route, const char *caller)
{
	return !route->callers.allow_cnt ||
	       (*caller && number_set_match(&route->callers, caller));
}

/* ---- the dial plan ---- */

/* @text without parameters and visual separators (RFC 3966); an address
 * stays as it is.  Returns 0 or EMSGSIZE. */
static int strip(char out[ROUTE_NUMBER_SIZE], const char *text)
{
	size_t len = 0, end = strcspn(text, ";"), i;

	if (strchr(text, '@')) {
		if (strlen(text) >= ROUTE_NUMBER_SIZE)
			return EMSGSIZE;
		memcpy(out, text, strlen(text) + 1);
		return 0;
	}
	for (i = 0; i < end; i++) {
		if (strchr("-.() ", text[i]))
			continue;
		if (len + 1 >= ROUTE_NUMBER_SIZE)
			return EMSGSIZE;
		out[len++] = text[i];
	}
	out[len] = '\0';
	return 0;
}

static const char *after(const char *text, const char *prefix)
{
	size_t len = prefix ? strlen(prefix) : 0;

	return len && strncmp(text, prefix, len) == 0 && text[len]
		       ? text + len
		       : NULL;
}

static int plus(char out[ROUTE_NUMBER_SIZE], const char *country,
		const char *digits)
{
	int n = snprintf(out, ROUTE_NUMBER_SIZE, "+%s%s", country, digits);

	return n < ROUTE_NUMBER_SIZE && number_is_e164(out) ? 0 : EINVAL;
}

/* Digits to E.164 by prefixes; ENOENT: a private number, as all with less than
 * 7 digits are (extension 101 is no national number).  @out and @digits may
 * not overlap. */
static int prefixes(char out[ROUTE_NUMBER_SIZE],
		    const struct conf_dial_plan *plan, const char *digits)
{
	size_t len = strlen(digits);
	const char *rest;

	if (len < 7)
		return ENOENT;
	rest = after(digits, plan->international);
	if (rest)
		return plus(out, "", rest);
	/* North America leaves its national prefix out as often as not. */
	if (plan->country && strcmp(plan->country, "1") == 0 && len == 10 &&
	    digits[0] >= '2')
		return plus(out, "1", digits);
	rest = after(digits, plan->national);
	if (rest)
		return plus(out, plan->country ? plan->country : "", rest);
	if (!plan->international && !plan->national && digits[0] != '0')
		return plus(out, "", digits);
	return ENOENT;
}

/* What is no run of digits: E.164, an address, a code with * or #. */
static int no_digits(char out[ROUTE_NUMBER_SIZE], const char *text)
{
	bool code = text[strspn(text, DIGITS "*#")] == '\0';

	if (!*text || !(number_is_destination(text) || code))
		return EINVAL;
	memmove(out, text, strlen(text) + 1);
	return 0;
}

/* Whether a route for calls of @trunk names @number as it was dialled. */
static bool named(const struct conf *conf, const struct conf_trunk *trunk,
		  const char *number)
{
	unsigned i;

	if (!is_short_code(number))
		return false;
	for (i = 0; i < conf->route_cnt; i++)
		if (takes_from(&conf->route[i], trunk->name) &&
		    set_names(&conf->route[i].to, number))
			return true;
	return false;
}

int route_dialled(char out[ROUTE_NUMBER_SIZE], const struct conf *conf,
		  const struct conf_trunk *trunk, const char *user)
{
	char text[ROUTE_NUMBER_SIZE];
	const char *digits = text, *rest;
	int err;

	if (strip(text, user) != 0)
		return EINVAL;
	if (!all_digits(text))
		return no_digits(out, text);
	if (!named(conf, trunk, text)) {
		rest = after(text, trunk->dial_plan.outside_line);
		if (rest)
			digits = rest;
	}
	err = prefixes(out, &trunk->dial_plan, digits);
	if (err == ENOENT) {
		memcpy(out, digits, strlen(digits) + 1);
		err = 0;
	}
	return err;
}

/* ---- the caller ---- */

static bool caller_number(char out[ROUTE_NUMBER_SIZE],
			  const struct conf_trunk *trunk, const char *user)
{
	char text[ROUTE_NUMBER_SIZE];

	if (!user || strip(text, user) != 0)
		return false;
	if (all_digits(text))
		return prefixes(out, &trunk->dial_plan, text) == 0;
	if (!number_is_e164(text))
		return false;
	memcpy(out, text, strlen(text) + 1);
	return true;
}

static void find_caller(struct route_verdict *out,
			const struct conf_trunk *trunk, const char *from,
			const char *pai)
{
	unsigned i;

	for (i = 0; i < trunk->caller_cnt; i++) {
		bool pai_now = trunk->caller[i] == CALLER_PAI;

		if (!caller_number(out->caller, trunk, pai_now ? pai : from))
			continue;
		out->caller_source = pai_now ? "p-asserted-identity" : "from";
		return;
	}
	out->caller[0] = '\0';
	if (trunk->caller_otherwise) {
		snprintf(out->caller, sizeof(out->caller), "%s",
			 trunk->caller_otherwise);
		out->caller_source = "otherwise";
	}
}

/* ---- the verdict ---- */

static void __attribute__((format(printf, 4, 5)))
refuse(struct route_verdict *out, const char *reason, int status,
       const char *fmt, ...)
{
	va_list ap;

	out->reason = reason;
	out->status = status;
	out->hop_cnt = 0;
	va_start(ap, fmt);
	vsnprintf(out->sentence, sizeof(out->sentence), fmt, ap);
	va_end(ap);
}

static void add_hops(struct route_verdict *out, const struct conf *conf,
		     const char *source)
{
	const struct conf_route *route = out->route;
	unsigned i;

	for (i = 0; i < route->via_cnt && out->hop_cnt < ROUTE_HOPS; i++) {
		struct route_hop *hop = &out->hop[out->hop_cnt];

		/* Never back to where it came from (Q91). */
		if (strcmp(route->via[i], source) == 0)
			continue;
		hop->trunk = conf_trunk(conf, route->via[i]);
		hop->peer = hop->trunk ? NULL : conf_peer(conf, route->via[i]);
		if (hop->trunk || hop->peer)
			out->hop_cnt++;
	}
}

static void say_hops(struct route_verdict *out)
{
	size_t size = sizeof(out->sentence), len;
	unsigned i;

	snprintf(out->sentence, size, "rule %u \"%s\" takes %.80s to",
		 out->route->rule, out->route->name, out->called);
	for (i = 0; i < out->hop_cnt; i++) {
		const struct route_hop *hop = &out->hop[i];

		len = strlen(out->sentence);
		snprintf(out->sentence + len, size - len, "%s %s \"%s\"",
			 i ? ", then" : "", hop->trunk ? "trunk" : "peer",
			 hop->trunk ? hop->trunk->name : hop->peer->name);
	}
}

/* out->caller and out->called are there; the rest follows from the rules. */
static bool decide(struct route_verdict *out, const struct conf *conf,
		   const char *source)
{
	unsigned i;

	for (i = 0; i < conf->route_cnt && !out->route; i++)
		if (takes_from(&conf->route[i], source) &&
		    takes_to(&conf->route[i], out->called) &&
		    takes_caller(&conf->route[i], out->caller))
			out->route = &conf->route[i];
	if (!out->route) {
		refuse(out, "no-route", 404,
		       "no rule takes a call of \"%s\" to %.80s%s", source,
		       out->called,
		       is_short_code(out->called)
			       ? "; a number of 3 to 6 digits needs a rule "
				 "that names it"
			       : "");
		return false;
	}
	if (out->route->action == ROUTE_REFUSE) {
		refuse(out, "route-refuses", out->route->status,
		       "rule %u \"%s\" refuses %.80s with %d",
		       out->route->rule, out->route->name, out->called,
		       out->route->status);
		return false;
	}
	if (!*out->caller) {
		refuse(out, "no-caller-id", 403,
		       "the caller has no number in E.164, and "
		       "trunks.%s.caller-id.otherwise is not set", source);
		return false;
	}
	add_hops(out, conf, source);
	if (!out->hop_cnt) {
		refuse(out, "loop", 483,
		       "rule %u \"%s\" leads %.80s back to \"%s\", where it "
		       "came from", out->route->rule, out->route->name,
		       out->called, source);
		return false;
	}
	say_hops(out);
	return true;
}

bool route_from_trunk(struct route_verdict *out, const struct conf *conf,
		      const struct conf_trunk *trunk, const char *user,
		      const char *from, const char *pai)
{
	memset(out, 0, sizeof(*out));
	find_caller(out, trunk, from, pai);
	if (route_dialled(out->called, conf, trunk, user) != 0) {
		out->called[0] = '\0';
		refuse(out, "bad-number", 484,
		       "\"%.80s\" is no number by the dial plan of \"%s\"",
		       user, trunk->name);
		return false;
	}
	return decide(out, conf, trunk->name);
}

bool route_from_peer(struct route_verdict *out, const struct conf *conf,
		     const struct conf_peer *peer, const char *from,
		     const char *to)
{
	memset(out, 0, sizeof(*out));
	if (strlen(from) > NUMBER_LEN || !number_is_destination(to)) {
		refuse(out, "bad-number", 484,
		       "\"%.80s\" is neither E.164 nor an address", to);
		return false;
	}
	snprintf(out->caller, sizeof(out->caller), "%s", from);
	snprintf(out->called, sizeof(out->called), "%s", to);
	out->caller_source = "passport";
	if (!number_set_match(&peer->origins, from)) {
		refuse(out, "origin-not-allowed", 403,
		       "peers.%s.accept.origins does not hold %.80s",
		       peer->name, from);
		return false;
	}
	if (!number_set_match(&peer->numbers, to)) {
		refuse(out, "destination-not-allowed", 403,
		       "peers.%s.accept.numbers does not hold %.80s",
		       peer->name, to);
		return false;
	}
	return decide(out, conf, peer->name);
}

int route_number_for(char out[ROUTE_NUMBER_SIZE], const struct route_hop *hop,
		     const char *called)
{
	size_t size = ROUTE_NUMBER_SIZE;
	const char *at = strchr(called, '@'), *domain;
	int n;

	if (hop->trunk)
		n = snprintf(out, size, "%.*s",
			     (int)(at ? (size_t)(at - called)
				      : strlen(called)), called);
	else if (at || *called == '+')
		n = snprintf(out, size, "%s", called);
	else {
		domain = hop->peer->domain;
		n = snprintf(out, size, "%s@%.*s", called,
			     (int)(*domain == '[' ? strcspn(domain, "]") + 1
						  : strcspn(domain, ":")),
			     domain);
	}
	return n >= 0 && (size_t)n < size ? 0 : EMSGSIZE;
}
