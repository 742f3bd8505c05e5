/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/* PIPE_BUF on Linux: a write of at most this is not mixed with others' in a pipe either. */
#define LINE_MAX_BYTES 4096
/* What a line that is cut still needs: a closing quote, this mark and the newline. */
#define CUT_MARK       " cut=true"
#define RESERVE_BYTES  (1 + sizeof(CUT_MARK) - 1 + 1)
#define TEXT_MAX_BYTES (LINE_MAX_BYTES - RESERVE_BYTES)

struct line {
	size_t len;
	bool cut;
	char text[LINE_MAX_BYTES];
};

static const char *const level_names[LOG_LEVEL_COUNT] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

static _Atomic enum log_level current_level = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&current_level, level, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
	return level <= atomic_load_explicit(&current_level, memory_order_relaxed);
}

int log_level_parse(const char *text, enum log_level *level)
{
	for (int i = 0; i < LOG_LEVEL_COUNT; i++) {
		if (strcmp(text, level_names[i]) == 0) {
			*level = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* Whole pieces or nothing: an escape or a number is never cut in half. */
static void put(struct line *line, const char *piece, size_t len)
{
	if (line->cut || line->len + len > TEXT_MAX_BYTES) {
		line->cut = true;
		return;
	}
	memcpy(line->text + line->len, piece, len);
	line->len += len;
}

/* Into the reserve, past any cut. */
static void put_reserved(struct line *line, const char *piece)
{
	size_t len = strlen(piece);

	memcpy(line->text + line->len, piece, len);
	line->len += len;
}

__attribute__((format(printf, 2, 3))) static void put_format(struct line *line, const char *format,
							     ...)
{
	char piece[64];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(piece, sizeof(piece), format, args);
	va_end(args);
	put(line, piece, min_size((size_t)len, sizeof(piece) - 1));
}

static bool plain(unsigned char c)
{
	return c > ' ' && c < 0x7f && c != '"' && c != '=';
}

static bool needs_quotes(const char *text)
{
	if (*text == '\0')
		return true;
	for (; *text; text++) {
		if (!plain((unsigned char)*text))
			return true;
	}
	return false;
}

static void put_escaped(struct line *line, unsigned char c)
{
	const char literal = (char)c;

	if (c == '"' || c == '\\')
		put_format(line, "\\%c", c);
	else if (c == '\n')
		put(line, "\\n", 2);
	else if (c == '\t')
		put(line, "\\t", 2);
	else if (c < ' ' || c >= 0x7f)
		put_format(line, "\\x%02x", c);
	else
		put(line, &literal, 1);
}

static void put_plain(struct line *line, const char *text)
{
	size_t len = strlen(text);
	size_t room = TEXT_MAX_BYTES - min_size(line->len, TEXT_MAX_BYTES);

	put(line, text, min_size(len, room));
	if (len > room)
		line->cut = true;
}

static void put_text(struct line *line, const char *text)
{
	if (!text)
		text = "";
	if (!needs_quotes(text)) {
		put_plain(line, text);
		return;
	}
	put(line, "\"", 1);
	if (line->cut)
		return;
	for (; *text && !line->cut; text++)
		put_escaped(line, (unsigned char)*text);
	put_reserved(line, "\"");
}

static void put_hex(struct line *line, struct span bytes)
{
	if (bytes.len == 0)
		put(line, "\"\"", 2);
	for (size_t i = 0; i < bytes.len && !line->cut; i++)
		put_format(line, i ? ":%02x" : "%02x", bytes.data[i]);
}

static void put_errno(struct line *line, int err)
{
	const char *text = strerrordesc_np(err < 0 ? -(unsigned int)err : (unsigned int)err);

	if (text)
		put_text(line, text);
	else
		put_format(line, "\"errno %d\"", err);
}

static void put_ip4(struct line *line, uint32_t ip4)
{
	put_format(line, "%u.%u.%u.%u", ip4 >> 24, ip4 >> 16 & 0xff, ip4 >> 8 & 0xff, ip4 & 0xff);
}

static void put_value(struct line *line, const struct log_field *field)
{
	switch (field->type) {
	case LOG_FIELD_STR:
		put_text(line, field->str);
		break;
	case LOG_FIELD_I64:
		put_format(line, "%lld", (long long)field->i64);
		break;
	case LOG_FIELD_U64:
		put_format(line, "%llu", (unsigned long long)field->u64);
		break;
	case LOG_FIELD_F64:
		put_format(line, "%.6g", field->f64);
		break;
	case LOG_FIELD_IP4:
		put_ip4(line, field->ip4);
		break;
	case LOG_FIELD_HEX:
		put_hex(line, field->bytes);
		break;
	case LOG_FIELD_ERRNO:
		put_errno(line, field->err);
		break;
	case LOG_FIELD_END:
		break;
	}
}

/* A field whose value does not even begin within the line is left out, key and all. */
static void put_field(struct line *line, const struct log_field *field)
{
	size_t start = line->len;
	size_t value;

	put(line, " ", 1);
	put(line, field->key, strlen(field->key));
	put(line, "=", 1);
	value = line->len;
	put_value(line, field);
	if (line->cut && line->len == value)
		line->len = start;
}

static void put_timestamp(struct line *line)
{
	struct timespec now;
	struct tm utc;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	put_format(line, "ts=%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ", utc.tm_year + 1900,
		   utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
		   now.tv_nsec / 1000000);
}

void log_write(enum log_level level, const char *msg, const struct log_field *fields)
{
	struct line line;
	int saved_errno = errno;

	assert(level < LOG_LEVEL_COUNT);
	line.len = 0;
	line.cut = false;
	put_timestamp(&line);
	put_format(&line, " level=%s msg=", level_names[level]);
	put_text(&line, msg);
	for (; fields->type != LOG_FIELD_END && !line.cut; fields++)
		put_field(&line, fields);
	if (line.cut)
		put_reserved(&line, CUT_MARK);
	put_reserved(&line, "\n");

	/* A line that cannot be written has nowhere to be reported. */
	while (write(STDERR_FILENO, line.text, line.len) < 0 && errno == EINTR)
		;
	errno = saved_errno;
}

void log_foreign(const char *library, const char *format, va_list arguments)
{
	char text[LINE_MAX_BYTES];
	size_t len;

	if (!log_enabled(LOG_LEVEL_DEBUG))
		return;
	vsnprintf(text, sizeof(text), format, arguments);
	len = strlen(text);
	while (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';
	log_debug(library, F_STR("text", text));
}

bool log_limit_pass(struct log_limit *limit, uint64_t interval_ns, uint64_t *held_back)
{
	uint64_t now = clock_mono_ns();
	uint64_t next = atomic_load_explicit(&limit->next_ns, memory_order_relaxed);
	uint64_t then = interval_ns > UINT64_MAX - now ? UINT64_MAX : now + interval_ns;

	/* Relaxed: the words guard nothing but themselves. Of several threads one wins the swap. */
	if (now < next ||
	    !atomic_compare_exchange_strong_explicit(&limit->next_ns, &next, then,
						     memory_order_relaxed, memory_order_relaxed)) {
		atomic_fetch_add_explicit(&limit->held_back, 1, memory_order_relaxed);
		return false;
	}
	*held_back = atomic_exchange_explicit(&limit->held_back, 0, memory_order_relaxed);
	return true;
}
