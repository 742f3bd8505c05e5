/* SPDX-License-Identifier: MIT */
/**
 * store/embedded/record_key.h - keys of any length kv.h allows, within LMDB's 511 bytes.
 *
 * A client identifier of 255 bytes makes a key of nearly 600, most of it hex digits. A key too
 * long as it is gets stored packed: 0x01, the length of its head (2 bytes, big endian), the
 * head, and the run of lower-case hex digits at its end as bytes. This is exact: no two keys
 * share a packed form, and no plain key begins with 0x01. Whoever dumps the database sees all
 * other keys as they are.
 */
#ifndef ETCDHCP_STORE_EMBEDDED_RECORD_KEY_H
#define ETCDHCP_STORE_EMBEDDED_RECORD_KEY_H

#include <lmdb.h>

#include "store/kv_arena.h"

#define STORED_KEY_MAX 511 /* LMDB's own limit, checked when the database is opened */

/**
 * Makes *stored the key LMDB knows: @p key itself or packed into @p room. -ENAMETOOLONG when
 * not even that fits.
 */
int stored_key_make(struct span key, uint8_t room[STORED_KEY_MAX], MDB_val *stored);

/**
 * The reverse; a packed key is unpacked into @p arena. 0, -ENOMEM, or -EINVAL for what
 * stored_key_make never makes.
 */
int stored_key_read(const MDB_val *stored, struct kv_arena *arena, struct span *key);

#endif
