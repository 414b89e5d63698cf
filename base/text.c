/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/mem.h"

static const char hex_digits[] = "0123456789abcdef";

void random_bytes(void *out, size_t len)
{
	uint8_t *p = out;
	ssize_t n;

	while (len) {
		n = getrandom(p, len, 0);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			abort();	/* no secrets without entropy */
		}
		p += n;
		len -= (size_t)n;
	}
}

/* ---- UUID ---- */

static bool uuid_dash(size_t i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

void uuid_make(char out[UUID_LEN + 1])
{
	uint8_t raw[16];
	size_t i, at = 0;

	random_bytes(raw, sizeof(raw));
	raw[6] = (uint8_t)((raw[6] & 0x0f) | 0x40);
	raw[8] = (uint8_t)((raw[8] & 0x3f) | 0x80);
	for (i = 0; i < sizeof(raw); i++) {
		if (uuid_dash(at))
			out[at++] = '-';
		out[at++] = hex_digits[raw[i] >> 4];
		out[at++] = hex_digits[raw[i] & 15];
	}
	out[at] = '\0';
}

bool uuid_valid(const char *text, size_t len)
{
	size_t i;

	if (len != UUID_LEN)
		return false;
	for (i = 0; i < len; i++) {
		if (uuid_dash(i) ? text[i] != '-'
				 : !isxdigit((unsigned char)text[i]))
			return false;
	}
	return text[14] == '4' && strchr("89abAB", text[19]) != NULL;
}

/* ---- times ---- */

/* @cnt decimal digits of @value and one more character. */
static char *put_digits(char *p, unsigned value, unsigned cnt, char then)
{
	for (unsigned i = cnt; i-- > 0; value /= 10)
		p[i] = (char)('0' + value % 10);
	p[cnt] = then;
	return p + cnt + 1;
}

/* By hand: every log line and every event carries one. */
void rfc3339_print(char out[RFC3339_LEN + 1], uint64_t unix_ms)
{
	time_t s = (time_t)(unix_ms / 1000);
	char *p = out;
	struct tm tm;

	/* Beyond year 9999 the form has no room: say the last moment. */
	if (unix_ms > UINT64_C(253402300799999)) {
		unix_ms = UINT64_C(253402300799999);
		s = (time_t)(unix_ms / 1000);
	}
	gmtime_r(&s, &tm);
	p = put_digits(p, (unsigned)(tm.tm_year + 1900), 4, '-');
	p = put_digits(p, (unsigned)(tm.tm_mon + 1), 2, '-');
	p = put_digits(p, (unsigned)tm.tm_mday, 2, 'T');
	p = put_digits(p, (unsigned)tm.tm_hour, 2, ':');
	p = put_digits(p, (unsigned)tm.tm_min, 2, ':');
	p = put_digits(p, (unsigned)tm.tm_sec, 2, '.');
	p = put_digits(p, (unsigned)(unix_ms % 1000), 3, 'Z');
	*p = '\0';
}

/* @cnt decimal digits at *@p, which moves on; -1 if there are none. */
static int digits(const char **p, int cnt)
{
	int value = 0;

	while (cnt--) {
		if (!isdigit((unsigned char)**p))
			return -1;
		value = value * 10 + (*(*p)++ - '0');
	}
	return value;
}

static bool leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_days(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30,
				    31, 31, 30, 31, 30, 31 };

	return month == 2 && leap(year) ? 29 : days[month - 1];
}

/* ".123456" to ms, "" to 0; *@p moves on; -1 if a digit is missing. */
static int fraction_ms(const char **p)
{
	int ms = 0, weight = 100;

	if (**p != '.')
		return 0;
	++*p;
	if (!isdigit((unsigned char)**p))
		return -1;
	for (; isdigit((unsigned char)**p); ++*p, weight /= 10)
		ms += (**p - '0') * weight;
	return ms;
}

/* "Z", "+01:00" to minutes; the text must end behind. */
static int offset_min(int *minp, const char *p)
{
	int sign, hour, min;

	if (*p == 'Z' || *p == 'z') {
		*minp = 0;
		return p[1] ? EINVAL : 0;
	}
	if (*p != '+' && *p != '-')
		return EINVAL;
	sign = *p++ == '-' ? -1 : 1;
	hour = digits(&p, 2);
	if (hour < 0 || hour > 23 || *p++ != ':')
		return EINVAL;
	min = digits(&p, 2);
	if (min < 0 || min > 59 || *p)
		return EINVAL;
	*minp = sign * (hour * 60 + min);
	return 0;
}

int rfc3339_parse(uint64_t *unix_msp, const char *text)
{
	const char *p = text;
	struct tm tm = { 0 };
	int year, month, day, ms, offset;
	int64_t at;

	year = digits(&p, 4);
	if (year < 1970 || *p++ != '-')
		return EINVAL;
	month = digits(&p, 2);
	if (month < 1 || month > 12 || *p++ != '-')
		return EINVAL;
	day = digits(&p, 2);
	if (day < 1 || day > month_days(year, month))
		return EINVAL;
	if (*p != 'T' && *p != 't' && *p != ' ')
		return EINVAL;
	p++;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	tm.tm_hour = digits(&p, 2);
	if (tm.tm_hour < 0 || tm.tm_hour > 23 || *p++ != ':')
		return EINVAL;
	tm.tm_min = digits(&p, 2);
	if (tm.tm_min < 0 || tm.tm_min > 59 || *p++ != ':')
		return EINVAL;
	tm.tm_sec = digits(&p, 2);
	if (tm.tm_sec < 0 || tm.tm_sec > 60)	/* a leap second is legal */
		return EINVAL;
	ms = fraction_ms(&p);
	if (ms < 0 || offset_min(&offset, p) != 0)
		return EINVAL;
	at = ((int64_t)timegm(&tm) - (int64_t)offset * 60) * 1000 + ms;
	if (at < 0)
		return EINVAL;
	*unix_msp = (uint64_t)at;
	return 0;
}

/* ---- base64url, hex, digest ---- */

static const char base64url[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

char *base64url_encode(const void *data, size_t len)
{
	const uint8_t *in = data;
	char *out = xzalloc(len / 3 * 4 + 5);
	size_t i, at = 0;
	uint32_t v;

	for (i = 0; i + 3 <= len; i += 3) {
		v = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 |
		    in[i + 2];
		out[at++] = base64url[v >> 18];
		out[at++] = base64url[v >> 12 & 63];
		out[at++] = base64url[v >> 6 & 63];
		out[at++] = base64url[v & 63];
	}
	if (len - i == 1) {
		out[at++] = base64url[in[i] >> 2];
		out[at++] = base64url[(in[i] & 3) << 4];
	} else if (len - i == 2) {
		out[at++] = base64url[in[i] >> 2];
		out[at++] = base64url[(in[i] & 3) << 4 | in[i + 1] >> 4];
		out[at++] = base64url[(in[i + 1] & 15) << 2];
	}
	return out;
}

static int base64url_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

int base64url_decode(uint8_t **datap, size_t *lenp, const char *text,
		     size_t len)
{
	uint8_t *out;
	uint32_t v = 0;
	unsigned bits = 0;
	size_t i, at = 0;
	int d;

	if (len % 4 == 1)
		return EINVAL;
	out = xzalloc(len / 4 * 3 + 3);
	for (i = 0; i < len; i++) {
		d = base64url_digit(text[i]);
		if (d < 0)
			goto bad;
		v = v << 6 | (uint32_t)d;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[at++] = (uint8_t)(v >> bits);
			v &= (1u << bits) - 1;
		}
	}
	if (v)		/* left-over bits must be zero: one text per value */
		goto bad;
	*datap = out;
	*lenp = at;
	return 0;
bad:
	mem_wipe(out, len / 4 * 3 + 3);
	free(out);
	return EINVAL;
}

void hex_encode(char *out, const void *data, size_t len)
{
	const uint8_t *in = data;
	size_t i;

	for (i = 0; i < len; i++) {
		*out++ = hex_digits[in[i] >> 4];
		*out++ = hex_digits[in[i] & 15];
	}
	*out = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int hex_decode(uint8_t *out, size_t out_len, const char *text)
{
	size_t i;
	int hi, lo;

	if (strlen(text) != out_len * 2)
		return EINVAL;
	for (i = 0; i < out_len; i++) {
		hi = hex_digit(text[2 * i]);
		lo = hex_digit(text[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return EINVAL;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return 0;
}

void sha256(uint8_t out[SHA256_LEN], const void *data, size_t len)
{
	SHA256(len ? data : (const void *)"", len, out);
}

bool secret_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

/* ---- amounts ---- */

/* Decimal digits at *@p, which moves on.  0, EINVAL. */
static int parse_u64(uint64_t *valuep, const char **p)
{
	uint64_t value = 0, digit;

	if (!isdigit((unsigned char)**p))
		return EINVAL;
	for (; isdigit((unsigned char)**p); ++*p) {
		digit = (uint64_t)(**p - '0');
		if (value > (UINT64_MAX - digit) / 10)
			return EINVAL;
		value = value * 10 + digit;
	}
	*valuep = value;
	return 0;
}

struct unit {
	const char *name;
	uint64_t factor;
};

static int parse_amount(uint64_t *valuep, const char *text,
			const struct unit *units)
{
	uint64_t value;

	if (parse_u64(&value, &text) != 0)
		return EINVAL;
	for (; units->name; units++) {
		if (strcmp(units->name, text) != 0)
			continue;
		if (value > UINT64_MAX / units->factor)
			return EINVAL;
		*valuep = value * units->factor;
		return 0;
	}
	return EINVAL;
}

int duration_parse(uint64_t *msp, const char *text)
{
	static const struct unit units[] = {
		{ "ms", 1 },	    { "s", 1000 },	{ "m", 60000 },
		{ "h", 3600000 },   { "d", 86400000 },	{ NULL, 0 },
	};

	return parse_amount(msp, text, units);
}

int size_parse(uint64_t *octetsp, const char *text)
{
	static const struct unit units[] = {
		{ "", 1 },	      { "K", 1u << 10 }, { "M", 1u << 20 },
		{ "G", 1u << 30 },    { NULL, 0 },
	};

	return parse_amount(octetsp, text, units);
}
