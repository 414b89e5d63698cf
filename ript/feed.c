/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "ript/event.h"
#include "ript/exchange.h"
#include "ript/feed.h"

#define KEEP_NS (5 * NS_PER_S)
#define KEPT_MAX 64
#define SEPARATOR_LEN 2		/* ",\n" before every event but the first */

struct kept {
	struct le le;
	uint64_t at_ns;
	bool stays;		/* until it is delivered */
	size_t len;
	char text[];
};

void feed_init(struct feed *feed, void (*give_up)(struct feed_get *get))
{
	memset(feed, 0, sizeof(*feed));
	feed->give_up = give_up;
}

static void kept_free(struct kept *kept)
{
	list_unlink(&kept->le);
	free(kept);
}

void feed_free(struct feed *feed)
{
	while (feed->kept.head)
		kept_free(list_entry(feed->kept.head, struct kept, le));
	free(feed->last);
	feed->last = NULL;
}

/* Still of use to a client that comes later than 5 s. */
static bool stays(enum ript_event_type type)
{
	return type != RIPT_EV_PONG && type != RIPT_EV_MEDIA_PANIC;
}

/* @text begins with the separator. */
static bool write_to(struct feed_get *get, const char *text, size_t len)
{
	size_t skip = get->any ? 0 : SEPARATOR_LEN;

	if (exchange_write(get->x, text + skip, len - skip) != 0)
		return false;
	get->any = true;
	return true;
}

static bool write_to_all(struct feed *feed, const char *text, size_t len)
{
	struct le *le = feed->gets.head;
	bool taken = false;

	while (le) {
		struct feed_get *get = list_entry(le, struct feed_get, le);

		le = le->next;
		if (write_to(get, text, len)) {
			taken = true;
			continue;
		}
		list_unlink(&get->le);
		feed->give_up(get);
	}
	return taken;
}

static void keep(struct feed *feed, const char *text, size_t len,
		 bool stay, uint64_t now_ns)
{
	struct kept *kept = xzalloc(sizeof(*kept) + len);

	if (feed->kept.count >= KEPT_MAX)
		kept_free(list_entry(feed->kept.head, struct kept, le));
	kept->at_ns = now_ns;
	kept->stays = stay;
	kept->len = len;
	memcpy(kept->text, text, len);
	list_append(&feed->kept, &kept->le);
}

bool feed_emit(struct feed *feed, const struct ript_event *event,
	       uint64_t now_ns)
{
	struct ript_event ev = *event;
	bool state = ript_event_state(ev.type) != RIPT_ST_NONE, taken;
	struct buf text;

	ev.from_client = false;
	ev.seq = feed->seq;
	ev.has_seq = true;
	buf_init(&text, RIPT_EVENT_LEN + SEPARATOR_LEN);
	if (ript_event_print(&text, &ev, false) != 0) {
		buf_free(&text);
		return false;
	}
	feed->seq++;
	taken = write_to_all(feed, (const char *)text.data, text.len);
	if (!taken)
		keep(feed, (const char *)text.data, text.len,
		     stays(ev.type), now_ns);
	if (state) {
		free(feed->last);
		feed->last_len = text.len;
		feed->last = buf_steal(&text);
	}
	buf_free(&text);
	return taken;
}

void feed_repeat(struct feed *feed)
{
	if (feed->last)
		write_to_all(feed, feed->last, feed->last_len);
}

void feed_open(struct feed *feed, struct feed_get *get, uint64_t now_ns)
{
	bool ok = exchange_write(get->x, "[\n", 2) == 0;

	list_append(&feed->gets, &get->le);
	while (feed->kept.head) {
		struct kept *kept =
			list_entry(feed->kept.head, struct kept, le);

		if (ok && (kept->stays || now_ns - kept->at_ns <= KEEP_NS))
			ok = write_to(get, kept->text, kept->len);
		kept_free(kept);
	}
	if (ok && !get->any && feed->last)
		ok = write_to(get, feed->last, feed->last_len);
	if (!ok) {
		list_unlink(&get->le);
		feed->give_up(get);
	}
}

void feed_close(struct feed *feed, void (*done)(struct feed_get *get))
{
	struct le *le;

	while ((le = list_pop(&feed->gets))) {
		struct feed_get *get = list_entry(le, struct feed_get, le);

		if (exchange_write(get->x, "]\n", 2) != 0) {
			feed->give_up(get);
			continue;
		}
		exchange_finish(get->x);
		done(get);
	}
}
