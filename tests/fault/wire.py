# SPDX-License-Identifier: MIT
"""
DHCP frames, made and taken apart by hand: a load of hundreds of clients in one process has no time
for more. What a reply must look like is judged by the functional tests; here only what it promises.
"""
import socket
import struct

DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)
NAMES = ("", "DISCOVER", "OFFER", "REQUEST", "DECLINE", "ACK", "NAK", "RELEASE", "INFORM")

SERVER_PORT, CLIENT_PORT = 67, 68
BROADCAST, ANY = "255.255.255.255", "0.0.0.0"
BROADCAST_MAC = "ff:ff:ff:ff:ff:ff"
ETHERNET, IP, BOOTP = 14, 20, 236
MAGIC = bytes([99, 130, 83, 99])
REQUESTED, LEASE_TIME, TYPE, SERVER_ID, PARAMETERS, CLIENT_ID = 50, 51, 53, 54, 55, 61
WANTED = bytes([1, 3, 51, 54, 58, 59])


def pack_mac(text):
    return bytes.fromhex(text.replace(":", ""))


def checksum(data):
    """RFC 1071, of an even number of bytes."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def build_message(kind, *, xid, mac, client_id=None, ciaddr=ANY, giaddr=ANY, requested=None,
                  server=None, lease=None, secs=0):
    """A BOOTP message of 300 bytes or more."""
    head = struct.pack("!BBBBIHH4s4s4s4s16s192x", 1, 1, 6, giaddr != ANY, xid, secs, 0,
                       socket.inet_aton(ciaddr), bytes(4), bytes(4), socket.inet_aton(giaddr),
                       pack_mac(mac))
    options = [(TYPE, bytes([kind]))]
    if client_id:
        options.append((CLIENT_ID, client_id))
    if requested:
        options.append((REQUESTED, socket.inet_aton(requested)))
    if server:
        options.append((SERVER_ID, socket.inet_aton(server)))
    if lease:
        options.append((LEASE_TIME, lease.to_bytes(4, "big")))
    if kind in (DISCOVER, REQUEST):
        options.append((PARAMETERS, WANTED))
    packed = b"".join(bytes([code, len(data)]) + data for code, data in options)
    return (head + MAGIC + packed + b"\xff").ljust(300, b"\0")


def build_frame(message, *, src_mac, dst_mac=BROADCAST_MAC, src=ANY, dst=BROADCAST,
                sport=CLIENT_PORT):
    """Ethernet, IPv4 and UDP around a message to a server."""
    length = 8 + len(message)
    ends = socket.inet_aton(src) + socket.inet_aton(dst)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, IP + length, 0, 0, 64, 17, 0) + ends
    ip = ip[:10] + checksum(ip).to_bytes(2, "big") + ip[12:]
    udp = struct.pack("!HHHH", sport, SERVER_PORT, length, 0)
    odd = b"\0" if len(message) % 2 else b""
    pseudo = ends + struct.pack("!HH", 17, length)
    total = checksum(pseudo + udp + message + odd) or 0xFFFF
    udp = udp[:6] + total.to_bytes(2, "big")
    return pack_mac(dst_mac) + pack_mac(src_mac) + b"\x08\x00" + ip + udp + message


class Reply:
    """What a frame from a server says; see parse()."""

    __slots__ = ("xid", "mac", "type", "address", "server", "server_mac", "lease")


def parse(frame):
    """The reply in a frame, or None when there is none."""
    if len(frame) < ETHERNET + IP + 8 + BOOTP + 4 or frame[12:14] != b"\x08\x00" or frame[23] != 17:
        return None
    udp = ETHERNET + (frame[ETHERNET] & 15) * 4
    message = frame[udp + 8:]
    if frame[udp:udp + 2] != b"\0\x43" or message[0] != 2 or message[236:240] != MAGIC:
        return None
    options = dict(_options(message))
    if TYPE not in options:
        return None
    reply = Reply()
    reply.xid = int.from_bytes(message[4:8], "big")
    reply.address = socket.inet_ntoa(message[16:20])
    reply.mac = message[28:34].hex(":")
    reply.server_mac = frame[6:12].hex(":")
    reply.type = options[TYPE][0]
    reply.server = socket.inet_ntoa(options[SERVER_ID]) if SERVER_ID in options else None
    reply.lease = int.from_bytes(options.get(LEASE_TIME, b""), "big")
    return reply


def _options(message):
    at = 240
    while at + 1 < len(message) and message[at] != 255:
        if message[at] == 0:
            at += 1
            continue
        yield message[at], message[at + 2:at + 2 + message[at + 1]]
        at += 2 + message[at + 1]
