/* SPDX-License-Identifier: MIT */
/**
 * store/etcd/secrets.h - certificates, keys and the password, read from their files.
 *
 * The files are read anew for every connection, so that a renewed certificate or a changed password
 * is taken up without a restart.
 */
#ifndef ETCDHCP_STORE_ETCD_SECRETS_H
#define ETCDHCP_STORE_ETCD_SECRETS_H

#include <grpc/grpc_security.h>

#include "config/config.h"
#include "store/etcd/endpoint.h"

/** Names, owned; NULL when not configured. */
struct secrets {
	char *ca_file, *cert_file, *key_file;
	char *user, *password_file;
};

/** Copies the names. 0 or -ENOMEM. */
int secrets_init(struct secrets *secrets, const struct config_store *config);
void secrets_fini(struct secrets *secrets);

/** Channel credentials for @p endpoint, the caller's; NULL with *error filled. */
grpc_channel_credentials *secrets_credentials(const struct secrets *secrets,
					      const struct endpoint *endpoint,
					      struct config_error *error);

/** The password without its line end, the caller's to free; NULL with *error filled. */
char *secrets_password(const struct secrets *secrets, struct config_error *error);

/** Whether everything can be read that will be needed; false with *error filled. */
bool secrets_check(const struct secrets *secrets, const struct endpoint *endpoints, size_t n,
		   struct config_error *error);

#endif
