/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "media/desc.h"

static void add(struct media_desc *desc, enum codec codec, uint8_t pt)
{
	struct media_format *format = &desc->format[desc->format_cnt++];

	format->codec = codec;
	format->pt = pt;
	format->clock_hz = codec_info(codec)->clock_hz;
}

static void codec_names(void **state)
{
	static const struct {
		const char *name;
		enum codec codec;
	} rows[] = {
		{ "PCMU", CODEC_PCMU },
		{ "pcma", CODEC_PCMA },
		{ "audio/OPUS", CODEC_OPUS },
		{ "Audio/telephone-event", CODEC_TELEPHONE_EVENT },
		{ "cn", CODEC_CN },
		{ "iLBC", CODEC_OTHER },
		{ "", CODEC_OTHER },
		{ "audio/", CODEC_OTHER },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(codec_by_name(rows[i].name), rows[i].codec);
	assert_int_equal(codec_by_name(NULL), CODEC_OTHER);
	assert_string_equal(codec_info(CODEC_NONE)->name, "");
	assert_string_equal(codec_info(CODEC_OTHER)->name, "");
	assert_string_equal(codec_info((enum codec)77)->name, "");
}

static void codec_numbers(void **state)
{
	enum codec codec;

	(void)state;
	for (codec = CODEC_PCMU; codec < CODEC_OTHER; codec++)
		assert_int_equal(codec_by_ript_pt(codec_info(codec)->ript_pt),
				 codec);
	assert_int_equal(codec_by_ript_pt(1), CODEC_OPUS);
	assert_int_equal(codec_by_ript_pt(2), CODEC_NONE);
	assert_int_equal(codec_by_ript_pt(0x100), CODEC_NONE);
	assert_false(codec_info(CODEC_CN)->audio);
	assert_false(codec_info(CODEC_TELEPHONE_EVENT)->audio);
	assert_true(codec_info(CODEC_PCMU)->audio);
}

static void formats(void **state)
{
	struct media_desc desc;

	(void)state;
	memset(&desc, 0, sizeof(desc));
	assert_null(media_desc_audio(&desc));
	add(&desc, CODEC_TELEPHONE_EVENT, 96);
	add(&desc, CODEC_PCMA, 8);
	add(&desc, CODEC_PCMU, 0);
	add(&desc, CODEC_CN, 13);
	assert_int_equal(media_desc_audio(&desc)->codec, CODEC_PCMA);
	assert_int_equal(media_desc_pt(&desc, 96)->codec,
			 CODEC_TELEPHONE_EVENT);
	assert_null(media_desc_pt(&desc, 97));
	assert_int_equal(media_desc_codec(&desc, CODEC_CN)->pt, 13);
	assert_null(media_desc_codec(&desc, CODEC_OPUS));
	assert_int_equal(media_desc_codecs(&desc),
			 1u << CODEC_TELEPHONE_EVENT | 1u << CODEC_PCMA |
				 1u << CODEC_PCMU | 1u << CODEC_CN);

	media_desc_keep(&desc, 1u << CODEC_PCMU | 1u << CODEC_CN);
	assert_int_equal(desc.format_cnt, 2);
	assert_int_equal(desc.format[0].codec, CODEC_PCMU);
	assert_int_equal(desc.format[1].codec, CODEC_CN);
	media_desc_keep(&desc, 0);
	assert_int_equal(desc.format_cnt, 0);
	assert_null(media_desc_audio(&desc));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codec_names),
		cmocka_unit_test(codec_numbers),
		cmocka_unit_test(formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
