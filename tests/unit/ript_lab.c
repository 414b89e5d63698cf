/* SPDX-License-Identifier: MIT */
#include "tests/unit/ript_lab.h"

#include "base/mem.h"
#include "base/metric.h"
#include "base/text.h"

/* ---- PASSporT as in fake_passport.c ---- */

const char *lab_passport(const char *orig, const char *dest)
{
	static char text[600];

	snprintf(text, sizeof(text), "%s>%s", orig, dest);
	return text;
}

/* ---- a loop that only moves when it is told ---- */

static void *never_watch(void *self, struct loop_fd *watch, int fd,
			 unsigned events)
{
	(void)self;
	(void)watch;
	(void)fd;
	(void)events;
	return NULL;
}

static void never_rewatch(void *self, void *handle, unsigned events)
{
	(void)self;
	(void)handle;
	(void)events;
}

static void never_unwatch(void *self, void *handle)
{
	(void)self;
	(void)handle;
}

static void never_wake(void *self, uint64_t delay_ns)
{
	(void)self;
	(void)delay_ns;
}

static void nothing(void *self)
{
	(void)self;
}

static const struct loop_backend backend = {
	.watch = never_watch,
	.rewatch = never_rewatch,
	.unwatch = never_unwatch,
	.wake_in = never_wake,
	.run = nothing,
	.stop = nothing,
	.free = nothing,
};

void lab_turn(struct lab *lab)
{
	fake_run(lab->net);
	fake_byway_run();
	loop_turn(lab->loop, lab->now_ns);
	fake_run(lab->net);
}

void lab_wait(struct lab *lab, uint64_t ms)
{
	while (ms > 0) {
		uint64_t step = ms < 10 ? ms : 10;

		lab->now_ns += step * NS_PER_MS;
		ms -= step;
		lab_turn(lab);
	}
}

/* ---- the gateway ---- */

static void on_event(struct ript_call *call, const struct ript_event *ev,
		     void *arg)
{
	struct lab *lab = arg;

	(void)call;
	buf_printf(&lab->log, "event %s %d %d%s%s\n",
		   ript_event_name(ev->type), (int)ev->by,
		   ev->has_cause ? ev->cause.sip : 0,
		   ev->reason ? " " : "", ev->reason ? ev->reason : "");
}

static void on_accepted(struct ript_call *call, void *arg)
{
	(void)call;
	buf_add_str(&((struct lab *)arg)->log, "accepted\n");
}

static void on_byway(struct ript_call *call, enum byway_kind kind, void *arg)
{
	(void)call;
	buf_printf(&((struct lab *)arg)->log, "byway %d\n", (int)kind);
}

static void on_closed(struct ript_call *call, const char *reason,
		      const struct ript_refusal *refusal, void *arg)
{
	struct lab *lab = arg;

	(void)call;
	buf_printf(&lab->log, "closed %s\n", reason);
	memset(&lab->refusal, 0, sizeof(lab->refusal));
	if (refusal) {
		lab->refusal = *refusal;
		snprintf(lab->problem, sizeof(lab->problem), "%s",
			 refusal->problem);
		snprintf(lab->detail, sizeof(lab->detail), "%s",
			 refusal->detail);
		lab->refusal.problem = lab->problem;
		lab->refusal.detail = lab->detail;
	}
}

static void on_refresh(struct ript_call *call, void *arg)
{
	static const enum codec prefer[] = { CODEC_PCMA, CODEC_PCMU,
					     CODEC_NONE };
	struct lab *lab = arg;
	struct ript_call_info info;
	struct ript_advert ours;
	struct ript_directives d;

	if (!lab->renew)
		return;
	ript_call_info(call, &info);
	ript_advert_voice(&ours, 1u << CODEC_PCMU | 1u << CODEC_PCMA |
			  1u << CODEC_TELEPHONE_EVENT | 1u << CODEC_CN, 0);
	ript_directives_make(&d, info.advert, &ours, prefer);
	ript_call_direct(call, &d, "handler");
}

const struct ript_call_handlers lab_handlers = {
	.accepted = on_accepted,
	.event = on_event,
	.byway = on_byway,
	.closed = on_closed,
	.refresh = on_refresh,
};

static void on_incoming(struct ript_call *call, void *arg)
{
	struct lab *lab = arg;

	lab->incoming_cnt++;
	lab->incoming = call;
	if (!lab->accept)
		return;
	lab->incoming = NULL;
	assert_int_equal(ript_call_accept(call, &lab->directives,
					  &lab_handlers, lab), 0);
}

static void on_store(const struct ript_handler_row *row, uint64_t ticket,
		     void *arg)
{
	struct lab *lab = arg;

	free(lab->stored);
	lab->stored = xasprintf("%s %s %s", row->tg, row->id,
				row->json ? row->json : "(null)");
	lab->stored_cnt++;
	lab->ticket = ticket;
	if (!lab->slow_store)
		ript_handler_stored(lab->server, ticket, lab->store_err);
}

static void on_refused(const char *tg, int status, const char *problem,
		       const char *detail, void *arg)
{
	struct lab *lab = arg;

	lab->refused_cnt++;
	snprintf(lab->refused, sizeof(lab->refused), "%s %d %s %s", tg,
		 status, problem, detail);
}

static const struct ript_server_events server_events = {
	.incoming = on_incoming,
	.store_handler = on_store,
	.refused = on_refused,
};

/* ---- the server ---- */

static uint8_t token_a[2][32], token_b[1][32];

void lab_tg_config(struct ript_tg_config *config)
{
	memset(config, 0, sizeof(*config));
	config->id = "123";
	config->name = "domestic";
	config->description = "calls to +1 numbers";
	config->peer = "acme";
	config->token_hash = (const uint8_t (*)[32])token_a;
	config->token_cnt = 2;
	config->origins_pem = LAB_PEM;
	number_set_allow(&config->origins, "+1408*");
	number_set_allow(&config->origins, "*@acme.example");
	number_set_allow(&config->destinations, "+1*");
	number_set_allow(&config->destinations, "*@acme.example");
	number_set_except(&config->destinations, "+1900*");
	config->trust = (struct passport_trust *)(uintptr_t)1;
}

void lab_tg_config_free(struct ript_tg_config *config)
{
	number_set_free(&config->origins);
	number_set_free(&config->destinations);
}

static void make_server(struct lab *lab)
{
	const struct ript_server_config config = {
		.authority = LAB_AUTHORITY,
		.net = lab->net,
		.loop = lab->loop,
	};
	struct ript_tg_config tg;

	sha256(token_a[0], LAB_TOKEN, strlen(LAB_TOKEN));
	sha256(token_a[1], LAB_SECOND, strlen(LAB_SECOND));
	sha256(token_b[0], LAB_OTHER, strlen(LAB_OTHER));
	assert_int_equal(ript_server_new(&lab->server, &config,
					 &server_events, lab), 0);
	lab_tg_config(&tg);
	assert_int_equal(ript_server_add_tg(&lab->tg, lab->server, &tg), 0);
	lab_tg_config_free(&tg);
	memset(&tg.destinations, 0, sizeof(tg.destinations));
	memset(&tg.origins, 0, sizeof(tg.origins));
	tg.id = "intl";
	tg.name = "international";
	tg.description = "calls to +44 numbers";
	tg.token_cnt = 1;
	tg.origins_pem = NULL;
	number_set_allow(&tg.origins, "*");
	number_set_allow(&tg.destinations, "+44*");
	assert_int_equal(ript_server_add_tg(&lab->intl, lab->server, &tg), 0);
	lab_tg_config_free(&tg);
	memset(&tg.destinations, 0, sizeof(tg.destinations));
	tg.id = "b1";
	tg.name = "all";
	tg.peer = "other";
	tg.token_hash = (const uint8_t (*)[32])token_b;
	memset(&tg.origins, 0, sizeof(tg.origins));
	number_set_allow(&tg.origins, "*");
	number_set_allow(&tg.destinations, "*");
	assert_int_equal(ript_server_add_tg(&lab->other, lab->server, &tg),
			 0);
	lab_tg_config_free(&tg);
}

struct lab *lab_new(void)
{
	struct lab *lab = xzalloc(sizeof(*lab));
	struct ript_stream *stream;

	lab->loop = loop_new_on(&backend, lab);
	lab->now_ns = loop_now_ns(lab->loop) + NS_PER_S;
	lab->net = fake_net_new();
	lab->accept = true;
	lab->peer_err = -1;
	stream = &lab->directives.client.stream[0];
	stream->sink = 1;
	stream->params.sr = 8000;
	stream->params.ptime = 20;
	stream->params.codecs = 1u << CODEC_PCMU |
				1u << CODEC_TELEPHONE_EVENT | 1u << CODEC_CN;
	stream->params.ss = stream->params.cbr = stream->params.ch =
		stream->params.fps = stream->params.max_res =
		stream->params.max_height = stream->params.pr =
		stream->params.depth = stream->params.tlay =
		stream->params.slay = stream->params.br = RIPT_ABSENT;
	lab->directives.client.stream_cnt = 1;
	lab->directives.server = lab->directives.client;
	stream->params.refused = 1u << CODEC_OPUS;
	buf_init(&lab->log, 1u << 20);
	lab_turn(lab);
	make_server(lab);
	return lab;
}

void lab_free(struct lab **labp)
{
	struct lab *lab = *labp;

	ript_peer_free(&lab->peer);
	ript_server_free(&lab->server);
	lab_turn(lab);
	fake_net_free(&lab->net);
	fake_byway_reset();
	loop_free(&lab->loop);
	buf_free(&lab->log);
	free(lab->stored);
	free(lab->handler_id);
	free(lab->handler_uri);
	free(lab);
	metric_reset();
	*labp = NULL;
}

/* ---- requests ---- */

struct exchange *lab_ask(struct lab *lab, const char *method,
			 const char *path, const char *json)
{
	return fake_json(lab->net, method, path, LAB_TOKEN, json);
}

struct json_object *lab_json(const struct exchange *x)
{
	struct json_object *json = json_tokener_parse(fake_text(x, NULL));

	assert_non_null(json);
	return json;
}

const char *lab_text(const struct exchange *x, const char *key)
{
	static char text[4096];
	struct json_object *json = lab_json(x), *value;

	assert_true(json_object_object_get_ex(json, key, &value));
	snprintf(text, sizeof(text), "%s", json_object_get_string(value));
	json_object_put(json);
	return text;
}

const char *lab_problem(const struct exchange *x)
{
	const char *type = fake_field(x, "content-type");
	const char *text;

	if (!type || strcmp(type, "application/problem+json") != 0)
		return "";
	text = lab_text(x, "type");
	assert_memory_equal(text, LAB_ROOT "/problems/",
			    strlen(LAB_ROOT "/problems/"));
	return text + strlen(LAB_ROOT "/problems/");
}

const char *lab_handler(struct lab *lab)
{
	static char uri[256];
	struct exchange *x = lab_ask(
		lab, "POST", LAB_TG "/handlers",
		"{\"handler-id\":\"982akca99283\",\"advertisement\":"
		"{\"source\":{\"id\":0,\"media\":\"audio\",\"param-sets\":"
		"{\"PCMU\":1}},\"sink\":{\"id\":1,\"media\":\"audio\","
		"\"param-sets\":{\"PCMU\":1}}}}");

	assert_int_equal(fake_status(x), 201);
	snprintf(uri, sizeof(uri), "%s", fake_field(x, "location"));
	return uri;
}

struct exchange *lab_post(struct lab *lab, const char *handler)
{
	char json[1024];
	struct exchange *x;

	snprintf(json, sizeof(json),
		 "{\"handler\":\"%s\",\"destination\":\"%s\","
		 "\"passport\":\"%s\"}", handler, LAB_TO,
		 lab_passport(LAB_FROM, LAB_TO));
	x = lab_ask(lab, "POST", LAB_TG "/calls", json);
	lab_turn(lab);
	return x;
}

const char *lab_call(struct lab *lab)
{
	static char path[256];
	struct exchange *x = lab_post(lab, lab_handler(lab));

	assert_int_equal(fake_status(x), 201);
	snprintf(path, sizeof(path), "%s",
		 fake_field(x, "location") + strlen("https://" LAB_AUTHORITY));
	return path;
}

struct exchange *lab_get_events(struct lab *lab, const char *call)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/events", call);
	return lab_ask(lab, "GET", path, NULL);
}

struct exchange *lab_put_events(struct lab *lab, const char *call)
{
	static const struct exchange_field field[] = {
		{ "authorization", "Bearer " LAB_TOKEN },
		{ "content-type", "application/json" },
	};
	char path[300];
	const struct exchange_request request = {
		.method = "PUT",
		.path = path,
		.field = field,
		.field_cnt = 2,
		.streamed = true,
	};

	snprintf(path, sizeof(path), "%s/events", call);
	return fake_request(lab->net, &request);
}

unsigned lab_times(const char *text, const char *word)
{
	unsigned cnt = 0;

	while ((text = strstr(text, word))) {
		text += strlen(word);
		cnt++;
	}
	return cnt;
}

const char *lab_log(struct lab *lab)
{
	static char text[8192];

	snprintf(text, sizeof(text), "%s", buf_str(&lab->log));
	buf_clear(&lab->log);
	return text;
}
