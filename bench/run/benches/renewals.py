# SPDX-License-Identifier: MIT
"""What benchmarks of renewals share: the search for the highest rate that a system bears."""

LOSS = 0.001


def search_options(bench, series, first=100000.0):
    """A search that begins where the last round's ended, so that little of it is spent climbing."""
    known = bench.record.data["series"].get(series)
    if bench.quick:
        return {"rate": 2000.0, "max_rate": 2000.0, "probe": 0.2, "duration": 0.3, "loss": 1.0}
    return {"rate": known["values"][-1] * 0.8 if known else first, "probe": 1.0, "duration": 3.0,
            "loss": LOSS}


def highest(bench, number, system, spec, series=None):
    """Serves @spec by @system, finds the highest rate of renewals, adds it to its series."""
    series = series or f"{system.name}_per_s"
    with bench.served(system, spec) as place:
        run = bench.measure(number, system.name, "renew", place, "renew", search=True,
                            window=256, **search_options(bench, series))
    bench.record.add(series, run.rate)
    return run
