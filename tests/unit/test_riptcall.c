/* SPDX-License-Identifier: MIT */
/* riptcall without a network: the lab's file, and faults in chunks. */
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "media/chunk.h"
#include "riptcall/fault.h"
#include "riptcall/lab.h"
#include "riptcall/options.h"
#include "tests/unit/unit.h"

/* ---- lab.json ---- */

static void test_caller(void **state)
{
	static const struct {
		const char *pattern, *want;
	} cases[] = {
		{ "+1408555*", "+14085551000" },
		{ "+14085551234", "+14085551234" },
		{ "+1*", "+10000001000" },
		{ "+4930123456789*", "+49301234567890" },
		{ "*", "+14085551000" },
		{ "*@acme.example", "+14085551000" },
		{ NULL, "+14085551000" },
	};
	struct options options = { 0 };
	size_t i;
	char *got;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (cases[i].pattern)
			assert_int_equal(number_set_allow(&options.origins,
							  cases[i].pattern),
					 0);
		got = lab_caller(&options);
		assert_string_equal(got, cases[i].want);
		free(got);
		number_set_free(&options.origins);
	}
}

static int read_lab(struct options *options, const char *json, char **why)
{
	char file[] = "/tmp/riptcall-unit.XXXXXX";
	int fd = mkstemp(file), err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, json, strlen(json)), strlen(json));
	close(fd);
	err = lab_options(options, file, why);
	unlink(file);
	return err;
}

static void test_lab(void **state)
{
	struct options options = { 0 };
	char *why = NULL;

	(void)state;
	options.token = xstrdup("mine");
	assert_int_equal(
		read_lab(&options,
			 "{\"authority\":\"a:1\",\"address\":\"127.0.0.1:1\","
			 "\"ca\":\"/l/tls/ca.pem\",\"token\":\"theirs\","
			 "\"tg\":\"https://a:1/t\",\"numbers\":[\"+1408*\"],"
			 "\"origins\":\"+1*\",\"stir\":{\"key\":\"k\","
			 "\"cert\":\"/l/stir/cert.pem\",\"x5u\":\"u\"},"
			 "\"other\":{\"token\":\"x\",\"tg\":\"y\"}}",
			 &why),
		0);
	assert_string_equal(options.authority, "a:1");
	assert_int_equal(addr_port(&options.address), 1);
	/* The command line goes first. */
	assert_string_equal(options.token, "mine");
	assert_string_equal(options.server_cert, "/l/tls/server.pem");
	assert_string_equal(options.server_key, "/l/tls/server.key");
	assert_string_equal(options.stir_ca, "/l/stir/ca.pem");
	assert_int_equal(options.numbers.allow_cnt, 1);
	assert_int_equal(options.origins.allow_cnt, 1);
	assert_string_equal(options.other_tg, "y");
	options_free(&options);
}

static void test_bad_lab(void **state)
{
	static const char *const texts[] = { "", "[]", "{\"a\":", "nonsense" };
	struct options options = { 0 };
	char *why = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(read_lab(&options, texts[i], &why), EINVAL);
		assert_non_null(strstr(why, "is no lab.json"));
		free(why);
	}
	assert_int_equal(lab_options(&options, "/nowhere/lab.json", &why),
			 EINVAL);
	free(why);
	options_free(&options);
}

/* ---- faults in chunks ---- */

#define BODIES 40

static struct {
	uint8_t body[4096];
	size_t len;
} out[BODIES];
static unsigned out_cnt;

static int on_send(const void *body, size_t len, bool media, void *arg)
{
	(void)media;
	(void)arg;
	assert_true(out_cnt < BODIES);
	memcpy(out[out_cnt].body, body, len);
	out[out_cnt++].len = len;
	return 0;
}

/* One media chunk numbered @seq and one ack behind it. */
static size_t make_body(uint8_t *body, size_t room, uint64_t seq)
{
	static const uint8_t speech[160] = { 1, 2, 3 };
	struct chunk chunk = {
		.env = CHUNK_BIT(CHUNK_SEQUENCE) | CHUNK_BIT(CHUNK_TIMESTAMP) |
		       CHUNK_BIT(CHUNK_PAYLOAD_TYPE) |
		       CHUNK_BIT(CHUNK_SOURCE) | CHUNK_BIT(CHUNK_SINK),
		.pkg = CHUNK_BIT(CHUNK_MEDIA),
		.seq = { seq, 8 },
		.time = { 77, 8 },
		.sink = 1,
		.media = speech,
		.media_len = sizeof(speech),
	};
	struct chunk ack = {
		.env = CHUNK_BIT(CHUNK_CONTROL) | CHUNK_BIT(CHUNK_CONTROL_TYPE),
		.pkg = CHUNK_BIT(CHUNK_SEQUENCE) | CHUNK_BIT(CHUNK_SOURCE) |
		       CHUNK_BIT(CHUNK_SINK) | CHUNK_BIT(CHUNK_DIRECTION),
		.control_type = CHUNK_CONTROL_ACK,
		.acked_seq = { 5, 2 },
	};
	size_t len = chunk_write(body, room, &chunk);

	return len + chunk_write(body + len, room - len, &ack);
}

static void send_all(const char *fault, unsigned cnt)
{
	struct fault_body state = { 0 };
	uint8_t body[1000];
	unsigned i;

	assert_int_equal(fault_choose(fault, false), 0);
	out_cnt = 0;
	for (i = 0; i < cnt; i++)
		assert_int_equal(fault_send(&state, body,
					    make_body(body, sizeof(body),
						      1000 + i),
					    true, on_send, NULL),
				 0);
	assert_int_equal(fault_choose("none", false), 0);
}

/* The number of the media chunk in a body; its ack must be there too. */
static uint64_t seq_of(unsigned index, struct chunk *media)
{
	struct chunk_reader reader;
	struct chunk chunk;
	uint64_t seq;

	chunk_reader_init(&reader, out[index].body, out[index].len);
	assert_int_equal(chunk_next(&reader, &chunk), CHUNK_OK);
	assert_int_equal(chunk.media_len, 160);
	assert_int_equal(chunk.media[1], 2);
	seq = chunk.seq.value;
	if (media)
		*media = chunk;
	assert_int_equal(chunk_next(&reader, &chunk), CHUNK_OK);
	assert_true(chunk.env & CHUNK_BIT(CHUNK_CONTROL));
	assert_int_equal(chunk_next(&reader, &chunk), CHUNK_END);
	return seq;
}

static void test_no_fault(void **state)
{
	(void)state;
	send_all("none", 3);
	assert_int_equal(out_cnt, 3);
	assert_int_equal(seq_of(2, NULL), 1002);
}

static void test_drop(void **state)
{
	(void)state;
	send_all("drop-chunks", 30);
	assert_int_equal(out_cnt, 27);
	assert_int_equal(seq_of(9, NULL), 1010);
}

static void test_swap(void **state)
{
	(void)state;
	send_all("swap-chunks", 4);
	assert_int_equal(out_cnt, 4);
	assert_int_equal(seq_of(0, NULL), 1001);
	assert_int_equal(seq_of(1, NULL), 1000);
	assert_int_equal(seq_of(2, NULL), 1003);
}

static void test_wrong_source(void **state)
{
	struct chunk chunk;

	(void)state;
	send_all("wrong-source", 1);
	assert_int_equal(seq_of(0, &chunk), 1000);
	assert_int_equal(chunk.source, 7);
	assert_int_equal(chunk.sink, 1);
}

/* The tag is there, and a reader goes past it. */
static void test_unknown_tag(void **state)
{
	static const uint8_t tlv[] = { 20, 2, 0xca, 0xfe };
	struct chunk chunk;
	size_t plain;

	(void)state;
	send_all("none", 1);
	plain = out[0].len;
	send_all("unknown-tag", 1);
	assert_int_equal(seq_of(0, &chunk), 1000);
	assert_int_equal(out[0].len, plain + sizeof(tlv));
	assert_non_null(memmem(out[0].body, out[0].len, tlv, sizeof(tlv)));
}

static void test_choice(void **state)
{
	(void)state;
	assert_int_equal(fault_choose("nonsense", false), EINVAL);
	assert_int_equal(fault_choose("no-pong", false), EINVAL);
	assert_int_equal(fault_choose("no-ping", true), EINVAL);
	assert_int_equal(fault_choose("no-acks", true), 0);
	assert_true(fault_is(FAULT_NO_ACKS));
	assert_int_not_equal(fault_phone(), 0);
	assert_int_equal(fault_choose("none", true), 0);
	assert_int_equal(fault_phone(), 0);
}

static void test_passport(void **state)
{
	char jws[] = "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJlLi4u";

	(void)state;
	assert_int_equal(fault_choose("late-passport", false), 0);
	assert_true(fault_passport_ms(1000000) < 1000000 - 60000);
	assert_int_equal(fault_choose("wrong-dest", false), 0);
	assert_string_not_equal(fault_passport_dest("+1"), "+1");
	assert_int_equal(fault_choose("altered-passport", false), 0);
	fault_passport(jws);
	assert_string_not_equal(jws,
				"eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJlLi4u");
	assert_int_equal(fault_choose("none", false), 0);
	assert_string_equal(fault_passport_dest("+1"), "+1");
	assert_int_equal(fault_passport_ms(5), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_caller),
		cmocka_unit_test(test_lab),
		cmocka_unit_test(test_bad_lab),
		cmocka_unit_test(test_no_fault),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_swap),
		cmocka_unit_test(test_wrong_source),
		cmocka_unit_test(test_unknown_tag),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_passport),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
