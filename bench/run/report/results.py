# SPDX-License-Identifier: MIT
"""The record of a comparison, asked by server and measure."""
import statistics

QUANTILES = ("p50", "p90", "p99", "p99.9", "max")
# What is measured of every server: key, as a heading, and the exchange that a latency is taken of.
RATES = {"dora": "New leases (DORA) per second", "renew": "Renewals per second"}
SHORT = {"dora": "new leases", "renew": "renewals"}
EXCHANGES = {"dora": "dora", "renew": "renew"}
OVERLOAD = "overload"


def series_name(system, measure):
    """The name under which a rate of a server is recorded."""
    return f"{system} {measure}_per_s"


def latency_name(measure):
    """What a run at half of a server's own highest rate is recorded as."""
    return f"{measure} at half rate"


def share_processors(placement):
    """Whether servers and generator had the same ones (--placement free)."""
    return bool(set(placement["server"]) & set(placement["generator"]))


class Results:
    """A view of the record's data (the object that --json writes); changes nothing."""

    def __init__(self, data):
        self.data = data
        self.systems = data["systems"]

    def keys(self):
        """The servers, in the order in which they were measured."""
        return list(self.systems)

    def rate(self, system, measure):
        """{values, median, low, high} of the rounds; None when it was not measured."""
        values = self.data["series"].get(series_name(system, measure), {}).get("values", [])
        if not values:
            return None
        return {"values": values, "median": statistics.median(values), "low": min(values),
                "high": max(values)}

    def name(self, series):
        """A series of rates for people: "Kea, memfile: renewals"; what is none stays as it is."""
        for key, system in self.systems.items():
            for measure, short in SHORT.items():
                if series == series_name(key, measure):
                    return f"{system['title']}: {short}"
        return series

    def runs(self, system, what):
        return [run for run in self.data["runs"]
                if run["system"] == system and run["what"] == what and run["report"]]

    def latency(self, system, measure):
        """{quantile: microseconds}, the median over the runs; None when there is none."""
        found = []
        for run in self.runs(system, latency_name(measure)):
            exchange = run["report"].get("measured", {}).get("exchanges", {}) \
                .get(EXCHANGES[measure], {})
            if exchange.get("done"):
                found.append(exchange["latency_us"])
        if not found:
            return None
        return {quantile: statistics.median(each[quantile] for each in found)
                for quantile in QUANTILES}

    def latency_rate(self, system, measure):
        """At what rate the latency was measured, per second."""
        rates = [run["report"]["measured"]["rate"]
                 for run in self.runs(system, latency_name(measure))
                 if "measured" in run["report"]]
        return statistics.median(rates) if rates else None

    def goodput(self, system):
        """[(seconds, ACKs per second since the last one)] of the last overload; [] for none."""
        runs = self.runs(system, OVERLOAD)
        points = goodput(runs[-1]["report"].get("time_line", [])) if runs else []
        # What comes after the last client has begun is no overload any more.
        end = self.data["settings"].get("overload_s", float("inf"))
        return [(seconds, rate) for seconds, rate in points if seconds <= end + 0.05]

    def offered(self, system):
        """Transactions per second that the overload began."""
        runs = self.runs(system, OVERLOAD)
        return runs[-1]["report"].get("measured", {}).get("rate") if runs else None


def goodput(time_line):
    """Rates out of the generator's running counts of ACKs; a sample that follows too soon after
    the one before (the end of a phase) is left out."""
    points, before, acks = [], 0.0, 0
    for sample in time_line:
        seconds = sample["seconds"] - before
        if seconds < 0.1:
            continue
        points.append((sample["seconds"], (sample["acks"] - acks) / seconds))
        before, acks = sample["seconds"], sample["acks"]
    return points


def per_s(value):
    """A rate for people: three digits that count, thousands apart: 118403.2 -> "118,000"."""
    if value is None:
        return "-"
    if value < 10:
        return f"{value:.1f}"
    digits = max(len(str(int(value))) - 3, 0)
    return f"{round(value, -digits):,.0f}"


def duration(microseconds):
    """"87 us", "1.25 ms", "2.1 s": three digits at most, with its unit."""
    for limit, divisor, unit in ((1e3, 1, "µs"), (1e6, 1e3, "ms"), (float("inf"), 1e6, "s")):
        if microseconds < limit:
            return f"{microseconds / divisor:.3g} {unit}"
    return ""
