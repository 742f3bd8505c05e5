# SPDX-License-Identifier: MIT
"""A steady stream of renewals from clients that have leases, every one of them accounted for."""
import select
import socket
import threading
import time

from frames import REQUEST, SOL_PACKET, SO_RCVBUFFORCE, PACKET_IGNORE_OUTGOING, build_frame
from lab import SLOWNESS, wait_until

UDP, BOOTP = 34, 42
XID = BOOTP + 4
# After a stall of its own (a busy machine) the load must not make up for it in one burst that no
# ring of the server's could hold.
MOST_UNANSWERED = 64


class RenewalLoad:
    """
    Runs in a thread between start() and finish(). The transaction id of each renewal is unique:
    its lower half is patched into a prepared frame, and the checksum with it (RFC 1624). The rate
    is what it tries, nothing that a test may count on: see wait_answered().
    """

    def __init__(self, link, clients, rate=4000):
        self.templates = [self._template(client, number) for number, client in enumerate(clients)]
        self.rate = rate / SLOWNESS
        self.sock = link.namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        with link.namespace.entered():
            self.sock.bind((link.interface, 0))
        self.sock.setblocking(False)
        self.sent, self.acked, self.refused = {}, {}, []
        link.unwanted = self.sent
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    @staticmethod
    def _template(client, number):
        payload, _ = client.message(REQUEST, ciaddr=client.address, xid=(0x4000 + number) << 16)
        return bytearray(bytes(build_frame(payload, src_mac=client.mac, dst_mac=client.server_mac,
                                           src=client.address, dst=client.server)))

    def start(self):
        self.thread.start()
        return self

    def wait_answered(self, more):
        """Until as many renewals as @more, sent from now on, have been answered."""
        wanted = len(self.sent) + more
        wait_until(lambda: len(self.acked) + len(self.refused) >= wanted,
                   f"{more} more renewals are answered (a lost one holds up at most "
                   f"{MOST_UNANSWERED})", 60.0)

    def finish(self, timeout=20.0):
        """Stops sending, waits for what is still out; how many renewals were never answered."""
        self.stop.set()
        self.thread.join()
        deadline = time.monotonic() + timeout * SLOWNESS
        while len(self.acked) < len(self.sent) and time.monotonic() < deadline:
            select.select([self.sock], [], [], 0.05)
            self._receive()
        self.sock.close()
        return len(self.sent) - len(self.acked)

    def _run(self):
        started, serial = time.monotonic(), 0
        while not self.stop.is_set():
            due = int((time.monotonic() - started) * self.rate)
            due = min(due, len(self.acked) + len(self.refused) + MOST_UNANSWERED)
            while serial < due:
                self._send(serial)
                serial += 1
            self._receive()
            select.select([self.sock], [], [], 0.001)

    def _send(self, serial):
        frame = bytearray(self.templates[serial % len(self.templates)])
        low = (serial // len(self.templates)) & 0xFFFF
        frame[XID + 2:XID + 4] = low.to_bytes(2, "big")
        total = (~int.from_bytes(frame[UDP + 6:UDP + 8], "big") & 0xFFFF) + low
        total = (total & 0xFFFF) + (total >> 16)
        frame[UDP + 6:UDP + 8] = ((~total & 0xFFFF) or 0xFFFF).to_bytes(2, "big")
        self.sent[bytes(frame[XID:XID + 4])] = time.monotonic()
        self.sock.send(frame)

    def _receive(self):
        while True:
            try:
                frame = self.sock.recv(2048)
            except BlockingIOError:
                return
            xid = frame[XID:XID + 4]
            if frame[12:14] != b"\x08\x00" or xid not in self.sent or frame[BOOTP] != 2:
                continue
            if frame[282:285] == b"\x35\x01\x05":
                self.acked[xid] = time.monotonic()
            else:
                self.refused.append(frame)
