/* SPDX-License-Identifier: MIT */
/**
 * base/log.h - structured log lines (logfmt) on standard error.
 *
 *     ts=2026-01-02T03:04:05.678Z level=info msg="lease declined" network=campus address=10.0.0.9
 *
 * Fields are typed, so that quoting and escaping happen in one place however hostile the
 * text is. One line is one write(2): lines of different threads never mix. The level is the
 * only global state of the program. Nothing on the packet path logs at info or above.
 */
#ifndef ETCDHCP_BASE_LOG_H
#define ETCDHCP_BASE_LOG_H

#include <stdarg.h>

#include "base/types.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_COUNT
};

enum log_field_type {
	LOG_FIELD_END,
	LOG_FIELD_STR,   /* NUL-terminated text, quoted when needed; NULL prints as "" */
	LOG_FIELD_I64,
	LOG_FIELD_U64,
	LOG_FIELD_F64,
	LOG_FIELD_IP4,   /* host byte order */
	LOG_FIELD_HEX,   /* bytes, colon separated */
	LOG_FIELD_ERRNO, /* an errno value, positive or negative, as text */
};

struct log_field {
	enum log_field_type type;
	const char *key;
	union {
		const char *str;
		int64_t i64;
		uint64_t u64;
		double f64;
		uint32_t ip4;
		struct span bytes;
		int err;
	};
};

#define F_STR(k, v) ((struct log_field){.type = LOG_FIELD_STR, .key = (k), .str = (v)})
#define F_I64(k, v) ((struct log_field){.type = LOG_FIELD_I64, .key = (k), .i64 = (v)})
#define F_U64(k, v) ((struct log_field){.type = LOG_FIELD_U64, .key = (k), .u64 = (v)})
#define F_F64(k, v) ((struct log_field){.type = LOG_FIELD_F64, .key = (k), .f64 = (v)})
#define F_IP4(k, v) ((struct log_field){.type = LOG_FIELD_IP4, .key = (k), .ip4 = (v)})
#define F_HEX(k, d, n) \
	((struct log_field){.type = LOG_FIELD_HEX, .key = (k), .bytes = {(d), (n)}})
#define F_ERR(v) ((struct log_field){.type = LOG_FIELD_ERRNO, .key = "error", .err = (v)})

/** Lines above @p level are dropped before they are formatted. Any thread. */
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
/** "error", "warn", "info", "debug" -> level; -EINVAL for anything else. */
int log_level_parse(const char *text, enum log_level *level);

/** Writes one line; @p fields ends with LOG_FIELD_END. Lines over 4 KiB are cut. Any thread. */
void log_write(enum log_level level, const char *msg, const struct log_field *fields);

#define log_line(level, msg, ...)                                                    \
	do {                                                                         \
		if (log_enabled(level))                                              \
			log_write(level, msg, (const struct log_field[]){__VA_ARGS__ \
				  __VA_OPT__(,) {.type = LOG_FIELD_END}});           \
	} while (0)

#define log_error(msg, ...) log_line(LOG_LEVEL_ERROR, msg, __VA_ARGS__)
#define log_warn(msg, ...)  log_line(LOG_LEVEL_WARN, msg, __VA_ARGS__)
#define log_info(msg, ...)  log_line(LOG_LEVEL_INFO, msg, __VA_ARGS__)
#define log_debug(msg, ...) log_line(LOG_LEVEL_DEBUG, msg, __VA_ARGS__)

/** A line that another library prints, without its newline, at debug: msg is the library's name. */
void log_foreign(const char *library, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

/** Lets one line through per interval; zero-initialise, share between threads at will. */
struct log_limit {
	_Atomic uint64_t next_ns;
	_Atomic uint64_t held_back;
};

/**
 * True when a line may be written now (at most one per @p interval_ns of monotonic time);
 * *held_back then says how many were suppressed since the last one, for a field of the line.
 */
bool log_limit_pass(struct log_limit *limit, uint64_t interval_ns, uint64_t *held_back);

#endif
