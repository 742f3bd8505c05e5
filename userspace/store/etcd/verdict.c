/* SPDX-License-Identifier: MIT */
#include "store/etcd/verdict.h"

#include <errno.h>

#define ANY_STATUS GRPC_STATUS__DO_NOT_USE

/*
 * Walked from the top; the words are looked for anywhere in the message. "database space exceeded"
 * is not among the certain ones: the member that applies a transaction over the quota applies it
 * and reports the error all the same. Time-outs, lost leaders and broken connections
 * leave open whether the transaction still gets through.
 */
static const struct {
	grpc_status_code status;
	const char *words;
	struct verdict verdict;
} verdicts[] = {
    {GRPC_STATUS_UNAVAILABLE,
     "failed to connect to all addresses",
     {KV_REFUSED, -EHOSTUNREACH, VERDICT_AGAIN, true, NULL}},
    {GRPC_STATUS_UNAVAILABLE,
     "DNS resolution failed",
     {KV_REFUSED, -EHOSTUNREACH, VERDICT_AGAIN, true, NULL}},
    {GRPC_STATUS_INVALID_ARGUMENT,
     "too many operations",
     {KV_REFUSED, -E2BIG, VERDICT_SPLIT, false, "raise etcd's --max-txn-ops to 128 or more"}},
    {GRPC_STATUS_INVALID_ARGUMENT,
     "request is too large",
     {KV_REFUSED, -E2BIG, VERDICT_HALVE, false, "raise etcd's --max-request-bytes"}},
    {GRPC_STATUS_RESOURCE_EXHAUSTED,
     "received message larger than max",
     {KV_REFUSED, -E2BIG, VERDICT_HALVE, false, "raise etcd's --max-request-bytes"}},
    {GRPC_STATUS_RESOURCE_EXHAUSTED,
     "too many requests",
     {KV_REFUSED, -EAGAIN, VERDICT_REPORT, false, "etcd is overloaded: give it faster disks"}},
    {GRPC_STATUS_RESOURCE_EXHAUSTED,
     "database space exceeded",
     {KV_UNKNOWN, -ENOSPC, VERDICT_REPORT, false,
      "compact and defragment etcd, disarm its alarm (etcdctl alarm disarm), or raise "
      "--quota-backend-bytes"}},
    {GRPC_STATUS_NOT_FOUND,
     "lease not found",
     {KV_REFUSED, -ENOLINK, VERDICT_SESSION_LOST, false, NULL}},
    {GRPC_STATUS_OUT_OF_RANGE, "compacted", {KV_REFUSED, -EIO, VERDICT_COMPACTED, false, NULL}},
    {GRPC_STATUS_OUT_OF_RANGE,
     "future revision",
     {KV_REFUSED, -EAGAIN, VERDICT_LATER, false, NULL}},
    {GRPC_STATUS_UNAUTHENTICATED,
     "invalid auth token",
     {KV_REFUSED, -EACCES, VERDICT_AUTHENTICATE, false, NULL}},
    {ANY_STATUS,
     "revision of auth store is old",
     {KV_REFUSED, -EACCES, VERDICT_AUTHENTICATE, false, NULL}},
    {ANY_STATUS,
     "permission denied",
     {KV_REFUSED, -EACCES, VERDICT_REPORT, false,
      "grant the etcd user readwrite on the prefix (etcdctl role grant-permission)"}},
    {ANY_STATUS,
     "user name is empty",
     {KV_REFUSED, -EACCES, VERDICT_REPORT, false,
      "etcd wants a user: set store.etcd.user and password-file"}},
    {ANY_STATUS,
     "authentication failed",
     {KV_REFUSED, -EACCES, VERDICT_REPORT, false,
      "check store.etcd.user and the password in password-file"}},
    {GRPC_STATUS_DATA_LOSS,
     "",
     {KV_UNKNOWN, -EIO, VERDICT_REPORT, true, "an etcd member is corrupt: see etcdctl alarm list"}},
    {GRPC_STATUS_UNIMPLEMENTED,
     "",
     {KV_REFUSED, -EIO, VERDICT_REPORT, true, "that is no etcd 3.4 or later"}},
    {GRPC_STATUS_DEADLINE_EXCEEDED,
     "",
     {KV_UNKNOWN, -ETIMEDOUT, VERDICT_REPORT, false, "check etcd's load, disks and network"}},
    {GRPC_STATUS_UNAVAILABLE,
     "request timed out",
     {KV_UNKNOWN, -ETIMEDOUT, VERDICT_REPORT, false, "check etcd's load, disks and network"}},
    {GRPC_STATUS_UNAVAILABLE, "leader changed", {KV_UNKNOWN, -EIO, VERDICT_REPORT, false, NULL}},
    {GRPC_STATUS_UNAVAILABLE,
     "no leader",
     {KV_UNKNOWN, -EHOSTUNREACH, VERDICT_REPORT, true,
      "the etcd cluster has no leader: start enough of its members"}},
    {GRPC_STATUS_UNAVAILABLE, "", {KV_UNKNOWN, -EHOSTUNREACH, VERDICT_REPORT, true, NULL}},
};

static const struct verdict other = {KV_UNKNOWN, -EIO, VERDICT_REPORT, false, NULL};

const struct verdict *verdict_of(const struct reply *reply)
{
	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
		bool status =
		    verdicts[i].status == ANY_STATUS || verdicts[i].status == reply->status;
		if (status && strstr(reply->words, verdicts[i].words))
			return &verdicts[i].verdict;
	}
	return &other;
}
