/* SPDX-License-Identifier: MIT */
/* Users and passwords, and faults of the configuration that waiting does not mend. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "kv_etcd_bed.h"

static void write_password(struct bed *bed, const char *password)
{
	int fd;

	snprintf(bed->password, sizeof(bed->password), "%s/password", bed->server.directory);
	fd = open(bed->password, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, password, strlen(password)), strlen(password));
	close(fd);
	bed->config.user = (char *)"dhcp";
	bed->config.password_file = bed->password;
}

static void enable_authentication(struct bed *bed)
{
	static const char *const commands[][7] = {
	    {"user", "add", "root:rootpw"},
	    {"user", "grant-role", "root", "root"},
	    {"user", "add", "dhcp:secret"},
	    {"role", "add", "dhcp"},
	    {"role", "grant-permission", "dhcp", "readwrite", PREFIX, "/etcdhcp0"},
	    {"user", "grant-role", "dhcp", "dhcp"},
	    {"auth", "enable"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		server_control(&bed->server, commands[i]);
}

static void a_user_and_a_password_are_needed(void **state)
{
	struct bed *bed = *state;

	enable_authentication(bed);
	owner_open(&bed->owner, &kv_etcd, &bed->config);
	owner_wait_problem(&bed->owner, "set store.etcd.user");
	owner_close(&bed->owner);
	write_password(bed, "wrong\n");
	owner_open(&bed->owner, &kv_etcd, &bed->config);
	owner_wait_problem(&bed->owner, "the password in password-file");
	write_password(bed, "secret\n"); /* corrected while it runs */
	owner_wait_value(&bed->owner, "none", NULL);
	put_one(&bed->owner, "a", "1");
	owner_wait_value(&bed->owner, "a", "1");
	owner_wait_problem(&bed->owner, "");
}

/* etcd forgets its tokens when it restarts; nobody need notice. */
static void a_forgotten_token_is_renewed(void **state)
{
	struct bed *bed = *state;

	enable_authentication(bed);
	write_password(bed, "secret");
	bed_begin(bed);
	start_session(&bed->owner, "servers/a", "1");
	owner_wait_value(&bed->owner, "servers/a", "1");
	put_one(&bed->owner, "a", "1");
	server_kill(&bed->server);
	server_restart(&bed->server);
	put_one(&bed->owner, "a", "2");
	owner_wait_value(&bed->owner, "a", "2");
	owner_wait_session(&bed->owner, KV_SESSION_HELD);
}

static void a_foreign_prefix_is_denied(void **state)
{
	struct bed *bed = *state;

	enable_authentication(bed);
	write_password(bed, "secret");
	bed->config.prefix = (char *)"/other/";
	owner_open(&bed->owner, &kv_etcd, &bed->config);
	owner_wait_problem(&bed->owner, "grant the etcd user readwrite");
}

/* Configured here and switched off there: it works, since etcd asks for nothing. */
static void authentication_may_be_off(void **state)
{
	struct bed *bed = *state;

	write_password(bed, "secret");
	bed_begin(bed);
	put_one(&bed->owner, "a", "1");
}

static void expect_fault(struct config_store *config, const char *words)
{
	struct config_error error = {""};
	struct kv_sink sink = {0};

	assert_null(kv_etcd.open(config, &sink, &error));
	if (!strstr(error.text, words))
		fail_msg("\"%s\" does not say \"%s\"", error.text, words);
}

static void faults_that_waiting_does_not_mend(void **state)
{
	char *urls[] = {(char *)"https://127.0.0.1:2379", (char *)"ftp://here"};
	struct config_store good = {.endpoints = urls,
				    .n_endpoints = 1,
				    .prefix = (char *)PREFIX,
				    .timeout_ms = 500,
				    .ttl_s = 2},
			    bad = good;

	bad.n_endpoints = 0;
	expect_fault(&bad, "name one at least");
	bad.n_endpoints = 2;
	expect_fault(&bad, "ftp://here");
	bad = good;
	bad.ca_file = (char *)"/no/such/ca.pem";
	expect_fault(&bad, "store.etcd.ca-file: /no/such/ca.pem");
	bad = good;
	bad.cert_file = (char *)"/dev/null";
	expect_fault(&bad, "store.etcd.cert-file: /dev/null");
	bad = good;
	bad.ca_file = bad.cert_file = (char *)"/etc/hostname";
	expect_fault(&bad, "belong together");
	bad = good;
	bad.ca_file = (char *)"/etc/hostname";
	bad.user = (char *)"dhcp";
	expect_fault(&bad, "store.etcd.password-file: missing");
	bad.password_file = (char *)"/no/such/password";
	expect_fault(&bad, "store.etcd.password-file: /no/such/password");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_user_and_a_password_are_needed),
	    TEST(a_forgotten_token_is_renewed),
	    TEST(a_foreign_prefix_is_denied),
	    TEST(authentication_may_be_off),
	    cmocka_unit_test(faults_that_waiting_does_not_mend),
	};

	if (!server_available())
		return 0;
	return cmocka_run_group_tests_name("kv/etcd access", tests, NULL, NULL);
}
