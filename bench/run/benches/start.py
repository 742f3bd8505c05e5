# SPDX-License-Identifier: MIT
"""From exec to /readyz with all leases in the store, and what a lease takes of memory."""
import time

from figures import alternate
from lab import wait_until
from place import Spec
from systems import resident
from systems_etcdhcp import STORES, Etcdhcp

PATIENCE_S = 120.0


def add_arguments(parser):
    parser.add_argument("--leases", type=int, default=1000000, metavar="N")


def run(bench):
    record, spec = bench.record, Spec(leases=bench.size(bench.args.leases, 2000))
    record.setting("leases", spec.leases)
    for store in STORES:
        starts(bench, store, spec)
    for store in reversed(STORES):
        record.figure(f"{store}_s", record.median(f"{store}_s"))
    record.figure("bytes_per_lease", record.median("bytes_per_lease"))


def starts(bench, store, spec):
    """One store, filled once by clients, loaded again and again."""
    system = Etcdhcp(store)
    with bench.served(system, spec) as place:
        empty = resident(system.server.process.pid)
        bench.measure(0, system.name, "fill", place, "dora", rate=100.0, duration=0.01, bound=1.0,
                      window=1024, repeat=True, values=filled)
        system.stop_server()
        alternate(bench.rounds, lambda number: once(bench, number, system, place, spec, empty))


def filled(run):
    first = run.report["leases_first"]
    return {"leases": first["leases"], "seconds": first["seconds"]}


def once(bench, number, system, place, spec, empty):
    began = time.monotonic()
    system.start_server(place, spec, ready=False)
    wait_until(system.server.is_ready, f"{system.name} ready", PATIENCE_S, interval=0.001)
    seconds = time.monotonic() - began
    bound = system.server.metrics().sum("leases", state="bound")
    size = (resident(system.server.process.pid) - empty) / spec.leases
    bench.record.run(number, system.name, "start", values={"seconds": seconds, "leases": bound,
                                                           "bytes_per_lease": size})
    if bound < spec.leases:
        bench.record.invalid(f"{system.name}: {bound:.0f} of {spec.leases} leases after a start")
    bench.record.add(f"{system.store}_s", seconds, "s")
    if system.store == "embedded":
        bench.record.add("bytes_per_lease", size, "bytes")
    system.stop_server()
