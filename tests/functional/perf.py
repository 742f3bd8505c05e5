# SPDX-License-Identifier: MIT
"""etcdhcp-perf, the load generator, on one end of a cable, and a scripted DHCP server on the other.

The responder is a thread that answers each request rightly and lets a script spoil, drop, repeat or
hold the answer. It never looks at a clock: what it holds it lets go when a later request comes.
"""
import dataclasses
import json
import select
import socket
import subprocess
import threading

import frames
from frames import (ACK, BROADCAST, DISCOVER, OFFER, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING,
                    RELAY_INFO, REQUEST, SO_RCVBUFFORCE, SOL_PACKET, build_bootp, build_frame,
                    pack_ip, stripped_tag, unpack_ip)
from lab import SLOWNESS, Lab
from server import SANITIZER, Server, build_dir

SERVER = "10.6.0.1"
LEASE = 3600
FIRST = int.from_bytes(pack_ip("10.6.1.0"), "big")


class Request:
    """As much of a client's message as a server needs."""

    def __init__(self, data, tags):
        self.src_mac = data[6:12].hex(":")
        self.tags, at = list(tags), 12
        while data[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
            self.tags.append((int.from_bytes(data[at:at + 2], "big"),
                              int.from_bytes(data[at + 2:at + 4], "big") & 0xFFF))
            at += 4
        payload = data[at + 2 + 28:]
        self.xid = int.from_bytes(payload[4:8], "big")
        self.ciaddr, self.giaddr = unpack_ip(payload[12:16]), unpack_ip(payload[24:28])
        self.mac = payload[28:34].hex(":")
        self.options = dict(frames.parse_options(payload[240:])[0])
        self.type = self.options[frames.TYPE][0]

    @property
    def elsewhere(self):
        """Its client selects another server."""
        return self.options.get(frames.SERVER_ID, pack_ip(SERVER)) != pack_ip(SERVER)

    @property
    def relayed(self):
        return self.giaddr != "0.0.0.0"

    @property
    def address(self):
        """Of this client: its hardware address counts from the first one's."""
        return unpack_ip((FIRST + int(self.mac.replace(":", "")[-4:], 16)).to_bytes(4, "big"))


@dataclasses.dataclass
class Answer:
    """A reply, right unless a script changes it. Options that are None are left out."""
    request: Request
    type: int
    address: str
    xid: int
    mac: str
    dst_mac: str
    lease: int | None = LEASE
    server: str | None = SERVER
    bootp: dict = dataclasses.field(default_factory=dict)
    ip: dict = dataclasses.field(default_factory=dict)
    broken_checksum: bool = False
    relay_info: bytes | None = None

    @classmethod
    def to(cls, request):
        return cls(request, OFFER if request.type == DISCOVER else ACK, request.address, request.xid,
                   request.mac, request.src_mac, relay_info=request.options.get(RELAY_INFO))

    def but(self, **changes):
        return dataclasses.replace(self, **changes)

    def frame(self, src_mac):
        options = [(frames.TYPE, bytes([self.type]))]
        if self.server:
            options.append((frames.SERVER_ID, pack_ip(self.server)))
        if self.lease is not None:
            options.append((frames.LEASE_TIME, self.lease.to_bytes(4, "big")))
        if self.relay_info:
            options.append((RELAY_INFO, self.relay_info))
        payload = build_bootp(2, **{"xid": self.xid, "mac": self.mac, "yiaddr": self.address,
                                    "giaddr": self.request.giaddr, "options": options,
                                    "pad_to": 300, **self.bootp})
        relayed, ciaddr = self.request.relayed, self.request.ciaddr
        unicast = self.request.giaddr if relayed else ciaddr
        data = bytearray(bytes(build_frame(
            payload, src_mac=src_mac, dst_mac=self.dst_mac, tags=self.request.tags, src=SERVER,
            dst=BROADCAST if unicast == "0.0.0.0" else unicast, sport=67,
            dport=67 if relayed else 68, ip=self.ip)))
        if self.broken_checksum:
            data[-1] ^= 1
        return bytes(data)


class Responder:
    """Answers what comes in on an interface; script(answer) gives the answers to send instead."""

    def __init__(self, namespace, interface):
        self.mac = namespace.mac(interface)
        self.script = lambda answer: [answer]
        self.requests = []
        self.sock = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
        with namespace.entered():
            self.sock.bind((interface, 0))
        self.stop, self._stop = socket.socketpair()
        self.failure = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            ready = select.select([self.sock, self._stop], [], [])[0]
            if self._stop in ready:
                return
            try:
                data, control, _, _ = self.sock.recvmsg(2048, 256)
                self._serve(data, stripped_tag(control))
            except Exception as failure:  # shown by the test, which would only see silence
                self.failure = failure

    def _serve(self, data, tags):
        at = 12
        while data[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
            at += 4
        if data[at:at + 2] != b"\x08\x00" or data[at + 11] != 17 or data[at + 24:at + 26] != b"\0\x43":
            return
        request = Request(data, tags)
        self.requests.append(request)
        if request.type in (DISCOVER, REQUEST) and not request.elsewhere:
            for answer in self.script(Answer.to(request)):
                self.sock.send(answer.frame(self.mac))

    def close(self):
        self.stop.send(b"x")
        self.thread.join()
        for sock in (self.sock, self.stop, self._stop):
            sock.close()


@dataclasses.dataclass
class Result:
    code: int
    json: dict
    text: str

    @property
    def findings(self):
        """Those that were made."""
        return {key: n for key, n in self.json["findings"].items() if n}

    @property
    def measured(self):
        return self.json["measured"]


class Range:
    """A cable with a place for a server on one end and the generator on the other."""

    def __init__(self):
        self.lab = Lab()
        try:
            self.server_ns = self.lab.namespace("server")
            self.client_ns = self.lab.namespace("client")
            self.lab.wire(self.server_ns, "srv0", self.client_ns, "cli0")
            self.server_ns.address("srv0", SERVER + "/16")
        except BaseException:
            self.lab.close()
            raise

    def respond(self):
        responder = Responder(self.server_ns, "srv0")
        self.lab.closers.append(responder.close)
        return responder

    def perf(self, directory, *arguments):
        """Runs the generator to its end."""
        report = directory / "perf.json"
        report.unlink(missing_ok=True)
        done = subprocess.run(
            self.client_ns.argv([build_dir() / "bench" / "perf" / "etcdhcp-perf", "-i", "cli0",
                                 "--frames", 512, "--json", report, *arguments]),
            capture_output=True, text=True, timeout=120 * SLOWNESS, check=False,
            env=self.lab.environment(Server.sanitizer_options()))
        assert not SANITIZER.search(done.stderr), done.stderr
        assert report.exists(), done.stderr
        return Result(done.returncode, json.loads(report.read_text()), done.stdout + done.stderr)

    def close(self):
        self.lab.close()
