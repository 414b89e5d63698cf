/* SPDX-License-Identifier: MIT */
/*
 * base/text.h - small text work that every folder needs: identifiers, times,
 * base64url, hex, addresses, durations.
 *
 * Loop:   any; no state.
 */
#ifndef RIPTIDE_BASE_TEXT_H
#define RIPTIDE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Random octets from the kernel; never fails. */
void random_bytes(void *out, size_t len);

#define UUID_LEN 36
/* A random version 4 UUID, lower case, NUL-terminated (RFC 9562, 5.4). */
void uuid_make(char out[UUID_LEN + 1]);
/* Whether @text of @len octets has the form of a version 4 UUID. */
bool uuid_valid(const char *text, size_t len);

#define RFC3339_LEN 24
/* "2020-02-07T19:22:21.120Z" from Unix ms. */
void rfc3339_print(char out[RFC3339_LEN + 1], uint64_t unix_ms);
/* The reverse; offsets and any number of fraction digits accepted.
 * Returns 0 or EINVAL. */
int rfc3339_parse(uint64_t *unix_msp, const char *text);

/* base64url without padding (RFC 7515, 2); malloc'ed text. */
char *base64url_encode(const void *data, size_t len);
/* Decode @len characters; padding refused.  malloc'ed.  Returns 0, EINVAL. */
int base64url_decode(uint8_t **datap, size_t *lenp, const char *text,
		     size_t len);

void hex_encode(char *out, const void *data, size_t len); /* 2 * len + 1 */
int hex_decode(uint8_t *out, size_t out_len, const char *text); /* exact */

/* SHA-256 (OpenSSL). */
#define SHA256_LEN 32
void sha256(uint8_t out[SHA256_LEN], const void *data, size_t len);

/* Compare secrets in constant time. */
bool secret_equal(const void *a, const void *b, size_t len);

/* An address and port, IPv4 or IPv6. */
struct addr {
	struct sockaddr_storage ss;
	socklen_t len;
};
#define ADDR_TEXT_LEN 64
/* "192.0.2.1:5060", "[::1]:5060", or without port (0).  0 or EINVAL. */
int addr_parse(struct addr *addr, const char *text);
void addr_print(char out[ADDR_TEXT_LEN], const struct addr *addr);
/* Only the host part, no brackets. */
void addr_print_host(char out[ADDR_TEXT_LEN], const struct addr *addr);
uint16_t addr_port(const struct addr *addr);
void addr_set_port(struct addr *addr, uint16_t port);
bool addr_equal(const struct addr *a, const struct addr *b); /* with port */
bool addr_same_host(const struct addr *a, const struct addr *b);

/* "250ms", "10s", "4h", "2d" to ms; a unit is required.  0 or EINVAL. */
int duration_parse(uint64_t *msp, const char *text);
/* "64K", "1M" to octets, plain digits too.  0 or EINVAL. */
int size_parse(uint64_t *octetsp, const char *text);

#endif
