/* SPDX-License-Identifier: MIT */
#include "media/fate.h"

static const char *const names[FATE_CNT] = {
	[FATE_FORWARDED] = "forwarded",
	[FATE_BAD_RTP] = "bad_rtp",
	[FATE_WRONG_SOURCE] = "wrong_source",
	[FATE_UNKNOWN_PT] = "unknown_pt",
	[FATE_NOT_DIRECTED] = "not_directed",
	[FATE_NOT_NEGOTIATED] = "not_negotiated",
	[FATE_DUPLICATE] = "duplicate",
	[FATE_LATE] = "late",
	[FATE_NO_WAY] = "no_way",
	[FATE_NO_ROOM] = "no_room",
	[FATE_NOT_READY] = "not_ready",
	[FATE_BAD_CHUNK] = "bad_chunk",
	[FATE_UNREBUILT] = "unrebuilt",
	[FATE_CONTROL] = "control",
	[FATE_UNKNOWN_CONTROL] = "unknown_control",
	[FATE_ENCRYPTED] = "encrypted",
	[FATE_WRONG_STREAM] = "wrong_stream",
	[FATE_SEND_FAILED] = "send_failed",
};

const char *bridge_fate_name(enum bridge_fate fate)
{
	return (unsigned)fate < FATE_CNT ? names[fate] : "";
}
