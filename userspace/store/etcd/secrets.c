/* SPDX-License-Identifier: MIT */
#include "store/etcd/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX ((size_t)4 << 20)
/* gRPC's own choice of authorities is compiled in and not the machine's. */
#define SYSTEM_CA "/etc/ssl/certs/ca-certificates.crt"

static bool copy(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return *to || !from;
}

int secrets_init(struct secrets *secrets, const struct config_store *config)
{
	bool ok = copy(&secrets->ca_file, config->ca_file);

	ok = copy(&secrets->cert_file, config->cert_file) && ok;
	ok = copy(&secrets->key_file, config->key_file) && ok;
	ok = copy(&secrets->user, config->user) && ok;
	ok = copy(&secrets->password_file, config->password_file) && ok;
	return ok ? 0 : -ENOMEM;
}

void secrets_fini(struct secrets *secrets)
{
	free(secrets->ca_file);
	free(secrets->cert_file);
	free(secrets->key_file);
	free(secrets->user);
	free(secrets->password_file);
}

/* Freed text may hold a key: it is overwritten first. */
static void forget(char *text)
{
	if (!text)
		return;
	explicit_bzero(text, strlen(text));
	free(text);
}

static char *read_all(int fd)
{
	struct stat info;
	size_t used = 0;
	ssize_t got = 1;
	char *text;

	if (fstat(fd, &info) < 0)
		return NULL;
	if (!S_ISREG(info.st_mode) || (uint64_t)info.st_size > FILE_MAX) {
		errno = EINVAL;
		return NULL;
	}
	text = calloc(1, (size_t)info.st_size + 1);
	while (text && used < (size_t)info.st_size && got > 0) {
		got = read(fd, text + used, (size_t)info.st_size - used);
		used += got > 0 ? (size_t)got : 0;
	}
	if (text && got < 0) {
		forget(text);
		return NULL;
	}
	return text;
}

/* The whole file with a NUL; NULL with *error filled. */
static char *read_file(const char *key, const char *path, struct config_error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = fd < 0 ? NULL : read_all(fd);
	int err = errno;

	if (fd >= 0)
		close(fd);
	if (!text)
		snprintf(error->text, sizeof(error->text),
			 "store.etcd.%s: %s: %s; name a file that the server's user can read", key,
			 path, strerror(err));
	return text;
}

static grpc_channel_credentials *make_tls(const struct secrets *secrets, char **ca, char **cert,
					  char **key, struct config_error *error)
{
	grpc_ssl_pem_key_cert_pair pair;

	*ca = read_file("ca-file", secrets->ca_file ? secrets->ca_file : SYSTEM_CA, error);
	if (!*ca)
		return NULL;
	if (!secrets->cert_file)
		return grpc_ssl_credentials_create_ex(*ca, NULL, NULL, NULL);
	*cert = read_file("cert-file", secrets->cert_file, error);
	*key =
	    *cert ? read_file("key-file", secrets->key_file ? secrets->key_file : "", error) : NULL;
	if (!*key)
		return NULL;
	pair = (grpc_ssl_pem_key_cert_pair){.private_key = *key, .cert_chain = *cert};
	return grpc_ssl_credentials_create_ex(*ca, &pair, NULL, NULL);
}

grpc_channel_credentials *secrets_credentials(const struct secrets *secrets,
					      const struct endpoint *endpoint,
					      struct config_error *error)
{
	char *ca = NULL, *cert = NULL, *key = NULL;
	grpc_channel_credentials *credentials;

	if (!endpoint->tls)
		return grpc_insecure_credentials_create();
	*error = (struct config_error){"store.etcd: certificates or key are not usable; check that "
				       "they are PEM and belong together"};
	credentials = make_tls(secrets, &ca, &cert, &key, error);
	forget(ca);
	forget(cert);
	forget(key);
	return credentials;
}

char *secrets_password(const struct secrets *secrets, struct config_error *error)
{
	char *text =
	    read_file("password-file", secrets->password_file ? secrets->password_file : "", error);

	if (text)
		text[strcspn(text, "\r\n")] = '\0';
	return text;
}

static bool readable(const char *key, const char *path, struct config_error *error)
{
	char *text = path ? read_file(key, path, error) : NULL;
	bool ok = text || !path;

	forget(text);
	return ok;
}

bool secrets_check(const struct secrets *secrets, const struct endpoint *endpoints, size_t n,
		   struct config_error *error)
{
	bool tls = false;

	for (size_t i = 0; i < n; i++)
		tls = tls || endpoints[i].tls;
	if (tls && !readable("ca-file", secrets->ca_file ? secrets->ca_file : SYSTEM_CA, error))
		return false;
	if (!readable("cert-file", secrets->cert_file, error) ||
	    !readable("key-file", secrets->key_file, error))
		return false;
	if ((!secrets->cert_file) != (!secrets->key_file)) {
		*error = (struct config_error){
		    "store.etcd: cert-file and key-file belong together; set both or none"};
		return false;
	}
	if (secrets->user && !secrets->password_file) {
		*error = (struct config_error){
		    "store.etcd.password-file: missing; name a file with the user's password"};
		return false;
	}
	return readable("password-file", secrets->password_file, error);
}
