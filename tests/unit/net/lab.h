/* SPDX-License-Identifier: MIT */
/**
 * Two network namespaces joined by a veth pair, for tests that need a real kernel: "srv0" where the
 * server is, "cli0" where its clients are. They go with the process, whatever becomes of it.
 */
#ifndef ETCDHCP_TESTS_UNIT_NET_LAB_H
#define ETCDHCP_TESTS_UNIT_NET_LAB_H

#include "base/types.h"
#include "net/link.h"

#define LAB_SERVER  "srv0"
#define LAB_CLIENT  "cli0"
#define LAB_ADDRESS 0x0a060001u /* 10.6.0.1/16 on srv0; cli0 has 10.6.0.2 */

/* How long to wait for what must come: only a failure ever takes that long, and a busy machine must
 * not be one. */
#define LAB_PATIENCE_MS 30000

/** Whether this process may make namespaces: for main() to ask, before any test. */
bool lab_may_begin(void);
/** Says in TAP that the whole program is skipped, and why; returns main()'s status. */
int lab_skip_all(const char *reason);

/** A fresh pair of namespaces; the calling thread is in the server's. Replaces a former one. */
void lab_begin(unsigned queues);
void lab_end(void);

/** Runs a command in the current namespace; fails the test when it fails. */
void lab_run(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Where the calling thread's new sockets and commands are. */
void lab_enter_client(void);
void lab_enter_server(void);

/** Sets srv0 up and waits until both ends carry frames, which the kernel settles in the background.
 */
void lab_server_up(void);

/** What the kernel says of srv0. */
struct link_info lab_server_link(void);

/** A raw socket on cli0 (thread left in the server's namespace), with room for 10,000 frames. */
int lab_client_socket(void);
/** Waits until @p fd is readable; false after @p timeout_ms. */
bool lab_wait(int fd, int timeout_ms);

/** A private /sys/fs/bpf; false when the kernel refuses. */
bool lab_mount_bpffs(void);

#endif
