# SPDX-License-Identifier: MIT
"""A server with 1 M leases in etcd is killed under renewals and started again: how long they go
unanswered."""
import time

from figures import alternate
from lab import wait_until
from place import Spec
from systems_etcdhcp import Etcdhcp

BEFORE_S, AFTER_S = 2.0, 8.0
FILL_S, PATIENCE_S = 300.0, 60.0


def add_arguments(parser):
    parser.add_argument("--leases", type=int, default=1000000, metavar="N")
    parser.add_argument("--rate", type=float, default=20000.0, metavar="N",
                        help="renewals a second (20000)")


def run(bench):
    record = bench.record
    leases = bench.size(bench.args.leases, 1000)
    record.setting("leases", leases)
    alternate(bench.rounds, lambda number: recover(bench, number, leases))
    record.figure("leases", leases)
    for key in ("silent_s", "ready_s"):
        record.figure(key, record.median(key))


def recover(bench, number, leases):
    rate = bench.size(bench.args.rate, 500.0)
    system = Etcdhcp("etcd")
    with bench.served(system, Spec(leases=leases)) as place:
        with bench.meanwhile(number, system.name, "recover", place, "renew", values=shown,
                             rate=rate, duration=bench.size(BEFORE_S + AFTER_S, 4.0), bound=1.0,
                             timeout=1.0, window=1024, loss=1.0) as run:
            ready = die(bench, system, place, leases)
    bench.record.add("silent_s", run.result().measured["exchanges"]["renew"]["lost"] / rate, "s")
    bench.record.add("ready_s", ready, "s")


def die(bench, system, place, leases):
    """A while after all have their leases; seconds from the end to being ready again."""
    def renewed():
        page = system.server.metrics()
        return page.sum("leases", state="bound") >= leases and \
            page.sum("replies_total", type="ack") > leases
    wait_until(renewed, "renewals are under way", FILL_S, interval=0.1)
    time.sleep(bench.size(BEFORE_S, 0.5))
    began = time.monotonic()
    system.kill_server()
    system.start_server(place, place.spec, ready=False)
    wait_until(system.server.is_ready, f"{system.name} ready", PATIENCE_S, interval=0.001)
    return time.monotonic() - began


def shown(run):
    renew = run.measured["exchanges"]["renew"]
    return {key: renew[key] for key in ("begun", "done", "lost", "naks")}
