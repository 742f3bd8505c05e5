# SPDX-License-Identifier: MIT
"""Frames on a link: built with scapy, sent and received through a packet socket, and judged.

Replies are taken apart by hand for their options (order and bytes matter) and by scapy for the
rest, so that the server's checksums and lengths are checked by code that is not the server's.
"""
import collections
import select
import socket
import struct
import time

from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether
from scapy.packet import Raw

from lab import SLOWNESS, Timeout

BROADCAST_MAC = "ff:ff:ff:ff:ff:ff"
BROADCAST = "255.255.255.255"
MAGIC = bytes([99, 130, 83, 99])
SERVER_PORT, CLIENT_PORT = 67, 68
FLAG_BROADCAST = 0x8000

DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)
TYPE_NAMES = ["", "DISCOVER", "OFFER", "REQUEST", "DECLINE", "ACK", "NAK", "RELEASE", "INFORM"]

SUBNET_MASK, ROUTER, DNS, HOST_NAME, DOMAIN_NAME = 1, 3, 6, 12, 15
REQUESTED, LEASE_TIME, OVERLOAD, TYPE, SERVER_ID = 50, 51, 52, 53, 54
PARAMETERS, MESSAGE, MAX_SIZE, T1, T2, CLIENT_ID, RELAY_INFO = 55, 56, 57, 58, 59, 61, 82

SOL_PACKET, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING = 263, 8, 23
SO_RCVBUFFORCE = 33  # past the system's bound on SO_RCVBUF
TP_STATUS_VLAN_VALID, TP_STATUS_VLAN_TPID_VALID = 0x10, 0x40


def pack_ip(text):
    return socket.inet_aton(text)


def unpack_ip(data):
    return socket.inet_ntoa(data)


def pack_options(options):
    return b"".join(bytes([code, len(data)]) + data for code, data in options)


def parse_options(data):
    """(code, bytes) in order up to END, and what follows END."""
    options, at = [], 0
    while at < len(data) and data[at] != 255:
        if data[at] == 0:
            at += 1
            continue
        length = data[at + 1]
        assert at + 2 + length <= len(data), "an option runs past the end"
        options.append((data[at], data[at + 2:at + 2 + length]))
        at += 2 + length
    assert at < len(data), "options do not end with END"
    return options, data[at + 1:]


def build_bootp(op=1, *, xid, mac, secs=0, hops=0, broadcast=False, ciaddr="0.0.0.0",
                yiaddr="0.0.0.0", siaddr="0.0.0.0", giaddr="0.0.0.0", options=(), htype=1, hlen=6,
                sname=b"", file=b"", magic=MAGIC, end=b"\xff", pad_to=0):
    """A BOOTP message with raw options, each field open to abuse."""
    chaddr = bytes.fromhex(mac.replace(":", ""))
    head = struct.pack("!BBBBIHH4s4s4s4s16s64s128s", op, htype, hlen, hops, xid, secs,
                       FLAG_BROADCAST if broadcast else 0, pack_ip(ciaddr), pack_ip(yiaddr),
                       pack_ip(siaddr), pack_ip(giaddr), chaddr, sname, file)
    packed = options if isinstance(options, bytes) else pack_options(options)
    return (head + magic + packed + end).ljust(pad_to, b"\0")


def build_frame(payload, *, src_mac, dst_mac=BROADCAST_MAC, tags=(), src="0.0.0.0", dst=BROADCAST,
                sport=CLIENT_PORT, dport=SERVER_PORT, ip=None):
    """An Ethernet frame; @tags are (tpid, vlan) pairs, outermost first; @ip fields to override."""
    frame = Ether(src=src_mac, dst=dst_mac)
    for tpid, vlan in tags:
        frame = frame / (Dot1AD if tpid == 0x88A8 else Dot1Q)(vlan=vlan)
    return frame / IP(src=src, dst=dst, **(ip or {})) / UDP(sport=sport, dport=dport) / Raw(payload)


class Reply:
    """A DHCP reply as it came off the link."""

    def __init__(self, frame, tags=()):
        self.frame = frame
        self.scapy = Ether(frame)
        self.tags = list(tags) + [(0x88A8 if isinstance(layer, Dot1AD) else 0x8100, layer.vlan)
                                  for layer in self._layers(Dot1Q, Dot1AD)]
        self.src_mac, self.dst_mac = self.scapy.src, self.scapy.dst
        ip, udp = self.scapy[IP], self.scapy[UDP]
        self.src, self.dst, self.ttl = ip.src, ip.dst, ip.ttl
        self.sport, self.dport = udp.sport, udp.dport
        start = frame.index(bytes(udp)[:8]) + 8
        self.payload = frame[start:start + udp.len - 8]
        self._parse(self.payload)

    def _layers(self, *kinds):
        layer = self.scapy
        while layer:
            if isinstance(layer, kinds):
                yield layer
            layer = layer.payload

    def _parse(self, data):
        (self.op, _, self.hlen, self.hops, self.xid, self.secs, self.flags) = \
            struct.unpack("!BBBBIHH", data[:12])
        self.ciaddr, self.yiaddr, self.siaddr, self.giaddr = \
            (unpack_ip(data[at:at + 4]) for at in range(12, 28, 4))
        self.mac = data[28:34].hex(":")
        self.sname, self.file = data[44:108], data[108:236]
        self.magic = data[236:240]
        self.options, self.after_end = parse_options(data[240:])
        overload = dict(self.options).get(OVERLOAD, b"\0")[0]
        self.overload = overload
        if overload & 1:
            self.options += parse_options(self.file)[0]
        if overload & 2:
            self.options += parse_options(self.sname)[0]

    def option(self, code):
        """The option's bytes, parts joined (RFC 3396), or None."""
        parts = [data for each, data in self.options if each == code]
        return b"".join(parts) if parts else None

    @property
    def codes(self):
        return [code for code, _ in self.options]

    @property
    def type(self):
        return self.option(TYPE)[0]

    @property
    def server(self):
        return unpack_ip(self.option(SERVER_ID))

    @property
    def lease_time(self):
        return int.from_bytes(self.option(LEASE_TIME), "big")

    def seconds(self, code):
        return int.from_bytes(self.option(code), "big")

    def __repr__(self):
        return f"<{TYPE_NAMES[self.type]} yiaddr {self.yiaddr} to {self.dst_mac} {self.dst}>"

    def check(self):
        """What holds for every reply of the server, whatever it says."""
        fresh = self.scapy.copy()
        received = (fresh[IP].chksum, fresh[UDP].chksum)
        del fresh[IP].chksum, fresh[UDP].chksum
        rebuilt = Ether(bytes(fresh))
        assert received == (rebuilt[IP].chksum, rebuilt[UDP].chksum), "a wrong checksum"
        assert received[1] != 0, "a UDP checksum of 0 means none"
        assert self.scapy[IP].len == self.scapy[UDP].len + 20
        assert self.scapy[IP].frag == 0 and self.ttl == 64
        assert self.sport == SERVER_PORT
        assert self.dport == (SERVER_PORT if self.giaddr != "0.0.0.0" else CLIENT_PORT)
        assert (self.op, self.hops, self.secs, self.magic) == (2, 0, 0, MAGIC)
        assert len(self.payload) >= 300, "BOOTP relays drop messages shorter than 300 bytes"
        assert not any(self.after_end), "bytes after END that are not padding"
        assert self.codes[0] == TYPE
        assert self.option(SERVER_ID) is not None and len(self.option(SERVER_ID)) == 4
        assert self.codes.count(TYPE) == 1 and self.codes.count(SERVER_ID) == 1
        return self


class Link:
    """A packet socket on one end of a cable: sends frames, keeps every DHCP reply that arrives."""

    def __init__(self, namespace, interface):
        self.namespace, self.interface = namespace, interface
        self.mac = namespace.mac(interface)
        self.sock = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        with namespace.entered():
            self.sock.bind((interface, 0))
        self.sock.setblocking(False)
        self.inbox = collections.deque()
        self.unwanted = ()  # transaction ids of a load that keeps accounts of its own
        self.arps = []
        self.icmp = []
        self.others = []
        namespace.lab.closers.append(self.sock.close)

    def send(self, frame):
        self.sock.send(bytes(frame))

    def _read(self):
        """Everything that waits in the socket."""
        while True:
            try:
                data, control, _, _ = self.sock.recvmsg(65536, 256)
            except BlockingIOError:
                return
            self._sort(data, stripped_tag(control))

    def _sort(self, data, tag):
        if data[12:14] == b"\x08\x06":
            self.arps.append(ARP(data[14:]))
            return
        at = 12
        while data[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
            at += 4
        if data[at:at + 2] == b"\x08\x00" and data[at + 11] == 1:
            self.icmp.append(data)
        if data[at:at + 2] != b"\x08\x00" or data[at + 11] != 17:
            return
        udp = at + 2 + (data[at + 2] & 15) * 4
        if data[udp + 12:udp + 16] in self.unwanted:
            return
        if int.from_bytes(data[udp:udp + 2], "big") == SERVER_PORT and data[udp + 8] == 2:
            self.inbox.append(Reply(data, tag))
        else:
            self.others.append(data)

    def wait(self, wanted, what, timeout=20.0):
        """The first reply for which wanted(reply); it leaves the inbox."""
        deadline = time.monotonic() + timeout * SLOWNESS
        while True:
            self._read()
            for reply in self.inbox:
                if wanted(reply):
                    self.inbox.remove(reply)
                    return reply
            left = deadline - time.monotonic()
            if left <= 0:
                raise Timeout(f"{what}: nothing came within {timeout * SLOWNESS:g} s; "
                              f"in the inbox: {list(self.inbox)}")
            select.select([self.sock], [], [], left)

    def pending(self, wanted):
        """Replies that are already here, without waiting."""
        self._read()
        return [reply for reply in self.inbox if wanted(reply)]

    def forget(self):
        """Throws away what has come so far."""
        self._read()
        self.inbox.clear()
        self.arps.clear()
        self.icmp.clear()
        self.others.clear()


def stripped_tag(control):
    """The outer VLAN tag that the kernel moved out of the frame, as a list of one or none."""
    for level, kind, data in control:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA) and len(data) >= 20:
            status, _, _, _, _, tci, tpid = struct.unpack("=IIIHHHH", data[:20])
            if status & TP_STATUS_VLAN_VALID:
                return [(tpid if status & TP_STATUS_VLAN_TPID_VALID else 0x8100, tci & 0xFFF)]
    return []
