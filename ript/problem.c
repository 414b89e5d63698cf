/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <string.h>

#include "ript/body.h"
#include "ript/problem.h"
#include "ript/target.h"

static const struct problem problems[] = {
	{ "bad-request", 400, "Request not understood",
	  "The body is not JSON of the form that this resource takes." },
	{ "bad-advertisement", 400, "Advertisement not understood",
	  "A source, sink or parameter of the handler's advertisement breaks "
	  "a rule." },
	{ "unauthorized", 401, "Authentication needed",
	  "Send a valid bearer token in the authorization field." },
	{ "no-tg", 403, "No terminal group for this token",
	  "The token is valid, but no terminal group belongs to it." },
	{ "policy", 403, "Refused by policy",
	  "The call is valid and its target reachable, but not allowed." },
	{ "destination-not-allowed", 403, "Destination not allowed",
	  "The destination is outside `destinations` of the terminal group." },
	{ "bad-passport", 403, "PASSporT not accepted",
	  "The PASSporT does not verify, is stale, names another destination, "
	  "or a caller outside the terminal group's origins." },
	{ "loop", 403, "Too many hops",
	  "`hops` has come down to 0: the call runs in a circle." },
	{ "not-found", 404, "Not found",
	  "There is nothing at this address for this token." },
	{ "unreachable", 404, "Destination cannot be reached",
	  "No route leads from this terminal group to the destination." },
	{ "call-ended", 404, "Call has ended",
	  "The call is over; `by` and `cause` say how it ended." },
	{ "method-not-allowed", 405, "Method not allowed",
	  "The allow field lists what this resource takes." },
	{ "handler-in-use", 409, "Handler in use",
	  "A call uses the handler; delete it once the call has ended." },
	{ "no-directive", 409, "No directive yet",
	  "The call has no handler, so there is nothing to direct." },
	{ "precondition-failed", 412, "Precondition failed",
	  "The call is no longer in the state that if-match names." },
	{ "too-large", 413, "Body too large",
	  "A JSON body may have 64 KiB, a body of media 64 KiB." },
	{ "unsupported-type", 415, "Unsupported media type",
	  "This resource takes application/json." },
	{ "too-early", 425, "Too early",
	  "Only GET is answered in early data; send it again." },
	{ "slow-down", 429, "Slow down",
	  "Too many requests; wait as long as retry-after says." },
	{ "headers-too-large", 431, "Header fields too large",
	  "A field section may have 16 KiB." },
	{ "handler-unknown", 500, "No such active handler",
	  "Register a handler on this authority, then retry." },
	{ "no-webtransport", 501, "No WebTransport here",
	  "Use PUT and GET on the call's media until the next migration." },
	{ "unavailable", 503, "Unavailable",
	  "Wait as long as retry-after says, then try again." },
	{ "not-here", 503, "Call not here",
	  "This instance does not have the call; retry without the cookie." },
	{ NULL, 0, NULL, NULL },
};

const struct problem *problem_table(void)
{
	return problems;
}

const struct problem *problem_find(const char *name)
{
	const struct problem *p;

	for (p = problems; p->name; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

void problem_print(struct buf *out, int status, const char *name,
		   const char *detail, const char *instance)
{
	const struct problem *p = problem_find(name);

	buf_add_str(out, "{\"type\":");
	body_add_text2(out, RIPT_ROOT "/problems/", name);
	buf_add_str(out, ",\"title\":");
	body_add_text(out, p ? p->title : name);
	buf_printf(out, ",\"status\":%d", status);
	if (detail && *detail) {
		buf_add_str(out, ",\"detail\":");
		body_add_text(out, detail);
	}
	if (instance) {
		buf_add_str(out, ",\"instance\":");
		body_add_text(out, instance);
	}
	buf_add_str(out, "}");
}

void problem_page(struct buf *out, const struct problem *problem)
{
	buf_printf(out, "%s (status %d)\n\n%s\n\n%s\n", problem->name,
		   problem->status, problem->title, problem->text);
}
