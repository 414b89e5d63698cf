/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ript/body.h"
#include "ript/server_impl.h"
#include "ript/tomb.h"

#define TOMB_NS (3600 * NS_PER_S)
#define TOMBS_MAX 262144	/* the oldest go first: not-found from then */
#define UUID_OCTETS 16

struct tomb {
	struct table_node node;
	struct le le;
	uint8_t uuid[UUID_OCTETS];
	uint64_t since_ns;
	uint64_t at_ms;
	int32_t sip, q850;
	uint8_t by;
	bool has_cause;
	char text[];			/* TG's ID, NUL, cause's text, NUL */
};

static const char *by_name(enum ript_by by)
{
	switch (by) {
	case RIPT_BY_CLIENT:
		return "client";
	case RIPT_BY_PEER:
		return "peer";
	default:
		return "server";
	}
}

void ending_print(struct buf *out, const struct ending *ending)
{
	char at[RFC3339_LEN + 1];
	const struct ript_cause *cause = &ending->cause;

	rfc3339_print(at, ending->at_ms);
	buf_printf(out, "{\"type\":\"" RIPT_ROOT "/problems/call-ended\","
		   "\"title\":\"Call has ended\",\"status\":404,"
		   "\"ended-at\":\"%s\",\"by\":\"%s\"", at,
		   by_name(ending->by));
	if (ending->has_cause) {
		const char *comma = "";

		buf_add_str(out, ",\"cause\":{");
		if (cause->sip) {
			buf_printf(out, "\"sip\":%d", cause->sip);
			comma = ",";
		}
		if (cause->q850) {
			buf_printf(out, "%s\"q850\":%d", comma, cause->q850);
			comma = ",";
		}
		if (cause->text[0]) {
			buf_printf(out, "%s\"text\":", comma);
			body_add_text(out, cause->text);
		}
		buf_add_str(out, "}");
	}
	buf_add_str(out, "}");
}

/* "0b8ff3c4-6a1e-..." to 16 octets; false if it is no UUID. */
static bool key_of(uint8_t key[UUID_OCTETS], const char *uuid)
{
	char hex[2 * UUID_OCTETS + 1];
	size_t n = 0;

	if (!uuid_valid(uuid, strlen(uuid)))
		return false;
	for (; *uuid; uuid++)
		if (*uuid != '-' && n < 2 * UUID_OCTETS)
			hex[n++] = *uuid;
	hex[n] = '\0';
	return hex_decode(key, UUID_OCTETS, hex) == 0;
}

static void tomb_free(struct ript_server *server, struct tomb *tomb)
{
	table_remove(&server->tombs, &tomb->node);
	list_unlink(&tomb->le);
	free(tomb);
}

static void sweep(struct ript_server *server, uint64_t now_ns)
{
	while (server->tomb_list.head) {
		struct tomb *oldest = list_entry(server->tomb_list.head,
						 struct tomb, le);

		if (now_ns - oldest->since_ns < TOMB_NS &&
		    server->tomb_list.count < TOMBS_MAX)
			return;
		tomb_free(server, oldest);
	}
}

void tomb_add(struct ript_server *server, const char *tg, const char *uuid,
	      const struct ending *ending, uint64_t now_ns)
{
	size_t tg_len = strlen(tg) + 1;
	size_t text_len = strlen(ending->cause.text) + 1;
	struct tomb *tomb;

	sweep(server, now_ns);
	tomb = xzalloc(sizeof(*tomb) + tg_len + text_len);
	if (!key_of(tomb->uuid, uuid) ||
	    table_insert(&server->tombs, &tomb->node, tomb->uuid,
			 sizeof(tomb->uuid)) != 0) {
		free(tomb);
		return;
	}
	list_append(&server->tomb_list, &tomb->le);
	tomb->since_ns = now_ns;
	tomb->at_ms = ending->at_ms;
	tomb->sip = ending->cause.sip;
	tomb->q850 = ending->cause.q850;
	tomb->by = (uint8_t)ending->by;
	tomb->has_cause = ending->has_cause;
	memcpy(tomb->text, tg, tg_len);
	memcpy(tomb->text + tg_len, ending->cause.text, text_len);
}

bool tomb_find(struct ript_server *server, const char *tg, const char *uuid,
	       uint64_t now_ns, struct ending *ending)
{
	uint8_t key[UUID_OCTETS];
	const struct table_node *node;
	const struct tomb *tomb;

	if (!key_of(key, uuid))
		return false;
	sweep(server, now_ns);
	node = table_find(&server->tombs, key, sizeof(key));
	if (!node)
		return false;
	tomb = table_entry(node, const struct tomb, node);
	if (strcmp(tomb->text, tg) != 0)
		return false;
	memset(ending, 0, sizeof(*ending));
	ending->at_ms = tomb->at_ms;
	ending->by = (enum ript_by)tomb->by;
	ending->has_cause = tomb->has_cause;
	ending->cause.sip = tomb->sip;
	ending->cause.q850 = tomb->q850;
	snprintf(ending->cause.text, sizeof(ending->cause.text), "%s",
		 tomb->text + strlen(tomb->text) + 1);
	return true;
}

void tomb_free_all(struct ript_server *server)
{
	while (server->tomb_list.head)
		tomb_free(server, list_entry(server->tomb_list.head,
					     struct tomb, le));
	table_free(&server->tombs);
}
