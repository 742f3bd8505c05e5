/* SPDX-License-Identifier: MIT */
/**
 * store/etcd/stream.h - messages both ways over one gRPC call: etcd's watch.
 *
 * Completion thread only. A stream reads when it is told to, so that whoever cannot take more
 * holds etcd back; it writes one message at a time. It is over, and may be opened again, when
 * ended() is called; until then the object must live.
 */
#ifndef ETCDHCP_STORE_ETCD_STREAM_H
#define ETCDHCP_STORE_ETCD_STREAM_H

#include "store/etcd/call.h"

struct stream {
	struct completion on_status, on_read, on_write;
	grpc_call *call;     /* NULL: closed */
	uint64_t generation; /* of the link it goes over */
	grpc_slice token;
	grpc_metadata metadata[2];
	grpc_metadata_array initial, trailing;
	grpc_status_code status;
	grpc_slice words;
	grpc_byte_buffer *reading, *writing;
	bool status_out, read_out, write_out; /* batches whose event has not come */
	bool read_before, read_over;
	/** A message, gone after this returns. */
	void (*message)(struct stream *stream, struct span message);
	void (*ended)(struct stream *stream, const struct reply *reply);
};

/**
 * Opens it over stream->call with stream->token (both set by etcd_link_stream) and writes
 * @p first, of which it becomes the owner. message and ended must be set. 0, or -EIO: nothing
 * was sent, all is released, ended will not be called.
 */
int stream_open(struct stream *stream, grpc_slice first);
/** Asks for the next message; harmless while one is asked for or the end is near. */
void stream_read(struct stream *stream);
/** Becomes the owner of @p message; false when it cannot be sent just now. */
bool stream_write(struct stream *stream, grpc_slice message);
/** ended() comes with GRPC_STATUS_CANCELLED. Harmless when closed. */
void stream_cancel(struct stream *stream);

#endif
