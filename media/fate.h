/* SPDX-License-Identifier: MIT */
/*
 * media/fate.h - what can happen to a packet: exactly one of these.
 *
 * Owner:  plain enumeration; a counter each (bridge_stats, and
 *         riptide_rtp_fate_total by direction).
 * Loop:   any.
 */
#ifndef RIPTIDE_MEDIA_FATE_H
#define RIPTIDE_MEDIA_FATE_H

enum bridge_fate {
	FATE_FORWARDED,
	FATE_BAD_RTP,
	FATE_WRONG_SOURCE,	/* not the negotiated or latched one */
	FATE_UNKNOWN_PT,
	FATE_NOT_DIRECTED,	/* codec outside the directive */
	FATE_NOT_NEGOTIATED,	/* outside the SDP answer: codec, direction */
	FATE_DUPLICATE,
	FATE_LATE,		/* too old to tell from a duplicate */
	FATE_NO_WAY,		/* no byway open: panic */
	FATE_NO_ROOM,		/* over the datagram limit, queue full */
	FATE_NOT_READY,		/* before the SDP side has an address */
	FATE_BAD_CHUNK,
	FATE_UNREBUILT,		/* truncated before any full value */
	FATE_CONTROL,		/* an ack or another control chunk */
	FATE_UNKNOWN_CONTROL,
	FATE_ENCRYPTED,		/* tag 13 present, key unknown */
	FATE_WRONG_STREAM,	/* source or sink that no directive names */
	FATE_SEND_FAILED,
	FATE_CNT
};

/* "forwarded", "bad_rtp", ...: the label in metrics. */
const char *bridge_fate_name(enum bridge_fate fate);

#endif
