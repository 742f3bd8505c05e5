/* SPDX-License-Identifier: MIT */
/* etcd is not there, or says nothing: what is asked of it is refused in time, and others are asked.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "kv_etcd_bed.h"

/* The time allowed is far shorter than the owner's patience, which is what bounds it here. */
static void expect_refusal(struct bed *bed)
{
	struct kv_batch *batch = numbered("n", 3);

	owner_run(&bed->owner, batch);
	assert_all(batch, KV_REFUSED, -EHOSTUNREACH);
	assert_non_null(batch->detail);
	kv_batch_free(batch);
}

static void nobody_there_refuses(void **state)
{
	struct bed *bed = *state;
	struct kv_status status;

	snprintf(bed->second, sizeof(bed->second), "http://127.0.0.1:%u", free_port());
	bed->urls[0] = bed->second;
	bed->config.endpoints = bed->urls;
	bed->config.timeout_ms = 500;
	owner_open(&bed->owner, &kv_etcd, &bed->config);
	expect_refusal(bed);
	owner_wait_problem(&bed->owner, "check that etcd runs there");
	kv_etcd.status(bed->owner.kv, &status);
	assert_false(status.connected);
	assert_int_equal(status.last_contact_ns, 0);
	assert_int_equal(bed->owner.resets, 0);
}

static void make_silent_listener(struct bed *bed)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	bed->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(bed->listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(bed->listener, 16), 0);
	assert_int_equal(getsockname(bed->listener, (struct sockaddr *)&address, &len), 0);
	snprintf(bed->second, sizeof(bed->second), "http://127.0.0.1:%u", ntohs(address.sin_port));
}

/* Connects and says nothing, as a host does whose etcd hangs. */
static void a_silent_endpoint_refuses(void **state)
{
	struct bed *bed = *state;

	make_silent_listener(bed);
	bed->urls[0] = bed->second;
	bed->config.endpoints = bed->urls;
	bed->config.timeout_ms = 600;
	owner_open(&bed->owner, &kv_etcd, &bed->config);
	expect_refusal(bed);
}

static void a_dead_first_endpoint_is_passed_over(void **state)
{
	struct bed *bed = *state;

	snprintf(bed->second, sizeof(bed->second), "http://127.0.0.1:%u", free_port());
	bed->urls[0] = bed->second;
	bed->urls[1] = bed->server.url;
	bed->config.endpoints = bed->urls;
	bed->config.n_endpoints = 2;
	bed_begin(bed);
	put_one(&bed->owner, "a", "1");
	owner_wait_problem(&bed->owner, "");
}

/* Handed in before anything is connected, and still in time for the second endpoint. */
static void a_silent_first_endpoint_is_passed_over(void **state)
{
	struct bed *bed = *state;

	make_silent_listener(bed);
	bed->urls[0] = bed->second;
	bed->urls[1] = bed->server.url;
	bed->config.endpoints = bed->urls;
	bed->config.n_endpoints = 2;
	bed->config.timeout_ms = 6000; /* half of it for the first */
	owner_open(&bed->owner, &kv_etcd, &bed->config);
	put_one(&bed->owner, "a", "1");
}

static void closing_without_a_server(void **state)
{
	struct bed *bed = *state;
	struct owner *owner = &bed->owner;

	snprintf(bed->second, sizeof(bed->second), "http://127.0.0.1:%u", free_port());
	bed->urls[0] = bed->second;
	bed->config.endpoints = bed->urls;
	owner_open(owner, &kv_etcd, &bed->config);
	for (int i = 0; i < 10; i++)
		owner_commit(owner, numbered("c", 10));
	owner->ops->close(owner->kv);
	owner->kv = NULL;
	assert_int_equal(owner->n_batches, 10);
	for (int i = 0; i < 10; i++)
		assert_all(owner->batches[i], KV_REFUSED, -EHOSTUNREACH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(nobody_there_refuses),
	    TEST(a_silent_endpoint_refuses),
	    TEST(a_dead_first_endpoint_is_passed_over),
	    TEST(a_silent_first_endpoint_is_passed_over),
	    TEST(closing_without_a_server),
	};

	if (!server_available())
		return 0;
	return cmocka_run_group_tests_name("kv/etcd absent", tests, NULL, NULL);
}
