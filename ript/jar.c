/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "ript/exchange.h"
#include "ript/jar.h"

static void drop(struct jar *jar, unsigned i)
{
	free(jar->pair[i]);
	jar->pair[i] = jar->pair[--jar->cnt];
}

/* @len of "name=value" of which @name_len are the name. */
static void put(struct jar *jar, const char *pair, size_t len,
		size_t name_len, bool remove)
{
	unsigned i;

	for (i = 0; i < jar->cnt; i++)
		if (strncmp(jar->pair[i], pair, name_len + 1) == 0) {
			drop(jar, i);
			break;
		}
	if (!remove && jar->cnt < JAR_COOKIES)
		jar->pair[jar->cnt++] = xstrndup(pair, len);
}

static void join(struct jar *jar)
{
	struct buf text;
	unsigned i;

	free(jar->text);
	jar->text = NULL;
	if (jar->cnt == 0)
		return;
	buf_init(&text, JAR_OCTETS);
	for (i = 0; i < jar->cnt; i++) {
		size_t before = text.len;

		if (buf_printf(&text, "%s%s", i ? "; " : "",
			       jar->pair[i]) != 0)
			text.len = before;
	}
	jar->text = buf_steal(&text);
}

void jar_take(struct jar *jar, const struct exchange_reply *reply)
{
	bool any = false;
	unsigned i;

	for (i = 0; i < reply->field_cnt; i++) {
		const char *text = reply->field[i].value;
		size_t len, name_len;

		if (strcmp(reply->field[i].name, "set-cookie") != 0)
			continue;
		len = strcspn(text, ";");
		name_len = strcspn(text, "=;");
		if (name_len == 0 || name_len == len || len > JAR_OCTETS)
			continue;
		put(jar, text, len, name_len,
		    strcasestr(text + len, "max-age=0") != NULL);
		any = true;
	}
	if (any)
		join(jar);
}

const char *jar_text(const struct jar *jar)
{
	return jar->text;
}

void jar_free(struct jar *jar)
{
	while (jar->cnt > 0)
		drop(jar, 0);
	free(jar->text);
	jar->text = NULL;
}
