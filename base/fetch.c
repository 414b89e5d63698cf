/* SPDX-License-Identifier: MIT */
#include "base/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/mailbox.h"
#include "base/mem.h"

#define MAX_WAITING 64
#define DEADLINE_MS 1000

/*
 * control loop: fetch_start -> queue -> thread: curl_multi -> mailbox -> done
 *
 * A job belongs to the queue, then to the thread, then to the mailbox.
 */
struct fetch {
	struct mailbox *results;
	pthread_t thread;
	CURLM *multi;		/* the thread's, but for curl_multi_wakeup */
	unsigned waiting;	/* the control loop's: started, not done */

	pthread_mutex_t lock;
	struct list queue;	/* LOCK: lock */
	bool quit;		/* LOCK: lock */

	struct list running;	/* the thread's */
};

struct job {
	struct msg msg;		/* first: see struct msg */
	struct le le;		/* of queue or running */
	struct fetch *fetch;
	fetch_h *done;
	void *arg;

	char *url, *method, *ca_file;
	void *body;
	size_t body_len;
	struct curl_slist *headers;
	uint64_t deadline_ms;
	bool allow_http;

	CURL *easy;
	struct buf answer;
	bool too_long;
	char curl_text[CURL_ERROR_SIZE];
	struct fetch_result result;
};

static void job_free(struct job *job)
{
	if (job->easy)
		curl_easy_cleanup(job->easy);
	curl_slist_free_all(job->headers);
	free(job->url);
	free(job->method);
	free(job->ca_file);
	if (job->body)
		mem_wipe(job->body, job->body_len);
	free(job->body);
	buf_free(&job->answer);
	free(job);
}

/* ---- results, on the control loop ---- */

static void job_deliver(struct msg *msg)
{
	struct job *job = (struct job *)msg;

	job->fetch->waiting--;
	job->done(&job->result, job->arg);
	job_free(job);
}

static void job_drop(struct msg *msg)
{
	job_free((struct job *)msg);
}

/* ---- the thread ---- */

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
	struct job *job = arg;

	if (buf_add(&job->answer, data, size * count) != 0) {
		job->too_long = true;
		return 0;	/* ends the transfer */
	}
	return size * count;
}

/* The value of directive @name in "a, max-age=60, b". */
static bool directive(uint64_t *valuep, const char *text, const char *name)
{
	size_t len = strlen(name);

	while (*text) {
		text += strspn(text, " \t,");
		if (strncasecmp(text, name, len) == 0) {
			if (text[len] == '=') {
				*valuep = strtoull(text + len + 1, NULL, 10);
				return true;
			}
			if (!text[len] || strchr(" \t,", text[len]))
				return true;
		}
		text += strcspn(text, ",");
	}
	return false;
}

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
	static const char name[] = "cache-control:";
	struct job *job = arg;
	size_t len = size * count;
	char value[256];
	uint64_t age = 0;

	if (len < sizeof(name) - 1 ||
	    strncasecmp(data, name, sizeof(name) - 1) != 0)
		return len;
	len -= sizeof(name) - 1;
	if (len < sizeof(value)) {
		memcpy(value, data + sizeof(name) - 1, len);
		value[len] = '\0';
		value[strcspn(value, "\r\n")] = '\0';
		if (directive(&age, value, "max-age"))
			job->result.max_age_s = age;
		if (directive(&age, value, "no-store") ||
		    directive(&age, value, "no-cache"))
			job->result.max_age_s = 0;
	}
	return size * count;
}

static int error_of(CURLcode code, bool too_long)
{
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_OPERATION_TIMEDOUT:
		return ETIMEDOUT;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
		return EHOSTUNREACH;
	case CURLE_FILESIZE_EXCEEDED:
		return EMSGSIZE;
	case CURLE_WRITE_ERROR:
		return too_long ? EMSGSIZE : EPROTO;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_ISSUER_ERROR:
		return EACCES;
	default:
		return EPROTO;
	}
}

static void job_finish(struct job *job, CURLcode code)
{
	struct fetch_result *result = &job->result;

	result->err = error_of(code, job->too_long);
	if (result->err == EMSGSIZE)
		result->reason = "the body is longer than allowed";
	else if (code != CURLE_OK)
		result->reason = job->curl_text[0] ? job->curl_text
						   : curl_easy_strerror(code);
	else
		result->reason = "done";
	if (job->easy)
		curl_easy_getinfo(job->easy, CURLINFO_RESPONSE_CODE,
				  &result->status);
	result->body = (const uint8_t *)buf_str(&job->answer);
	result->body_len = job->answer.len;
	mailbox_post_always(job->fetch->results, &job->msg);
}

/* Every option of a fetch; the strings stay the job's. */
static void job_setup(struct job *job)
{
	const char *protocols = job->allow_http ? "http,https" : "https";
	CURL *easy = job->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, job);
	curl_easy_setopt(easy, CURLOPT_URL, job->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)job->deadline_ms);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, job->curl_text);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, job);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, job);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, job->headers);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* Else cleaning up after a time-out waits for the resolver. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
	if (job->ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, job->ca_file);
	if (job->body) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)job->body_len);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, job->body);
	}
	if (job->method)
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, job->method);
}

static void job_start(struct job *job)
{
	job->easy = curl_easy_init();
	if (!job->easy) {
		job_finish(job, CURLE_OUT_OF_MEMORY);
		return;
	}
	job_setup(job);
	if (curl_multi_add_handle(job->fetch->multi, job->easy) != CURLM_OK) {
		job_finish(job, CURLE_FAILED_INIT);
		return;
	}
	list_append(&job->fetch->running, &job->le);
}

/* Starts what is queued; false: the end has come. */
static bool take_queue(struct fetch *fetch)
{
	struct list queue = { 0 };
	struct le *le;
	bool quit;

	pthread_mutex_lock(&fetch->lock);
	quit = fetch->quit;
	while (!quit && (le = list_pop(&fetch->queue)))
		list_append(&queue, le);
	pthread_mutex_unlock(&fetch->lock);
	while ((le = list_pop(&queue)))
		job_start(list_entry(le, struct job, le));
	return !quit;
}

static void reap(struct fetch *fetch)
{
	CURLMsg *msg;
	struct job *job;
	int left;

	while ((msg = curl_multi_info_read(fetch->multi, &left))) {
		CURLcode code = msg->data.result;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &job);
		curl_multi_remove_handle(fetch->multi, job->easy);
		list_unlink(&job->le);
		job_finish(job, code);
	}
}

static void *run(void *arg)
{
	struct fetch *fetch = arg;
	struct job *job;
	struct le *le;
	int running;

	loop_enter(LOOP_FETCH, 0);
	while (take_queue(fetch)) {
		curl_multi_perform(fetch->multi, &running);
		reap(fetch);
		curl_multi_poll(fetch->multi, NULL, 0, 60000, NULL);
	}
	while ((le = list_pop(&fetch->running))) {
		job = list_entry(le, struct job, le);
		curl_multi_remove_handle(fetch->multi, job->easy);
		job_free(job);
	}
	return NULL;
}

/* ---- the control loop's side ---- */

static void curl_setup(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

int fetch_new(struct fetch **fetchp, struct loop *control)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct fetch *fetch;
	sigset_t all, old;
	int err;

	loop_assert(LOOP_CONTROL);
	pthread_once(&once, curl_setup);
	fetch = xzalloc(sizeof(*fetch));
	pthread_mutex_init(&fetch->lock, NULL);
	fetch->multi = curl_multi_init();
	if (!fetch->multi) {
		err = ENOMEM;
		goto fail;
	}
	fetch->results = mailbox_new(control, 0);
	/* Signals are the control thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&fetch->thread, NULL, run, fetch);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err)
		goto fail;
	pthread_setname_np(fetch->thread, "fetch");
	*fetchp = fetch;
	return 0;
fail:
	mailbox_free(&fetch->results);
	if (fetch->multi)
		curl_multi_cleanup(fetch->multi);
	pthread_mutex_destroy(&fetch->lock);
	free(fetch);
	return err;
}

void fetch_free(struct fetch **fetchp)
{
	struct fetch *fetch = *fetchp;
	struct le *le;

	if (!fetch)
		return;
	*fetchp = NULL;
	pthread_mutex_lock(&fetch->lock);
	fetch->quit = true;
	pthread_mutex_unlock(&fetch->lock);
	curl_multi_wakeup(fetch->multi);
	mailbox_flush();
	pthread_join(fetch->thread, NULL);
	while ((le = list_pop(&fetch->queue)))
		job_free(list_entry(le, struct job, le));
	mailbox_free(&fetch->results);
	curl_multi_cleanup(fetch->multi);
	pthread_mutex_destroy(&fetch->lock);
	free(fetch);
}

/* Scheme as allowed, a host, and no user in front of it. */
static bool url_ok(const char *url, bool allow_http)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *host = NULL, *user = NULL;
	const char *slashes = strstr(url, "://");
	bool ok = false;

	/* libcurl reads "https:///host" as "https://host": others do not. */
	if (u && slashes && slashes[3] != '/' &&
	    curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_NO_USER)
		ok = *host && (strcmp(scheme, "https") == 0 ||
			       (allow_http && strcmp(scheme, "http") == 0));
	curl_free(scheme);
	curl_free(host);
	curl_free(user);
	curl_url_cleanup(u);
	return ok;
}

int fetch_start(struct fetch *fetch, const struct fetch_request *req,
		fetch_h *done, void *arg)
{
	const char *const *header;
	struct job *job;

	loop_assert(LOOP_CONTROL);
	if (!url_ok(req->url, req->allow_http))
		return EINVAL;
	if (fetch->waiting >= MAX_WAITING)
		return EAGAIN;
	job = xzalloc(sizeof(*job));
	job->msg.deliver = job_deliver;
	job->msg.drop = job_drop;
	job->fetch = fetch;
	job->done = done;
	job->arg = arg;
	job->url = xstrdup(req->url);
	job->method = xstrdup(req->method);
	job->ca_file = xstrdup(req->ca_file);
	if (req->body) {
		job->body = xmemdup(req->body, req->body_len);
		job->body_len = req->body_len;
	}
	for (header = req->headers; header && *header; header++)
		job->headers = curl_slist_append(job->headers, *header);
	job->deadline_ms = req->deadline_ms ? req->deadline_ms : DEADLINE_MS;
	job->allow_http = req->allow_http;
	buf_init(&job->answer, req->max_len);

	fetch->waiting++;
	pthread_mutex_lock(&fetch->lock);
	list_append(&fetch->queue, &job->le);
	pthread_mutex_unlock(&fetch->lock);
	curl_multi_wakeup(fetch->multi);
	return 0;
}
