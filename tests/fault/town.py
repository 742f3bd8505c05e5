# SPDX-License-Identifier: MIT
"""
Where the devices live: one cable to the servers' link, on which they are near; a relay agent is
played for those that are far. One thread gives each device its turn and takes in what arrives.
"""
import heapq
import itertools
import random
import select
import socket
import threading
import time

import devices
import wire

SOL_PACKET, PACKET_IGNORE_OUTGOING, SO_RCVBUFFORCE = 263, 23, 33
FAR_RELAY, RELAY_MAC = "10.7.0.1", "02:fe:00:00:00:01"
# After a stall of its own the town would let everybody speak at once: at most so many in a round.
AT_ONCE = 64


class Town:
    """
    @servers: {address: hardware address}; @shared: what all call themselves on the far network;
    @pools: {network: [address]}.
    """

    def __init__(self, namespace, interface, history, servers, shared, pools, *, count, seed, pace):
        self.history, self.servers, self.pools, self.pace = history, servers, pools, pace
        self.identifiers = {"near": list(servers), "far": [shared]}
        self.clock = time.monotonic
        self.random = random.Random(seed)
        self.loss = 0.0          # of replies on their last hop
        self.operations = 0
        self.serial = itertools.count()
        self.sock = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        with namespace.entered():
            self.sock.bind((interface, 0))
        self.sock.setblocking(False)
        self.devices = devices.settle(self, count, seed)
        self.by_mac = {}
        for device in self.devices:
            self.by_mac.setdefault(device.mac, []).append(device)
        self.wakes = {}          # device -> its place in the queue that counts
        self.queue = []
        self.stopping, self.quiet = threading.Event(), threading.Event()
        self.failure = None
        self.thread = threading.Thread(target=self._run, name="town", daemon=True)

    def start(self):
        now = self.clock()
        for device in self.devices:
            self._wake(device, now + self.random.random() * self.pace * 2)
        self.thread.start()
        return self

    def hush(self):
        """Nobody speaks any more; what still arrives is written down."""
        self.quiet.set()

    def stop(self):
        self.stopping.set()
        self.thread.join()
        self.sock.close()

    def check(self):
        if self.failure:
            raise self.failure

    # Turns

    def _run(self):
        try:
            while not self.stopping.is_set():
                self._turns(self.clock())
                select.select([self.sock], [], [], self._patience())
                self._receive()
        except BaseException as failure:  # shown by check(), in the thread that can end the run
            self.failure = failure

    def _patience(self):
        due = self.queue[0][0] - self.clock() if self.queue and not self.quiet.is_set() else 1.0
        return min(max(due, 0.0), 0.05)

    def _wake(self, device, when):
        place = (when, next(self.serial), device)
        self.wakes[device] = place
        heapq.heappush(self.queue, place)

    def _turns(self, now):
        for _ in range(AT_ONCE):
            if self.quiet.is_set() or not self.queue or self.queue[0][0] > now:
                return
            place = heapq.heappop(self.queue)
            device = place[2]
            if self.wakes.get(device) is place:
                self._wake(device, device.turn(now))

    # Frames

    def send(self, device, kind, server_mac, **fields):
        """To one server by its hardware address, or to all; from far through the relay agent."""
        relayed = device.network == "far" and not server_mac
        giaddr = FAR_RELAY if relayed else wire.ANY
        message = wire.build_message(kind, mac=device.mac, client_id=device.client_id,
                                     giaddr=giaddr, **fields)
        self.history.add("sent", device=device.number, client=device.client,
                         network=device.network, type=wire.NAMES[kind],
                         **{key: value for key, value in fields.items() if value})
        self.operations += 1
        source = fields.get("ciaddr") or wire.ANY
        if relayed:
            for address, mac in self.servers.items():
                self._transmit(wire.build_frame(message, src_mac=RELAY_MAC, dst_mac=mac,
                                                src=FAR_RELAY, dst=address,
                                                sport=wire.SERVER_PORT))
        elif server_mac:
            address = next(a for a, mac in self.servers.items() if mac == server_mac)
            self._transmit(wire.build_frame(message, src_mac=device.mac, dst_mac=server_mac,
                                            src=source, dst=address))
        else:
            self._transmit(wire.build_frame(message, src_mac=device.mac, src=source))

    def _transmit(self, frame):
        try:
            self.sock.send(frame)
        except BlockingIOError:  # lost, as frames are
            pass

    def _receive(self):
        for _ in range(1024):
            try:
                frame = self.sock.recv(2048)
            except BlockingIOError:
                return
            reply = wire.parse(frame)
            if reply and reply.mac in self.by_mac:
                self._deliver(reply, self.clock())

    def _deliver(self, reply, now):
        candidates = self.by_mac[reply.mac]
        device = next((each for each in candidates if each.expects(reply)), candidates[0])
        lost = self.random.random() < self.loss
        given = {"address": reply.address, "lease": reply.lease}
        if reply.address == wire.ANY:
            given = {}
        self.history.add("lost" if lost else "received", now, device=device.number,
                         client=device.client, type=wire.NAMES[reply.type], xid=reply.xid,
                         server=reply.server, **given)
        if lost:
            return
        wake = device.heard(reply, now)
        if wake is not None:
            self._wake(device, wake)

    # What misbehaving devices want to know

    def some_address(self, network, chance):
        return chance.choice(self.pools[network])

    def some_server(self, network, chance):
        return chance.choice(self.identifiers[network])
