/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "base/text.h"
#include "media/chunk.h"
#include "media/desc.h"
#include "tests/unit/shows.h"

static struct json_object *vectors;

static int load_vectors(void **state)
{
	const char *dir = getenv("srcdir");
	char path[512];

	(void)state;
	snprintf(path, sizeof(path), "%s/tests/data/chunks.json",
		 dir ? dir : ".");
	vectors = json_object_from_file(path);
	return vectors ? 0 : -1;
}

static int free_vectors(void **state)
{
	(void)state;
	json_object_put(vectors);
	return 0;
}

static struct json_object *member(struct json_object *object,
				  const char *name)
{
	struct json_object *value = NULL;

	assert_true(json_object_object_get_ex(object, name, &value));
	return value;
}

static size_t octets(uint8_t *out, size_t max, struct json_object *text)
{
	const char *hex = json_object_get_string(text);
	size_t len = strlen(hex) / 2;

	assert_true(len <= max);
	assert_int_equal(hex_decode(out, len, hex), 0);
	return len;
}

static uint64_t integer(struct json_object *text)
{
	uint8_t data[8] = { 0 };
	size_t len = octets(data, sizeof(data), text), i;
	uint64_t value = 0;

	for (i = 0; i < len; i++)
		value = value << 8 | data[i];
	return value;
}

/* ---- one field of a vector against what was parsed ---- */

struct field {
	const char *name;
	unsigned tag;
};

static const struct field envelope_fields[] = {
	{ "sequence", CHUNK_SEQUENCE },
	{ "timestamp", CHUNK_TIMESTAMP },
	{ "payload-type", CHUNK_PAYLOAD_TYPE },
	{ "control", CHUNK_CONTROL },
	{ "source", CHUNK_SOURCE },
	{ "sink", CHUNK_SINK },
	{ "reference-frame", CHUNK_REFERENCE_FRAME },
	{ "spatial-layer", CHUNK_SPATIAL_LAYER },
	{ "temporal-layer", CHUNK_TEMPORAL_LAYER },
	{ "audio-level", CHUNK_AUDIO_LEVEL },
	{ "control-type", CHUNK_CONTROL_TYPE },
	{ "rtp-timestamp", CHUNK_RTP_TIMESTAMP },
	{ "rtp-marker", CHUNK_RTP_MARKER },
	{ "rtp-clock", CHUNK_RTP_CLOCK },
	{ NULL, 0 },
};

static const struct field package_fields[] = {
	{ "media", CHUNK_MEDIA },
	{ "sequence", CHUNK_SEQUENCE },
	{ "source", CHUNK_SOURCE },
	{ "sink", CHUNK_SINK },
	{ "acked-direction", CHUNK_DIRECTION },
	{ "receive-time", CHUNK_RECEIVE_TIME },
	{ NULL, 0 },
};

static void check_number(const struct chunk_number *number,
			 struct json_object *text)
{
	assert_int_equal(number->width,
			 strlen(json_object_get_string(text)) / 2);
	assert_true(number->value == integer(text));
}

static void check_envelope(const struct chunk *c, unsigned tag,
			   struct json_object *text)
{
	uint64_t value;

	if (tag == CHUNK_SEQUENCE) {
		check_number(&c->seq, text);
		return;
	}
	if (tag == CHUNK_TIMESTAMP) {
		check_number(&c->time, text);
		return;
	}
	value = integer(text);
	switch (tag) {
	case CHUNK_PAYLOAD_TYPE:
		assert_int_equal(c->payload_type, value);
		break;
	case CHUNK_SOURCE:
		assert_int_equal(c->source, value);
		break;
	case CHUNK_SINK:
		assert_int_equal(c->sink, value);
		break;
	case CHUNK_AUDIO_LEVEL:
		assert_int_equal(c->audio_level, value);
		break;
	case CHUNK_CONTROL_TYPE:
		assert_int_equal(c->control_type, value);
		break;
	case CHUNK_RTP_TIMESTAMP:
		assert_int_equal(c->rtp_timestamp, value);
		break;
	case CHUNK_RTP_CLOCK:
		assert_int_equal(c->rtp_clock, value);
		break;
	default:
		assert_int_equal(value, 0);	/* a flag */
	}
}

static void check_package(const struct chunk *c, unsigned tag,
			  struct json_object *text)
{
	uint8_t media[256];

	switch (tag) {
	case CHUNK_MEDIA:
		assert_int_equal(c->media_len,
				 octets(media, sizeof(media), text));
		assert_memory_equal(c->media, media, c->media_len);
		break;
	case CHUNK_SEQUENCE:
		check_number(&c->acked_seq, text);
		break;
	case CHUNK_SOURCE:
		assert_int_equal(c->acked_source, integer(text));
		break;
	case CHUNK_SINK:
		assert_int_equal(c->acked_sink, integer(text));
		break;
	case CHUNK_DIRECTION:
		assert_int_equal(c->acked_direction, integer(text));
		break;
	default:
		check_number(&c->receive_time, text);
	}
}

/* Every field of the vector is there, and no other.  Returns how many unknown
 * tags the vector has. */
static unsigned check_part(const struct chunk *c, struct json_object *part,
			   uint32_t bits, const struct field *fields,
			   void (*check)(const struct chunk *, unsigned,
					 struct json_object *))
{
	unsigned unknown = 0;
	const struct field *f;

	json_object_object_foreach(part, name, value)
	{
		for (f = fields; f->name && strcmp(f->name, name) != 0; f++)
			;
		if (!f->name) {
			unknown++;
			continue;
		}
		assert_true(bits & CHUNK_BIT(f->tag));
		bits &= ~CHUNK_BIT(f->tag);
		check(c, f->tag, value);
	}
	assert_int_equal(bits, 0);
	return unknown;
}

static void valid_vectors(void **state)
{
	struct json_object *list = member(vectors, "valid");
	size_t i, k, len, written, unknown, acks = 0, media = 0, skipped = 0;
	uint8_t body[1024], out[1024];
	struct chunk_reader reader;
	struct chunk c;

	(void)state;
	assert_int_equal(json_object_array_length(list), 14);
	for (i = 0; i < 14; i++) {
		struct json_object *v = json_object_array_get_idx(list, i);
		struct json_object *records = member(v, "records");

		len = octets(body, sizeof(body), member(v, "hex"));
		chunk_reader_init(&reader, body, len);
		written = unknown = 0;
		for (k = 0; k < json_object_array_length(records); k++) {
			struct json_object *r =
				json_object_array_get_idx(records, k);

			assert_int_equal(chunk_next(&reader, &c), CHUNK_OK);
			unknown += check_part(&c, member(r, "envelope"),
					      c.env, envelope_fields,
					      check_envelope);
			unknown += check_part(&c, member(r, "package"),
					      c.pkg, package_fields,
					      check_package);
			if (c.env & CHUNK_BIT(CHUNK_CONTROL))
				acks++;
			else
				media++;
			written += chunk_write(out + written,
					       sizeof(out) - written, &c);
		}
		assert_int_equal(chunk_next(&reader, &c), CHUNK_END);
		if (unknown) {
			skipped += unknown;
			continue;
		}
		assert_int_equal(written, len);
		assert_memory_equal(out, body, len);
	}
	assert_int_equal(skipped, 2);
	assert_true(acks >= 5 && media >= 10);
	shows("RIPT-MC-01");	/* envelope and package round-trip */
	shows("RIPT-MC-02");	/* tag 5 tells control from media */
	shows("RIPT-MC-10");
	shows("RIPT-MC-11");
	shows("RIPT-MC-16");
	shows("RIPT-MC-17");	/* unknown tags 40 and 70 were skipped */
	shows("RIPT-CC-01");
}

/* A chunk alone says its codec: whoever reads it needs to know no call. */
static void says_its_codec(void **state)
{
	static const uint32_t types[] = { 0, 1, 13, 255, 256, 65535, 65536,
					  0x01020304, UINT32_MAX };
	struct chunk_reader reader;
	enum codec codec;
	uint8_t body[64];
	struct chunk c = { .pkg = CHUNK_BIT(CHUNK_MEDIA) }, got;
	size_t i, len;

	(void)state;
	c.env = CHUNK_BIT(CHUNK_PAYLOAD_TYPE);
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		c.payload_type = types[i];
		len = chunk_write(body, sizeof(body), &c);
		assert_true(len > 0);
		chunk_reader_init(&reader, body, len);
		memset(&got, 0xaa, sizeof(got));
		assert_int_equal(chunk_next(&reader, &got), CHUNK_OK);
		assert_true(got.payload_type == types[i]);
	}
	shows("RIPT-MC-09");
	for (codec = CODEC_PCMU; codec < CODEC_OTHER; codec++) {
		c.payload_type = codec_info(codec)->ript_pt;
		len = chunk_write(body, sizeof(body), &c);
		chunk_reader_init(&reader, body, len);
		assert_int_equal(chunk_next(&reader, &got), CHUNK_OK);
		assert_int_equal(codec_by_ript_pt(got.payload_type), codec);
	}
	shows("RIPT-DR-13");
}

static void invalid_vectors(void **state)
{
	struct json_object *list = member(vectors, "invalid");
	struct chunk_reader reader;
	uint8_t body[1024];
	struct chunk c;
	size_t i, len;
	int result;

	(void)state;
	assert_int_equal(json_object_array_length(list), 8);
	for (i = 0; i < 8; i++) {
		struct json_object *v = json_object_array_get_idx(list, i);

		len = octets(body, sizeof(body), member(v, "hex"));
		chunk_reader_init(&reader, body, len);
		result = chunk_next(&reader, &c);
		if (result != CHUNK_BAD && result != CHUNK_CUT)
			fail_msg("accepted: %s",
				 json_object_get_string(member(v, "name")));
		assert_int_equal(chunk_next(&reader, &c), CHUNK_END);
	}
}

static void rebuild_vectors(void **state)
{
	struct json_object *list = member(vectors, "rebuild");
	struct chunk_number number;
	uint64_t expected, value;
	size_t i;

	(void)state;
	assert_int_equal(json_object_array_length(list), 8);
	for (i = 0; i < 8; i++) {
		struct json_object *v = json_object_array_get_idx(list, i);
		struct json_object *text = member(v, "octets");

		number.value = integer(text);
		number.width =
			(uint8_t)(strlen(json_object_get_string(text)) / 2);
		expected = json_object_get_uint64(member(v, "expected"));
		value = json_object_get_uint64(member(v, "value"));
		assert_true(chunk_rebuild(&number, expected) == value);
	}
}

/* Whatever the width and wherever the count stands, a value within half a
 * window comes back. */
static void rebuild_all_widths(void **state)
{
	static const uint64_t highs[] = {
		0, 1, 255, 256, 65535, 65536, 0xffffff, 0x170211a5e40,
		UINT64_MAX - 70000, UINT64_MAX - 1,
	};
	static const int64_t offs[] = { -120, -1, 0, 1, 2, 100, 127 };
	size_t i, k;
	uint8_t width;

	(void)state;
	for (i = 0; i < sizeof(highs) / sizeof(highs[0]); i++) {
		for (k = 0; k < sizeof(offs) / sizeof(offs[0]); k++) {
			uint64_t value = highs[i] + (uint64_t)offs[k];

			if (offs[k] < 0 ? value > highs[i]
					: value < highs[i])
				continue;	/* past either end */
			for (width = 1; width <= 8; width++) {
				struct chunk_number n = { value, width };

				if (width < 8)
					n.value &= (UINT64_C(1) << 8 * width) -
						   1;
				assert_true(chunk_rebuild(&n, highs[i]) ==
					    value);
			}
		}
	}
	shows("RIPT-MC-03");	/* 1 to 8 octets */
}

static void integers(void **state)
{
	static const struct {
		const char *hex;
		bool ok;
		uint32_t payload_type;
	} rows[] = {
		{ "0403020300", false, 0 },	/* E overruns */
		{ "03020300", true, 0 },
		{ "0403030108", true, 8 },
		{ "0706030400000008", true, 8 },	/* longer than needed */
		{ "080703050000000008", true, 8 },
		{ "08070305ff00000008", false, 0 },	/* above 32 bit */
		{ "0605060301000000", false, 0 },	/* source above 255 */
	};
	struct chunk_reader reader;
	uint8_t body[64];
	struct chunk c;
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		len = strlen(rows[i].hex) / 2;
		assert_int_equal(hex_decode(body, len, rows[i].hex), 0);
		chunk_reader_init(&reader, body, len);
		assert_int_equal(chunk_next(&reader, &c) == CHUNK_OK,
				 rows[i].ok);
		if (rows[i].ok)
			assert_int_equal(c.payload_type,
					 rows[i].payload_type);
	}
}

/* A bad record does not hide the good one behind it. */
static void bad_then_good(void **state)
{
	static const char hex[] = "0706030100030108" "03020300" "40";
	struct chunk_reader reader;
	uint8_t body[16];
	struct chunk c;

	(void)state;
	assert_int_equal(hex_decode(body, sizeof(hex) / 2, hex), 0);
	chunk_reader_init(&reader, body, sizeof(hex) / 2);
	assert_int_equal(chunk_next(&reader, &c), CHUNK_BAD);
	assert_int_equal(chunk_next(&reader, &c), CHUNK_OK);
	assert_int_equal(chunk_next(&reader, &c), CHUNK_CUT);
	assert_int_equal(chunk_next(&reader, &c), CHUNK_END);
}

/* Encrypted: the envelope is read, the package left alone. */
static void key_id(void **state)
{
	static const char hex[] = "0a05" "0d03aabbcc" "ffffffff";
	struct chunk_reader reader;
	uint8_t body[16];
	struct chunk c;

	(void)state;
	assert_int_equal(hex_decode(body, sizeof(hex) / 2, hex), 0);
	chunk_reader_init(&reader, body, sizeof(hex) / 2);
	assert_int_equal(chunk_next(&reader, &c), CHUNK_OK);
	assert_true(c.env & CHUNK_BIT(CHUNK_KEY_ID));
	assert_int_equal(c.key_id_len, 3);
	assert_int_equal(c.pkg, 0);
}

static void room(void **state)
{
	uint8_t media[200] = { 0 }, out[512];
	struct chunk c = {
		.env = CHUNK_BIT(CHUNK_SEQUENCE) | CHUNK_BIT(CHUNK_SINK),
		.pkg = CHUNK_BIT(CHUNK_MEDIA),
		.seq = { 0x1234, 2 },
		.sink = 1,
		.media = media,
		.media_len = sizeof(media),
	};
	size_t len = chunk_write(out, sizeof(out), &c), i;

	(void)state;
	assert_true(len > sizeof(media) && len < sizeof(media) + 20);
	for (i = 0; i < len; i++)
		assert_int_equal(chunk_write(out, i, &c), 0);
	assert_int_equal(chunk_write(out, len, &c), len);
}

static void varints(void **state)
{
	static const struct {
		uint64_t value;
		size_t len;
	} rows[] = {
		{ 0, 1 },	   { 63, 1 },	       { 64, 2 },
		{ 16383, 2 },	   { 16384, 4 },       { 1073741823, 4 },
		{ 1073741824, 8 }, { UINT64_C(1) << 61, 8 },
	};
	uint8_t data[8];
	uint64_t value;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(varint_write(data, rows[i].value),
				 rows[i].len);
		assert_int_equal(varint_read(&value, data, rows[i].len),
				 rows[i].len);
		assert_true(value == rows[i].value);
		for (k = 0; k < rows[i].len; k++)
			assert_int_equal(varint_read(&value, data, k), 0);
	}
}

/* A stranger with nothing but the octets: no call, no SDP, no state. */
static void codec_without_call(void **state)
{
	static const enum codec codecs[] = {
		CODEC_PCMU, CODEC_PCMA, CODEC_TELEPHONE_EVENT, CODEC_CN,
	};
	static const uint8_t media[] = { 0xd5, 0x55, 0x54, 0xd4 };
	uint8_t body[4 * (CHUNK_OVERHEAD_MAX + sizeof(media))];
	struct chunk_reader reader;
	size_t len = 0, i;

	(void)state;
	for (i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
		struct chunk sent = {
			.env = CHUNK_BIT(CHUNK_SEQUENCE) |
			       CHUNK_BIT(CHUNK_TIMESTAMP) |
			       CHUNK_BIT(CHUNK_PAYLOAD_TYPE),
			.pkg = CHUNK_BIT(CHUNK_MEDIA),
			.seq = { i, CHUNK_SHORT },
			.time = { 20 * i, CHUNK_SHORT },
			.payload_type = codec_info(codecs[i])->ript_pt,
			.media = media,
			.media_len = sizeof(media),
		};
		size_t n = chunk_write(body + len, sizeof(body) - len, &sent);

		assert_true(n > 0);
		len += n;
	}
	/* Backwards and forwards: none leans on the one before it. */
	chunk_reader_init(&reader, body, len);
	for (i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
		const uint8_t *at = reader.at;
		struct chunk_reader alone;
		struct chunk c, again;

		assert_int_equal(chunk_next(&reader, &c), CHUNK_OK);
		chunk_reader_init(&alone, at, (size_t)(reader.at - at));
		assert_int_equal(chunk_next(&alone, &again), CHUNK_OK);
		assert_int_equal(chunk_next(&alone, &again), CHUNK_END);
		assert_true(c.env & CHUNK_BIT(CHUNK_PAYLOAD_TYPE));
		assert_int_equal(again.payload_type, c.payload_type);
		assert_int_equal(codec_by_ript_pt(again.payload_type),
				 codecs[i]);
		assert_int_equal(again.media_len, sizeof(media));
		assert_memory_equal(again.media, media, sizeof(media));
	}
	assert_int_equal(chunk_next(&reader, &(struct chunk){ 0 }), CHUNK_END);
	shows("RIPT-DR-13");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_vectors),
		cmocka_unit_test(says_its_codec),
		cmocka_unit_test(invalid_vectors),
		cmocka_unit_test(rebuild_vectors),
		cmocka_unit_test(rebuild_all_widths),
		cmocka_unit_test(integers),
		cmocka_unit_test(bad_then_good),
		cmocka_unit_test(key_id),
		cmocka_unit_test(codec_without_call),
		cmocka_unit_test(room),
		cmocka_unit_test(varints),
	};

	return cmocka_run_group_tests(tests, load_vectors, free_vectors);
}
