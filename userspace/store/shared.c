/* SPDX-License-Identifier: MIT */
/*
 * The shared part of the configuration, key config/networks: noticed by the store thread, read and checked by main. Between
 * the two stands the newest text alone; what main was too slow for is not missed.
 */
#include "store/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

int shared_init(struct shared_text *shared)
{
	shared->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (shared->fd < 0)
		return -errno;
	return -pthread_mutex_init(&shared->lock, NULL);
}

void shared_fini(struct shared_text *shared)
{
	if (shared->fd > 0)
		close(shared->fd);
	free(shared->text);
}

static bool same(const struct shared_text *shared, struct span text)
{
	return shared->text ? text.data && shared->len == text.len &&
				      memcmp(shared->text, text.data, text.len) == 0 :
			      !text.data;
}

void shared_set(struct shared_text *shared, struct span text)
{
	char *copy = text.data ? malloc(text.len + 1) : NULL;

	if (text.data && !copy) {
		log_error("shared configuration not followed: out of memory");
		return;
	}
	if (copy)
		memcpy(copy, text.data, text.len);
	pthread_mutex_lock(&shared->lock);
	if (same(shared, text)) {
		free(copy);
	} else {
		free(shared->text);
		shared->text = copy;
		shared->len = text.len;
		eventfd_write(shared->fd, 1);
	}
	pthread_mutex_unlock(&shared->lock);
}

int store_shared_fd(const struct store *store)
{
	return store->shared.fd;
}

int store_shared_text(struct store *store, char **text, size_t *len)
{
	struct shared_text *shared = &store->shared;
	eventfd_t count;
	int rc = 0;

	eventfd_read(shared->fd, &count);
	pthread_mutex_lock(&shared->lock);
	*len = shared->len;
	*text = shared->text ? malloc(shared->len + 1) : NULL;
	if (*text)
		memcpy(*text, shared->text, shared->len);
	else if (shared->text)
		rc = -ENOMEM;
	pthread_mutex_unlock(&shared->lock);
	return rc;
}
