# SPDX-License-Identifier: MIT
"""One run of etcdhcp-perf in a place: its arguments, its report, its verdict."""
import json
import subprocess

from place import GENERATOR_IF, on
from server import build_dir


# Where it shares processors with a server it goes first: an instrument that is held up measures itself.
# Without the right to that, nice(1) says so and goes on.
FIRST = ("nice", "-n", "-5")
LATE = "could not begin in time"  # bench/perf/verdict.c


class InvalidRun(RuntimeError):
    """The generator says that its figures mean nothing; .run has them all the same."""

    def __init__(self, run):
        super().__init__(f"{run.command}: {'; '.join(run.problems)}")
        self.run = run


class Run:
    """What etcdhcp-perf reported (bench/perf/report_json.c), and shortcuts into it."""

    def __init__(self, command, report):
        self.command, self.report = command, report
        self.valid, self.problems = report["valid"], report["problems"]
        self.measured = report.get("measured", {})

    @property
    def rate(self):
        """Transactions per second that were answered."""
        return self.measured.get("done_per_s", 0.0)

    @property
    def loss(self):
        return self.measured.get("loss", 1.0)

    @property
    def held_up(self):
        """It is invalid, and only because the generator came late to its own schedule."""
        return bool(self.problems) and all(LATE in problem for problem in self.problems)

    def latency(self, exchange, quantile):
        """Microseconds; quantile "p50", "p90", "p99", "p99.9", "max" or "mean"."""
        return self.measured["exchanges"][exchange]["latency_us"][quantile]


def binary():
    return build_dir() / "bench" / "perf" / "etcdhcp-perf"


def arguments(spec, scenario, **options):
    """The command's words; max_rate=5 stands for --max-rate 5, repeat=True for --repeat."""
    words = ["-i", GENERATOR_IF, "--quiet", "--json", "-"]
    if spec.attachment == "relay":
        words += ["--giaddr", str(spec.FIRST_RELAY), "--relays", str(spec.relays),
                  "--server", str(spec.server)]
    for name, value in options.items():
        if value is None or value is False:
            continue
        words.append("--" + name.replace("_", "-"))
        if value is not True:
            words.append(f"{value:.12g}" if isinstance(value, float) else str(value))
    return words + [scenario]


def generate(place, scenario, within_s=900, allow=False, **options):
    """Runs etcdhcp-perf on the generator's processors; InvalidRun unless valid or @allow.

    @options are its own, in Python's spelling. --clients is the place's number of leases unless
    given: as many clients as addresses. It is killed when it is not done @within_s seconds.
    """
    spec = place.spec
    options = {"clients": spec.leases} | options
    command = [binary(), *arguments(spec, scenario, **options)]
    with on(place.cpus["generator"]):
        done = place.generator_ns.run(*FIRST, *command, timeout=within_s)
    text = " ".join(["etcdhcp-perf", *command[1:]])
    if not done.stdout.strip():
        raise RuntimeError(f"{text}: ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    run = Run(text, json.loads(done.stdout))
    if not run.valid and not allow:
        raise InvalidRun(run)
    return run


def version():
    return subprocess.run([str(binary()), "--version"], capture_output=True, text=True,
                          check=True).stdout.strip()
