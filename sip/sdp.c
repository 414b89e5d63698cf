/* SPDX-License-Identifier: MIT */
#include "sip/sdp.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"

/* ---- small pieces ---- */

/* RFC 8866 token, '/' beside it for protocols. */
static bool token_char(char c)
{
	return isalnum((unsigned char)c) ||
	       (c && strchr("!#$%&'*+-.^_`{|}~/", c));
}

static bool is_token(const char *text)
{
	if (!*text)
		return false;
	for (; *text; text++)
		if (!token_char(*text))
			return false;
	return true;
}

/* Cut the next word off *@text; "" at the end. */
static char *word(char **text)
{
	char *start = *text + strspn(*text, " \t");
	char *end = start + strcspn(start, " \t");

	*text = *end ? end + 1 : end;
	*end = '\0';
	return start;
}

/* Decimal digits up to @max.  Returns 0 or EINVAL. */
static int number(uint64_t *value, const char *text, uint64_t max)
{
	uint64_t n = 0;

	if (!*text)
		return EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return EINVAL;
		n = n * 10 + (uint64_t)(*text - '0');
		if (n > max)
			return EINVAL;
	}
	*value = n;
	return 0;
}

/* ---- lines ---- */

/* c=<nettype> <addrtype> <host>[/ttl[/count]] */
static void read_conn(const char **conn, char *value)
{
	char *net = word(&value), *type = word(&value), *host = word(&value);

	if (strcasecmp(net, "IN") != 0 || strncasecmp(type, "IP", 2) != 0 ||
	    !*host)
		return;
	host[strcspn(host, "/")] = '\0';
	*conn = host;
}

/* m=<type> <port>[/<count>] <proto> <fmt> ... */
static int read_media(struct sipsdp *sdp, char *value, const char **why)
{
	struct sipsdp_media *m;
	char *port, *format;
	uint64_t n;

	if (sdp->media_cnt == SIPSDP_MEDIA) {
		*why = "more than 8 m= lines";
		return EMSGSIZE;
	}
	m = &sdp->media[sdp->media_cnt];
	*why = "an m= line that is none";
	m->type = word(&value);
	port = word(&value);
	m->proto = word(&value);
	port[strcspn(port, "/")] = '\0';
	if (!is_token(m->type) || !is_token(m->proto) ||
	    number(&n, port, 65535) != 0)
		return EINVAL;
	m->port = (uint16_t)n;
	while (*(format = word(&value))) {
		if (!is_token(format))
			return EINVAL;
		if (m->format_cnt == SIPSDP_FORMATS) {
			*why = "more than 64 formats in an m= line";
			return EMSGSIZE;
		}
		m->format[m->format_cnt++] = format;
	}
	sdp->media_cnt++;
	return 0;
}

static int read_attr(struct sipsdp_attrs *attrs, char *value,
		     const char **why)
{
	struct sipsdp_attr *attr;
	char *colon;

	if (attrs->count == SIPSDP_ATTRS) {
		*why = "more than 128 a= lines in one part";
		return EMSGSIZE;
	}
	attr = &attrs->attr[attrs->count++];
	attr->name = value;
	colon = strchr(value, ':');
	if (colon) {
		*colon = '\0';
		attr->value = colon + 1;
	}
	return 0;
}

static int read_line(struct sipsdp *sdp, char *line, const char **why)
{
	struct sipsdp_media *m = sdp->media_cnt
					 ? &sdp->media[sdp->media_cnt - 1]
					 : NULL;
	char *value = line + 2;

	if (!line[0] || line[1] != '=')
		return 0;	/* what it may be is the peer's secret */
	switch (line[0]) {
	case 'v':
		*why = "not version 0";
		return strcmp(value, "0") == 0 ? 0 : EINVAL;
	case 'o':
		if (!sdp->origin)
			sdp->origin = value;
		return 0;
	case 'c':
		if (m ? !m->conn : !sdp->conn)
			read_conn(m ? &m->conn : &sdp->conn, value);
		return 0;
	case 'm':
		return read_media(sdp, value, why);
	case 'a':
		return read_attr(m ? &m->attrs : &sdp->attrs, value, why);
	default:
		return 0;
	}
}

static int read_lines(struct sipsdp *sdp, const char **why)
{
	char *line, *next, *end;
	int err;

	for (line = sdp->text; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		end = line + strlen(line);
		while (end > line && strchr(" \t\r", end[-1]))
			*--end = '\0';
		err = read_line(sdp, line, why);
		if (err)
			return err;
	}
	*why = "no o= line";
	return sdp->origin ? 0 : EINVAL;
}

int sipsdp_parse(struct sipsdp **sdpp, const char *text, size_t len,
		 const char **why)
{
	struct sipsdp *sdp;
	const char *reason;
	int err;

	if (!why)
		why = &reason;
	if (len > SIPSDP_MAX) {
		*why = "longer than 16 kB";
		return EMSGSIZE;
	}
	if (memchr(text, '\0', len)) {
		*why = "a NUL in the text";
		return EINVAL;
	}
	sdp = xzalloc(sizeof(*sdp));
	sdp->text = xstrndup(text, len);
	err = read_lines(sdp, why);
	if (err)
		sipsdp_free(&sdp);
	else
		*sdpp = sdp;
	return err;
}

void sipsdp_free(struct sipsdp **sdpp)
{
	if (!*sdpp)
		return;
	free((*sdpp)->text);
	free(*sdpp);
	*sdpp = NULL;
}

/* ---- meaning ---- */

const struct sipsdp_attr *sipsdp_attr(const struct sipsdp_attrs *attrs,
				      const char *name)
{
	unsigned i;

	for (i = 0; i < attrs->count; i++)
		if (strcasecmp(attrs->attr[i].name, name) == 0)
			return &attrs->attr[i];
	return NULL;
}

static bool dir_of(enum media_dir *dir, const struct sipsdp_attrs *attrs)
{
	static const struct {
		const char *name;
		enum media_dir dir;
	} names[] = {
		{ "sendrecv", MEDIA_SENDRECV },
		{ "sendonly", MEDIA_SENDONLY },
		{ "recvonly", MEDIA_RECVONLY },
		{ "inactive", MEDIA_INACTIVE },
	};
	unsigned i, k;

	for (i = 0; i < attrs->count; i++)
		for (k = 0; k < 4; k++)
			if (strcasecmp(attrs->attr[i].name, names[k].name) ==
			    0) {
				*dir = names[k].dir;
				return true;
			}
	return false;
}

enum media_dir sipsdp_dir(const struct sipsdp *sdp,
			  const struct sipsdp_media *media)
{
	const char *conn = media->conn ? media->conn : sdp->conn;
	enum media_dir dir = MEDIA_SENDRECV;

	if (!dir_of(&dir, &media->attrs))
		dir_of(&dir, &sdp->attrs);
	if (conn && (strcmp(conn, "0.0.0.0") == 0 || strcmp(conn, "::") == 0))
		dir &= ~(unsigned)MEDIA_RECVONLY;
	return dir;
}

static int host_address(struct addr *addr, const char *host, uint16_t port)
{
	char text[ADDR_TEXT_LEN];
	size_t len = host ? strlen(host) : 0;

	if (!len || len > sizeof(text) - 3)
		return EINVAL;
	if (strchr(host, ':')) {
		text[0] = '[';
		memcpy(text + 1, host, len);
		memcpy(text + len + 1, "]", 2);
	} else {
		memcpy(text, host, len + 1);
	}
	if (addr_parse(addr, text) != 0)
		return EINVAL;
	addr_set_port(addr, port);
	return 0;
}

/* a=rtcp:<port> [IN IP4 <host>] over RTP's port + 1. */
static void rtcp_address(struct addr *rtcp, const struct addr *rtp,
			 const struct sipsdp_media *media)
{
	const struct sipsdp_attr *attr = sipsdp_attr(&media->attrs, "rtcp");
	char text[128], *rest = text, *host;
	uint64_t port;

	*rtcp = *rtp;
	addr_set_port(rtcp, media->port == 65535 ? media->port
						 : media->port + 1);
	if (!attr || !attr->value || strlen(attr->value) >= sizeof(text))
		return;
	memcpy(text, attr->value, strlen(attr->value) + 1);
	if (number(&port, word(&rest), 65535) != 0 || !port)
		return;
	addr_set_port(rtcp, (uint16_t)port);
	word(&rest);
	word(&rest);
	host = word(&rest);
	if (*host)
		host_address(rtcp, host, (uint16_t)port);
}

int sipsdp_address(struct addr *rtp, struct addr *rtcp,
		   const struct sipsdp *sdp, const struct sipsdp_media *media)
{
	int err = host_address(rtp, media->conn ? media->conn : sdp->conn,
			       media->port);

	if (!err)
		rtcp_address(rtcp, rtp, media);
	return err;
}

uint16_t sipsdp_ms(const struct sipsdp_media *media, const char *name)
{
	const struct sipsdp_attr *attr = sipsdp_attr(&media->attrs, name);
	uint64_t ms;

	if (!attr || !attr->value)
		return 0;
	return number(&ms, attr->value + strspn(attr->value, " "), 1000) == 0
		       ? (uint16_t)ms
		       : 0;
}

/* The value of the attribute @name that begins with @pt; what follows. */
static const char *of_format(const struct sipsdp_media *media,
			     const char *name, unsigned pt)
{
	const struct sipsdp_attr *attr;
	const char *value;
	char *end;
	unsigned i;

	for (i = 0; i < media->attrs.count; i++) {
		attr = &media->attrs.attr[i];
		if (!attr->value || strcasecmp(attr->name, name) != 0)
			continue;
		value = attr->value + strspn(attr->value, " \t");
		if (!isdigit((unsigned char)*value) ||
		    strtoul(value, &end, 10) != pt ||
		    (*end != ' ' && *end != '\t'))
			continue;
		return end + strspn(end, " \t");
	}
	return NULL;
}

int sipsdp_rtpmap(struct sipsdp_rtpmap *map, const struct sipsdp_media *media,
		  unsigned pt)
{
	const char *value = of_format(media, "rtpmap", pt), *slash;
	unsigned long hz, channels = 1;
	size_t len;
	char *end;

	if (!value)
		return ENOENT;
	slash = strchr(value, '/');
	len = slash ? (size_t)(slash - value) : 0;
	if (!len || len >= sizeof(map->name) ||
	    !isdigit((unsigned char)slash[1]))
		return ENOENT;
	hz = strtoul(slash + 1, &end, 10);
	if (*end == '/' && isdigit((unsigned char)end[1]))
		channels = strtoul(end + 1, &end, 10);
	if (!hz || hz > 1000000 || !channels || channels > 255)
		return ENOENT;
	memcpy(map->name, value, len);
	map->name[len] = '\0';
	map->clock_hz = (uint32_t)hz;
	map->channels = (uint8_t)channels;
	return 0;
}

const char *sipsdp_fmtp(const struct sipsdp_media *media, unsigned pt)
{
	return of_format(media, "fmtp", pt);
}

/* ---- printing ---- */

int sipsdp_print_head(struct buf *out, const struct sipsdp_origin *origin)
{
	const char *type = origin->address.ss.ss_family == AF_INET6 ? "IP6"
								    : "IP4";
	char host[ADDR_TEXT_LEN];

	addr_print_host(host, &origin->address);
	return buf_printf(out,
			  "v=0\r\n"
			  "o=- %" PRIu64 " %" PRIu64 " IN %s %s\r\n"
			  "s=-\r\n"
			  "c=IN %s %s\r\n"
			  "t=0 0\r\n",
			  origin->session_id, origin->version, type, host,
			  type, host);
}

int sipsdp_print_rejected(struct buf *out, const struct sipsdp_media *media)
{
	int err = buf_printf(out, "m=%s 0 %s", media->type, media->proto);
	unsigned i;

	for (i = 0; i < media->format_cnt && !err; i++)
		err = buf_printf(out, " %s", media->format[i]);
	if (!media->format_cnt && !err)
		err = buf_add_str(out, " 0");
	return err ? err : buf_add_str(out, "\r\n");
}
