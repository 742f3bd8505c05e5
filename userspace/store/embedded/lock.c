/* SPDX-License-Identifier: MIT */
/*
 * LMDB lets several processes write to one database, and two servers taking turns would each
 * serve from a mirror that lags behind the other. So a server takes the whole directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/embedded/database.h"

#define LOCK_NAME "server.lock"

static int complain(struct config_error *error, const char *path, const char *what)
{
	int err = errno;

	snprintf(error->text, sizeof(error->text), "store.embedded.path: %s: %s: %s; %s", path,
		 what, strerror(err), database_remedy(err));
	return -err;
}

static int make_directory(const char *path, struct config_error *error)
{
	struct stat stat_buf;

	if (mkdir(path, 0700) == 0)
		return 0;
	if (errno == ENOENT) {
		snprintf(error->text, sizeof(error->text),
			 "store.embedded.path: %s: its parent directory is missing; make it", path);
		return -ENOENT;
	}
	if (errno != EEXIST)
		return complain(error, path, "cannot make the directory");
	if (stat(path, &stat_buf) < 0)
		return complain(error, path, "cannot be read");
	if (!S_ISDIR(stat_buf.st_mode)) {
		snprintf(error->text, sizeof(error->text),
			 "store.embedded.path: %s: is not a directory; name one", path);
		return -ENOTDIR;
	}
	return 0;
}

static int report_holder(int fd, const char *path, struct config_error *error)
{
	char holder[16] = "";
	ssize_t len = pread(fd, holder, sizeof(holder) - 1, 0);
	long pid;

	holder[len > 0 ? len : 0] = '\0';
	pid = strtol(holder, NULL, 10);
	snprintf(
	    error->text, sizeof(error->text),
	    "store.embedded.path: %s: in use by another etcdhcpd (process %ld); stop that one, or "
	    "give this one a directory of its own",
	    path, pid);
	return -EBUSY;
}

/* The number is for the error message of the next one alone: the lock is what counts. */
static void write_holder(int fd)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)len, 0) < 0)
		log_debug("process number not written to the lock file", F_ERR(errno));
}

int database_lock_path(const char *path, struct config_error *error)
{
	char name[4096];
	int fd, rc = make_directory(path, error);

	if (rc)
		return rc;
	if ((size_t)snprintf(name, sizeof(name), "%s/" LOCK_NAME, path) >= sizeof(name)) {
		errno = ENAMETOOLONG;
		return complain(error, path, "cannot lock");
	}
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return complain(error, path, "cannot make its lock file");
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		rc = errno == EWOULDBLOCK ? report_holder(fd, path, error)
					  : complain(error, path, "cannot lock");
		close(fd);
		return rc;
	}
	write_holder(fd);
	return fd;
}
