# SPDX-License-Identifier: MIT
"""
What goes wrong, one small class each, and the driver that makes it go wrong at random times.

A fault takes its targets by the driver's random numbers; inject() names them, or returns None when
nothing can be done now (another fault has the target), heal() undoes it all. What a fault holds is
claimed, so that two faults may be under way at once, but not on the same thing.
"""
import contextlib
import random
import signal
import time

import disk

HOUR = 3600


class Fault:
    """@weight: how often, against the others; @longest: seconds until it is healed."""

    name, weight, longest, stores = "", 1, 8.0, ("etcd", "embedded")

    def __init__(self, campus, town, chance):
        self.campus, self.town, self.chance = campus, town, chance
        self.claims, self.undo = [], []

    def claim(self, *things):
        if not self.campus.claim(*things):
            return False
        self.claims += things
        return True

    def heal(self):
        for undo in reversed(self.undo):
            undo()
        self.campus.give_back(*self.claims)

    def inject(self):
        raise NotImplementedError

    def some_server(self, what=""):
        """A server of which nobody has @what in hand, claimed; None when there is none."""
        return self._some(self.campus.servers, what)

    def some_member(self, what=""):
        return self._some(self.campus.members, what)

    def _some(self, nodes, what):
        node = self.chance.choice(nodes)
        return node if self.claim(f"{node.name}{what}") else None


def signal_to(node, number):
    """To a process that may have ended by itself."""
    process = node.process.process
    if process and process.poll() is None:
        process.send_signal(number)


def kill(node):
    process = node.process.process
    if process and process.poll() is None:
        node.process.kill()
    node.process.process = None


class ServerKilled(Fault):
    name, weight = "server-kill", 3

    def inject(self):
        node = self.some_server()
        if node:
            kill(node)
            self.undo.append(lambda: self.campus.start_server(node))
        return node and node.name


class ServerRestarted(Fault):
    """As an operator does it: stopped cleanly, started at once."""
    name, weight, longest = "server-restart", 2, 1.0

    def inject(self):
        node = self.some_server()
        if node and node.process.process and node.process.process.poll() is None:
            signal_to(node, signal.SIGTERM)
            self.undo += [lambda: self.campus.start_server(node), lambda: self._wait(node)]
        return node and node.name

    def _wait(self, node):
        code = node.process.wait_exit()
        if code:
            self.campus.ended.append((node.name, code, node.process.tail(10)))


class ServerReloaded(Fault):
    """SIGHUP: the configuration is read again, the same as before."""
    name, weight, longest = "server-reload", 1, 0.2

    def inject(self):
        node = self.some_server()
        if node:
            signal_to(node, signal.SIGHUP)
        return node and node.name


class ServerStopped(Fault):
    """SIGSTOP: alive, deaf, and sure of itself when it goes on."""
    name, weight, longest = "server-stop", 3, 16.0

    def inject(self):
        node = self.some_server()
        if node:
            signal_to(node, signal.SIGSTOP)
            self.undo.append(lambda: signal_to(node, signal.SIGCONT))
        return node and node.name


class ClockWrong(Fault):
    """Started anew with a wrong clock (libfaketime), later with the right one."""
    name, longest, stores = "clock", 12.0, ("etcd",)
    offsets = (-HOUR, -45, -6, 6, 45)

    def inject(self):
        node = self.some_server()
        if node:
            self._restart(node, self.chance.choice(self.offsets))
            self.undo.append(lambda: self._restart(node, 0))
        return node and f"{node.name} {self.campus.offsets[node.name]:+d} s"

    def _restart(self, node, offset):
        kill(node)
        self.campus.offsets[node.name] = offset
        self.campus.start_server(node)


class ClockAhead(ClockWrong):
    """An hour ahead: what is committed meanwhile is held that long, so the pool runs dry. By name alone."""
    name, weight, offsets = "clock-hour", 0, (HOUR,)


class MemberKilled(Fault):
    name, weight, stores = "member-kill", 2, ("etcd",)

    def inject(self):
        node = self.victim()
        if node:
            kill(node)
            self.undo.append(lambda: node.process.start(ready=False))
        return node and node.name

    def victim(self):
        return self.some_member()


class LeaderKilled(MemberKilled):
    name = "leader-kill"

    def victim(self):
        node = self.campus.leader()
        return node if node and self.claim(node.name) else None


class MemberStopped(Fault):
    name, weight, stores = "member-stop", 2, ("etcd",)

    def inject(self):
        node = self.some_member()
        if node:
            signal_to(node, signal.SIGSTOP)
            self.undo.append(lambda: signal_to(node, signal.SIGCONT))
        return node and node.name


class Outage(Fault):
    """The whole of etcd is deaf or dead, for longer than leases last."""
    name, longest, stores = "etcd-outage", 25.0, ("etcd",)
    ways = ("deaf", "dead")

    def inject(self):
        if not self.claim(*(node.name for node in self.campus.members)):
            return None
        way = self.chance.choice(self.ways)
        for node in self.campus.members:
            if way == "deaf":
                signal_to(node, signal.SIGSTOP)
                self.undo.append(lambda node=node: signal_to(node, signal.SIGCONT))
            else:
                kill(node)
                self.undo.append(lambda node=node: node.process.start(ready=False))
        return way


class Cut(Fault):
    """The cable to the back is pulled."""
    stores = ("etcd",)

    def inject(self):
        node = self.victim()
        if node:
            self.campus.plugged(node, self.campus.back, False)
            self.undo.append(lambda: self.campus.plugged(node, self.campus.back, True))
        return node and node.name


class ServerCut(Cut):
    name, weight, longest = "server-cut", 3, 30.0

    def victim(self):
        return self.some_server(" back")


class MemberCut(Cut):
    name, weight, longest = "member-cut", 2, 10.0

    def victim(self):
        return self.some_member(" back")


class Apart(Fault):
    """Two members do not hear each other, or a server and a member; all others hear both."""
    name, weight, longest, stores = "apart", 2, 12.0, ("etcd",)

    def inject(self):
        one = self.chance.choice(self.campus.members)
        other = self.chance.choice([node for node in self.campus.members + self.campus.servers
                                    if node is not one])
        self.undo.append(self.campus.apart(one, other))
        return f"{one.name} {other.name}"


class LinkLoss(Fault):
    """Requests are lost before a server, replies on their last hop."""
    name, weight = "link-loss", 2

    def inject(self):
        if not self.claim("link"):
            return None
        percent = self.chance.choice((5, 20, 50))
        for node in self.campus.servers:
            self.undo.append(self.campus.lossy(node.namespace, "srv0", percent))
        self.town.loss = percent / 100
        self.undo.append(lambda: setattr(self.town, "loss", 0.0))
        return f"{percent} %"


class BackLoss(Fault):
    name, weight, stores = "back-loss", 1, ("etcd",)

    def inject(self):
        if not self.claim("back"):
            return None
        percent = self.chance.choice((2, 10, 25))
        for node in self.campus.members + self.campus.servers:
            self.undo.append(self.campus.lossy(node.namespace, "back0", percent))
        return f"{percent} %"


class CompactedGap(Fault):
    """Compaction while a server does not watch: it must load anew."""
    name, weight, longest, stores = "compaction", 2, 10.0, ("etcd",)

    def inject(self):
        node = self.some_server()
        if node:
            signal_to(node, signal.SIGSTOP)
            self.undo += [lambda: signal_to(node, signal.SIGCONT), self._compact]
        return node and node.name

    def _compact(self):
        """While there is a quorum; what else is under way may not leave one."""
        with contextlib.suppress(AssertionError, ValueError, IndexError, KeyError):
            self.campus.etcd.compact(patience=2)


class NoSpace(Fault):
    """
    The database is over its quota: etcd raises an alarm and writes nothing until it is disarmed. No other
    fault has a member in hand until there is room again: etcd 3.4 has been seen to come apart after some were
    killed meanwhile, whether for that or not.
    """
    name, longest, stores = "nospace", 6.0, ("etcd",)

    def inject(self):
        if not self.claim("alarm", *self.members()):
            return None
        self.campus.etcd.fill()
        return "etcd"

    def members(self):
        return [node.name for node in self.campus.members]

    def heal(self):
        """Making room may take some tries; what is claimed is given back after them."""
        if self.claims:
            self.campus.make_room(self.claims)


class NoSpaceAmidst(NoSpace):
    """The same amidst all other faults. By name alone."""
    name, weight = "nospace-amidst", 0

    def members(self):
        return []


class MemberDiskFull(Fault):
    name, longest, stores = "disk-full", 6.0, ("etcd",)

    def inject(self):
        node = self.some_member()
        if node:
            ballast = disk.fill(node.process.directory.parent)
            self.undo += [lambda: node.process.start(ready=False), lambda: kill(node),
                          ballast.unlink]
        return node and node.name


class StoreDiskFull(Fault):
    name, weight, longest, stores = "disk-full", 2, 6.0, ("embedded",)

    def inject(self):
        if not self.claim("disk"):
            return None
        ballast = disk.fill(self.campus.directory / "leases")
        self.undo.append(ballast.unlink)
        return "leases"


class SlowDisk(Fault):
    name, weight, stores = "slow-disk", 3, ("embedded",)

    def inject(self):
        if not self.claim("orders"):
            return None
        ms = self.chance.choice((20, 200, 1500))
        disk.orders(self.campus, f"delay {ms}")
        self.undo.append(lambda: disk.orders(self.campus, ""))
        return f"{ms} ms"


class KilledInCommit(Fault):
    """In the middle of a write to the database."""
    name, weight, longest, stores = "commit-kill", 4, 2.0, ("embedded",)

    def inject(self):
        node = self.some_server()
        if not node or not self.claim("orders"):
            return None
        disk.orders(self.campus, f"die {self.chance.randrange(12)}")
        self.undo += [lambda: self.campus.start_server(node), lambda: kill(node),
                      lambda: disk.orders(self.campus, "")]
        return node.name


FAULTS = [ServerKilled, ServerRestarted, ServerReloaded, ServerStopped, ClockWrong, ClockAhead,
          MemberKilled, LeaderKilled, MemberStopped, Outage, ServerCut, MemberCut, Apart, LinkLoss, BackLoss,
          CompactedGap, NoSpace, NoSpaceAmidst, MemberDiskFull, StoreDiskFull, SlowDisk, KilledInCommit]


def named(names, store):
    """The faults of those names that this store can have, all when there are no names."""
    able = [each for each in FAULTS if store in each.stores]
    unknown = set(names) - {each.name for each in FAULTS}
    if unknown:
        raise ValueError(f"no such fault: {', '.join(sorted(unknown))}")
    return [each for each in able if not names or each.name in names]


class Lane:
    """One fault after the other; several lanes make combinations."""

    def __init__(self, campus, town, history, kinds, seed, pause):
        self.campus, self.town, self.history, self.kinds = campus, town, history, kinds
        self.chance, self.pause = random.Random(seed), pause
        self.fault, self.entry = None, None
        self.at = time.monotonic() + self._pause()
        self.counts = {}

    def _pause(self):
        return self.chance.random() * self.pause

    def turn(self, now):
        if now < self.at or not self.kinds:
            return
        if self.fault:
            self.heal()
            self.at = time.monotonic() + self._pause()
        else:
            self._inject()

    def _inject(self):
        weights = [each.weight for each in self.kinds]
        kind = self.chance.choices(self.kinds, weights if any(weights) else None)[0]
        fault = kind(self.campus, self.town, self.chance)
        began = time.monotonic()
        target = fault.inject()
        if not target:
            fault.heal()
            return
        self.fault = fault
        self.entry = self.history.add("fault", began, name=kind.name, target=target)
        self.counts[kind.name] = self.counts.get(kind.name, 0) + 1
        self.at = time.monotonic() + 0.3 + self.chance.random() ** 2 * fault.longest

    def heal(self):
        if self.fault:
            self.fault.heal()
            self.history.add("heal", name=self.fault.name, target=self.entry["target"])
        self.fault = None
