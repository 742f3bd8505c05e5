/* SPDX-License-Identifier: MIT */
#include "store/kv_health.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"

void kv_health_init(struct kv_health *health, const char *name)
{
	*health = (struct kv_health){.name = name};
	pthread_mutex_init(&health->lock, NULL);
}

void kv_health_fini(struct kv_health *health)
{
	pthread_mutex_destroy(&health->lock);
}

void kv_health_contact(struct kv_health *health, int64_t revision)
{
	uint64_t now = clock_mono_ns();

	pthread_mutex_lock(&health->lock);
	health->status.last_contact_ns = now;
	health->status.revision = max_i64(health->status.revision, revision);
	pthread_mutex_unlock(&health->lock);
}

void kv_health_connected(struct kv_health *health, bool connected)
{
	pthread_mutex_lock(&health->lock);
	health->status.connected = connected;
	pthread_mutex_unlock(&health->lock);
}

void kv_health_session(struct kv_health *health, enum kv_session session, uint64_t until_ns)
{
	pthread_mutex_lock(&health->lock);
	health->status.session = session;
	health->status.session_until_ns = session == KV_SESSION_HELD ? until_ns : 0;
	pthread_mutex_unlock(&health->lock);
}

void kv_health_reconnected(struct kv_health *health)
{
	pthread_mutex_lock(&health->lock);
	health->status.reconnects++;
	pthread_mutex_unlock(&health->lock);
}

void kv_health_reloaded(struct kv_health *health)
{
	pthread_mutex_lock(&health->lock);
	health->status.reloads++;
	pthread_mutex_unlock(&health->lock);
}

void kv_health_stored(struct kv_health *health, uint64_t bytes)
{
	pthread_mutex_lock(&health->lock);
	health->status.bytes_stored = bytes;
	pthread_mutex_unlock(&health->lock);
}

/* True when that was news. */
static bool set_problem(struct kv_health *health, enum kv_problem source, const char *text)
{
	bool changed;

	pthread_mutex_lock(&health->lock);
	changed = strcmp(health->problem[source], text) != 0;
	if (changed)
		snprintf(health->problem[source], sizeof(health->problem[source]), "%s", text);
	pthread_mutex_unlock(&health->lock);
	return changed;
}

void kv_health_problem(struct kv_health *health, enum kv_problem source, const char *format, ...)
{
	char text[sizeof(health->problem[source])];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (set_problem(health, source, text))
		log_warn("store problem", F_STR("store", health->name), F_STR("problem", text));
}

void kv_health_mended(struct kv_health *health, enum kv_problem source)
{
	char before[sizeof(health->problem[source])];

	pthread_mutex_lock(&health->lock);
	memcpy(before, health->problem[source], sizeof(before));
	health->problem[source][0] = '\0';
	pthread_mutex_unlock(&health->lock);
	if (before[0])
		log_info("store problem over", F_STR("store", health->name),
			 F_STR("problem", before));
}

void kv_health_read(struct kv_health *health, struct kv_status *out)
{
	pthread_mutex_lock(&health->lock);
	*out = health->status;
	for (int i = 0; i < KV_PROBLEM_COUNT; i++) {
		out->problems[i] = health->problem[i][0] != '\0';
		if (!out->problem[0])
			memcpy(out->problem, health->problem[i], sizeof(out->problem));
	}
	pthread_mutex_unlock(&health->lock);
}
