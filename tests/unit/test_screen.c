/* SPDX-License-Identifier: MIT */
/* The screens, word for word. */
#include "tests/unit/unit.h"

#include <json-c/json.h>

#include "gateway/screen.h"

typedef void screen_h(struct buf *out, struct json_object *json);

static void shows_text(screen_h *screen, const char *json_text,
		       const char *const *want)
{
	struct json_object *json = json_tokener_parse(json_text);
	struct buf out;

	assert_non_null(json);
	buf_init(&out, 65536);
	screen(&out, json);
	for (; *want; want++)
		if (!strstr(buf_str(&out), *want))
			fail_msg("'%s' is not in\n%s", *want, buf_str(&out));
	buf_free(&out);
	json_object_put(json);
}

#define SHOWS(screen, json, ...) \
	shows_text(screen, json, (const char *const[]){ __VA_ARGS__, NULL })

static void test_status(void **state)
{
	(void)state;
	SHOWS(screen_status,
	      "{\"version\":\"0.3\",\"node\":\"a\",\"uptime_s\":274260,"
	      "\"state\":\"degraded\",\"workers\":1,\"ript\":\"0.0.0.0:443\","
	      "\"calls\":{\"living\":212,\"answered\":204,\"peak\":260,"
	      "\"per_second\":3.1,\"begun\":9,\"refused\":2},"
	      "\"peers\":[{\"name\":\"comcast\",\"role\":\"provider\","
	      "\"domain\":\"comcast.example\",\"up\":true,"
	      "\"terminal_groups\":1},"
	      "{\"name\":\"b\",\"role\":\"provider\",\"domain\":\"b.example\","
	      "\"up\":false,\"why\":\"connection refused\"}],"
	      "\"trunks\":[{\"name\":\"pbx\",\"host\":\"10.0.0.5:5060\","
	      "\"transport\":\"udp\",\"up\":true,\"options_us\":2000,"
	      "\"calls\":7,\"limit\":60},"
	      "{\"name\":\"sip2\",\"host\":\"10.0.0.6:5060\","
	      "\"transport\":\"tcp\",\"up\":false,\"why\":\"no answer\","
	      "\"calls\":0,\"limit\":60}],"
	      "\"networks\":[{\"name\":\"lan\",\"sip\":\"10.0.0.2:5060\","
	      "\"advertise\":\"203.0.113.2\",\"rtp_ports\":{"
	      "\"used\":7,\"resting\":1,\"free\":92}}],"
	      "\"store\":{\"kind\":\"sqlite\",\"p50_us\":2000,"
	      "\"p99_us\":9000,\"failures\":3,\"file\":\"/x.db\"}}",
	      "riptide 0.3, node a, up 3 d 04:11, degraded\n",
	      "212 (204 answered, 8 being set up), 3.1 a second, peak 260",
	      "comcast (provider, comcast.example): up, 1 terminal group\n",
	      "b (provider, b.example): DOWN, connection refused; look at",
	      "pbx (10.0.0.5:5060 udp): up, OPTIONS 2.0 ms, 7 of 60 calls\n",
	      "sip2 (10.0.0.6:5060 tcp): DOWN, no answer; look at",
	      "lan: SIP on 10.0.0.2:5060 as 203.0.113.2; RTP port pairs 7 in "
	      "use, 1 resting, 92 free\n",
	      "sqlite, 2.0 ms a write, p99 9.0 ms, 3 writes FAILED: look at");
}

#define CALL \
	"{\"id\":\"0b8ff3c4-6a1e\",\"direction\":\"sip-to-ript\"," \
	"\"state\":\"ended\",\"from\":\"+14085551000\"," \
	"\"to\":\"+14089529999\",\"trunk\":\"pbx\",\"peer\":\"comcast\"," \
	"\"created_ms\":1000,\"answered_ms\":2000,\"ended_ms\":75000," \
	"\"reason\":\"rtp-timeout\",\"media\":{\"rtp_port\":10002," \
	"\"codec\":\"PCMU\",\"way\":\"webtransport\"," \
	"\"negotiated\":\"192.0.2.1:4000\",\"latched\":\"192.0.2.1:4002\"," \
	"\"rtp\":{\"packets\":400,\"last_ms_ago\":20," \
	"\"dropped\":{\"duplicate\":2}}," \
	"\"ript\":{\"packets\":399,\"lost\":1,\"dropped\":{}}}}"

static void test_calls(void **state)
{
	(void)state;
	SHOWS(screen_calls, "{\"calls\":[]}", "no calls\n");
	SHOWS(screen_calls, "{\"calls\":[" CALL "]}",
	      "0b8ff3c4  +14085551000 -> +14089529999  pbx -> comcast  ended "
	      "after 1:13, reason rtp-timeout\n",
	      "RTP    PCMU at 10002, negotiated 192.0.2.1:4000, latched "
	      "192.0.2.1:4002: 400 packets, the last 0.02 s ago, dropped 2 "
	      "duplicate\n",
	      "RIPT   by webtransport: 399 packets, 1 lost\n");
}

static void test_ladder(void **state)
{
	(void)state;
	SHOWS(screen_ladder,
	      "{\"id\":\"0b8ff3c4-6a1e\",\"call\":" CALL ",\"ladder\":["
	      "{\"time_ms\":1000,\"protocol\":\"sip\",\"dir\":\"in\","
	      "\"message\":\"INVITE\"},"
	      "{\"time_ms\":1002,\"protocol\":\"ript\",\"dir\":\"out\","
	      "\"message\":\"POST calls\"},"
	      "{\"time_ms\":1003,\"protocol\":\"ript\",\"dir\":\"in\","
	      "\"message\":\"a message that is much longer than its arrow\"},"
	      "{\"time_ms\":1004,\"protocol\":\"sip\",\"dir\":\"out\","
	      "\"message\":\"180 Ringing\"}]}",
	      "  |--INVITE----------------->|                          |\n",
	      "  |                          |--POST calls------------->|\n",
	      "  |                          |<-a message that is much--|\n",
	      "  |<-180 Ringing-------------|                          |\n");
}

static void test_explain(void **state)
{
	(void)state;
	SHOWS(screen_explain,
	      "{\"id\":\"0b8ff3c4-6a1e\",\"call\":{\"id\":\"0b8ff3c4\","
	      "\"state\":\"refused\",\"direction\":\"sip-to-ript\","
	      "\"from\":\"+1\",\"to\":\"+2\",\"trunk\":\"pbx\","
	      "\"created_ms\":1000,\"ended_ms\":1004,\"sip_status\":403,"
	      "\"reason\":\"bad-passport\"},\"steps\":["
	      "{\"time_ms\":1000,\"text\":\"rule 2\"},"
	      "{\"time_ms\":1004,\"text\":\"What to do: ask them\"}]}",
	      "0b8ff3c4  +1 -> +2  pbx -> -  refused after 4 ms with SIP 403, "
	      "reason bad-passport\n",
	      "01.000  rule 2\n", "\n  What to do: ask them\n");
	SHOWS(screen_hangup, "{\"id\":\"0b8ff3c4-6a1e\"}",
	      "0b8ff3c4  is being ended\n");
}

/* Members that are missing or of another kind are no reason to fall over. */
static void test_poor_json(void **state)
{
	static screen_h *const screens[] = { screen_status, screen_calls,
					     screen_ladder, screen_explain,
					     screen_hangup };
	struct json_object *json = json_object_new_object();
	struct buf out;

	(void)state;
	buf_init(&out, 65536);
	for (size_t i = 0; i < COUNT(screens); i++)
		screens[i](&out, json);
	assert_true(out.len > 0);
	buf_free(&out);
	json_object_put(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_ladder),
		cmocka_unit_test(test_explain),
		cmocka_unit_test(test_poor_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
