/* SPDX-License-Identifier: MIT */
/*
 * ript/h3_settings.h - the SETTINGS that nghttp3 neither sends nor shows:
 * those of WebTransport, of every draft that browsers in use ask for.
 *
 * Out: nghttp3's first octets of the control stream are rewritten on their
 * way to QUIC (settings_extend).  In: a copy of the peer's first octets is
 * read beside nghttp3 (settings_read).  Both go when nghttp3 does it itself.
 *
 * Owner:  plain structs.  Pure functions.
 * Loop:   any.
 * Spec:   RFC 9114, 7.2.4; RFC 9220; RFC 9297; draft-ietf-webtrans-http3.
 */
#ifndef RIPTIDE_RIPT_H3_SETTINGS_H
#define RIPTIDE_RIPT_H3_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets that settings_extend() adds at most. */
#define SETTINGS_EXTRA 64

/*
 * @in is all that nghttp3 wants to send on the control stream at first:
 * stream type, frame type, length, payload.  @out, of @in_len +
 * SETTINGS_EXTRA octets, gets the same with our settings appended.
 * Returns the length; 0: @in has another form and must go as it is.
 */
size_t settings_extend(uint8_t *out, const uint8_t *in, size_t in_len);

struct settings_reader {
	uint8_t buf[512];	/* stream type and SETTINGS frame */
	size_t len;
	bool done;		/* settings below are final */
	bool connect_protocol;	/* extended CONNECT */
	bool datagram;		/* RFC 9297 or its draft */
	bool webtransport;	/* any draft */
};

/* More of the peer's control stream.  After done nothing changes; a frame
 * larger than the buffer, or a broken one (which nghttp3 refuses), is done
 * without settings. */
void settings_read(struct settings_reader *reader, const uint8_t *data,
		   size_t len);

/*
 * A QUIC variable-length integer.  Returns the octets it takes, 0: there are
 * fewer.
 */
size_t varint_get(uint64_t *valuep, const uint8_t *data, size_t len);
/* Returns the octets written, at most 8. */
size_t varint_put(uint8_t *out, uint64_t value);

#endif
