/* SPDX-License-Identifier: MIT */
/*
 * A stream of events in pieces: the first octet of the input says how long
 * they are.  The pieces must not matter, and what is understood is printed,
 * read and printed again the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "ript/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(int ok)
{
	if (!ok)
		abort();
}

static void print_to(const struct ript_event *event, void *arg)
{
	require(event->type <= RIPT_EV_UNKNOWN &&
		event->state <= RIPT_ST_NONE &&
		strlen(event->cause.text) < RIPT_CAUSE_TEXT_LEN);
	(void)ript_event_print(arg, event, ((struct buf *)arg)->len == 0);
}

/* All events of @data, printed one after the other to @out. */
static int read_all(struct buf *out, const uint8_t *data, size_t len,
		    size_t step)
{
	struct ript_event_reader *reader;
	const char *why;
	size_t piece;
	int err = 0;

	reader = ript_event_reader_new(print_to, out);
	for (; !err && len; data += piece, len -= piece) {
		piece = len < step ? len : step;
		err = ript_event_read(reader, data, piece, &why);
	}
	ript_event_reader_free(&reader);
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf whole, pieces, again;
	int err;

	if (!len)
		return 0;
	buf_init(&whole, 1u << 20);
	buf_init(&pieces, 1u << 20);
	buf_init(&again, 1u << 20);
	/* "0" to "?": 1 to 16 octets. */
	err = read_all(&pieces, data + 1, len - 1, (data[0] & 15u) + 1);
	require(read_all(&whole, data + 1, len - 1, len) == err);
	require(strcmp(buf_str(&whole), buf_str(&pieces)) == 0);
	if (whole.len) {
		buf_clear(&pieces);
		(void)buf_add_str(&pieces, "[\n");
		(void)buf_add(&pieces, whole.data, whole.len);
		require(read_all(&again, pieces.data, pieces.len, 4096) == 0);
		require(strcmp(buf_str(&whole), buf_str(&again)) == 0);
	}
	buf_free(&whole);
	buf_free(&pieces);
	buf_free(&again);
	return 0;
}
