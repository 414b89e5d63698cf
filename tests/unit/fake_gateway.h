/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/fake_gateway.h - SIP legs, RIPT calls, lines and the store as a
 * call sees them, in memory with a virtual clock.
 *
 * What a session does is written into a trace, one word a deed, in order.
 * What its neighbours would say is said by the test, or by fake_settle().
 */
#ifndef RIPTIDE_TESTS_FAKE_GATEWAY_H
#define RIPTIDE_TESTS_FAKE_GATEWAY_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "gateway/party.h"
#include "gateway/session.h"
#include "gateway/session_impl.h"
#include "media/bridge.h"
#include "ript/call.h"
#include "ript/passport.h"
#include "ript/ript.h"
#include "sip/leg.h"
#include "sip/root.h"
#include "store/store.h"

#define FAKES 64

struct trunk {
	const char *name;
	int call_err;			/* of leg_call() */
};

struct leg {
	bool living, in;
	struct trunk *trunk;
	const struct leg_handlers *handlers;
	void *arg;
	struct leg_info info;
	char call_id[32], from[64], to[64], pai[64], identity[512];
	struct media_desc offer;	/* theirs, in; ours, out */
	struct media_desc said;		/* our answer, or early SDP */
	int max_forwards;
	int refused;			/* status */
	char code[64];			/* of leg_refuse() or leg_end() */
	unsigned retry_after_s;
	bool answered, ended, cancelled;
	int q850;
	int progress[8];
	unsigned progress_cnt;
	unsigned changes_refused, asked_alive, ends;
};

struct ript_peer {
	const char *name;
	int open_err;			/* of ript_call_open() */
	unsigned retry_after_s;
};

struct ript_tg {
	const char *peer;
};

struct ript_call {
	bool living, client;
	const struct ript_call_handlers *handlers;	/* NULL: not accepted */
	void *arg;
	struct ript_peer *peer;
	struct ript_call_info info;
	char uuid[40], uri[200], destination[64], from[64], passport[512];
	struct ript_advert advert;
	struct ript_directives directives;
	uint32_t codecs;
	bool accepted, ended, refused;
	int accept_err;
	int status;
	char problem[64], detail[160];
	unsigned retry_after_s;
	enum ript_event_type state;
	enum ript_by by;
	struct ript_cause cause;
	unsigned directs;
};

struct line {
	bool open;
	struct line_events_copy {
		void (*first_chunk)(void *arg);
		void (*stats)(const struct bridge_stats *stats, void *arg);
	} events;
	void *arg;
	uint16_t port;
	unsigned worker;
	uint64_t bound;
	struct bridge_side side;
	struct bridge_ript ript;
	struct bridge_stats stats;
	unsigned asked;
};

/* A write that waits for its acknowledgement. */
struct fake_write {
	store_done_h *done;
	void *arg;
};

struct fake {
	struct loop *loop;
	uint64_t now_ns;
	struct conf *conf;
	struct history *history;
	struct sessions *sessions;
	struct gw_trunk trunks[4];
	struct gw_peer peers[4];
	struct trunk trunk[4];
	struct ript_peer peer[4];
	struct ript_tg tg[4];
	struct leg leg[FAKES];
	struct ript_call call[FAKES];
	struct line line[FAKES];
	unsigned leg_cnt, call_cnt, line_cnt, lines_open;
	struct fake_write write[FAKES];
	unsigned write_cnt;
	struct store_call row;		/* the last, with texts of its own */
	char row_text[16][2048];
	unsigned rows, records;		/* put and not ended; ended */
	struct store_cdr record;
	char record_reason[64], record_by[16];
	bool no_ports;
	bool sign_refuses;
	unsigned least_loaded;
	char trace[16384];
};

extern struct fake fake;

/* A gateway with trunks pbx, pbx2 and peers comcast, other. */
void fake_start(const char *yaml);
void fake_stop(void);

/* The gateway that most tests have, for each test; log lines unheard. */
int fake_setup(void **state);
int fake_teardown(void **state);
/* No session, line, write, row, place, leg or call is left. */
void fake_all_free(void);

/* Time passes, timers run. */
void fake_advance(uint64_t ms);
/* Forget the trace. */
void fake_clear(void);
/* The trace holds @words in this order, other things between. */
void fake_expect(const char *words);

/* Answer every waiting write. */
void fake_store_ack(int err);
/* Every leg and call that was told to end does; writes are answered. */
void fake_settle(void);

/* An INVITE from trunk @index, with PCMU, PCMA, telephone-event and CN, or
 * without an offer. */
struct leg *fake_invite(unsigned trunk, const char *from, const char *to,
			bool offer);
/* A POST calls from peer @index; the handler does @codecs. */
struct ript_call *fake_post(unsigned peer, const char *from, const char *to,
			    uint32_t codecs);
/* The last leg, call, line that was made. */
struct leg *fake_leg(void);
struct ript_call *fake_call(void);
struct line *fake_line(void);
/* The session of a leg or call. */
struct session *fake_session(void);

/* A description with these codecs, RTP at 192.0.2.9:4000. */
struct media_desc fake_desc(uint32_t codecs);
/* The 201 of a client role call: both directives with @codecs. */
void fake_accept(struct ript_call *call, uint32_t codecs);
/* An event of a RIPT call. */
void fake_event(struct ript_call *call, enum ript_event_type type, int sip,
		const char *text);
/* closed(). */
void fake_close(struct ript_call *call, const char *reason, int status,
		const char *problem);
/* Events of a SIP leg. */
void fake_leg_progress(struct leg *leg, int status, bool sdp);
void fake_leg_answered(struct leg *leg, uint32_t codecs);
void fake_leg_ended(struct leg *leg, int status, bool by_peer);

/* The stream between source 0 and sink 1, both ways. */
void fake_directives(struct ript_directives *out, uint32_t codecs);

#endif
