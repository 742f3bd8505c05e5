/* SPDX-License-Identifier: MIT */
/**
 * store/etcd/call.h - one request and one answer over gRPC.
 *
 * A call is a part of some larger object, which must live until finished() was called. Sent from
 * any thread, one at a time per call; finished on the completion thread.
 */
#ifndef ETCDHCP_STORE_ETCD_CALL_H
#define ETCDHCP_STORE_ETCD_CALL_H

#include <stdatomic.h>

#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <protobuf-c/protobuf-c.h>

#include "base/types.h"
#include "store/kv_arena.h"

/** What the completion queue's tags point at. */
struct completion;
typedef void (*completion_done)(struct completion *completion, bool success);

struct completion {
	/* Set last, with release: orders what the sender wrote before what the completion thread
	 * reads. */
	_Atomic(completion_done) done;
};

/** How a call or a stream ended. */
struct reply {
	grpc_status_code status;
	char words[224];     /* etcd's or gRPC's, with NUL */
	struct span message; /* the answer, gone after finished() */
};

struct call {
	struct completion completion;
	grpc_call *call;     /* NULL: nothing under way */
	uint64_t generation; /* of the link it went over */
	grpc_slice token;
	grpc_metadata metadata;
	grpc_byte_buffer *request, *response;
	grpc_metadata_array initial, trailing;
	grpc_status_code status;
	grpc_slice words;
	void (*finished)(struct call *call, const struct reply *reply);
};

/** A message, packed for call_send or stream_write. */
grpc_slice message_pack(const ProtobufCMessage *message);

/** The reverse, everything in @p arena's memory; NULL when it is malformed or memory is short. */
ProtobufCMessage *message_unpack(const ProtobufCMessageDescriptor *type, struct span message,
				 struct kv_arena *arena);

/**
 * Sends @p request, of which it becomes the owner, over call->call with call->token (both set by
 * etcd_link_call, both released when the call has ended). 0, or -EIO: then nothing was
 * sent, everything is released, finished will not be called.
 */
int call_send(struct call *call, grpc_slice request,
	      void (*finished)(struct call *call, const struct reply *reply));

/** Completion thread: ends it early, finished comes with GRPC_STATUS_CANCELLED. */
void call_cancel(struct call *call);

/* for stream.c */
void reply_set_words(struct reply *reply, grpc_slice words);
/** Reads all of @p buffer into one slice; false when there is none. */
bool message_read(grpc_byte_buffer *buffer, grpc_slice *slice, struct span *message);

#endif
