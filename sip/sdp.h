/* SPDX-License-Identifier: MIT */
/*
 * sip/sdp.h - SDP text to lines with meaning, and back.
 *
 * Why not the library's: it hangs on a 60-byte body and refuses what phones
 * send (docs/sip.md).  This one knows v, o, c, m and a; other lines are
 * skipped, unknown attributes kept as text, m= lines of any profile kept so
 * that an answer can mirror them.
 *
 * Owner:  sipsdp_free() by whoever parsed; the texts inside belong to it.
 * Loop:   any; no state.
 * Spec:   RFC 8866 (SDP), 3264 (what is kept), 3605 (rtcp), 5761 (rtcp-mux).
 */
#ifndef RIPTIDE_SIP_SDP_H
#define RIPTIDE_SIP_SDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "media/desc.h"

struct buf;

#define SIPSDP_MAX 16384	/* octets of a text */
#define SIPSDP_MEDIA 8		/* m= lines */
#define SIPSDP_FORMATS 64	/* formats of one m= line */
#define SIPSDP_ATTRS 128	/* a= lines of the session, and of each m= */

struct sipsdp_attr {
	const char *name;
	const char *value;	/* NULL: a=name alone */
};

struct sipsdp_attrs {
	struct sipsdp_attr attr[SIPSDP_ATTRS];
	unsigned count;
};

struct sipsdp_media {
	const char *type;	/* "audio" */
	uint16_t port;		/* 0: rejected */
	const char *proto;	/* "RTP/AVP" */
	const char *format[SIPSDP_FORMATS];
	unsigned format_cnt;
	const char *conn;	/* host of its own c=, NULL: the session's */
	struct sipsdp_attrs attrs;
};

struct sipsdp {
	char *text;		/* what the pointers point into */
	const char *origin;	/* the whole value of o= */
	const char *conn;	/* host of the session's c=, NULL if none */
	struct sipsdp_attrs attrs;
	struct sipsdp_media media[SIPSDP_MEDIA];
	unsigned media_cnt;
};

/*
 * Parse @len octets.  Returns 0; EMSGSIZE: one of the limits above; EINVAL:
 * no SDP.  *@why (may be NULL) is then a literal for people.
 */
int sipsdp_parse(struct sipsdp **sdpp, const char *text, size_t len,
		 const char **why);
void sipsdp_free(struct sipsdp **sdpp);	/* NULL is fine */

/* The first attribute of that name, NULL if none. */
const struct sipsdp_attr *sipsdp_attr(const struct sipsdp_attrs *attrs,
				      const char *name);

/* ---- meaning of one m= line ---- */

/* a=sendrecv and its like, inherited from the session; sendrecv if none.  A
 * connection to address zero (old hold) takes away that the describer
 * receives. */
enum media_dir sipsdp_dir(const struct sipsdp *sdp,
			  const struct sipsdp_media *media);
/* Where RTP and RTCP go.  Returns 0; EINVAL: a name, or no address. */
int sipsdp_address(struct addr *rtp, struct addr *rtcp,
		   const struct sipsdp *sdp, const struct sipsdp_media *media);
/* a=ptime or a=maxptime in ms, 0 if absent or senseless. */
uint16_t sipsdp_ms(const struct sipsdp_media *media, const char *name);

struct sipsdp_rtpmap {
	char name[32];
	uint32_t clock_hz;
	uint8_t channels;
};
/* a=rtpmap of @pt.  Returns 0; ENOENT: none that could be read. */
int sipsdp_rtpmap(struct sipsdp_rtpmap *map, const struct sipsdp_media *media,
		  unsigned pt);
/* a=fmtp of @pt, NULL if none. */
const char *sipsdp_fmtp(const struct sipsdp_media *media, unsigned pt);

/* ---- printing ---- */

struct sipsdp_origin {
	uint64_t session_id;
	uint64_t version;
	struct addr address;	/* of o= and of the session's c= */
};

/* v=, o=, s=, c=, t=. */
int sipsdp_print_head(struct buf *out, const struct sipsdp_origin *origin);
/* The m= line of @media with port 0: rejected. */
int sipsdp_print_rejected(struct buf *out, const struct sipsdp_media *media);

#endif
