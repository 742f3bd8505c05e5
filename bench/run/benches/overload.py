# SPDX-License-Identifier: MIT
"""Ten times the DORA rate that the server sustains, with renewals mixed in: how much of the sustained
rate remains, and how many renewals are lost."""
from bench import add_store_options
from benches import dora
from figures import alternate
from place import Spec
from systems_etcdhcp import Etcdhcp

FACTOR = 10
RENEWALS = 0.1  # one renewal for so many new clients
# Transactions a second: the generator begins no more in time, nor keeps more clients waiting.
MOST = 300000.0
BOUND = 0.1     # share of clients that have leases to renew at the start


def add_arguments(parser):
    add_store_options(parser, "etcd", 2000000, "that there are")
    parser.add_argument("--seconds", type=float, default=60.0, metavar="S",
                        help="of overload (60)")


def run(bench):
    args, record = bench.args, bench.record
    bench.note_disk()
    record.setting("factor", FACTOR)
    record.setting("renewals", RENEWALS)
    alternate(bench.rounds,
              lambda number: dora.ours(bench, number, Etcdhcp(args.store, args.members)),
              lambda number: overload(bench, number))
    record.figure("store", args.store)
    record.figure("goodput_ratio", record.ratio("goodput_ratio", "goodput_per_s", "dora_per_s"))
    record.figure("renewal_loss_pct", record.median("renewal_loss"))


def overload(bench, number):
    system = Etcdhcp(bench.args.store, bench.args.members)
    sustained = bench.record.values("dora_per_s")[-1]
    rate = min(sustained * bench.size(FACTOR, 2) * (1 + RENEWALS), MOST)
    spec = Spec(leases=bench.size(bench.args.clients, 5000))
    with bench.served(system, spec) as place:
        run = bench.measure(number, system.name, "overload", place, "mix", values=shown,
                            mix=f"dora=10,renew={10 * RENEWALS:.0f}", bound=BOUND, rate=rate,
                            duration=bench.size(bench.args.seconds, 0.5), loss=1.0, repeat=True,
                            window=1024)
    values = shown(run)
    bench.record.add("goodput_per_s", values["dora_per_s"])
    bench.record.add("renewal_loss", values["renewal_loss_pct"], "%")


def shown(run):
    exchanges, seconds = run.measured["exchanges"], run.measured["seconds"]
    renew = exchanges["renew"]
    return {"dora_per_s": exchanges["dora"]["done"] / seconds,
            "renewal_loss_pct": 100.0 * (renew["lost"] + renew["naks"]) / renew["begun"],
            "renew_p99_us": renew["latency_us"]["p99"]}
