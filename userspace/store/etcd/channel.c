/* SPDX-License-Identifier: MIT */
#include "store/etcd/channel.h"

#include <errno.h>

#include <grpc/grpc.h>

#define RECEIVE_MAX        (256 << 20) /* far above any page or message we ask for */
#define KEEPALIVE_MS       10000       /* etcd punishes less than 5 s */
#define KEEPALIVE_LIMIT_MS 5000
#define SHORT_BACKOFF_MS   100

static const char *const method_names[METHOD_COUNT] = {
    [METHOD_RANGE] = "/etcdserverpb.KV/Range",
    [METHOD_TXN] = "/etcdserverpb.KV/Txn",
    [METHOD_WATCH] = "/etcdserverpb.Watch/Watch",
    [METHOD_LEASE_GRANT] = "/etcdserverpb.Lease/LeaseGrant",
    [METHOD_LEASE_REVOKE] = "/etcdserverpb.Lease/LeaseRevoke",
    [METHOD_LEASE_KEEP_ALIVE] = "/etcdserverpb.Lease/LeaseKeepAlive",
    [METHOD_AUTHENTICATE] = "/etcdserverpb.Auth/Authenticate",
};

static grpc_arg integer(const char *key, int value)
{
	return (grpc_arg){
	    .type = GRPC_ARG_INTEGER,
	    .key = (char *)(uintptr_t)key, /* not written to */
	    .value.integer = value,
	};
}

/*
 * Which endpoint to use and when to try again is link.c's to decide, so a request is sent once or
 * fails: no retries, no re-resolution on its own account, no proxy from the environment.
 */
static grpc_channel *make(const struct endpoint *endpoint, grpc_channel_credentials *credentials,
			  int connect_ms)
{
	grpc_arg args[] = {
	    integer(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, RECEIVE_MAX),
	    integer(GRPC_ARG_KEEPALIVE_TIME_MS, KEEPALIVE_MS),
	    integer(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, KEEPALIVE_LIMIT_MS),
	    /* Pings go on while the watch is quiet: that is when a dead peer must show. */
	    integer(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0),
	    /* What bounds one attempt to connect; pauses between attempts are link.c's. */
	    integer(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, connect_ms),
	    integer(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, SHORT_BACKOFF_MS),
	    integer(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, SHORT_BACKOFF_MS),
	    integer(GRPC_ARG_ENABLE_HTTP_PROXY, 0),
	    integer(GRPC_ARG_ENABLE_RETRIES, 0),
	    integer(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1),
	    integer(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1),
	    integer(GRPC_ARG_ENABLE_CHANNELZ, 0),
	};
	grpc_channel_args all = {.num_args = ARRAY_SIZE(args), .args = args};

	return grpc_channel_create(endpoint->target, credentials, &all);
}

int channels_open(struct channels *channels, const struct endpoint *endpoint,
		  const struct secrets *secrets, uint32_t connect_ms, struct config_error *error)
{
	grpc_channel_credentials *credentials = secrets_credentials(secrets, endpoint, error);

	if (!credentials)
		return -EINVAL;
	for (int lane = 0; lane < LANE_COUNT; lane++) {
		channels->channel[lane] = make(endpoint, credentials, (int)connect_ms);
		for (int i = 0; i < METHOD_COUNT; i++)
			channels->method[lane][i] = grpc_channel_register_call(
			    channels->channel[lane], method_names[i], NULL, NULL);
	}
	grpc_channel_credentials_release(credentials);
	return 0;
}

void channels_close(struct channels *channels)
{
	for (int lane = 0; lane < LANE_COUNT; lane++)
		if (channels->channel[lane])
			grpc_channel_destroy(channels->channel[lane]);
	*channels = (struct channels){0};
}

grpc_call *channels_call(const struct channels *channels, enum lane lane, enum method method,
			 grpc_completion_queue *cq, uint64_t timeout_ns)
{
	gpr_timespec deadline = gpr_inf_future(GPR_CLOCK_MONOTONIC);

	if (timeout_ns)
		deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
					gpr_time_from_nanos((int64_t)timeout_ns, GPR_TIMESPAN));
	return grpc_channel_create_registered_call(channels->channel[lane], NULL,
						   GRPC_PROPAGATE_DEFAULTS, cq,
						   channels->method[lane][method], deadline, NULL);
}
