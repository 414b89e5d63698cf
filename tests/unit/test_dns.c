/* SPDX-License-Identifier: MIT */
/* A name server of a few lines on 127.0.0.1 answers on the same loop. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/dns.h"
#include "base/loop.h"

enum { A = 1, AAAA = 28, SRV = 33, NAPTR = 35 };

struct record {
	const char *name;
	int type;
	const char *data;	/* address | "prio weight port target" |
				   "order pref flags service target" */
};

static const struct record zone[] = {
	{ "pbx.example", A, "192.0.2.1" },
	{ "pbx.example", AAAA, "2001:db8::1" },
	{ "one.example", A, "192.0.2.11" },
	{ "two.example", A, "192.0.2.12" },
	{ "plain.example", A, "192.0.2.20" },
	{ "carrier.example", NAPTR, "90 50 s SIP+D2T _sip._tcp.carrier.example" },
	{ "carrier.example", NAPTR,
	  "100 50 s SIP+D2U _sip._udp.carrier.example" },
	{ "carrier.example", NAPTR,
	  "50 50 s SIPS+D2T _sips._tcp.carrier.example" },
	{ "carrier.example", NAPTR, "10 10 u E2U+sip other.example" },
	{ "_sips._tcp.carrier.example", SRV, "10 0 5061 one.example" },
	{ "_sip._tcp.carrier.example", SRV, "20 0 5070 two.example" },
	{ "_sip._tcp.carrier.example", SRV, "10 0 5071 one.example" },
	{ "_sip._udp.carrier.example", SRV, "10 0 5060 two.example" },
	{ "srv.example", A, "192.0.2.99" },
	{ "_sip._udp.srv.example", SRV, "0 0 5080 one.example" },
	{ "_sip._tcp.srv.example", SRV, "0 0 5081 two.example" },
	{ "closed.example", A, "192.0.2.30" },
	{ "_sip._udp.closed.example", SRV, "0 0 0 ." },
	{ "half.example", A, "192.0.2.40" },
	{ "_sip._udp.half.example", SRV, "1 0 5060 missing.example" },
	{ "_sip._udp.half.example", SRV, "2 0 5060 one.example" },
};

static struct loop *loop;
static struct dns *dns;
static int sock;
static struct loop_fd *watch;
static unsigned asked;

struct packet {
	uint8_t data[1024];
	size_t len;
};

static void put(struct packet *p, const void *data, size_t len)
{
	assert_true(p->len + len <= sizeof(p->data));
	memcpy(p->data + p->len, data, len);
	p->len += len;
}

static void put_u16(struct packet *p, unsigned value)
{
	uint8_t raw[2] = { (uint8_t)(value >> 8), (uint8_t)value };

	put(p, raw, 2);
}

static void put_string(struct packet *p, const char *text)
{
	uint8_t len = (uint8_t)strlen(text);

	put(p, &len, 1);
	put(p, text, len);
}

static void put_name(struct packet *p, const char *name)
{
	char label[64];
	size_t len;

	while (*name && strcmp(name, ".") != 0) {
		len = strcspn(name, ".");
		snprintf(label, sizeof(label), "%.*s", (int)len, name);
		put_string(p, label);
		name += len + (name[len] == '.');
	}
	put(p, "", 1);
}

static void put_rdata(struct packet *p, const struct record *rec)
{
	char flags[16], service[32], target[128];
	unsigned a, b, c;
	uint8_t raw[16];

	switch (rec->type) {
	case A:
		inet_pton(AF_INET, rec->data, raw);
		put(p, raw, 4);
		break;
	case AAAA:
		inet_pton(AF_INET6, rec->data, raw);
		put(p, raw, 16);
		break;
	case SRV:
		assert_int_equal(sscanf(rec->data, "%u %u %u %127s", &a, &b, &c,
					target), 4);
		put_u16(p, a);
		put_u16(p, b);
		put_u16(p, c);
		put_name(p, target);
		break;
	case NAPTR:
		assert_int_equal(sscanf(rec->data, "%u %u %15s %31s %127s", &a,
					&b, flags, service, target), 5);
		put_u16(p, a);
		put_u16(p, b);
		put_string(p, flags);
		put_string(p, service);
		put_string(p, "");
		put_name(p, target);
		break;
	}
}

static void put_record(struct packet *p, const struct record *rec)
{
	size_t at;

	put_u16(p, 0xc00c);	/* the name of the question */
	put_u16(p, (unsigned)rec->type);
	put_u16(p, 1);
	put_u16(p, 0);
	put_u16(p, 300);	/* TTL */
	at = p->len;
	put_u16(p, 0);
	put_rdata(p, rec);
	p->data[at] = (uint8_t)((p->len - at - 2) >> 8);
	p->data[at + 1] = (uint8_t)(p->len - at - 2);
}

static int read_name(char *out, const uint8_t *p)
{
	const uint8_t *start = p;

	while (*p) {
		memcpy(out, p + 1, *p);
		out += *p;
		p += *p + 1;
		*out++ = *p ? '.' : '\0';
	}
	return (int)(p - start) + 1;
}

static void on_question(unsigned events, void *arg)
{
	struct packet p = { .len = 0 };
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	unsigned count = 0, rcode;
	bool known = false;
	char name[256];
	int type, end;
	size_t i;

	(void)events;
	(void)arg;
	p.len = (size_t)recvfrom(sock, p.data, 512, 0,
				 (struct sockaddr *)&from, &from_len);
	asked++;
	end = 12 + read_name(name, p.data + 12);
	type = p.data[end] << 8 | p.data[end + 1];
	p.len = (size_t)end + 4;
	if (strcmp(name, "silent.example") == 0)
		return;
	for (i = 0; i < COUNT(zone); i++) {
		if (strcasecmp(zone[i].name, name) != 0)
			continue;
		known = true;
		if (zone[i].type != type)
			continue;
		put_record(&p, &zone[i]);
		count++;
	}
	rcode = strcmp(name, "fail.example") == 0 ? 2 : known ? 0 : 3;
	p.data[2] = 0x81;
	p.data[3] = (uint8_t)(0x80 | rcode);
	p.data[7] = (uint8_t)count;
	p.data[9] = p.data[11] = 0;
	sendto(sock, p.data, p.len, 0, (struct sockaddr *)&from, from_len);
}

/* ---- answers ---- */

static char got[1024];
static int got_err, done_cnt;

static void on_done(int err, const struct dns_answer *answer, void *arg)
{
	static const char *const names[] = { "udp", "tcp", "tls" };
	char text[ADDR_TEXT_LEN];
	unsigned i;

	(void)arg;
	assert_true((err == 0) == (answer != NULL));
	got_err = err;
	got[0] = '\0';
	for (i = 0; answer && i < answer->count; i++) {
		size_t len = strlen(got);

		addr_print(text, &answer->addr[i]);
		snprintf(got + len, sizeof(got) - len, "%s%s/%s",
			 i ? " " : "", text, names[answer->transport[i]]);
	}
	done_cnt++;
	loop_stop(loop);
}

static int setup(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	char servers[64];

	(void)state;
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	loop = loop_new();
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(sock, (struct sockaddr *)&at, len), 0);
	assert_int_equal(getsockname(sock, (struct sockaddr *)&at, &len), 0);
	watch = loop_watch(loop, sock, LOOP_READ, on_question, NULL);
	snprintf(servers, sizeof(servers), "127.0.0.1:%u",
		 ntohs(at.sin_port));
	assert_int_equal(dns_new(&dns, loop, servers), 0);
	done_cnt = 0;
	asked = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dns_free(&dns);
	assert_null(dns);
	loop_unwatch(&watch);
	close(sock);
	loop_free(&loop);
	return 0;
}

static void hosts(void **state)
{
	static const struct {
		const char *host;
		int err;
		const char *want, *or;
	} rows[] = {
		{ "192.0.2.7", 0, "192.0.2.7:443/tcp", NULL },
		{ "::1", 0, "[::1]:443/tcp", NULL },
		{ "pbx.example", 0,
		  "192.0.2.1:443/tcp [2001:db8::1]:443/tcp",
		  "[2001:db8::1]:443/tcp 192.0.2.1:443/tcp" },
		{ "plain.example", 0, "192.0.2.20:443/tcp", NULL },
		{ "none.example", ENOENT, "", NULL },
		{ "fail.example", EAGAIN, "", NULL },
	};
	struct dns_query *query = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].host);
		assert_int_equal(dns_resolve_host(&query, dns, rows[i].host,
						  443, on_done, NULL), 0);
		assert_non_null(query);
		assert_int_equal(done_cnt, i);	/* never at once */
		loop_run(loop);
		assert_int_equal(done_cnt, i + 1);
		assert_int_equal(got_err, rows[i].err);
		if (!rows[i].or || strcmp(got, rows[i].or) != 0)
			assert_string_equal(got, rows[i].want);
	}
	assert_int_equal(dns_resolve_host(NULL, dns, "", 443, on_done, NULL),
			 EINVAL);
	assert_int_equal(dns_resolve_host(NULL, dns, "a b", 443, on_done,
					  NULL), EINVAL);
}

/* Of /etc/hosts, without a question. */
static void localhost(void **state)
{
	(void)state;
	assert_int_equal(dns_resolve_host(NULL, dns, "localhost", 80, on_done,
					  NULL), 0);
	loop_run(loop);
	assert_int_equal(got_err, 0);
	assert_int_equal(asked, 0);
	assert_true(strstr(got, "127.0.0.1:80/tcp") ||
		    strstr(got, "[::1]:80/tcp"));
}

static void sip_domains(void **state)
{
	static const unsigned udp = 1u << DNS_UDP, tcp = 1u << DNS_TCP,
			      tls = 1u << DNS_TLS;
	const struct {
		const char *domain;
		unsigned transports;
		int err;
		const char *want;
	} rows[] = {
		{ "192.0.2.7", udp | tcp, 0, "192.0.2.7:5060/udp" },
		{ "192.0.2.7", tls, 0, "192.0.2.7:5061/tls" },
		{ "192.0.2.7:5090", tcp, 0, "192.0.2.7:5090/tcp" },
		{ "carrier.example", udp | tcp | tls, 0,
		  "192.0.2.11:5061/tls 192.0.2.11:5071/tcp "
		  "192.0.2.12:5070/tcp 192.0.2.12:5060/udp" },
		{ "carrier.example", udp, 0, "192.0.2.12:5060/udp" },
		{ "carrier.example", tcp, 0,
		  "192.0.2.11:5071/tcp 192.0.2.12:5070/tcp" },
		{ "carrier.example:5099", udp, ENOENT, "" },
		{ "plain.example:5099", udp, 0, "192.0.2.20:5099/udp" },
		{ "srv.example", udp | tcp, 0,
		  "192.0.2.11:5080/udp 192.0.2.12:5081/tcp" },
		{ "srv.example", tls, 0, "192.0.2.99:5061/tls" },
		{ "plain.example", udp | tcp, 0, "192.0.2.20:5060/udp" },
		{ "plain.example", tcp | tls, 0, "192.0.2.20:5060/tcp" },
		{ "closed.example", udp, ENOENT, "" },
		{ "half.example", udp, 0, "192.0.2.11:5060/udp" },
		{ "none.example", udp, ENOENT, "" },
		{ "fail.example", udp, EAGAIN, "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].domain);
		assert_int_equal(dns_resolve_sip(NULL, dns, rows[i].domain,
						 rows[i].transports, on_done,
						 NULL), 0);
		loop_run(loop);
		assert_int_equal(got_err, rows[i].err);
		assert_string_equal(got, rows[i].want);
	}
	assert_int_equal(dns_resolve_sip(NULL, dns, "a.example", 0, on_done,
					 NULL), EINVAL);
}

static void cancelled_are_silent(void **state)
{
	struct dns_query *query, *other;

	(void)state;
	assert_int_equal(dns_resolve_host(&query, dns, "plain.example", 443,
					  on_done, NULL), 0);
	dns_cancel(&query);
	assert_null(query);
	dns_cancel(&query);
	assert_int_equal(dns_resolve_host(&query, dns, "192.0.2.1", 443,
					  on_done, NULL), 0);
	dns_cancel(&query);
	/* Stays open until the resolver goes. */
	assert_int_equal(dns_resolve_sip(&other, dns, "silent.example", 1,
					 on_done, NULL), 0);
	assert_int_equal(dns_resolve_host(NULL, dns, "pbx.example", 443,
					  on_done, NULL), 0);
	loop_run(loop);
	assert_int_equal(done_cnt, 1);
	assert_int_equal(dns_resolve_host(NULL, dns, "192.0.2.1", 443,
					  on_done, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(hosts, setup, teardown),
		cmocka_unit_test_setup_teardown(localhost, setup, teardown),
		cmocka_unit_test_setup_teardown(sip_domains, setup, teardown),
		cmocka_unit_test_setup_teardown(cancelled_are_silent, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
