# SPDX-License-Identifier: MIT
"""What a benchmark found: series over rounds, their ratios, the table, the last line, the JSON.

The JSON file is one object:

    schema      1
    bench       the name, "renew"
    command     the command line
    began       UTC, ISO 8601
    seconds     how long all of it took
    quick       true for the smoke: its figures mean nothing
    valid       true when every run was
    machine     cpu, cores, memory_bytes, kernel, distribution, load_before, load_after (1, 5 and
                15 minutes), placement {role: [processors]}, fsyncs_per_s (where it was measured)
    settings    what the bench was told or chose: {name: number or text}
    versions    {program: text}
    systems     {key: {title, durability, version, packages, commands, configs {file: text}}}
    runs        every single run, in the order of time: {round, system, what, valid, problems,
                others, command, values {name: number}, report}; `others` is what processes that
                were none of ours took of the processors meanwhile (0 to 1), `report` is the
                generator's own JSON (bench/perf/report_json.c), null where another program made
                the run
    series      {name: {unit, values, median, low, high}}, values by round
    ratios      {name: {of, to, values, median, low, high}}, round by round
    figures     {key: number or text}, the last line
"""
import json
import statistics
import sys
import time

import machine

SCHEMA = 1
NOISE = 0.02  # share of the processors that others may take without a word


def summary(values):
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


class Record:
    """Filled by a bench as it goes; printed and written at the end."""

    def __init__(self, bench, quick, placement):
        self.data = {
            "schema": SCHEMA, "bench": bench, "command": " ".join(["scripts/bench", *sys.argv[1:]]),
            "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "seconds": 0.0,
            "quick": quick, "valid": True,
            "machine": machine.describe() | {"load_before": machine.load(),
                                             "placement": placement},
            "settings": {}, "versions": {}, "systems": {}, "runs": [], "series": {}, "ratios": {},
            "figures": {},
        }
        self._started = time.monotonic()

    # Filling

    def setting(self, name, value):
        self.data["settings"][name] = value

    def version(self, program, text):
        self.data["versions"][program] = text

    def system(self, system):
        """A systems.System that was started: how, and with what durability."""
        self.data["systems"][system.name] = system.describe()
        self.version(system.name, self.data["systems"][system.name]["version"])

    def run(self, number, system, what, run=None, values=None, command="", others=0.0):
        """One run: the generator's (generator.Run), or another program's @values."""
        entry = {"round": number, "system": system, "what": what,
                 "valid": run.valid if run else True, "problems": run.problems if run else [],
                 "others": others, "command": run.command if run else command,
                 "values": values or {},
                 "report": run.report if run else None}
        self.data["runs"].append(entry)
        self.data["valid"] = self.data["valid"] and entry["valid"]
        say(f"  round {number}  {system:<20} {what:<22} " +
            "  ".join(f"{key} {number_text(value)}" for key, value in entry["values"].items()) +
            (f"  (others took {others:.0%} of the processors)" if others > NOISE else "") +
            ("" if entry["valid"] else f"  INVALID: {'; '.join(entry['problems'])}"))
        return run

    def invalid(self, why):
        self.data["valid"] = False
        self.data.setdefault("problems", []).append(why)
        say(f"  INVALID: {why}")

    def add(self, name, value, unit="/s"):
        """One round's value of a series."""
        series = self.data["series"].setdefault(name, {"unit": unit, "values": []})
        series["values"].append(value)

    def ratio(self, name, of, to):
        """Round by round; the median of it."""
        pairs = zip(self.values(of), self.values(to))
        values = [a / b for a, b in pairs if b]
        self.data["ratios"][name] = {"of": of, "to": to, "values": values} | summary(values or [0])
        return self.data["ratios"][name]["median"]

    def figure(self, key, value):
        self.data["figures"][key] = value

    # Reading

    def values(self, name):
        return self.data["series"][name]["values"]

    def median(self, name):
        return statistics.median(self.values(name))

    # At the end

    def finish(self):
        data = self.data
        data["seconds"] += time.monotonic() - self._started
        data["machine"]["load_after"] = machine.load()
        for series in data["series"].values():
            series |= summary(series["values"])

    def print(self):
        """The table, then what was measured on, then the last line."""
        for name, series in self.data["series"].items():
            _print_row(name, series, series["unit"])
        for name, ratio in self.data["ratios"].items():
            _print_row(name, ratio, f"{ratio['of']} / {ratio['to']}")
        about = self.data["machine"]
        say(f"on {about['cores']} x {about['cpu']}, Linux {about['kernel']}; load "
            f"{about['load_before'][0]:.2f} before, {about['load_after'][0]:.2f} after; "
            f"{self.data['seconds']:.0f} s")
        # Records that were added may be older than this key.
        others = max((run.get("others", 0) for run in self.data["runs"]), default=0)
        if others > NOISE:
            say(f"beware: others took up to {others:.0%} of the processors during a run")
        if self.data["quick"]:
            say("a smoke test: the figures mean nothing")
        say(" ".join(f"{key}={number_text(value)}" for key, value in self.data["figures"].items()))

    def write(self, path):
        with open(path, "w", encoding="utf-8") as file:
            json.dump(self.data, file, indent=1)
            file.write("\n")


def _print_row(name, row, unit):
    say(f"{name:<34} {number_text(row['median']):>12} {unit:<10} "
        f"({number_text(row['low'])} .. {number_text(row['high'])}, n={len(row['values'])})")


def number_text(value):
    """Three or more digits of significance, no exponent, no thousands' marks."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 100 else \
        f"{value:.3g}"


def say(text):
    print(text, flush=True)


def alternate(rounds, *contestants):
    """A B A B ...: each contestant is called with the number of the round, from 1 on."""
    for number in range(1, rounds + 1):
        for contestant in contestants:
            contestant(number)
