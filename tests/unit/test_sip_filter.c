/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/metric.h"
#include "sip/filter.h"
#include "sip/leg.h"
#include "sip/reason.h"
#include "sip/uri.h"

static bool known(const struct addr *from, void *arg)
{
	char text[ADDR_TEXT_LEN];

	(void)arg;
	addr_print_host(text, from);
	return strcmp(text, "192.0.2.1") == 0;
}

/* One datagram (or stream) from @source through the class; freed by
 * msg_destroy(). */
static msg_t *receive(const struct filter *filter, const char *source,
		      int type, const char *text)
{
	msg_t *msg = msg_create(filter_class(filter), 0);
	su_addrinfo_t *ai = msg_addrinfo(msg);
	usize_t len = (usize_t)strlen(text);
	msg_iovec_t iovec[2];
	struct addr from;

	addr_parse(&from, source);
	memcpy(ai->ai_addr, &from.ss, from.len);
	ai->ai_addrlen = from.len;
	ai->ai_socktype = type;
	assert_int_equal(msg_recv_iovec(msg, iovec, 2, len, 1), 1);
	memcpy(iovec->mv_base, text, len);
	msg_recv_commit(msg, len, 1);
	msg_extract(msg);
	return msg;
}

#define HEADERS                                                     \
	"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKabc\r\n"          \
	"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\n"  \
	"CSeq: 1 INVITE\r\nContact: <sip:a@192.0.2.1>\r\n"          \
	"P-Asserted-Identity: <tel:+1408>\r\nContent-Length: 0\r\n"
#define INVITE "INVITE sip:c@d SIP/2.0\r\n" HEADERS

static uint64_t dropped(const char *code)
{
	char labels[64];

	snprintf(labels, sizeof(labels), "reason=\"%s\"", code);
	return metric_value(metric_counter("sip_dropped_total", labels, ""));
}

/* Past the filter there is a request with a Via. */
static bool passes(const struct filter *filter, const char *source, int type,
		   const char *text)
{
	msg_t *msg = receive(filter, source, type, text);
	sip_t *sip = sip_object(msg);
	bool passed = sip && (sip->sip_request || sip->sip_status) &&
		      sip->sip_via && !(sip->sip_flags & MSG_FLG_ERROR);

	msg_destroy(msg);
	return passed;
}

static void sources(void **state)
{
	struct filter *filter = filter_new(known, NULL);

	(void)state;
	assert_true(passes(filter, "192.0.2.1:5060", SOCK_DGRAM,
			   INVITE "\r\n"));
	assert_true(passes(filter, "192.0.2.1:9", SOCK_STREAM, INVITE "\r\n"));
	assert_false(passes(filter, "192.0.2.2:5060", SOCK_DGRAM,
			    INVITE "\r\n"));
	assert_false(passes(filter, "192.0.2.2:5060", SOCK_STREAM,
			    INVITE "\r\n"));
	assert_false(passes(filter, "192.0.2.2:5060", SOCK_DGRAM,
			    "SIP/2.0 200 OK\r\n" HEADERS "\r\n"));
	assert_int_equal(dropped("unknown-source"), 3);
	/* Without a blank line the body's parser would never be asked. */
	assert_false(passes(filter, "192.0.2.1:5060", SOCK_DGRAM, INVITE));
	assert_int_equal(dropped("no-blank-line"), 1);
	filter_free(&filter);
	metric_reset();
}

static void two_filters(void **state)
{
	struct filter *one = filter_new(known, NULL);
	struct filter *two = filter_new(known, NULL);

	(void)state;
	assert_ptr_not_equal(filter_class(one), filter_class(two));
	filter_free(&one);
	assert_true(passes(two, "192.0.2.1:5060", SOCK_DGRAM, INVITE "\r\n"));
	filter_free(&two);
	metric_reset();
}

static void shapes(void **state)
{
	static const struct {
		const char *line, *code;	/* NULL: passes */
	} rows[] = {
		{ "Route: <sip:192.0.2.1;lr>", NULL },
		{ "Route: <sip:192.0.2.1;maddr=192.0.2.1>", NULL },
		{ "Route: <sip:192.0.2.1;maddrx>", "odd-uri-parameter" },
		{ "Route: <sip:192.0.2.1;lrx>", "odd-uri-parameter" },
		{ "Route: <sip:192.0.2.1;lrx;a=1>", NULL },
		{ "Record-Route: <sip:192.0.2.1;TRANSPORTx>",
		  "odd-uri-parameter" },
		{ "Record-Route: <isbn:1>", "odd-record-route" },
		{ "Record-Route: <sip:192.0.2.1:99999;lr>",
		  "odd-record-route" },
		{ "Record-Route: <sip:192.0.2.1;lr>", NULL },
	};
	struct filter *filter = filter_new(known, NULL);
	char text[1024];
	uint64_t before;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), INVITE "%s\r\n\r\n",
			 rows[i].line);
		before = rows[i].code ? dropped(rows[i].code) : 0;
		assert_int_equal(passes(filter, "192.0.2.1:5060", SOCK_DGRAM,
					text), !rows[i].code);
		if (rows[i].code)
			assert_int_equal(dropped(rows[i].code), before + 1);
	}
	assert_false(passes(filter, "192.0.2.1:5060", SOCK_DGRAM,
			    "OPTIONS sip:c@d SIP/2.0\r\n"
			    "Via: SIP/2.0/UDP 192.0.2.1;branch=z9h\r\n"
			    "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n"
			    "Call-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n"));
	assert_int_equal(dropped("short-branch"), 1);
	filter_free(&filter);
	metric_reset();
}

static void contacts(void **state)
{
	static const struct {
		const char *start, *contact;
		bool kept;
	} rows[] = {
		{ "INVITE sip:c@d SIP/2.0", "<sip:a@192.0.2.1>", true },
		{ "INVITE sip:c@d SIP/2.0", "<sips:a@host.example:5061>",
		  true },
		{ "INVITE sip:c@d SIP/2.0", "<sip:a@[2001:db8::1]>", true },
		{ "INVITE sip:c@d SIP/2.0", "<isbn:1>", false },
		{ "INVITE sip:c@d SIP/2.0", "<tel:+1408>", false },
		{ "INVITE sip:c@d SIP/2.0", "*", false },
		{ "INVITE sip:c@d SIP/2.0", "<sip:a@192.0.2.1:99999>", false },
		{ "INVITE sip:c@d SIP/2.0", "<sip:a@1>, <sip:b@2>", false },
		{ "SIP/2.0 200 OK", "<isbn:1>", false },
		{ "SIP/2.0 200 OK", "<sip:a@192.0.2.1>", true },
		{ "SIP/2.0 302 Moved", "<sip:a@1>, <sip:b@2>", true },
	};
	struct filter *filter = filter_new(known, NULL);
	char text[1024];
	unsigned i;
	msg_t *msg;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text),
			 "%s\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKabc"
			 "\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\n"
			 "Call-ID: x\r\nCSeq: 1 INVITE\r\nContact: %s\r\n\r\n",
			 rows[i].start, rows[i].contact);
		msg = receive(filter, "192.0.2.1:5060", SOCK_DGRAM, text);
		assert_non_null(sip_object(msg)->sip_via);
		assert_int_equal(sip_object(msg)->sip_contact != NULL,
				 rows[i].kept);
		msg_destroy(msg);
	}
	filter_free(&filter);
	metric_reset();
}

static void knows_asserted_identity(void **state)
{
	struct filter *filter = filter_new(known, NULL);
	msg_t *msg = receive(filter, "192.0.2.1:5060", SOCK_DGRAM,
			     INVITE "\r\n");
	sip_p_asserted_identity_t *pai;
	char user[URI_USER_LEN + 1];

	(void)state;
	pai = sip_p_asserted_identity(sip_object(msg));
	assert_non_null(pai);
	assert_int_equal(uri_user(user, pai->paid_url), 0);
	assert_string_equal(user, "+1408");
	msg_destroy(msg);
	filter_free(&filter);
	metric_reset();
}

/* ---- the small parsers beside it ---- */

static void users(void **state)
{
	static const struct {
		const char *uri, *user;
		int err;
	} rows[] = {
		{ "sip:+14085551000@h", "+14085551000", 0 },
		{ "sip:+1-408-555.1000@h;user=phone", "+14085551000", 0 },
		{ "sip:%2B1408@h", "+1408", 0 },
		{ "sip:101;phone-context=+1@h", "101", 0 },
		{ "tel:+1-408-555-1000", "+14085551000", 0 },
		{ "tel:+1408;phone-context=x", "+1408", 0 },
		{ "sip:alice.smith@h", "alice.smith", 0 },
		{ "sip:h", "", 0 },
		{ "sip:a%0d%0ab@h", "", EINVAL },
	};
	char user[URI_USER_LEN + 1], text[512];
	su_home_t home[1] = { SU_HOME_INIT(home) };
	unsigned i;

	(void)state;
	su_home_init(home);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(uri_user(user, url_make(home, rows[i].uri)),
				 rows[i].err);
		assert_string_equal(user, rows[i].user);
	}
	memset(text, 'a', sizeof(text));
	memcpy(text, "sip:", 4);
	memcpy(text + 400, "@h", 3);
	assert_int_equal(uri_user(user, url_make(home, text)), EMSGSIZE);
	su_home_deinit(home);
}

static void own_uris(void **state)
{
	struct addr host;
	char *text;

	(void)state;
	addr_parse(&host, "192.0.2.1:5060");
	text = uri_make("+14085551000", &host);
	assert_string_equal(text, "sip:+14085551000@192.0.2.1:5060");
	free(text);
	text = uri_make("a#b>c;d", &host);
	assert_string_equal(text, "sip:a%23b%3Ec%3Bd@192.0.2.1:5060");
	free(text);
	text = uri_make("alice@example.com>\r\nX: y", &host);
	assert_string_equal(text, "sip:alice@example.comX:y");
	free(text);
	text = uri_name_addr("A \"B\"\r\n", "sip:x@y");
	assert_string_equal(text, "\"A \\\"B\\\"\" <sip:x@y>");
	free(text);
}

static void literal_addresses(void **state)
{
	static const struct {
		const char *uri, *addr;
		enum uri_transport transport;
	} rows[] = {
		{ "sip:192.0.2.1", "192.0.2.1", URI_ANY },
		{ "sip:a@192.0.2.1:5070;transport=TCP", "192.0.2.1:5070",
		  URI_TCP },
		{ "sip:[2001:db8::1]:5070;transport=udp", "[2001:db8::1]:5070",
		  URI_UDP },
		{ "sip:192.0.2.1;transport=tls", "192.0.2.1", URI_OTHER },
		{ "sips:192.0.2.1", "192.0.2.1", URI_OTHER },
		{ "sip:host.example", NULL, URI_ANY },
		{ "sip:192.0.2.1;maddr=1.2.3.4", NULL, URI_ANY },
		{ "sip:192.0.2.1;transportx", "192.0.2.1", URI_ANY },
	};
	su_home_t home[1] = { SU_HOME_INIT(home) };
	char text[ADDR_TEXT_LEN];
	struct addr addr;
	unsigned i;
	url_t *url;

	(void)state;
	su_home_init(home);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		url = url_make(home, rows[i].uri);
		assert_int_equal(uri_transport(url), rows[i].transport);
		assert_int_equal(uri_address(&addr, url),
				 rows[i].addr ? 0 : EINVAL);
		if (!rows[i].addr)
			continue;
		addr_print(text, &addr);
		assert_string_equal(text, rows[i].addr);
	}
	su_home_deinit(home);
}

static void reasons(void **state)
{
	su_home_t home[1] = { SU_HOME_INIT(home) };
	struct leg_cause cause = { 0 };
	char out[REASON_LEN];

	(void)state;
	reason_print(out, 16, "rtp-timeout");
	assert_string_equal(out, "Q.850;cause=16, RIPT;text=\"rtp-timeout\"");
	reason_print(out, 0, "busy");
	assert_string_equal(out, "RIPT;text=\"busy\"");
	reason_print(out, 0, NULL);
	assert_string_equal(out, "");
	reason_print(out, 0, "evil\"\r\nX: y");
	assert_string_equal(out, "");

	su_home_init(home);
	reason_read(&cause, sip_reason_make(home,
		"SIP;cause=200;text=\"elsewhere\", Q.850;cause=17"));
	assert_int_equal(cause.q850, 17);
	assert_string_equal(cause.text, "elsewhere");
	su_home_deinit(home);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources),
		cmocka_unit_test(two_filters),
		cmocka_unit_test(shapes),
		cmocka_unit_test(contacts),
		cmocka_unit_test(knows_asserted_identity),
		cmocka_unit_test(users),
		cmocka_unit_test(own_uris),
		cmocka_unit_test(literal_addresses),
		cmocka_unit_test(reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
