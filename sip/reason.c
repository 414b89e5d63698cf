/* SPDX-License-Identifier: MIT */
#include "sip/reason.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sip/leg.h"

void reason_print(char out[REASON_LEN], int q850, const char *code)
{
	int len = 0;

	out[0] = '\0';
	if (q850 > 0 && q850 < 128)
		len = snprintf(out, REASON_LEN, "Q.850;cause=%d", q850);
	if (!code || !*code)
		return;
	/* Codes are our own literals; what could break the quoting is a bug
	 * that must not become a header of its own. */
	if (strpbrk(code, "\"\\\r\n") || strlen(code) > 100)
		return;
	snprintf(out + len, (size_t)(REASON_LEN - len), "%sRIPT;text=\"%s\"",
		 len ? ", " : "", code);
}

void reason_text(struct leg_cause *cause, const char *text)
{
	size_t len = 0;

	for (; text && *text && len < sizeof(cause->text) - 1; text++)
		if ((unsigned char)*text >= 0x20 && *text != 0x7f)
			cause->text[len++] = *text;
	cause->text[len] = '\0';
}

/* The library leaves the quotes on. */
static void unquoted_text(struct leg_cause *cause, const char *text)
{
	size_t len;

	if (*text == '"')
		text++;
	reason_text(cause, text);
	len = strlen(cause->text);
	if (len && cause->text[len - 1] == '"')
		cause->text[len - 1] = '\0';
}

void reason_read(struct leg_cause *cause, const sip_reason_t *reason)
{
	unsigned count;
	int value;

	for (count = 0; reason && count < 8; reason = reason->re_next, count++) {
		if (!reason->re_protocol)
			continue;
		if (strcasecmp(reason->re_protocol, "Q.850") == 0 &&
		    reason->re_cause) {
			value = (int)strtol(reason->re_cause, NULL, 10);
			if (value > 0 && value < 128)
				cause->q850 = value;
		}
		if (!cause->text[0] && reason->re_text)
			unquoted_text(cause, reason->re_text);
	}
}
