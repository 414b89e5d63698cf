/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/loop.h"
#include "media/rtp_port.h"
#include "tests/unit/unit.h"

static uint64_t now_ns = 1;

static uint64_t test_clock(void)
{
	return now_ns;
}

/* @count ports in a row that nobody holds, the first one even. */
static uint16_t free_ports(unsigned count)
{
	static unsigned at;
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	unsigned i;
	int fd;

	if (!at)
		at = (unsigned)getpid() * 64;
	for (;; at += 2) {
		uint16_t first = (uint16_t)(10000 + at % 20000);

		for (i = 0; i < count; i++) {
			fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
			addr.sin_port = htons((uint16_t)(first + i));
			if (bind(fd, (struct sockaddr *)&addr,
				 sizeof(addr)) != 0)
				break;
			close(fd);
		}
		if (i < count) {
			close(fd);
			continue;
		}
		at += count + (count & 1);
		return (uint16_t)(first & ~1u);
	}
}

static struct rtp_range *range_new(uint16_t first, uint16_t last)
{
	struct rtp_range *range;
	struct addr address;

	assert_int_equal(addr_parse(&address, "127.0.0.1"), 0);
	range = rtp_range_new(&address, first, last, RTP_QUARANTINE_MS);
	rtp_range_set_clock(range, test_clock);
	return range;
}

static void assert_counts(struct rtp_range *range, unsigned used,
			  unsigned resting, unsigned unused)
{
	unsigned u, r, f;

	rtp_range_count(range, &u, &r, &f);
	assert_int_equal(u, used);
	assert_int_equal(r, resting);
	assert_int_equal(f, unused);
}

static void pairs(void **state)
{
	static const struct {
		uint16_t first, last;
		unsigned pairs;
	} rows[] = {
		{ 21000, 21001, 1 }, { 21000, 21002, 1 }, { 21000, 21003, 2 },
		{ 21001, 21003, 1 }, { 21001, 21002, 0 }, { 21000, 21000, 0 },
		{ 21002, 21000, 0 }, { 10000, 19999, 5000 },
	};
	struct rtp_range *range;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		range = range_new(rows[i].first, rows[i].last);
		assert_counts(range, 0, 0, rows[i].pairs);
		rtp_range_free(&range);
		assert_null(range);
	}
}

static void quarantine(void **state)
{
	uint16_t first = free_ports(4);
	struct rtp_range *range = range_new(first, (uint16_t)(first + 3));
	struct rtp_port *a = NULL, *b = NULL, *c = NULL;
	uint16_t number;

	(void)state;
	assert_int_equal(rtp_port_open(&a, range), 0);
	assert_int_equal(rtp_port_open(&b, range), 0);
	assert_int_equal(rtp_port_number(a) % 2, 0);
	assert_int_not_equal(rtp_port_number(a), rtp_port_number(b));
	assert_int_equal(rtp_port_open(&c, range), ENOSPC);
	assert_null(c);
	assert_counts(range, 2, 0, 0);

	number = rtp_port_number(a);
	rtp_port_close(&a);
	rtp_port_close(&a);
	assert_counts(range, 1, 1, 0);
	assert_int_equal(rtp_port_open(&c, range), ENOSPC);
	now_ns += RTP_QUARANTINE_MS * NS_PER_MS - 1;
	assert_int_equal(rtp_port_open(&c, range), ENOSPC);
	now_ns += 1;
	assert_counts(range, 1, 0, 1);
	assert_int_equal(rtp_port_open(&c, range), 0);
	assert_int_equal(rtp_port_number(c), number);
	rtp_port_close(&b);
	rtp_port_close(&c);
	rtp_range_free(&range);
}

/* A pair of which another program holds the odd port is passed over. */
static void taken_elsewhere(void **state)
{
	uint16_t first = free_ports(4);
	struct rtp_range *range = range_new(first, (uint16_t)(first + 3));
	struct rtp_port *port = NULL, *other = NULL;
	struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)(first + 1)),
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(rtp_port_open(&port, range), 0);
	assert_int_equal(rtp_port_number(port), first + 2);
	assert_int_not_equal(rtp_port_open(&other, range), 0);
	rtp_port_close(&port);
	close(fd);
	rtp_range_free(&range);
}

struct heard {
	struct loop *loop;
	struct rtp_port *port;
	unsigned rtp, rtcp, cut;
	unsigned close_at, stop_at;
	struct addr from;
};

static void on_packet(uint8_t *data, size_t len, const struct addr *from,
		      bool rtcp, void *arg)
{
	struct heard *heard = arg;

	if (len == 0)
		heard->cut++;
	else
		assert_int_equal(data[0], 'x');
	if (rtcp)
		heard->rtcp++;
	else
		heard->rtp++;
	heard->from = *from;
	if (heard->rtp == heard->close_at)
		rtp_port_close(&heard->port);
	if (heard->rtp + heard->rtcp == heard->stop_at)
		loop_stop(heard->loop);
}

static void on_guard(void *arg)
{
	(void)arg;
	fail_msg("packets were lost");
}

static void send_to(int fd, uint16_t port, size_t len)
{
	static char data[4000] = "x";
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};

	assert_int_equal(sendto(fd, data, len, 0, (struct sockaddr *)&to,
				sizeof(to)), len);
}

static void packets(void **state)
{
	uint16_t first = free_ports(2);
	struct rtp_range *range = range_new(first, (uint16_t)(first + 1));
	struct heard heard = { .loop = loop_new() };
	struct timer guard = { 0 };
	struct sockaddr_in me;
	socklen_t me_len = sizeof(me);
	char data[16];
	uint16_t number;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), i;

	(void)state;
	assert_int_equal(rtp_port_open(&heard.port, range), 0);
	number = rtp_port_number(heard.port);
	rtp_port_listen(heard.port, heard.loop, on_packet, &heard);
	timer_start(&guard, heard.loop, 5000, on_guard, NULL);
	for (i = 0; i < 20; i++)
		send_to(fd, number, 10);
	send_to(fd, number, 3000);
	send_to(fd, (uint16_t)(number + 1), 10);
	heard.stop_at = 22;
	loop_run(heard.loop);
	assert_int_equal(heard.rtp, 21);
	assert_int_equal(heard.rtcp, 1);
	assert_int_equal(heard.cut, 1);

	/* Back to where it came from, from the RTP port. */
	assert_int_equal(rtp_port_send(heard.port, &heard.from, false, "back",
				       4), 0);
	assert_int_equal(recvfrom(fd, data, sizeof(data), 0,
				  (struct sockaddr *)&me, &me_len), 4);
	assert_int_equal(ntohs(me.sin_port), number);
	assert_int_equal(rtp_port_send(heard.port, &heard.from, true, "rtcp",
				       4), 0);
	assert_int_equal(recvfrom(fd, data, sizeof(data), 0,
				  (struct sockaddr *)&me, &me_len), 4);
	assert_int_equal(ntohs(me.sin_port), number + 1);

	/* The handler closes the port amid a batch. */
	heard.rtp = heard.rtcp = 0;
	heard.close_at = heard.stop_at = 3;
	for (i = 0; i < 8; i++)
		send_to(fd, number, 10);
	loop_run(heard.loop);
	assert_int_equal(heard.rtp, 3);
	assert_null(heard.port);
	timer_stop(&guard);
	loop_free(&heard.loop);
	rtp_range_free(&range);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs),
		cmocka_unit_test(quarantine),
		cmocka_unit_test(taken_elsewhere),
		cmocka_unit_test(packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
