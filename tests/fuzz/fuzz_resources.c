/* SPDX-License-Identifier: MIT */
/*
 * Everything at once that can happen to the resources of RIPT: requests,
 * pieces of bodies, replies, the gateway's word, time, lost connections, in
 * any order, to a server and to a client.  The fakes abort on misuse, the
 * sanitizers see the rest.
 *
 *   input = *( operation argument length octets )
 */
#include "tests/unit/ript_client_lab.h"

#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define OPEN_MAX 16		/* exchanges that the input can reach */
#define CALLS_MAX 8
#define TEXT_MAX 2048

struct fuzz {
	struct lab *lab;
	struct exchange *asked[OPEN_MAX];	/* server role, newest kept */
	unsigned asked_cnt;
	struct ript_call *served[CALLS_MAX], *placed[CALLS_MAX];
	char path[256];			/* of the last call */
};

static struct fuzz f;

static void nothing(const char *line, void *arg)
{
	(void)line;
	(void)arg;
}

/* ---- the owners of calls: they forget at closed() ---- */

static void on_closed(struct ript_call *call, const char *reason,
		      const struct ript_refusal *refusal, void *arg)
{
	unsigned i;

	(void)reason;
	(void)refusal;
	(void)arg;
	for (i = 0; i < CALLS_MAX; i++) {
		if (f.served[i] == call)
			f.served[i] = NULL;
		if (f.placed[i] == call)
			f.placed[i] = NULL;
	}
}

static const struct ript_call_handlers handlers = { .closed = on_closed };

static void keep(struct ript_call *table[CALLS_MAX], struct ript_call *call)
{
	unsigned i;

	for (i = 0; i < CALLS_MAX; i++)
		if (!table[i]) {
			table[i] = call;
			return;
		}
	ript_call_end(call, RIPT_BY_SERVER, NULL);
}

/* ---- operations ---- */

static const char *const methods[] = { "GET", "POST", "PUT", "DELETE",
				       "CONNECT" };
static const char *const tokens[] = { LAB_TOKEN, LAB_OTHER, "guess", NULL };

static const char *path_of(uint8_t arg)
{
	static char path[300];
	static const char *const below[] = { "", "/events", "/media", "/x" };
	static const char *const fixed[] = {
		LAB_ROOT "/providertgs", LAB_TG, LAB_TG "/handlers",
		LAB_TG "/handlers/abc", LAB_TG "/calls",
		LAB_ROOT "/problems/loop", "/.well-known/ript/x", "/",
	};

	if (arg & 1)
		return fixed[arg >> 1 & 7];
	snprintf(path, sizeof(path), "%s%s", f.path, below[arg >> 1 & 3]);
	return path;
}

static void request(uint8_t arg, uint8_t more, const char *text)
{
	char bearer[64];
	const char *token = tokens[more >> 4 & 3];
	const struct exchange_field field[] = {
		{ "authorization", bearer },
		{ "content-type", more & 0x40 ? "text/plain"
					      : "application/json" },
		{ "if-match", text },
	};
	struct exchange_request r = {
		.method = methods[more % 5],
		.path = path_of(arg),
		.field = field + !token,
		.field_cnt = (more & 0x80 ? 3u : 2u) - !token,
		.body = (const uint8_t *)text,
		.body_len = strlen(text),
		.early = arg == 0xff,
	};

	snprintf(bearer, sizeof(bearer), "Bearer %s", token ? token : "");
	r.streamed = strcmp(r.method, "PUT") == 0 &&
		     strstr(r.path, "/events") != NULL;
	if (r.streamed) {
		r.body = NULL;
		r.body_len = 0;
	}
	f.asked[f.asked_cnt++ % OPEN_MAX] = fake_request(f.lab->net, &r);
}

static void say(uint8_t arg, const char *text, size_t len)
{
	struct exchange *x = f.asked[arg % OPEN_MAX];

	if (!x || !fake_open(x))
		return;
	if (len)
		fake_body(x, text, len);
	else
		fake_body_end(x);
}

static void want_call(const char *text)
{
	char json[512];

	snprintf(json, sizeof(json), "{\"handler\":\"" LAB_URI
		 "/handlers/abc\",\"destination\":\"" LAB_TO "\",\"passport\":"
		 "\"" LAB_FROM ">" LAB_TO "\"%.100s}", text);
	f.asked[f.asked_cnt++ % OPEN_MAX] =
		lab_ask(f.lab, "POST", LAB_TG "/calls", json);
}

static void answer(uint8_t arg)
{
	struct ript_call *call = f.lab->incoming;
	struct ript_call_info info;

	f.lab->incoming = NULL;
	if (!call)
		return;
	if (arg & 1) {
		ript_call_refuse(call, 404, "unreachable", "x", arg >> 1);
		return;
	}
	if (arg & 2)
		f.lab->directives.client.stream_cnt ^= 1;
	ript_call_info(call, &info);
	snprintf(f.path, sizeof(f.path), "%s",
		 info.uri + strlen("https://" LAB_AUTHORITY));
	if (ript_call_accept(call, &f.lab->directives, &handlers, NULL) != 0)
		abort();
	keep(f.served, call);
}

static void act(uint8_t arg)
{
	static const struct ript_cause cause = { 486, 17, "Busy \"Here\"" };
	struct ript_call *served = f.served[arg & 7];
	struct ript_call *placed = f.placed[arg & 7];

	if (arg & 0x80 && placed)
		ript_call_end(placed, RIPT_BY_CLIENT, &cause);
	else if (served && (arg >> 3 & 15) == 15)
		ript_call_end(served, RIPT_BY_PEER, NULL);
	else if (served && (arg >> 3 & 15) == 14)
		ript_call_direct(served, &f.lab->directives, "x");
	else if (served)
		ript_call_state(served, (enum ript_event_type)(arg >> 3 & 7),
				&cause);
}

static void place(uint8_t arg)
{
	struct ript_call_open params = {
		.destination = "+14089529999",
		.passport = "x",
		.codecs = arg & 1 ? 1u << CODEC_PCMU : 1u << CODEC_PCMU |
			  1u << CODEC_PCMA | VOICE_EXTRAS,
		.handlers = &handlers,
	};
	struct ript_call *call;

	if (ript_call_open(&call, f.lab->peer, &params) == 0)
		keep(f.placed, call);
}

/* The peer's answer to one of our requests. */
static void reply(uint8_t arg, uint8_t more, const char *text, size_t len)
{
	static const int statuses[] = { 200, 201, 304, 308, 404, 500, 503 };
	static const struct exchange_field field[] = {
		{ "location", PEER_URI "/handlers/abc" },
		{ "retry-after", "1" },
		{ "set-cookie", "a=b" },
	};
	unsigned cnt = fake_sent_cnt(f.lab->net);
	struct exchange *x;

	if (cnt == 0)
		return;
	x = fake_sent(f.lab->net, cnt - 1 - arg % (cnt < 8 ? cnt : 8));
	if (fake_closed(x) || fake_aborted(x))
		return;
	if (more & 0x80) {
		fake_drop(x, more & 1 ? ECONNRESET : ENOTCONN);
		return;
	}
	if (!fake_status(x))
		fake_reply_begin(x, statuses[more % 7], field, 3);
	if (len && fake_open(x))
		fake_reply_data(x, text, len);
	if (more & 0x40 && fake_open(x))
		fake_reply_end(x);
}

/* Turns that bring a client to a call. */
static void reply_well(void)
{
	unsigned cnt = fake_sent_cnt(f.lab->net);
	struct exchange *x = cnt ? fake_sent(f.lab->net, cnt - 1) : NULL;
	const struct exchange_request *head;

	if (!x || fake_status(x) || !fake_open(x))
		return;
	head = fake_sent_head(x);
	if (strcmp(head->path, PEER_TG) == 0)
		fake_reply(x, 200, "{\"outbound\":{}}");
	else if (strcmp(head->path, LAB_ROOT "/providertgs") == 0)
		fake_reply(x, 200, PEER_LIST);
	else if (strcmp(head->path, PEER_TG "/handlers") == 0)
		peer_reply_created(x, PEER_URI "/handlers/abc");
	else if (strcmp(head->path, PEER_TG "/calls") == 0)
		peer_reply_created(x, CALL_URI);
	else
		fake_reply_begin(x, 200, NULL, 0);
}

static void run(uint8_t op, uint8_t arg, const char *text, size_t len)
{
	uint8_t more = len ? (uint8_t)text[0] : 0;
	struct exchange *x = f.asked[arg % OPEN_MAX];

	switch (op % 12) {
	case 0:
		request(arg, more, len ? text + 1 : text);
		break;
	case 1:
		say(arg, text, len);
		break;
	case 2:
		want_call(text);
		break;
	case 3:
		answer(arg);
		break;
	case 4:
		act(arg);
		break;
	case 5:
		lab_turn(f.lab);
		break;
	case 6:
		f.lab->now_ns += (uint64_t)arg * 100 * NS_PER_MS;
		lab_turn(f.lab);
		break;
	case 7:
		if (x && !fake_closed(x) && !fake_aborted(x))
			fake_drop(x, ECONNRESET);
		break;
	case 8:
		place(arg);
		break;
	case 9:
		reply(arg, more, len ? text + 1 : text, len ? len - 1 : 0);
		break;
	case 10:
		reply_well();
		break;
	case 11:
		if (x)
			fake_set_full(x, arg & 0x80);
		f.lab->slow_store = arg & 0x40;
		f.lab->renew = arg & 0x20;
		ript_handler_stored(f.lab->server, f.lab->ticket, arg & 1);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct ript_handler_row row = {
		"123", "abc", "{\"handler-id\":\"abc\"}"
	};
	char text[TEXT_MAX + 1];
	size_t at = 0, n;

	log_capture(nothing, NULL);
	memset(&f, 0, sizeof(f));
	snprintf(f.path, sizeof(f.path), LAB_TG "/calls/" CALL_UUID);
	f.lab = lab_new();
	f.lab->accept = false;
	ript_server_load_handler(f.lab->server, &row);
	peer_start(f.lab);
	while (at + 3 <= len) {
		n = data[at + 2];
		if (n > len - at - 3)
			n = len - at - 3;
		memcpy(text, data + at + 3, n);
		text[n] = '\0';
		run(data[at], data[at + 1], text, n);
		at += 3 + n;
	}
	if (f.lab->incoming)
		ript_call_refuse(f.lab->incoming, 503, "unavailable", "", 1);
	lab_free(&f.lab);
	log_capture(NULL, NULL);
	return 0;
}
