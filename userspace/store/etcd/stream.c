/* SPDX-License-Identifier: MIT */
#include "store/etcd/stream.h"

#include <errno.h>

#include <grpc/slice.h>

static void release(struct stream *stream)
{
	grpc_metadata_array_destroy(&stream->initial);
	grpc_metadata_array_destroy(&stream->trailing);
	grpc_slice_unref(stream->words);
	grpc_slice_unref(stream->token);
	grpc_call_unref(stream->call);
	stream->call = NULL;
}

/* The status comes once; reads and writes that were under way then still have their events. */
static void end_if_over(struct stream *stream)
{
	struct reply reply = {.status = stream->status};

	if (stream->status_out || stream->read_out || stream->write_out)
		return;
	reply_set_words(&reply, stream->words);
	release(stream);
	stream->ended(stream, &reply);
}

static void on_status(struct completion *completion, bool success)
{
	struct stream *stream = container_of(completion, struct stream, on_status);

	stream->status_out = false;
	end_if_over(stream);
}

static void on_read(struct completion *completion, bool success)
{
	struct stream *stream = container_of(completion, struct stream, on_read);
	grpc_byte_buffer *buffer = stream->reading;
	struct span message;
	grpc_slice slice;

	stream->read_out = false;
	stream->reading = NULL;
	if (success && message_read(buffer, &slice, &message)) {
		stream->message(stream, message);
		grpc_slice_unref(slice);
	} else {
		stream->read_over = true;
	}
	grpc_byte_buffer_destroy(buffer);
	end_if_over(stream);
}

static void on_write(struct completion *completion, bool success)
{
	struct stream *stream = container_of(completion, struct stream, on_write);

	grpc_byte_buffer_destroy(stream->writing);
	stream->writing = NULL;
	stream->write_out = false;
	end_if_over(stream);
}

static bool start(struct stream *stream, const grpc_op *ops, size_t n,
		  struct completion *completion)
{
	return grpc_call_start_batch(stream->call, ops, n, completion, NULL) == GRPC_CALL_OK;
}

/* hasleader: a member cut off from its cluster ends the stream instead of keeping it silent. */
static bool start_call(struct stream *stream)
{
	grpc_op ops[2] = {{.op = GRPC_OP_SEND_INITIAL_METADATA},
			  {.op = GRPC_OP_RECV_STATUS_ON_CLIENT}};

	stream->metadata[0] = (grpc_metadata){.key = grpc_slice_from_static_string("hasleader"),
					      .value = grpc_slice_from_static_string("true")};
	stream->metadata[1] =
	    (grpc_metadata){.key = grpc_slice_from_static_string("token"), .value = stream->token};
	ops[0].data.send_initial_metadata.count = GRPC_SLICE_IS_EMPTY(stream->token) ? 1 : 2;
	ops[0].data.send_initial_metadata.metadata = stream->metadata;
	ops[1].data.recv_status_on_client.trailing_metadata = &stream->trailing;
	ops[1].data.recv_status_on_client.status = &stream->status;
	ops[1].data.recv_status_on_client.status_details = &stream->words;
	stream->status_out = start(stream, ops, ARRAY_SIZE(ops), &stream->on_status);
	return stream->status_out;
}

int stream_open(struct stream *stream, grpc_slice first)
{
	stream->on_status.done = on_status;
	stream->on_read.done = on_read;
	stream->on_write.done = on_write;
	stream->words = grpc_empty_slice();
	stream->reading = stream->writing = NULL;
	stream->read_out = stream->write_out = false;
	stream->read_before = stream->read_over = false;
	grpc_metadata_array_init(&stream->initial);
	grpc_metadata_array_init(&stream->trailing);
	if (!start_call(stream)) {
		grpc_slice_unref(first);
		release(stream);
		return -EIO;
	}
	stream_write(stream, first);
	stream_read(stream);
	return 0;
}

void stream_read(struct stream *stream)
{
	grpc_op ops[2] = {{.op = GRPC_OP_RECV_MESSAGE}, {.op = GRPC_OP_RECV_INITIAL_METADATA}};

	if (!stream->call || stream->read_out || stream->read_over)
		return;
	ops[0].data.recv_message.recv_message = &stream->reading;
	ops[1].data.recv_initial_metadata.recv_initial_metadata = &stream->initial;
	stream->read_out = start(stream, ops, stream->read_before ? 1 : 2, &stream->on_read);
	stream->read_before = true;
}

bool stream_write(struct stream *stream, grpc_slice message)
{
	grpc_op op = {.op = GRPC_OP_SEND_MESSAGE};

	if (!stream->call || stream->write_out) {
		grpc_slice_unref(message);
		return false;
	}
	stream->writing = grpc_raw_byte_buffer_create(&message, 1);
	grpc_slice_unref(message);
	op.data.send_message.send_message = stream->writing;
	stream->write_out = start(stream, &op, 1, &stream->on_write);
	if (!stream->write_out) {
		grpc_byte_buffer_destroy(stream->writing);
		stream->writing = NULL;
	}
	return stream->write_out;
}

void stream_cancel(struct stream *stream)
{
	if (stream->call)
		grpc_call_cancel_with_status(stream->call, GRPC_STATUS_CANCELLED,
					     "no longer needed", NULL);
}
