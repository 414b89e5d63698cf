/* SPDX-License-Identifier: MIT */
/*
 * sip/uri.h - SIP and tel URIs: what we take from a peer's, and our own.
 *
 * Loop:   any; no state.
 * Spec:   RFC 3261, 19.1 and 25.1; RFC 3966 (visual separators).
 */
#ifndef RIPTIDE_SIP_URI_H
#define RIPTIDE_SIP_URI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "sip/sofia.h"

#define URI_USER_LEN 255
#define URI_LEN 1024

/*
 * The user part of @url: unescaped, without parameters (";phone-context="),
 * a telephone number also without visual separators.  A tel: URI's number.
 * Returns 0; EMSGSIZE: longer than URI_USER_LEN; EINVAL: control characters.
 * @out is "" when there is none.
 */
int uri_user(char out[URI_USER_LEN + 1], const url_t *url);

/* As text, for rows and logs.  Returns 0; EMSGSIZE: longer than URI_LEN. */
int uri_print(char out[URI_LEN + 1], const url_t *url);

/* One sip: or sips: URI with a host that could exist. */
bool uri_usable(const url_t *url);

/* The address that @url names literally (port 0: none said).  Returns 0;
 * EINVAL: a name, another scheme, or a maddr parameter. */
int uri_address(struct addr *addr, const url_t *url);

enum uri_transport { URI_ANY, URI_UDP, URI_TCP, URI_OTHER };
enum uri_transport uri_transport(const url_t *url);

/* "sip:user@host:port" with what needs it escaped.  @user "name@domain"
 * keeps its domain and @host is not used.  malloc'ed. */
char *uri_make(const char *user, const struct addr *host);

/* '"display" <uri>' or '<uri>', malloc'ed. */
char *uri_name_addr(const char *display, const char *uri);

#endif
