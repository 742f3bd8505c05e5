# SPDX-License-Identifier: MIT
"""
Clients of many kinds on one link: what each does next follows from its own seed alone.

A device speaks RFC 2131 as clients do: DISCOVER, REQUEST, renewals by unicast at T1, by broadcast
at T2, and again from the start. Its kind is a table of what else it does while it is bound, and how
often. Some of that no honest client would do; the servers have to withstand it, and the checker
knows what such a client may claim. Everything said and heard goes into the history.
"""
import random

import wire

SOMETIMES = {"renew": 6, "rebind": 2, "reboot": 1}
# What a bound device does next, by kind, with weights; see the methods of the same names.
KINDS = {
    "steady": {"renew": 1},
    "restless": SOMETIMES,
    "roaming": SOMETIMES | {"roam": 3},
    "releasing": {"renew": 2, "release": 3, "renew_after_release": 0.3},
    "declining": {"renew": 3, "decline": 0.4},
    "rebooting": {"renew": 1, "reboot": 4, "vanish": 1},
    "misbehaving": {"renew": 2, "ask_anothers": 2, "renew_anothers": 2, "select_anothers": 2,
                    "wrong_server": 1, "say_again": 2, "release_anothers": 1, "decline_anothers": 1,
                    "renew_after_expiry": 1, "vanish": 1},
    "cloned": SOMETIMES | {"vanish": 1},
}
# How many in a hundred are of each kind; cloned ones are devices, two to an identity.
SHARES = {"steady": 14, "restless": 14, "roaming": 14, "releasing": 16, "declining": 8,
          "rebooting": 12, "misbehaving": 12, "cloned": 10}
NETWORKS = ("near", "far")
LEASES = (None, None, 5, 8, 20)  # option 51; None: what the server likes
STRANGER = "198.51.100.1"
ANSWER_S = 0.7                   # before a message is sent anew, doubling
TRIES = 4
# After giving an address up, before it says anything else: by then a server that was stopped knows
# that what it finds waiting may be old. No server could tell a RELEASE that was sent before its
# client's return and arrives behind it. For the same reason cloned devices give nothing up.
QUIET_S = 2.5


class Device:
    """One client. The town (see town.py) gives it its turns and what arrives for it."""

    def __init__(self, number, kind, seed, mac, town):
        self.number, self.kind, self.mac, self.town = number, kind, mac, town
        self.random = random.Random(seed)
        self.client_id = None if kind == "cloned" or self.random.random() < 0.7 else \
            b"\0" + number.to_bytes(4, "big")
        self.client = "id:" + self.client_id.hex() if self.client_id else "mac:" + mac
        self.network = self.random.choice(NETWORKS)
        self.lease_wanted = self.random.choice(LEASES)
        self.homes = {}          # network -> the address last held there
        self.last_request = None
        self.secs = 0            # since it first said what it says now
        self._forget()

    def _forget(self):
        """INIT: no address."""
        self.address = self.server = self.server_mac = None
        self.expires = self.rebinds = 0.0
        self.waiting = None      # ({xid: when said}, how to say it again, of what, tries, patience)
        self.later = None        # what to do at the next turn, whatever else is due

    # Turns

    def turn(self, now):
        """Something is due: an answer that did not come, or the next thing to do. When to be woken."""
        if self.later:
            later, self.later = self.later, None
            return later(now)
        if self.waiting:
            return self._again(now)
        if not self.address:
            return self._start(now)
        if now >= self.expires:
            self._forget()
            return now + self._think()
        return self._act(now)

    def _think(self):
        """Seconds between two things that a device does."""
        return self.random.expovariate(1 / self.town.pace)

    def _start(self, now):
        """A boot: for what it had before, where it remembers that, else for anything."""
        remembered = self.homes.get(self.network)
        if remembered and self.random.random() < 0.4:
            return self._ask(now, self._say_reboot, remembered)
        return self._ask(now, self._discover)

    def _act(self, now):
        if now >= self.rebinds:
            return self.rebind(now)
        actions = KINDS[self.kind]
        name = self.random.choices(list(actions), list(actions.values()))[0]
        return getattr(self, name)(now)

    def _ask(self, now, say, *what):
        self.waiting = ({}, say, what, TRIES, ANSWER_S)
        return self._say(now)

    def _say(self, now):
        """Each time with a transaction id of its own: so an answer belongs to one sending."""
        xids, say, what, tries, patience = self.waiting
        self.secs = int(now - min(xids.values(), default=now))
        xids[say(*what)] = now
        self.waiting = (xids, say, what, tries - 1, patience * 2)
        return now + patience * (0.8 + 0.4 * self.random.random())

    def _again(self, now):
        if self.waiting[3] > 0:
            return self._say(now)
        self.waiting = None
        return now + self._think()

    # What arrives

    def expects(self, reply):
        return self.waiting and reply.xid in self.waiting[0]

    def heard(self, reply, now):
        """A reply for this device; when to be woken, None for no change."""
        if not self.expects(reply):
            return None
        if reply.type == wire.OFFER and self.waiting[1] == self._discover:
            return self._ask(now, self._select, reply.address, reply.server)
        if reply.type == wire.ACK:
            return self._bound(reply, now)
        if reply.type == wire.NAK:
            if self.waiting[1] != self._discover:
                self.homes.pop(self.network, None)
            self._forget()
            return now + self._think() / 4
        return None

    def _bound(self, reply, now):
        began = self.waiting[0][reply.xid]
        self.waiting = None
        self.address, self.server, self.server_mac = reply.address, reply.server, reply.server_mac
        self.homes[self.network] = reply.address
        self.expires, self.rebinds = began + reply.lease, began + reply.lease * 0.87
        if self.kind == "steady":
            return began + reply.lease / 2
        return now + self._think()

    # Messages

    def _send(self, kind, unicast=False, **fields):
        xid = fields.pop("xid", None) or self.random.getrandbits(32) or 1
        if kind in (wire.DISCOVER, wire.REQUEST):
            fields["secs"] = self.secs
        if kind == wire.REQUEST:
            self.last_request = dict(fields, xid=xid)
        self.town.send(self, kind, self.server_mac if unicast else None, xid=xid, **fields)
        return xid

    def _discover(self):
        return self._send(wire.DISCOVER, lease=self.lease_wanted)

    def _select(self, address, server):
        return self._send(wire.REQUEST, requested=address, server=server, lease=self.lease_wanted)

    def _say_reboot(self, address):
        return self._send(wire.REQUEST, requested=address, lease=self.lease_wanted)

    def _say_renew(self, address):
        return self._send(wire.REQUEST, unicast=True, ciaddr=address, lease=self.lease_wanted)

    def _say_rebind(self, address):
        return self._send(wire.REQUEST, ciaddr=address, lease=self.lease_wanted)

    # What a bound device may do

    def renew(self, now):
        return self._ask(now, self._say_renew, self.address)

    def rebind(self, now):
        return self._ask(now, self._say_rebind, self.address)

    def reboot(self, now):
        address = self.address
        self._forget()
        return self._ask(now, self._say_reboot, address)

    def vanish(self, now):
        """Switched off, without a word; some come back after their lease."""
        wake = now + self.random.choice((1, 5, 25))
        self._forget()
        return wake

    def roam(self, now):
        """To the other network, asking there for what it had there, or, wrongly, for what it has here."""
        here = self.address
        self.network = NETWORKS[self.network == NETWORKS[0]]
        self._forget()
        if self.random.random() < 0.3:
            return self._ask(now, self._say_reboot, here)
        return self._start(now)

    def release(self, now):
        self._send(wire.RELEASE, unicast=True, ciaddr=self.address, server=self.server)
        self._forget()
        return now + QUIET_S + self._think() / 4

    def decline(self, now):
        self._send(wire.DECLINE, requested=self.address, server=self.server)
        self.homes.pop(self.network, None)
        self._forget()
        return now + QUIET_S + self._think() / 4

    # What it must not do

    def renew_after_release(self, now):
        address, mac = self.address, self.server_mac
        self.release(now)
        self.server_mac = mac
        return self._ask(now, self._say_renew, address)

    def renew_after_expiry(self, now):
        """Keeps quiet until its lease is over, then renews as if it were not."""
        address = self.address
        wake = self.expires + self.random.random() * 10
        self._forget()
        self.later = lambda now: self._ask(now, self._say_rebind, address)
        return wake

    def _anothers(self):
        return self.town.some_address(self.network, self.random)

    def ask_anothers(self, now):
        return self._ask(now, self._say_reboot, self._anothers())

    def renew_anothers(self, now):
        say = self.random.choice((self._say_renew, self._say_rebind))
        return self._ask(now, say, self._anothers())

    def select_anothers(self, now):
        return self._ask(now, self._select, self._anothers(),
                         self.town.some_server(self.network, self.random))

    def wrong_server(self, now):
        self._select(self.address, STRANGER)
        return now + self._think()

    def say_again(self, now):
        """Its last REQUEST once more, with the transaction id of old."""
        self._send(wire.REQUEST, **self.last_request)
        return now + self._think()

    def release_anothers(self, now):
        self._send(wire.RELEASE, unicast=True, ciaddr=self._anothers(), server=self.server)
        return now + self._think()

    def decline_anothers(self, now):
        self._send(wire.DECLINE, requested=self._anothers(), server=self.server)
        return now + self._think()


def settle(town, count, seed):
    """@count devices of all kinds; two and two of the cloned ones have one hardware address."""
    chance = random.Random(seed)
    kinds = [kind for kind, share in SHARES.items() for _ in range(max(1, share * count // 100))]
    devices, clones = [], 0
    for number, kind in enumerate(kinds):
        owner = number
        if kind == "cloned":
            owner, clones = number - clones % 2, clones + 1
        mac = "02:fa:" + owner.to_bytes(4, "big").hex(":")
        devices.append(Device(number, kind, chance.getrandbits(64), mac, town))
    return devices
