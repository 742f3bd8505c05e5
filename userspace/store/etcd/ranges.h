/* SPDX-License-Identifier: MIT */
/**
 * store/etcd/ranges.h - which keys the next page of a load asks for, when several are asked for
 * at once.
 *
 * Everything under a prefix is shared out among a few readers. Each has a page that it waits for;
 * what no page asks for yet are the *rests*. The next page is the beginning of a rest, and what is
 * cut off of a page becomes one again. A reader goes on with the rest that its last page came
 * from; when that is used up, it turns to another. So readers go through the keys side by side, and
 * none is asked for twice.
 *
 *     |- read -|-- reader 0 --|- read -|.. rest 1 ..|-- reader 1 --|......... rest 0 .........|
 *
 * For every page, however short, etcd 3.4 walks its index to the end of the range asked for, which
 * takes half of a microsecond per key. So each page asks for a narrow range: all keys that share
 * the first bytes of the one it begins with. How many bytes (the depth) follows from what came:
 * when a page is cut off and its range holds far more than a page, the next ranges are as narrow as
 * the keys of this page are alike; when several in a row hold next to nothing, the next are
 * wider.
 *
 * No I/O. One thread.
 */
#ifndef ETCDHCP_STORE_ETCD_RANGES_H
#define ETCDHCP_STORE_ETCD_RANGES_H

#include "base/types.h"

#define RANGES_MAX_READERS 4

/** Bytes that grow. */
struct range_key {
	uint8_t *data;
	size_t len, cap;
};

struct range_rest {
	struct range_key from, end; /* end: exclusive; nothing is left when from has reached it */
	size_t depth;               /* so many bytes are what the keys of a page share */
	unsigned misses;            /* pages in a row that held next to nothing */
};

struct range_reader {
	struct range_key from, until; /* its page; until: exclusive */
	bool unread;                  /* the page is still to be read */
	size_t rest;                  /* of ranges.rest: where the page came from */
	/* of the page */
	size_t depth;  /* the rest's when it was chosen */
	size_t shared; /* how many bytes its keys share */
	bool between;  /* it only leads to where keys are expected */
};

struct ranges {
	struct span prefix;        /* the owner's */
	struct range_key unwanted; /* with the prefix; empty: nothing is left out */
	size_t n_readers;
	struct range_reader reader[RANGES_MAX_READERS];
	struct range_rest rest[2 * RANGES_MAX_READERS];
};

/** What a page brought. */
struct range_page {
	struct span first, last; /* keys, with the prefix */
	size_t n;                /* keys; first and last are unset when 0 */
	bool more;               /* it was cut off, and n is not 0 */
	uint64_t count;          /* keys in its range, those cut off included */
	uint64_t limit;          /* where it would have been cut off */
};

/**
 * @p prefix must outlive it and end with a byte below 0xff; what begins with prefix and @p unwanted
 * (NULL: nothing) is left out. 0 or -ENOMEM.
 */
int ranges_init(struct ranges *ranges, size_t n_readers, struct span prefix, const char *unwanted);
/** Of zeroed memory, too. */
void ranges_fini(struct ranges *ranges);
/** Begins anew, with every reader. Cannot fail. */
void ranges_restart(struct ranges *ranges);
/**
 * The page that @p reader is to ask for: 1, and its from and until are set (the same ones until
 * the page was read), 0 when there is nothing for it now, or -ENOMEM.
 */
int ranges_next(struct ranges *ranges, size_t reader);
/** The reader's page came: 0, or it is still to be read: -ENOMEM, or -EBADMSG for a foreign key. */
int ranges_read(struct ranges *ranges, size_t reader, const struct range_page *page);
/** Whether every key was read. */
bool ranges_done(const struct ranges *ranges);

#endif
