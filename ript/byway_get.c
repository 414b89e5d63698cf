/* SPDX-License-Identifier: MIT */
#include "ript/byway_get.h"

#include <stdlib.h>

#include "base/mem.h"
#include "ript/byway_port.h"
#include "ript/crossing.h"
#include "ript/flow.h"
#include "ript/worker_private.h"

#define SILENCE_MS 5000		/* then GETs are no way any more */

static struct byway_port *port_of(struct gets *gets)
{
	return list_entry(gets, struct byway_port, gets);
}

static void get_free(struct get *get)
{
	list_unlink(&get->le);
	if (get->flow)
		get->flow->get = NULL;
	get->flow = NULL;
	list_append(&get->port->gets.spare, &get->le);
}

static void get_answer(struct get *get, int status, const void *body,
		       size_t len)
{
	struct ript_worker *w = get->port->w;

	if (get->flow)
		flow_answer(get->flow, status, body, len);
	else
		crossing_get_answer(w, get->worker, get->flow_id, status,
				    body, len);
	get_free(get);
}

static struct get *oldest(const struct gets *gets)
{
	return gets->open.tail ? list_entry(gets->open.tail, struct get, le)
			       : NULL;
}

static void lapse_arm(struct gets *gets);

static void on_lapse(void *arg)
{
	struct gets *gets = arg;
	struct byway_port *port = port_of(gets);
	uint64_t now = loop_now_ns(port->w->loop);
	struct get *get;

	while ((get = oldest(gets)) &&
	       now - get->opened_ns >= GETS_MS * NS_PER_MS)
		get_answer(get, 204, NULL, 0);
	lapse_arm(gets);
}

static void lapse_arm(struct gets *gets)
{
	struct get *get = oldest(gets);

	if (!get)
		timer_stop(&gets->lapse);
	else
		timer_start_at(&gets->lapse, get->port->w->loop,
			       get->opened_ns + GETS_MS * NS_PER_MS, on_lapse,
			       gets);
}

static void on_silence(void *arg)
{
	struct gets *gets = arg;

	gets->seen = false;
	port_choose(port_of(gets), false);
}

static void slots_make(struct byway_port *port)
{
	struct gets *gets = &port->gets;
	unsigned i;

	gets->slots = xcalloc(GETS_MAX, sizeof(*gets->slots));
	for (i = 0; i < GETS_MAX; i++) {
		gets->slots[i].port = port;
		list_append(&gets->spare, &gets->slots[i].le);
	}
}

void gets_add(struct byway_port *port, struct flow *flow, unsigned worker,
	      uint64_t flow_id, uint64_t connection)
{
	struct gets *gets = &port->gets;
	struct get *get;
	bool fresh = connection != gets->connection;

	if (!gets->slots)
		slots_make(port);
	if (!gets->spare.head) {
		metric_inc(port->w->net->metric.displaced);
		get_answer(oldest(gets), 204, NULL, 0);
	}
	get = list_entry(list_pop(&gets->spare), struct get, le);
	get->flow = flow;
	get->worker = worker;
	get->flow_id = flow_id;
	get->connection = connection;
	get->opened_ns = loop_now_ns(port->w->loop);
	if (flow)
		flow->get = get;
	list_prepend(&gets->open, &get->le);
	port->keep = false;
	gets->connection = connection;
	gets->seen = true;
	timer_start(&gets->silence, port->w->loop, SILENCE_MS, on_silence,
		    gets);
	if (!timer_running(&gets->lapse))
		lapse_arm(gets);
	port_choose(port, fresh);
	port_drain(port);
}

void gets_gone(struct get *get)
{
	struct byway_port *port = get->port;

	get_free(get);
	if (list_empty(&port->gets.open)) {
		port->gets.seen = false;
		port_choose(port, false);
	}
}

void gets_gone_away(struct byway_port *port, unsigned worker,
		    uint64_t flow_id)
{
	struct le *le;

	for (le = port->gets.open.head; le; le = le->next) {
		struct get *get = list_entry(le, struct get, le);

		if (!get->flow && get->worker == worker &&
		    get->flow_id == flow_id) {
			gets_gone(get);
			return;
		}
	}
}

bool gets_send(struct byway_port *port, const void *body, size_t len)
{
	struct le *le = port->gets.open.head;

	if (!le)
		return false;
	get_answer(list_entry(le, struct get, le), 200, body, len);
	if (list_empty(&port->gets.open)) {	/* more are on their way */
		port->gets.seen = true;
		timer_start(&port->gets.silence, port->w->loop, SILENCE_MS,
			    on_silence, &port->gets);
	}
	return true;
}

uint64_t gets_newest_ns(const struct byway_port *port)
{
	const struct le *le = port->gets.open.head;

	return le ? list_entry(le, const struct get, le)->opened_ns : 0;
}

bool gets_alive(const struct byway_port *port)
{
	return !list_empty(&port->gets.open) || port->gets.seen;
}

void gets_close(struct byway_port *port)
{
	struct gets *gets = &port->gets;

	timer_stop(&gets->lapse);
	timer_stop(&gets->silence);
	while (gets->open.head)
		get_free(list_entry(gets->open.head, struct get, le));
	free(gets->slots);
	gets->slots = NULL;
	gets->spare = (struct list){ 0 };
	gets->seen = false;
}
