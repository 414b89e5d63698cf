/* SPDX-License-Identifier: MIT */
/*
 * Stream prefixes, capsules and SETTINGS of a peer.  The first octet picks
 * the parser and how the rest is cut; whatever the cut, the result must be
 * the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ript/h3_settings.h"
#include "ript/wt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(int ok)
{
	if (!ok)
		abort();
}

static void prefix(const uint8_t *data, size_t len, bool bidi)
{
	enum wt_prefix whole, part = WT_PREFIX_MORE;
	uint64_t session = 0, session2 = 0;
	size_t used = 0, used2 = 0;

	if (len > 16)
		len = 16;
	whole = wt_prefix_read(data, len, bidi, &session, &used);
	check(len < 16 || whole != WT_PREFIX_MORE);
	for (size_t n = 0; n <= len && part == WT_PREFIX_MORE; n++)
		part = wt_prefix_read(data, n, bidi, &session2, &used2);
	check(part == whole);
	if (whole == WT_PREFIX_STREAM)
		check(session == session2 && used == used2 && used <= len);
}

static void capsules(const uint8_t *data, size_t len, size_t step)
{
	struct wt_capsules a = { 0 }, b = { 0 };
	enum wt_capsule whole, part = WT_CAPSULE_MORE;
	size_t n;

	whole = wt_capsules_read(&a, data, len);
	while (len && part == WT_CAPSULE_MORE) {
		n = len < step ? len : step;
		part = wt_capsules_read(&b, data, n);
		data += n;
		len -= n;
	}
	check(whole == part);
	if (whole == WT_CAPSULE_CLOSE)
		check(a.code == b.code);
}

static void settings(const uint8_t *data, size_t len, size_t step)
{
	struct settings_reader a = { 0 }, b = { 0 };
	uint8_t *out = malloc(len + SETTINGS_EXTRA);
	size_t out_len, n;

	out_len = settings_extend(out, data, len);
	check(out_len <= len + SETTINGS_EXTRA);
	settings_read(&a, data, len);
	free(out);
	while (len) {
		n = len < step ? len : step;
		settings_read(&b, data, n);
		data += n;
		len -= n;
	}
	check(a.done == b.done && a.datagram == b.datagram &&
	      a.webtransport == b.webtransport &&
	      a.connect_protocol == b.connect_protocol);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t step;

	if (len < 1)
		return 0;
	step = 1 + (data[0] >> 2);
	switch (data[0] & 3) {
	case 0:
		prefix(data + 1, len - 1, false);
		break;
	case 1:
		prefix(data + 1, len - 1, true);
		break;
	case 2:
		capsules(data + 1, len - 1, step);
		break;
	default:
		settings(data + 1, len - 1, step);
		break;
	}
	return 0;
}
