/* SPDX-License-Identifier: MIT */
#include "sip/uri.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Digits with an optional '+' and visual separators. */
static bool looks_like_number(const char *text)
{
	bool digit = false;

	if (*text == '+')
		text++;
	for (; *text; text++) {
		if (*text >= '0' && *text <= '9')
			digit = true;
		else if (!strchr("-.() ", *text))
			return false;
	}
	return digit;
}

static void strip_separators(char *text)
{
	char *to = text;

	for (; *text; text++)
		if (!strchr("-.() ", *text))
			*to++ = *text;
	*to = '\0';
}

int uri_user(char out[URI_USER_LEN + 1], const url_t *url)
{
	const char *from = NULL;
	size_t len = 0;
	int c;

	out[0] = '\0';
	if (url)
		from = url->url_user ? url->url_user
		       : url->url_type == url_tel ? url->url_host : NULL;
	if (!from)
		return 0;

	for (; *from && *from != ';'; from++) {
		c = (unsigned char)*from;
		if (c == '%' && hex_digit(from[1]) >= 0 &&
		    hex_digit(from[2]) >= 0) {
			c = hex_digit(from[1]) << 4 | hex_digit(from[2]);
			from += 2;
		}
		if (c < 0x20 || c == 0x7f) {
			out[0] = '\0';
			return EINVAL;
		}
		if (len == URI_USER_LEN) {
			out[0] = '\0';
			return EMSGSIZE;
		}
		out[len++] = (char)c;
	}
	out[len] = '\0';
	if (looks_like_number(out))
		strip_separators(out);
	return 0;
}

int uri_print(char out[URI_LEN + 1], const url_t *url)
{
	issize_t len = url_e(out, URI_LEN + 1, url);

	if (len < 0 || len > URI_LEN) {
		out[0] = '\0';
		return EMSGSIZE;
	}
	return 0;
}

static bool host_usable(const char *host)
{
	size_t len;

	if (!host)
		return false;
	len = strlen(host);
	if (!len || len > 255)
		return false;
	if (*host == '[')
		return host[len - 1] == ']' &&
		       strspn(host + 1, "0123456789abcdefABCDEF:.") == len - 2;
	for (; *host; host++)
		if (!isalnum((unsigned char)*host) && !strchr("-._:", *host))
			return false;
	return true;
}

/* 0: none said; -1: none that exists. */
static long port_number(const char *port)
{
	long number;

	if (!port || !*port)
		return 0;
	if (strspn(port, "0123456789") != strlen(port) || strlen(port) > 5)
		return -1;
	number = strtol(port, NULL, 10);
	return number >= 1 && number <= 65535 ? number : -1;
}

bool uri_usable(const url_t *url)
{
	return url && (url->url_type == url_sip || url->url_type == url_sips) &&
	       host_usable(url->url_host) && port_number(url->url_port) >= 0;
}

/* url_param() of the library reads beyond a last parameter that only begins
 * with the name. */
static bool param(const url_t *url, const char *name, char *value, size_t size)
{
	const char *p = url->url_params;
	size_t name_len = strlen(name), len;

	for (; p && *p; p += len, p += *p == ';') {
		len = strcspn(p, ";");
		if (len < name_len || strncasecmp(p, name, name_len) != 0)
			continue;
		if (len == name_len) {
			value[0] = '\0';
			return true;
		}
		if (p[name_len] != '=')
			continue;
		len -= name_len + 1;
		if (len >= size)
			len = size - 1;
		memcpy(value, p + name_len + 1, len);
		value[len] = '\0';
		return true;
	}
	return false;
}

int uri_address(struct addr *addr, const url_t *url)
{
	char text[ADDR_TEXT_LEN], value[8];
	struct addr found;
	size_t len;
	int err;

	if (!uri_usable(url) || param(url, "maddr", value, sizeof(value)))
		return EINVAL;
	len = strlen(url->url_host);
	if (len >= sizeof(text) - 2)
		return EINVAL;
	if (strchr(url->url_host, ':') && *url->url_host != '[') {
		text[0] = '[';
		memcpy(text + 1, url->url_host, len);
		memcpy(text + len + 1, "]", 2);
	} else {
		memcpy(text, url->url_host, len + 1);
	}
	err = addr_parse(&found, text);
	if (err)
		return err;
	addr_set_port(&found, (uint16_t)port_number(url->url_port));
	*addr = found;
	return 0;
}

enum uri_transport uri_transport(const url_t *url)
{
	char value[8];

	if (!param(url, "transport", value, sizeof(value)))
		return url->url_type == url_sips ? URI_OTHER : URI_ANY;
	if (url->url_type == url_sips)
		return URI_OTHER;
	if (strcasecmp(value, "udp") == 0)
		return URI_UDP;
	return strcasecmp(value, "tcp") == 0 ? URI_TCP : URI_OTHER;
}

/* RFC 3261, 25.1: unreserved and user-unreserved, less ';' and '?', which old
 * parsers take for the end. */
static bool plain(unsigned char c)
{
	return isalnum(c) || (c && strchr("-_.!~*'()&=+$,/", c));
}

char *uri_make(const char *user, const struct addr *host)
{
	const char *at = strrchr(user, '@'), *p;
	char text[ADDR_TEXT_LEN];
	struct buf buf;

	buf_init(&buf, URI_LEN + ADDR_TEXT_LEN);
	buf_add_str(&buf, "sip:");
	for (p = user; *p && p != at; p++)
		if (plain((unsigned char)*p))
			buf_add(&buf, p, 1);
		else
			buf_printf(&buf, "%%%02X", (unsigned char)*p);
	if (at) {
		for (p = at; *p; p++)
			if (p == at || isalnum((unsigned char)*p) ||
			    strchr("-._:[]", *p))
				buf_add(&buf, p, 1);
	} else {
		addr_print(text, host);
		buf_printf(&buf, "%s%s", *user ? "@" : "", text);
	}
	return buf_steal(&buf);
}

char *uri_name_addr(const char *display, const char *uri)
{
	struct buf buf;

	buf_init(&buf, 2 * URI_LEN + 512);
	if (display && *display) {
		buf_add_str(&buf, "\"");
		for (; *display && buf.len < 256; display++) {
			if ((unsigned char)*display < 0x20 || *display == 0x7f)
				continue;
			if (*display == '"' || *display == '\\')
				buf_add_str(&buf, "\\");
			buf_add(&buf, display, 1);
		}
		buf_add_str(&buf, "\" ");
	}
	buf_printf(&buf, "<%s>", uri);
	return buf_steal(&buf);
}
