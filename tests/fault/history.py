# SPDX-License-Identifier: MIT
"""
The record of a run: what every client sent and received, and every fault, each with its time.

One JSON object a line, so that a run can be judged later, cut down by hand, and judged again. All
times ("t", seconds) are of the harness's own monotonic clock. What is sent is stamped before
the send, what is received after the receive: between the two stamps of a request and its
reply lies all that the server did for it.

    start     seed, wall (Unix time at t = 0), options; the first line
    sent      device, client, network, type, xid, and what the message holds of ciaddr, requested,
              server, lease
    received  device, client, type, xid, server, and of ACK and OFFER address, lease
    lost      as received: it was seen on the link, then kept from the device
    fault     name, target, number
    heal      name, target, number
    record    network, address, client, state, hold_until: the store's content when all was over
    stored    when the records were read: t is the time before, until the time after
"""
import json
import threading
import time


class History:
    """Written by the clients' thread and by the faults'; kept in memory as well."""

    def __init__(self, path=None, **start):
        self.events = []
        self.lock = threading.Lock()
        self.file = open(path, "w", encoding="ascii") if path else None
        self.add("start", wall=time.time() - time.monotonic(), **start)

    def add(self, event, t=None, **fields):
        entry = {"t": round(time.monotonic() if t is None else t, 6), "event": event, **fields}
        with self.lock:
            self.events.append(entry)
            if self.file:
                self.file.write(json.dumps(entry) + "\n")
        return entry

    def close(self):
        if self.file:
            self.file.close()
            self.file = None


def read(path):
    """The events of a run that was written; a last line that was cut off is left out."""
    events = []
    with open(path, encoding="ascii") as file:
        for line in file:
            try:
                events.append(json.loads(line))
            except ValueError:
                if line.endswith("\n"):
                    raise
    return events


def show(entry):
    """One event on one line, for people."""
    rest = " ".join(f"{key}={value}" for key, value in entry.items()
                    if key not in ("t", "event") and value is not None)
    return f"{entry['t']:.6f} {entry['event']:8} {rest}"
