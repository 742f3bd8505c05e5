# SPDX-License-Identifier: MIT
"""A scripted DHCP client: each method sends one message of RFC 2131 and says what came back.

It never retransmits: on a test's own link nothing is lost, so a lost reply is a fault.
"""
import itertools
import os
import random

import frames
from frames import (ACK, BROADCAST, BROADCAST_MAC, DECLINE, DISCOVER, INFORM, NAK, OFFER, RELEASE,
                    REQUEST, SERVER_PORT, Link, build_bootp, build_frame, pack_ip)
from lab import wait_until

COMMON_PARAMETERS = bytes([1, 3, 6, 15, 51, 54, 58, 59])

_serial = itertools.count(1)
_random = random.Random(os.getpid())


def new_mac():
    """A locally administered address that no other client of this run has."""
    return "02:00:" + ":".join(f"{byte:02x}" for byte in next(_serial).to_bytes(4, "big"))


def relay_info(circuit=b"", remote=b"", more=()):
    """The value of option 82."""
    parts = ([(1, circuit)] if circuit else []) + ([(2, remote)] if remote else []) + list(more)
    return frames.pack_options(parts)


class Relay:
    """Stands for a relay agent on the server's link: frames come from it, replies go to it."""

    def __init__(self, giaddr, server, server_mac, info=None, mac=None):
        self.giaddr, self.server, self.server_mac, self.info = giaddr, server, server_mac, info
        self.mac = mac or new_mac()


class Client:
    def __init__(self, link: Link, mac=None, *, client_id=None, tags=(), relay=None,
                 parameters=COMMON_PARAMETERS, broadcast=False):
        self.link, self.mac, self.client_id = link, mac or new_mac(), client_id
        self.tags, self.relay = tags, relay
        self.parameters, self.broadcast = parameters, broadcast
        self.address = self.server = self.server_mac = None

    # Messages

    def message(self, kind, *, requested=None, server=None, options=(), relayed=True, **fields):
        """The bytes of one message and its transaction id."""
        packed = [(frames.TYPE, bytes([kind]))]
        if self.client_id:
            packed.append((frames.CLIENT_ID, self.client_id))
        if requested:
            packed.append((frames.REQUESTED, pack_ip(requested)))
        if server:
            packed.append((frames.SERVER_ID, pack_ip(server)))
        if self.parameters and kind in (DISCOVER, REQUEST, INFORM):
            packed.append((frames.PARAMETERS, self.parameters))
        packed.extend(options)
        if self.relay and relayed:
            fields = {"giaddr": self.relay.giaddr, "hops": 1} | fields
            if self.relay.info is not None:
                packed.append((frames.RELAY_INFO, self.relay.info))
        fields = {"xid": _random.getrandbits(32), "broadcast": self.broadcast} | fields
        return build_bootp(mac=self.mac, options=packed, **fields), fields["xid"]

    def send(self, payload, *, src="0.0.0.0", dst=BROADCAST, dst_mac=None, relayed=True, **options):
        """One frame around @payload: from the relay agent if there is one."""
        src_mac = self.mac
        if self.relay and relayed:
            src, dst, src_mac = self.relay.giaddr, self.relay.server, self.relay.mac
            dst_mac = self.relay.server_mac
            options = {"sport": SERVER_PORT} | options
        self.link.send(build_frame(payload, src_mac=src_mac, dst_mac=dst_mac or BROADCAST_MAC,
                                   src=src, dst=dst, tags=self.tags, **options))

    def say(self, kind, *, src="0.0.0.0", dst=BROADCAST, dst_mac=None, relayed=True, frame=None,
            **fields):
        """Sends one message; its transaction id."""
        payload, xid = self.message(kind, relayed=relayed, **fields)
        self.send(payload, src=src, dst=dst, dst_mac=dst_mac, relayed=relayed, **(frame or {}))
        return xid

    def is_mine(self, reply, xid):
        return reply.xid == xid and reply.mac == self.mac

    def answer(self, xid, *kinds, timeout=20.0):
        """The checked reply to @xid, which must be one of @kinds."""
        reply = self.link.wait(lambda each: self.is_mine(each, xid),
                               f"answer for {self.mac}", timeout).check()
        assert reply.type in kinds, f"unexpected {reply}: {reply.option(frames.MESSAGE)}"
        if self.tags or reply.tags:
            assert [vlan for _, vlan in reply.tags] == [vlan for _, vlan in self.tags]
        return reply

    def insist(self, say, kind, what):
        """The answer to say(), said again and again as real clients do while nothing comes."""
        xids = set()

        def answered():
            xids.add(say())
            try:
                return self.link.wait(lambda reply: reply.mac == self.mac and reply.xid in xids and
                                      reply.type == kind, what, 0.3)
            except frames.Timeout:
                return None
        return wait_until(answered, what, 60.0)

    def expect_silence(self, xid, canary=None, wait=0.5):
        """
        No answer to @xid: proven by a canary's whole exchange, which passes every queue behind
        it, or, where there can be no canary, by waiting.
        """
        if canary:
            canary.dora()
        else:
            try:
                self.link.wait(lambda each: self.is_mine(each, xid), "silence", wait / 2)
            except frames.Timeout:
                return
        came = self.link.pending(lambda each: self.is_mine(each, xid))
        assert not came, f"expected silence, got {came}"

    def expect_refusal(self, xid, canary):
        """NAK or silence, but no address."""
        canary.dora()
        came = self.link.pending(lambda each: self.is_mine(each, xid))
        assert all(reply.check().type == NAK for reply in came), f"expected a refusal, got {came}"

    # Exchanges

    def discover(self, **fields):
        return self.answer(self.say(DISCOVER, **fields), OFFER)

    def select(self, offer, kinds=(ACK,), **fields):
        """REQUEST in SELECTING for an offer."""
        fields = {"requested": offer.yiaddr, "server": offer.server} | fields
        return self._keep(self.answer(self.say(REQUEST, **fields), *kinds))

    def dora(self, requested=None, **fields):
        """DISCOVER (perhaps for an address), OFFER, REQUEST, ACK: the ACK."""
        offer = self.discover(requested=requested, **fields)
        ack = self.select(offer, **fields)
        assert ack.yiaddr == offer.yiaddr
        return ack

    def say_renew(self, **fields):
        """REQUEST in RENEWING: unicast to the server with ciaddr, past any relay agent."""
        fields = {"ciaddr": self.address, "src": self.address, "dst": self.server,
                  "dst_mac": self.server_mac, "relayed": False} | fields
        return self.say(REQUEST, **fields)

    def renew(self, kinds=(ACK,), **fields):
        return self._keep(self.answer(self.say_renew(**fields), *kinds))

    def say_rebind(self, **fields):
        """REQUEST in REBINDING: as RENEWING, but broadcast to whoever listens."""
        return self.say(REQUEST, **({"ciaddr": self.address, "src": self.address} | fields))

    def rebind(self, kinds=(ACK,), **fields):
        return self._keep(self.answer(self.say_rebind(**fields), *kinds))

    def say_reboot(self, address=None, **fields):
        """REQUEST in INIT-REBOOT: option 50, no server identifier, no ciaddr."""
        return self.say(REQUEST, requested=address or self.address, **fields)

    def reboot(self, address=None, kinds=(ACK,), **fields):
        return self._keep(self.answer(self.say_reboot(address, **fields), *kinds))

    def release(self, **fields):
        fields = {"ciaddr": self.address, "server": self.server, "src": self.address,
                  "dst": self.server, "dst_mac": self.server_mac, "relayed": False} | fields
        return self.say(RELEASE, **fields)

    def decline(self, **fields):
        return self.say(DECLINE, **({"requested": self.address, "server": self.server} | fields))

    def inform(self, address, **fields):
        xid = self.say(INFORM, **({"ciaddr": address, "src": address} | fields))
        return self.answer(xid, ACK)

    def _keep(self, reply):
        """Remembers what an ACK gave, as a client would; a NAK takes it away."""
        if reply.type == ACK:
            self.address, self.server, self.server_mac = reply.yiaddr, reply.server, reply.src_mac
        elif reply.type == NAK:
            self.address = None
        return reply
