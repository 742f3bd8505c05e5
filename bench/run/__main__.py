# SPDX-License-Identifier: MIT
"""python3 bench/run NAME [--json FILE]: a benchmark by its name. See docs/benchmarks.md.

As root, with everything built and installed: scripts/bench sees to that.
"""
import argparse
import importlib
import os
import pathlib
import signal
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "tests" / "lab")]

import lab  # noqa: E402 (the path comes first)
from bench import Bench  # noqa: E402
from place import PLACEMENTS  # noqa: E402

# Name, module and purpose of each benchmark; scripts/bench reads these lines, too.
BENCHES = {
    "engine": ("benches.engine", "the server's own cost of a renewal and an offer, in process"),
    "reflect": ("benches.reflect", "the ceiling of this machine: frames turned round in place"),
    "etcd-limit": ("benches.etcd_limit", "what an etcd, or the embedded store, takes at most"),
    "renew": ("benches.renew", "renewals per second with 1 M leases, beside the ceiling"),
    "dora": ("benches.dora", "new leases per second, each durable before its ACK"),
    "storm": ("benches.storm", "1 M clients cold at once, until all are bound"),
    "latency": ("benches.latency", "at 50 % and 80 % of the highest rate, beside the commit alone"),
    "near-full": ("benches.near_full", "a pool 99.9 % full beside an empty one"),
    "overload": ("benches.overload", "ten times what is sustained, with renewals mixed in"),
    "start": ("benches.start", "from exec to ready with 1 M leases, and memory per lease"),
    "outage": ("benches.outage", "renewals while the whole of etcd is away for a minute"),
    "failover": ("benches.failover", "one of two servers is killed: how long clients wait"),
    "recover": ("benches.recover", "killed with 1 M leases in etcd: until renewals are answered"),
    "compare": ("benches.compare", "beside Kea, ISC dhcpd and dnsmasq, with a report"),
}


def parse(argv):
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Runs one benchmark.")
    names = parser.add_subparsers(dest="name", metavar="NAME", required=True)
    for name, (module, purpose) in BENCHES.items():
        bench = importlib.import_module(module)
        sub = names.add_parser(name, help=purpose.replace("%", "%%"),
                               description=bench.__doc__)
        sub.add_argument("--json", metavar="FILE", help="write everything there, too")
        sub.add_argument("--rounds", type=int, metavar="N", help="instead of 5")
        sub.add_argument("--quick", action="store_true",
                         help="a smoke: tiny, one round, shows validity and nothing else")
        sub.add_argument("--calm", type=float, default=0.0, metavar="S",
                         help="before each run, wait so long at most until others leave the "
                         "processors alone (0)")
        sub.add_argument("--placement", choices=PLACEMENTS, default="pinned",
                         help="who runs on which processor (pinned)")
        if hasattr(bench, "add_arguments"):
            bench.add_arguments(sub)
    return parser.parse_args(argv)


def main(argv):
    args = parse(argv)
    if os.geteuid() != 0:
        sys.exit("scripts/bench: needs root")
    lab.sweep()
    # SIGTERM unwinds like Ctrl-C does: what was started is ended.
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    with tempfile.TemporaryDirectory(prefix="etcdhcp-bench.") as directory:
        bench = Bench(args.name, args, directory)
        importlib.import_module(BENCHES[args.name][0]).run(bench)
    bench.record.finish()
    bench.record.print()
    bench.end()
    if args.json:
        bench.record.write(args.json)
    return 0 if bench.record.data["valid"] else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
    except (RuntimeError, AssertionError, OSError) as error:
        sys.exit(f"scripts/bench: {error}")
