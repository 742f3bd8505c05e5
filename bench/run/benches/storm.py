# SPDX-License-Identifier: MIT
"""An avalanche: all clients cold at once, each retransmitting as RFC 2131 section 4.1 says, until all
are bound; beside the DORA rate that the same server sustains."""
from bench import add_store_options
from benches import dora
from figures import alternate
from place import Spec
from systems_etcdhcp import Etcdhcp

UNDERWAY, DONE = 0.01, 0.99  # shares of all clients between which goodput is looked at


def add_arguments(parser):
    add_store_options(parser, "etcd", 1000000, "that come up at once")


def run(bench):
    args, record = bench.args, bench.record
    clients = bench.size(args.clients, 500)
    bench.note_disk()
    alternate(bench.rounds,
              lambda number: dora.ours(bench, number, Etcdhcp(args.store, args.members)),
              lambda number: avalanche(bench, number, clients))
    record.figure("clients", clients)
    for key in ("bound_pct", "seconds"):
        record.figure(key, record.median(key))
    record.figure("goodput_ratio", record.median("goodput_ratio"))
    record.figure("store", args.store)


def avalanche(bench, number, clients):
    system = Etcdhcp(bench.args.store, bench.args.members)
    options = bench.size({"limit": 600.0}, {"limit": 30.0, "spread": 0.1, "retransmit_base": 0.5})
    sustained = bench.record.values("dora_per_s")[-1]
    with bench.served(system, Spec(leases=clients)) as place:
        run = bench.measure(number, system.name, "storm", place, "storm", values=shown,
                            tries=1, **options)
    storm = run.report["storm"]
    bench.record.add("bound_pct", storm["bound_pct"], "%")
    bench.record.add("seconds", storm.get("seconds_100", run.measured["seconds"]), "s")
    bench.record.add("goodput_ratio", worst(run.report["time_line"], clients, sustained), "")


def shown(run):
    storm = run.report["storm"]
    return {key: storm[key] for key in ("bound_pct", "seconds_50", "seconds_99", "seconds_100")
            if key in storm}


def worst(time_line, clients, sustained):
    """The lowest goodput of an interval under way, as a share of the sustained rate.

    Only intervals in which clients asked often enough for that rate count (two messages for each
    new lease): between the waves of their retransmissions a server has nothing to do.
    """
    ratios = [(now["acks"] - before["acks"]) / seconds / sustained
              for before, now, seconds in intervals(time_line)
              if UNDERWAY * clients <= before["acks"] and now["acks"] <= DONE * clients
              and now["sent"] - before["sent"] >= 2 * sustained * seconds]
    return min(ratios, default=1.0)


def intervals(time_line):
    start = {"seconds": 0.0, "sent": 0, "acks": 0}
    for before, now in zip([start, *time_line], time_line):
        seconds = now["seconds"] - before["seconds"]
        if seconds > 0:
            yield before, now, seconds
