/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <unistd.h>

#include "base/log.h"

static char last[PIPE_BUF + 1];
static int lines;

static void on_line(const char *line, void *arg)
{
	(void)arg;
	snprintf(last, sizeof(last), "%s", line);
	lines++;
}

/* Behind the time, which is the only thing that differs. */
static const char *rest(void)
{
	return strstr(last, "level");
}

static int setup(void **state)
{
	(void)state;
	log_capture(on_line, NULL);
	log_setup(LOG_INFO, LOG_LOGFMT);
	lines = 0;
	last[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	log_capture(NULL, NULL);
	return 0;
}

static void fields_are_inherited(void **state)
{
	struct log_ctx *trunk = log_ctx_new(NULL, "trunk", "pbx 1");
	struct log_ctx *call = log_ctx_new(trunk, "call", "0b8f");

	(void)state;
	log_info(call, "sip: 180 sent");
	assert_memory_equal(last, "time=20", 7);
	assert_string_equal(rest(), "level=info msg=\"sip: 180 sent\" "
				    "trunk=\"pbx 1\" call=0b8f");
	log_ctx_set(call, "call", "1c");
	log_ctx_set(call, "tg", "123");
	log_reason(call, LOG_WARN, "bad-passport", "refused");
	assert_string_equal(rest(), "level=warn msg=refused "
				    "reason=bad-passport trunk=\"pbx 1\" "
				    "call=1c tg=123");
	log_setup(LOG_INFO, LOG_JSON);
	log_error(call, "no \"disk\"");
	assert_memory_equal(last, "{\"time\":\"20", 11);
	assert_string_equal(rest(), "level\":\"error\",\"msg\":\"no "
				    "\\\"disk\\\"\",\"trunk\":\"pbx 1\","
				    "\"call\":\"1c\",\"tg\":\"123\"}");
	log_ctx_free(&call);
	assert_null(call);
	log_ctx_free(&call);
	log_ctx_free(&trunk);
}

static void levels(void **state)
{
	enum log_level level = LOG_INFO;

	(void)state;
	log_debug(NULL, "quiet");
	assert_int_equal(lines, 0);
	log_set_level(LOG_DEBUG);
	log_debug(NULL, "loud");
	assert_int_equal(lines, 1);
	log_set_level(LOG_ERROR);
	log_warn(NULL, "quiet");
	assert_int_equal(lines, 1);
	assert_int_equal(log_level_parse(&level, "warn"), 0);
	assert_int_equal(level, LOG_WARN);
	assert_int_equal(log_level_parse(&level, "WARN"), EINVAL);
}

static void no_peer_forges_a_line(void **state)
{
	struct log_ctx *ctx = log_ctx_new(NULL, "from", "a\nlevel=info b");

	(void)state;
	log_warn(ctx, "%s", "x\r\n\x1b[2J\x7f\xc2\x9b\xff\xc3\xa9 end");
	assert_string_equal(rest(),
			    "level=warn msg=\"x\\r\\n\\u001b[2J\\u007f"
			    "\\u00c2\\u009b\\u00ff\xc3\xa9 end\" "
			    "from=\"a\\nlevel=info b\"");
	log_ctx_free(&ctx);
}

static void lines_are_cut_and_whole(void **state)
{
	struct log_ctx *ctx;
	char big[8000];
	char key[12][16];
	int i, format;

	(void)state;
	memset(big, '\x01', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	ctx = log_ctx_new(NULL, "k", big);
	for (i = 0; i < 12; i++) {
		snprintf(key[i], sizeof(key[i]), "k%d", i);
		log_ctx_set(ctx, key[i], big);
	}
	for (format = LOG_LOGFMT; format <= LOG_JSON; format++) {
		log_setup(LOG_INFO, (enum log_format)format);
		log_info(ctx, "%s", big);
		assert_true(strlen(last) < PIPE_BUF);
		assert_int_equal(last[strlen(last) - 1],
				 format == LOG_JSON ? '}' : '"');
	}
	log_ctx_free(&ctx);
}

static void *write_lines(void *arg)
{
	struct log_ctx *ctx = log_ctx_new(NULL, "thread", arg);
	int i;

	for (i = 0; i < 200; i++)
		log_info(ctx, "%s", "0123456789012345678901234567890123456789"
				    "0123456789012345678901234567890123456789");
	log_ctx_free(&ctx);
	return NULL;
}

static void threads_do_not_mix(void **state)
{
	char path[] = "/tmp/riptide-log-XXXXXX";
	int fd = mkstemp(path), saved = dup(STDERR_FILENO);
	static char name[4][2] = { "a", "b", "c", "d" };
	pthread_t thread[4];
	char line[512];
	int i, count = 0;
	FILE *file;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	fd = open(path, O_WRONLY | O_APPEND);
	dup2(fd, STDERR_FILENO);
	for (i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, write_lines, name[i]);
	for (i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fd);
	file = fopen(path, "r");
	while (fgets(line, sizeof(line), file)) {
		assert_memory_equal(line, "time=", 5);
		assert_memory_equal(line + strlen(line) - 10, " thread=", 8);
		count++;
	}
	fclose(file);
	unlink(path);
	assert_int_equal(count, 800);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(fields_are_inherited, setup,
						teardown),
		cmocka_unit_test_setup_teardown(levels, setup, teardown),
		cmocka_unit_test_setup_teardown(no_peer_forges_a_line, setup,
						teardown),
		cmocka_unit_test_setup_teardown(lines_are_cut_and_whole,
						setup, teardown),
		cmocka_unit_test_setup_teardown(threads_do_not_mix, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
