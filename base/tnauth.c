/* SPDX-License-Identifier: MIT */
#include "base/tnauth.h"

#include <errno.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define DIGITS_MAX 15		/* of E.164, and of TelephoneNumber */

enum { TAG_SPC, TAG_RANGE, TAG_ONE };

struct entry {
	int tag;
	char *text;		/* provider code, the number, or the first */
	uint64_t count;		/* TAG_RANGE, from 2 */
};

struct tnauth {
	struct entry *entry;
	size_t entry_cnt;
};

struct tnauth *tnauth_new(void)
{
	return xzalloc(sizeof(struct tnauth));
}

void tnauth_free(struct tnauth **authp)
{
	struct tnauth *auth = *authp;

	if (!auth)
		return;
	*authp = NULL;
	while (auth->entry_cnt)
		free(auth->entry[--auth->entry_cnt].text);
	free(auth->entry);
	free(auth);
}

static void add(struct tnauth *auth, int tag, const char *text, size_t len,
		uint64_t count)
{
	struct entry *entry;

	auth->entry = xrealloc(auth->entry, (auth->entry_cnt + 1) *
						    sizeof(*auth->entry));
	entry = &auth->entry[auth->entry_cnt++];
	entry->tag = tag;
	entry->text = xstrndup(text, len);
	entry->count = count;
}

/* ---- DER, read ---- */

struct der {
	const uint8_t *at, *end;
};

/* Take the next value of @class and any tag in *@tag; *@inside gets its
 * content.  Definite lengths only. */
static int take_any(struct der *der, int class, bool constructed, int *tag,
		    struct der *inside)
{
	const uint8_t *at = der->at;
	int got_class, form;
	long len;

	if (at >= der->end)
		return EINVAL;
	form = ASN1_get_object(&at, &len, tag, &got_class, der->end - at);
	if ((form & 0x81) || got_class != class || len > der->end - at ||
	    (form == V_ASN1_CONSTRUCTED) != constructed)
		return EINVAL;
	inside->at = at;
	inside->end = at + len;
	der->at = inside->end;
	return 0;
}

static int take(struct der *der, int tag, bool constructed, struct der *inside)
{
	int got;

	if (take_any(der, V_ASN1_UNIVERSAL, constructed, &got, inside) != 0)
		return EINVAL;
	return got == tag ? 0 : EINVAL;
}

/* An IA5String of telephone digits. */
static int take_number(struct der *der, struct der *text)
{
	const uint8_t *p;

	if (take(der, V_ASN1_IA5STRING, false, text) != 0 ||
	    text->at == text->end || text->end - text->at > DIGITS_MAX)
		return EINVAL;
	for (p = text->at; p < text->end; p++)
		if (!*p || !strchr("0123456789#*", *p))
			return EINVAL;
	return 0;
}

static int take_count(struct der *der, uint64_t *count)
{
	const uint8_t *at = der->at;
	ASN1_INTEGER *value;
	int err = EINVAL;

	value = d2i_ASN1_INTEGER(NULL, &at, der->end - at);
	if (!value)
		return EINVAL;
	if (ASN1_INTEGER_get_uint64(count, value) == 1 && *count >= 2)
		err = 0;
	ASN1_INTEGER_free(value);
	der->at = at;
	return err;
}

static int take_spc(struct der *der, struct der *text)
{
	const uint8_t *p;

	if (take(der, V_ASN1_IA5STRING, false, text) != 0 ||
	    text->end - text->at > 64)
		return EINVAL;
	for (p = text->at; p < text->end; p++)
		if (*p < ' ' || *p > '~')
			return EINVAL;
	return 0;
}

static int take_entry(struct tnauth *auth, struct der *list)
{
	struct der inside, range, text;
	uint64_t count = 0;
	int tag, err;

	if (take_any(list, V_ASN1_CONTEXT_SPECIFIC, true, &tag, &inside) != 0)
		return EINVAL;
	switch (tag) {
	case TAG_SPC:
		err = take_spc(&inside, &text);
		break;
	case TAG_ONE:
		err = take_number(&inside, &text);
		break;
	case TAG_RANGE:
		err = take(&inside, V_ASN1_SEQUENCE, true, &range);
		if (!err)
			err = take_number(&range, &text);
		if (!err)
			err = take_count(&range, &count);
		if (!err && range.at != range.end)
			err = EINVAL;
		break;
	default:
		err = EINVAL;
		break;
	}
	if (err || inside.at != inside.end ||
	    auth->entry_cnt >= TNAUTH_MAX_ENTRIES)
		return EINVAL;
	add(auth, tag, (const char *)text.at, (size_t)(text.end - text.at),
	    count);
	return 0;
}

int tnauth_parse(struct tnauth **authp, const uint8_t *der, size_t len)
{
	struct der whole = { der, der + len }, list;
	struct tnauth *auth;

	if (take(&whole, V_ASN1_SEQUENCE, true, &list) != 0 ||
	    whole.at != whole.end || list.at == list.end)
		return EINVAL;
	auth = tnauth_new();
	while (list.at < list.end)
		if (take_entry(auth, &list) != 0) {
			tnauth_free(&auth);
			ERR_clear_error();
			return EINVAL;
		}
	*authp = auth;
	return 0;
}

int tnauth_of_cert(struct tnauth **authp, const struct x509_st *cert)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(TNAUTH_OID, 1);
	const ASN1_OCTET_STRING *value;
	int at, err;

	if (!oid)
		abort();
	at = X509_get_ext_by_OBJ(cert, oid, -1);
	if (at < 0) {
		err = ENOENT;
	} else if (X509_get_ext_by_OBJ(cert, oid, at) >= 0) {
		err = EINVAL;
	} else {
		value = X509_EXTENSION_get_data(X509_get_ext(cert, at));
		err = tnauth_parse(authp, ASN1_STRING_get0_data(value),
				   (size_t)ASN1_STRING_length(value));
	}
	ASN1_OBJECT_free(oid);
	return err;
}

/* ---- DER, written ---- */

static void put(struct buf *out, int class, int tag, bool constructed,
		const void *content, size_t len)
{
	uint8_t head[16], *at = head;

	ASN1_put_object(&at, constructed, (int)len, tag, class);
	buf_add(out, head, (size_t)(at - head));
	buf_add(out, content, len);
}

/* INTEGER: big-endian, shortest, never negative. */
static void put_count(struct buf *out, uint64_t count)
{
	uint8_t octets[9] = { 0 };
	size_t first = 0, i;

	for (i = 1; i < sizeof(octets); i++)
		octets[i] = (uint8_t)(count >> (8 * (8 - i)));
	while (first < 8 && !octets[first] && !(octets[first + 1] & 0x80))
		first++;
	put(out, V_ASN1_UNIVERSAL, V_ASN1_INTEGER, false, octets + first,
	    sizeof(octets) - first);
}

static void put_entry(struct buf *out, const struct entry *entry)
{
	struct buf text, inside;

	buf_init(&text, SIZE_MAX);
	buf_init(&inside, SIZE_MAX);
	put(&text, V_ASN1_UNIVERSAL, V_ASN1_IA5STRING, false, entry->text,
	    strlen(entry->text));
	if (entry->tag == TAG_RANGE) {
		put_count(&text, entry->count);
		put(&inside, V_ASN1_UNIVERSAL, V_ASN1_SEQUENCE, true,
		    text.data, text.len);
	} else {
		buf_add(&inside, text.data, text.len);
	}
	put(out, V_ASN1_CONTEXT_SPECIFIC, entry->tag, true, inside.data,
	    inside.len);
	buf_free(&text);
	buf_free(&inside);
}

void tnauth_encode(const struct tnauth *auth, uint8_t **derp, size_t *lenp)
{
	struct buf list, out;
	size_t i;

	buf_init(&list, SIZE_MAX);
	buf_init(&out, SIZE_MAX);
	for (i = 0; i < auth->entry_cnt; i++)
		put_entry(&list, &auth->entry[i]);
	put(&out, V_ASN1_UNIVERSAL, V_ASN1_SEQUENCE, true, list.data,
	    list.len);
	*lenp = out.len;
	*derp = (uint8_t *)buf_steal(&out);
	buf_free(&list);
	buf_free(&out);
}

/* ---- numbers ---- */

static uint64_t power10(size_t n)
{
	uint64_t value = 1;

	while (n--)
		value *= 10;
	return value;
}

/* All numbers of @len digits that begin with @prefix. */
static void add_range(struct tnauth *auth, const char *prefix, size_t len)
{
	size_t n = strlen(prefix), free_digits = len - n;
	char start[DIGITS_MAX + 1];

	memset(start, '0', len);
	memcpy(start, prefix, n);
	if (!n)			/* no country code begins with 0 */
		start[0] = '1';
	if (!free_digits)
		add(auth, TAG_ONE, start, len, 0);
	else if (n)
		add(auth, TAG_RANGE, start, len, power10(free_digits));
	else
		add(auth, TAG_RANGE, start, len, 9 * power10(len - 1));
}

int tnauth_add_pattern(struct tnauth *auth, const char *pattern)
{
	const char *prefix = *pattern == '+' ? pattern + 1 : pattern;
	size_t n = strspn(prefix, "0123456789"), len;
	bool star = prefix[n] == '*';
	char digits[DIGITS_MAX + 1];

	if (prefix[n + star] || n > DIGITS_MAX || *prefix == '0')
		return EINVAL;
	if (*pattern != '+' && (n || !star))
		return EINVAL;
	if (!star && n < 2)
		return EINVAL;
	memcpy(digits, prefix, n);
	digits[n] = '\0';
	if (!star) {
		add_range(auth, digits, n);
	} else if (*digits == '1') {
		if (n > 11)
			return EINVAL;
		add_range(auth, digits, 11);
	} else {
		for (len = n < 2 ? 2 : n; len <= DIGITS_MAX; len++)
			add_range(auth, digits, len);
	}
	return 0;
}

static bool entry_covers(const struct entry *entry, const char *digits)
{
	uint64_t number, start;

	if (entry->tag == TAG_ONE)
		return strcmp(entry->text, digits) == 0;
	if (entry->tag != TAG_RANGE ||
	    strlen(entry->text) != strlen(digits) ||
	    entry->text[strspn(entry->text, "0123456789")])
		return false;
	number = strtoull(digits, NULL, 10);
	start = strtoull(entry->text, NULL, 10);
	return number >= start && number - start < entry->count;
}

bool tnauth_covers(const struct tnauth *auth, const char *number)
{
	const char *digits = number + 1;
	size_t i;

	if (*number != '+' || !*digits || strlen(digits) > DIGITS_MAX ||
	    digits[strspn(digits, "0123456789")])
		return false;
	for (i = 0; i < auth->entry_cnt; i++)
		if (entry_covers(&auth->entry[i], digits))
			return true;
	return false;
}

bool tnauth_has_numbers(const struct tnauth *auth)
{
	size_t i;

	for (i = 0; i < auth->entry_cnt; i++)
		if (auth->entry[i].tag != TAG_SPC)
			return true;
	return false;
}

void tnauth_print(struct buf *out, const struct tnauth *auth)
{
	size_t i;

	for (i = 0; i < auth->entry_cnt; i++) {
		const struct entry *entry = &auth->entry[i];

		if (i)
			buf_add_str(out, ", ");
		if (entry->tag == TAG_SPC)
			buf_printf(out, "provider %s", entry->text);
		else if (entry->tag == TAG_ONE)
			buf_printf(out, "+%s", entry->text);
		else
			buf_printf(out, "+%s to +%llu", entry->text,
				   (unsigned long long)
					   (strtoull(entry->text, NULL, 10) +
					    entry->count - 1));
	}
}
