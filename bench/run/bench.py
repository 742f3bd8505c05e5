# SPDX-License-Identifier: MIT
"""What a benchmark is, and what it is given.

A benchmark is a module in benches/ that is named in __main__.BENCHES, with

    add_arguments(p)   its own options (argparse), where it has any
    run(bench)         measures, into bench.record

The Debian packages it needs beside those of the laboratory are PACKAGES[bench_NAME] in
scripts/lib.sh.

It sizes itself by `bench.size(real, quick)`: the second value is the smoke's, which has to be over
in a few seconds and shows only that everything runs and is valid.
"""
import concurrent.futures
import contextlib
import itertools
import pathlib

import generator
import machine
from figures import Record, say
from place import PLACEMENTS, Place, processors
from systems_etcdhcp import STORES

ROUNDS = 5
TRIES = 3
DISTURBED = 0.1  # share of the processors taken by others


def add_store_options(parser, store, clients, what):
    """--store and --members, what the server commits to, and --clients, @what they do."""
    parser.add_argument("--store", choices=STORES, default=store)
    parser.add_argument("--members", type=int, default=1, choices=(1, 3), metavar="1|3",
                        help="of etcd (1)")
    parser.add_argument("--clients", type=int, default=clients, metavar="N",
                        help=f"{what} ({clients})")


class Bench:
    """One benchmark being run: its arguments, a folder of its own, its record."""

    def __init__(self, name, args, directory):
        self.name, self.args = name, args
        self.directory = pathlib.Path(directory)
        self.quick = args.quick
        self.rounds = args.rounds or (1 if args.quick else ROUNDS)
        self._serial = itertools.count(1)
        self._last = []
        placement = {role: sorted(processors(args.placement, role))
                     for role in PLACEMENTS[args.placement]}
        self.record = Record(name, args.quick, placement)
        self.record.setting("rounds", self.rounds)
        self.record.version("etcdhcp-perf", generator.version())

    def size(self, real, quick):
        return quick if self.quick else real

    def at_end(self, call):
        """@call(bench) when the record is complete."""
        self._last.append(call)

    def end(self):
        for call in self._last:
            call(self)

    def place(self, spec, kind=Place):
        """A place (a context manager) in a folder of its own."""
        return kind(self.directory / f"place{next(self._serial)}", spec, self.args.placement)

    def others(self):
        """machine.Others around a run, which begins when others are calm, if that was asked for."""
        machine.wait_for_calm(self.args.calm)
        return machine.Others()

    @contextlib.contextmanager
    def served(self, system, spec, **options):
        """A place where @system serves @spec; it is recorded, and stopped and removed after."""
        with self.place(spec) as place:
            try:
                system.start(place, spec, **options)
                self.record.system(system)
                yield place
            finally:
                system.stop()

    def measure(self, number, system, what, place, scenario, values=None, tries=TRIES, **options):
        """One run of the generator, recorded; @values makes the numbers to show of it.

        An invalid run is recorded as such, the benchmark goes on and fails at its end. A run that
        the machine held up says nothing of the server and is made again, up to @tries times: where
        the generator came late to its own schedule, or, with --calm, others were not.
        """
        for left in reversed(range(tries)):
            with self.others() as others:
                run = generator.generate(place, scenario, allow=True, **options)
            if not left or not (run.held_up or self.args.calm and others.share > DISTURBED):
                break
            say(f"  held up (others took {others.share:.0%} of the processors): once more")
        shown = values(run) if values else {"per_s": run.rate, "loss": run.loss}
        return self.record.run(number, system, what, run, shown, others=others.share)

    @contextlib.contextmanager
    def meanwhile(self, number, system, what, place, scenario, values=None, **options):
        """The same beside what is done to the server: yields a future of the run, once only, and waits
        for it in the end."""
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            yield pool.submit(self.measure, number, system, what, place, scenario, values, 1,
                              **options)

    def note_disk(self):
        """The disk's own fsync rate, beside everything that waits for it."""
        rate = machine.fsyncs_per_s(self.directory, self.size(1.0, 0.1))
        self.record.data["machine"]["fsyncs_per_s"] = rate
        say(f"  disk: {rate:.0f} fdatasync/s of 4 KiB")
        return rate
