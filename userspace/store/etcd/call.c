/* SPDX-License-Identifier: MIT */
#include "store/etcd/call.h"

#include <errno.h>

#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/alloc.h>

grpc_slice message_pack(const ProtobufCMessage *message)
{
	grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(message));

	protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
	return slice;
}

static void *arena_take(void *arena, size_t size)
{
	return kv_arena_alloc(arena, size);
}

static void arena_give_back(void *arena, void *memory)
{
}

ProtobufCMessage *message_unpack(const ProtobufCMessageDescriptor *type, struct span message,
				 struct kv_arena *arena)
{
	ProtobufCAllocator allocator = {arena_take, arena_give_back, arena};

	return protobuf_c_message_unpack(type, &allocator, message.len, message.data);
}

void reply_set_words(struct reply *reply, grpc_slice words)
{
	size_t len = min_size(GRPC_SLICE_LENGTH(words), sizeof(reply->words) - 1);

	memcpy(reply->words, GRPC_SLICE_START_PTR(words), len);
	reply->words[len] = '\0';
}

bool message_read(grpc_byte_buffer *buffer, grpc_slice *slice, struct span *message)
{
	grpc_byte_buffer_reader reader;

	if (!buffer || !grpc_byte_buffer_reader_init(&reader, buffer))
		return false;
	*slice = grpc_byte_buffer_reader_readall(&reader);
	grpc_byte_buffer_reader_destroy(&reader);
	*message = (struct span){GRPC_SLICE_START_PTR(*slice), GRPC_SLICE_LENGTH(*slice)};
	return true;
}

static void release(struct call *call)
{
	grpc_byte_buffer_destroy(call->request);
	grpc_byte_buffer_destroy(call->response);
	grpc_metadata_array_destroy(&call->initial);
	grpc_metadata_array_destroy(&call->trailing);
	grpc_slice_unref(call->words);
	grpc_slice_unref(call->token);
	grpc_call_unref(call->call);
	call->call = NULL;
}

/* The call is free for another request before the answer is looked at. */
static void on_done(struct completion *completion, bool success)
{
	struct call *call = container_of(completion, struct call, completion);
	struct reply reply = {0};
	grpc_slice message;
	bool answered;

	reply.status = call->status;
	reply_set_words(&reply, call->words);
	answered = message_read(call->response, &message, &reply.message);
	release(call);
	call->finished(call, &reply);
	if (answered)
		grpc_slice_unref(message);
}

static size_t add_token(struct call *call)
{
	if (GRPC_SLICE_IS_EMPTY(call->token))
		return 0;
	call->metadata =
	    (grpc_metadata){.key = grpc_slice_from_static_string("token"), .value = call->token};
	return 1;
}

int call_send(struct call *call, grpc_slice request,
	      void (*finished)(struct call *call, const struct reply *reply))
{
	grpc_op ops[6] = {
	    {.op = GRPC_OP_SEND_INITIAL_METADATA},  {.op = GRPC_OP_SEND_MESSAGE},
	    {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT}, {.op = GRPC_OP_RECV_INITIAL_METADATA},
	    {.op = GRPC_OP_RECV_MESSAGE},           {.op = GRPC_OP_RECV_STATUS_ON_CLIENT},
	};
	grpc_call *handle = call->call;

	call->finished = finished;
	call->request = grpc_raw_byte_buffer_create(&request, 1);
	grpc_slice_unref(request);
	call->response = NULL;
	call->words = grpc_empty_slice();
	grpc_metadata_array_init(&call->initial);
	grpc_metadata_array_init(&call->trailing);
	ops[0].data.send_initial_metadata.count = add_token(call);
	ops[0].data.send_initial_metadata.metadata = &call->metadata;
	ops[1].data.send_message.send_message = call->request;
	ops[3].data.recv_initial_metadata.recv_initial_metadata = &call->initial;
	ops[4].data.recv_message.recv_message = &call->response;
	ops[5].data.recv_status_on_client.trailing_metadata = &call->trailing;
	ops[5].data.recv_status_on_client.status = &call->status;
	ops[5].data.recv_status_on_client.status_details = &call->words;
	atomic_store_explicit(&call->completion.done, on_done, memory_order_release);
	/* From here on the completion thread may have the call. */
	if (grpc_call_start_batch(handle, ops, ARRAY_SIZE(ops), &call->completion, NULL) ==
	    GRPC_CALL_OK)
		return 0;
	release(call);
	return -EIO;
}

void call_cancel(struct call *call)
{
	if (call->call)
		grpc_call_cancel_with_status(call->call, GRPC_STATUS_CANCELLED, "no longer needed",
					     NULL);
}
