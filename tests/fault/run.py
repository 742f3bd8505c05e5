#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
Breaks things at random while clients of many kinds come and go, then judges what was promised.

Everything follows from the seed but the timing of processes and packets, so that a run cannot be
repeated exactly; its history can be judged again. Ends with 1 when a rule was broken, 2 when the run
itself failed, 3 when etcd itself came apart: there is nothing to judge then.
"""
import argparse
import collections
import os
import pathlib
import signal
import sys
import tempfile
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lab")]

import aftermath  # noqa: E402 (the path comes first)
import broken  # noqa: E402
import campus  # noqa: E402
import faults  # noqa: E402
import history  # noqa: E402
import lab  # noqa: E402
from checker import Checker  # noqa: E402
from town import Town  # noqa: E402

SETTLE_S = 3.0
LANES = 2


def arguments(argv):
    parser = argparse.ArgumentParser(
        prog="scripts/fault", description=__doc__.strip().splitlines()[0],
        epilog="Faults: " + ", ".join(sorted({each.name for each in faults.FAULTS})))
    parser.add_argument("--minutes", type=float, default=3.0, help="of faults (default 3)")
    parser.add_argument("--seed", type=int, default=None, help="default: a random one, printed")
    parser.add_argument("--store", choices=("etcd", "embedded"), default="etcd")
    parser.add_argument("--faults", default="", metavar="LIST",
                        help="those alone, with commas; none: no faults")
    parser.add_argument("--history", type=pathlib.Path, metavar="FILE",
                        help="keeps every packet and fault there, as JSON lines")
    parser.add_argument("--judge", type=pathlib.Path, metavar="FILE",
                        help="runs nothing: judges a history that was kept")
    parser.add_argument("--devices", type=int, default=100, help="clients (default 100)")
    parser.add_argument("--pace", type=float, default=1.0, metavar="SECONDS",
                        help="between two things that a client does (default 1)")
    parser.add_argument("--pause", type=float, default=4.0, metavar="SECONDS",
                        help="at most, between two faults of a lane (default 4)")
    parser.add_argument("--resume", type=float, default=aftermath.RESUME_S, metavar="SECONDS",
                        help="in which all serve again after etcd's return (default 2)")
    parser.add_argument("--early", action="store_true",
                        help="ends as soon as a rule has been broken")
    parser.add_argument("--broken", choices=sorted(broken.EXPOSED_BY), metavar="NAME",
                        help="a server that breaks a rule on purpose: ends with 0 when that is caught ("
                        + ", ".join(sorted(broken.EXPOSED_BY)) + ")")
    parser.add_argument("--keep", type=pathlib.Path, metavar="FOLDER",
                        help="for logs and configurations, instead of a temporary one")
    options = parser.parse_args(argv)
    if options.broken:
        options.early = True
        options.faults = options.faults or ",".join(broken.EXPOSED_BY[options.broken])
    try:
        options.kinds = [] if options.faults == "none" else faults.named(
            [name for name in options.faults.split(",") if name], options.store)
    except ValueError as failure:
        parser.error(str(failure))
    if options.seed is None:
        options.seed = int.from_bytes(os.urandom(3), "big")
    return options


class StoreApart(Exception):
    """etcd's members tell different contents of one revision."""


class Run:
    """One run from start to verdict."""

    def __init__(self, options, directory):
        self.options = options
        self.log = history.History(options.history, seed=options.seed, store=options.store,
                                   faults=[kind.name for kind in options.kinds])
        self.campus = campus.Campus(directory, options.store, devices=options.devices)
        self.found, self.resumed, self.caught = [], None, False
        self.began = time.monotonic()

    def go(self):
        try:
            self.campus.start()
            self._leave_out_clocks()
            self.town = Town(self.campus.town, "cli0", self.log, self.campus.addresses(),
                             campus.SHARED, self.campus.pools, count=self.options.devices,
                             seed=self.options.seed, pace=self.options.pace)
            canary = aftermath.Canary(self.town)
            self.lanes = [faults.Lane(self.campus, self.town, self.log, self.options.kinds,
                                      self.options.seed * 16 + number, self.options.pause)
                          for number in range(LANES)]
            self.town.start()
            try:
                self._break_things()
                if not self.caught:
                    self._aftermath(canary)
            finally:
                self.town.stop()
        finally:
            self.campus.close()
            self.log.close()
        return self._verdict()

    def _leave_out_clocks(self):
        wrong = [kind for kind in self.options.kinds if issubclass(kind, faults.ClockWrong)]
        if wrong and not self.campus.knows_clocks():
            print("left out: wrong clocks; these servers do not tell each other theirs", flush=True)
            self.options.kinds = [kind for kind in self.options.kinds if kind not in wrong]

    def _break_things(self):
        self.began = now = time.monotonic()
        end, say_at, judge_at = now + self.options.minutes * 60, now + 10, now + 15
        while now < end:
            for lane in self.lanes:
                lane.turn(now)
            self.campus.tend()
            self.town.check()
            if now >= say_at:
                say_at = now + 10
                self._progress()
                self._insist_on_one_store()
            if self.options.early and now >= judge_at:
                judge_at = now + 15
                self.caught = bool(Checker().run(list(self.log.events)).violations)
                if self.caught:
                    break
            time.sleep(0.05)
            now = time.monotonic()
        for lane in self.lanes:
            lane.heal()

    def _insist_on_one_store(self):
        """Nobody can promise anything on an etcd whose members disagree: then there is nothing to judge."""
        told = self.campus.members and self.campus.split()
        if told:
            self.log.add("split", told=told)
            raise StoreApart(f"etcd has come apart; of one revision its members tell: {told}")

    def _progress(self):
        under_way = [f"{lane.fault.name} ({lane.entry['target']})"
                     for lane in self.lanes if lane.fault]
        print(f"{time.monotonic() - self.began:6.0f} s  {self.town.operations} operations, "
              f"{sum(self._faults().values())} faults  {', '.join(under_way)}", flush=True)

    def _faults(self):
        return sum((collections.Counter(lane.counts) for lane in self.lanes),
                   collections.Counter())

    def _aftermath(self, canary):
        self.found += aftermath.healed(self.campus, self.town, canary)
        time.sleep(0 if self.found else SETTLE_S)
        if self.campus.members and not self.found:
            late, self.resumed = aftermath.resumes(self.campus, self.town, canary, self.log,
                                                   self.options.resume)
            self.found += late
        self.town.hush()
        time.sleep(1.5)
        self._insist_on_one_store()
        records, clients = aftermath.read_store(self.campus, self.log)
        if self.campus.members:
            self.found += aftermath.consistent(records, clients)
        if not self.found:
            self.found += aftermath.adds_up(self.campus)
        self.found += aftermath.crashes(self.campus)

    def _verdict(self):
        checker = Checker().run(self.log.events)
        report(checker.violations + self.found, checker.counts, self._faults(),
               seed=self.options.seed, operations=self.town.operations,
               seconds=f"{time.monotonic() - self.began:.0f}",
               resume_s=f"{self.resumed:.1f}" if self.resumed is not None else None)
        return checker.violations + self.found


def report(violations, counts, injected, **more):
    """For people, then one line of key=value."""
    for violation in violations[:20]:
        print(f"\n{violation}")
    if len(violations) > 20:
        print(f"\n... and {len(violations) - 20} more")
    if injected:
        print("\nfaults: " + ", ".join(f"{name} {n}" for name, n in sorted(injected.items())))
    facts = {key: value for key, value in more.items() if value is not None}
    facts |= {key: counts[key] for key in ("sent", "received", "acks", "naks", "promises",
                                           "stale_renewals", "late_acks", "overtaken_naks",
                                           "running")}
    facts |= {"faults": counts["faults"], "violations": len(violations)}
    facts |= collections.Counter(each.rule for each in violations)
    print(" ".join(f"{key}={value}" for key, value in facts.items()), flush=True)


def main(argv=None):
    options = arguments(argv)
    if options.judge:
        checker = Checker().run(history.read(options.judge))
        report(checker.violations, checker.counts, {})
        return bool(checker.violations)
    print(f"seed {options.seed}, {options.minutes:g} minutes, {options.devices} clients, "
          f"{options.store}, faults: {', '.join(kind.name for kind in options.kinds) or 'none'}",
          flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    lab.die_with_parent(signal.SIGTERM)
    lab.sweep()
    with tempfile.TemporaryDirectory(prefix="etcdhcp-fault.") as temporary:
        directory = options.keep or pathlib.Path(temporary)
        directory.mkdir(parents=True, exist_ok=True)
        if options.broken:
            os.environ["ETCDHCP_BUILD"] = str(broken.build(options.broken, directory))
        try:
            violations = Run(options, directory).go()
        except StoreApart as apart:
            print(apart, file=sys.stderr)
            return 3
        except Exception:
            traceback.print_exc()
            return 2
        return not violations if options.broken else bool(violations)


if __name__ == "__main__":
    sys.exit(main())
