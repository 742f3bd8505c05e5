# SPDX-License-Identifier: MIT
"""etcdhcp beside Kea, ISC dhcpd and dnsmasq: new leases, renewals, latencies, and what is left
under overload; each rate with what an ACK promises. Takes about half an hour."""
import json
import pathlib

from benches import overload as overload_bench
from benches.dora import SLACK_S
from figures import say
from place import Spec
from report import markdown, page
from report.results import OVERLOAD, RATES, latency_name, per_s, series_name
from systems_dhcpd import Dhcpd
from systems_dnsmasq import Dnsmasq
from systems_etcdhcp import Etcdhcp
from systems_kea import Kea

SYSTEMS = {
    "etcdhcp-embedded": Etcdhcp,
    "etcdhcp-etcd": lambda: Etcdhcp("etcd"),
    "etcdhcp-etcd3": lambda: Etcdhcp("etcd", 3),
    "kea-memfile": Kea,
    "kea-postgresql": lambda: Kea("postgresql"),
    "dhcpd": Dhcpd,
    "dnsmasq": Dnsmasq,
}
MEASURES = ("rates", "latency", "overload")
# Round by round; those that the project has set itself goals for come first.
RATIOS = {
    "renew_vs_kea_memfile": ("etcdhcp-embedded renew", "kea-memfile renew"),
    "dora_etcd_vs_kea_memfile": ("etcdhcp-etcd dora", "kea-memfile dora"),
    "dora_etcd_vs_kea_postgresql": ("etcdhcp-etcd dora", "kea-postgresql dora"),
    "dora_vs_kea_memfile": ("etcdhcp-embedded dora", "kea-memfile dora"),
    "dora_vs_kea_postgresql": ("etcdhcp-embedded dora", "kea-postgresql dora"),
    "dora_vs_dhcpd": ("etcdhcp-embedded dora", "dhcpd dora"),
}
LEASES = 1000000        # addresses, and clients; fewer where a server cannot take as many
HOLD_S = 10             # renewed are the leases that a server gives in this time, at most LEASES
FEWEST = 500
FIRST_RATE = 400.0      # of the first search; later ones begin near what the last one found
RESOLUTION = 0.05       # of the searches
TRY_S = 2.0             # of every step: shorter ones find rates that do not last
PATIENCE_S = 1.0        # an answer that takes longer is lost


def add_arguments(parser):
    parser.add_argument("--systems", type=_list_of(SYSTEMS), metavar="A,B", default=None,
                        help=f"only these of {', '.join(SYSTEMS)}")
    parser.add_argument("--measures", type=_list_of(MEASURES), metavar="A,B", default=MEASURES,
                        help=f"only these of {', '.join(MEASURES)}")
    parser.add_argument("--add", metavar="FILE", nargs="+", default=[],
                        help="count earlier runs in, from their --json files; with --rounds 0 "
                        "nothing new is measured")
    parser.add_argument("--html", metavar="FILE", help="write the report there")
    parser.add_argument("--svg", metavar="FILE", help="write the chart of rates there")
    parser.add_argument("--markdown", metavar="FILE", help="write the table of rates there")


def _list_of(names):
    def parse(text):
        chosen = text.split(",")
        unknown = [name for name in chosen if name not in names]
        if unknown:
            raise ValueError(f"unknown: {', '.join(unknown)}")
        return chosen
    parse.__name__ = "list"  # argparse names it when it complains
    return parse


def run(bench):
    for path in bench.args.add:
        add_earlier(bench.record, json.loads(pathlib.Path(path).read_text(encoding="utf-8")))
    systems = chosen(bench)
    before = max((each["round"] for each in bench.record.data["runs"]), default=0)
    rounds = 0 if bench.args.rounds == 0 else bench.rounds
    if rounds:
        bench.note_disk()
    for number in range(before + 1, before + rounds + 1):
        for key in systems:
            if "rates" in bench.args.measures:
                attempt(bench, key, highest_dora, number)
                attempt(bench, key, highest_renew, number)
    for key in systems if rounds else ():
        for measure, call in (("latency", latencies), ("overload", overload)):
            if measure in bench.args.measures:
                attempt(bench, key, call, before + rounds)
    conclude(bench)


def add_earlier(record, data):
    """The rounds of an earlier record of this benchmark, before those to come."""
    if data["bench"] != record.data["bench"]:
        raise RuntimeError(f"a record of {data['bench']}, not of {record.data['bench']}")
    ours = record.data
    offset = max((run["round"] for run in ours["runs"]), default=0)
    ours["runs"] += [run | {"round": run["round"] + offset} for run in data["runs"]]
    ours["systems"] |= data["systems"]
    ours["versions"] |= data["versions"]
    ours["settings"] |= data["settings"]
    if "fsyncs_per_s" in data["machine"]:
        ours["machine"]["fsyncs_per_s"] = data["machine"]["fsyncs_per_s"]
    for name, series in data["series"].items():
        for value in series["values"]:
            record.add(name, value, series["unit"])
    ours["valid"] = ours["valid"] and data["valid"]
    ours["quick"] = ours["quick"] or data["quick"]
    ours["seconds"] += data["seconds"]


def chosen(bench):
    """The keys of the systems to measure. The smoke does with what is installed."""
    if bench.args.systems or not bench.quick:
        return bench.args.systems or list(SYSTEMS)
    there = [key for key, make in SYSTEMS.items() if make().installed()]
    for key in SYSTEMS:
        if key not in there:
            say(f"  SKIPPED: {key} is not installed")
    return there


def attempt(bench, key, call, number):
    """A server that fails spoils its own figures, not the others'."""
    try:
        call(bench, key, number)
    except (RuntimeError, AssertionError) as error:
        bench.record.invalid(f"{key}, round {number}: {error}")


# What is measured, each in a place and a server of its own


def spec_of(bench, system):
    most = bench.size(LEASES, 2000)
    return Spec(leases=min(most, system.most_leases or most), attachment="relay")


def known(bench, key, measure):
    """The median so far; None before the first round."""
    name = series_name(key, measure)
    return bench.record.median(name) if name in bench.record.data["series"] else None


def search_options(bench, key, measure):
    if bench.quick:
        return {"search": True, "rate": 50.0, "max_rate": 50.0, "probe": 0.3, "duration": 0.5,
                "loss": 1.0}
    near = known(bench, key, measure) or (known(bench, key, "dora") or 0) * 1.5 or FIRST_RATE
    return {"search": True, "rate": near * 0.8, "timeout": PATIENCE_S, "resolution": RESOLUTION,
            "probe": TRY_S, "duration": TRY_S, "slack": SLACK_S}


def highest(bench, key, measure, number, **options):
    system = SYSTEMS[key]()
    with bench.served(system, spec_of(bench, system)) as place:
        run = bench.measure(number, key, measure, place, measure,
                            **search_options(bench, key, measure), **options)
    if run.valid:
        bench.record.add(series_name(key, measure), run.rate)


def highest_dora(bench, key, number):
    highest(bench, key, "dora", number, repeat=True)


def highest_renew(bench, key, number):
    highest(bench, key, "renew", number, clients=held(bench, key), window=64)


def held(bench, key):
    """How many leases a server holds while renewals are measured."""
    most = spec_of(bench, SYSTEMS[key]()).leases
    if bench.quick:
        return FEWEST
    return int(min(max((known(bench, key, "dora") or 0) * HOLD_S, FEWEST), most))


def latencies(bench, key, number):
    """At half of the highest rates, for as long again as the leases of the renewals take."""
    for measure in RATES:
        rate = known(bench, key, measure)
        if not rate:
            continue
        options = {"rate": bench.size(rate / 2, 50.0), "duration": bench.size(5.0, 0.5),
                   "loss": bench.size(0.01, 1.0), "spin": True}
        if measure == "renew":
            options |= {"clients": held(bench, key), "window": 64}
        else:
            options |= {"repeat": True}
        system = SYSTEMS[key]()
        with bench.served(system, spec_of(bench, system)) as place:
            bench.measure(number, key, latency_name(measure), place, measure,
                          lambda run: latency_values(run, measure), **options)


def latency_values(run, measure):
    exchange = run.measured.get("exchanges", {}).get(measure, {}).get("latency_us", {})
    return {"per_s": run.rate} | {f"{name}_us": exchange[name] for name in ("p50", "p99", "p99.9")
                                  if name in exchange}


def overload(bench, key, number):
    """Ten times what it bears, as far as the generator can; lost are most of them, of course."""
    rate = known(bench, key, "dora")
    if not rate:
        return
    offered = min(rate * overload_bench.FACTOR, overload_bench.MOST)
    seconds = bench.size(10.0, 1.0)
    bench.record.setting("overload_s", seconds)
    system = SYSTEMS[key]()
    with bench.served(system, spec_of(bench, system)) as place:
        bench.measure(number, key, OVERLOAD, place, "dora",
                      lambda run: {"per_s": run.rate, "share": run.rate / rate},
                      rate=offered, duration=seconds, timeout=PATIENCE_S, loss=1.0,
                      interval=0.5, repeat=True)


# At the end


def conclude(bench):
    record = bench.record
    found = record.data["systems"]
    record.setting("rounds", max((len(each["values"]) for each in record.data["series"].values()),
                                 default=0))
    record.data["systems"] = {key: found.pop(key) for key in SYSTEMS if key in found} | found
    print_rates(record)
    for name, (of, to) in RATIOS.items():
        of, to = (f"{each}_per_s" for each in (of, to))
        if of in record.data["series"] and to in record.data["series"]:
            record.figure(name, record.ratio(name, of, to))
    for key in record.data["systems"]:
        for measure in RATES:
            value = known(bench, key, measure)
            if value:
                record.figure(f"{key.replace('-', '_')}_{measure}_per_s", value)
    bench.at_end(write_reports)


def print_rates(record):
    """The rates, each with what it is worth in the same line."""
    for key, system in record.data["systems"].items():
        rates = {measure: record.data["series"].get(series_name(key, measure))
                 for measure in RATES}
        shown = {measure: per_s(record.median(series_name(key, measure))) if series else "-"
                 for measure, series in rates.items()}
        say(f"{system['title']:<30} DORA {shown['dora']:>8}/s  renewals {shown['renew']:>8}/s  "
            f"{system['durability']}")


def write_reports(bench):
    writers = {"html": page.write, "svg": page.write_chart, "markdown": markdown.write}
    for name, write in writers.items():
        path = getattr(bench.args, name)
        if path:
            write(path, bench.record.data)
