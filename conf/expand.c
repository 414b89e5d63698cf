/* SPDX-License-Identifier: MIT */
#include "conf/expand.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

char *expand_path(const char *dir, const char *path)
{
	if (path[0] == '/' || !dir || strcmp(dir, ".") == 0)
		return xstrdup(path);
	return xasprintf("%s/%s", dir, path);
}

static int read_all(int fd, char *text, size_t len, size_t *lenp)
{
	size_t have = 0;
	ssize_t n;

	while (have < len) {
		n = read(fd, text + have, len - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	*lenp = have;
	return 0;
}

int expand_read_file(char **textp, size_t *lenp, const char *path, size_t max)
{
	struct stat st;
	char *text = NULL;
	int fd, err = 0;

	/* A FIFO would block the start for ever. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno;
	if (fstat(fd, &st) != 0)
		err = errno;
	else if (S_ISDIR(st.st_mode))
		err = EISDIR;
	else if (!S_ISREG(st.st_mode))
		err = EINVAL;
	else if (st.st_size < 0 || (uint64_t)st.st_size > max)
		err = EFBIG;
	if (err)
		goto out;
	text = xzalloc((size_t)st.st_size + 1);
	err = read_all(fd, text, (size_t)st.st_size, lenp);
	if (err)
		goto out;
	*textp = text;
	text = NULL;
out:
	free(text);
	close(fd);
	return err;
}

static int from_file(struct buf *out, const char *path, char **why)
{
	char *text;
	size_t len;
	int err;

	err = expand_read_file(&text, &len, path, EXPAND_MAX);
	if (err) {
		*why = xasprintf("cannot read %s: %s", path, strerror(err));
		return EINVAL;
	}
	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		text[--len] = '\0';
	if (strlen(text) != len) {
		*why = xasprintf("%s holds the character NUL", path);
		err = EINVAL;
	} else if (!len) {
		*why = xasprintf("%s is empty", path);
		err = EINVAL;
	} else {
		err = buf_add(out, text, len);
	}
	mem_wipe_text(&text);
	return err;
}

static int from_credential(struct buf *out, const char *name, char **why)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	char *path;
	int err;

	if (!*name || strchr(name, '/') || name[0] == '.') {
		*why = xasprintf("\"%s\" is no name of a credential", name);
		return EINVAL;
	}
	if (!dir) {
		*why = xasprintf("CREDENTIALS_DIRECTORY is not set; give the "
				 "unit LoadCredential=%s:FILE", name);
		return EINVAL;
	}
	path = xasprintf("%s/%s", dir, name);
	err = from_file(out, path, why);
	free(path);
	return err;
}

static int from_environment(struct buf *out, const char *spec, char **why)
{
	const char *dflt = strstr(spec, ":-"), *value;
	char *name = dflt ? xstrndup(spec, (size_t)(dflt - spec))
			  : xstrdup(spec);
	int err = EINVAL;

	if (!*name || name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"abcdefghijklmnopqrstuvwxyz"
					"0123456789_")]) {
		*why = xasprintf("${%s}: write ${NAME}, ${NAME:-text}, "
				 "${file:PATH} or ${cred:NAME}", spec);
		goto out;
	}
	value = getenv(name);
	if (dflt && (!value || !*value))
		value = dflt + 2;
	if (!value) {
		*why = xasprintf("the environment has no %s", name);
		goto out;
	}
	err = buf_add_str(out, value);
out:
	free(name);
	return err;
}

/* One "${...}" whose inside is @spec. */
static int expand_one(struct buf *out, const char *spec, const char *dir,
		      bool files, char **why)
{
	char *path;
	int err;

	if (strncmp(spec, "file:", 5) != 0 && strncmp(spec, "cred:", 5) != 0)
		return from_environment(out, spec, why);
	if (!files)
		return buf_add_str(out, "(file)");
	if (spec[0] == 'c')
		return from_credential(out, spec + 5, why);
	path = expand_path(dir, spec + 5);
	err = from_file(out, path, why);
	free(path);
	return err;
}

int expand(char **outp, const char *text, const char *dir, bool files,
	   char **why)
{
	const char *at = text, *open, *close;
	struct buf out;
	char *spec;
	int err = 0;

	*why = NULL;
	buf_init(&out, EXPAND_MAX);
	while (!err && (open = strstr(at, "${")) != NULL) {
		if (open > at && open[-1] == '$') {
			err = buf_add(&out, at, (size_t)(open - at) - 1);
			if (!err)
				err = buf_add_str(&out, "${");
			at = open + 2;
			continue;
		}
		close = strchr(open, '}');
		if (!close) {
			*why = xstrdup("\"${\" without \"}\"");
			err = EINVAL;
			break;
		}
		err = buf_add(&out, at, (size_t)(open - at));
		if (err)
			break;
		spec = xstrndup(open + 2, (size_t)(close - open) - 2);
		err = expand_one(&out, spec, dir, files, why);
		free(spec);
		at = close + 1;
	}
	if (!err)
		err = buf_add_str(&out, at);
	if (!err)
		*outp = out.len ? buf_steal(&out) : xstrdup("");
	else if (!*why)
		*why = xasprintf("longer than %d octets", EXPAND_MAX);
	if (out.data)
		mem_wipe(out.data, out.len);
	buf_free(&out);
	return err ? EINVAL : 0;
}
