# SPDX-License-Identifier: MIT
"""The page: one file, nothing loaded from anywhere, no script."""
import statistics

from report import charts, svg
from report.results import QUANTILES, RATES, SHORT, Results, duration, per_s, share_processors
from report.style import PAGE

escape = svg.escape
TITLE = "DHCP servers compared"
NOISE = 0.05  # share of the processors that others may take without being mentioned


def write(path, data):
    with open(path, "w", encoding="utf-8") as file:
        file.write(page(data))


def write_chart(path, data):
    """The chart of rates in a file of its own, for a README."""
    results = Results(data)
    with open(path, "w", encoding="utf-8") as file:
        file.write(charts.rates(_rows(results), list(RATES.values()), TITLE, alone=True))
        file.write("\n")


def page(data):
    """The whole document as text."""
    results = Results(data)
    body = "".join([_head(data), _rates(results), _latencies(results), _goodput(results),
                    _ratios(results), _machine(data), _systems(results), _runs(data)])
    return ('<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width,initial-scale=1">'
            f"<title>{TITLE}</title><style>{PAGE}</style></head>"
            f"<body><main>{body}</main></body></html>\n")


def _where(placement):
    if share_processors(placement):
        return ("Every server runs together with its store and the load generator on the same "
                f"{len(placement['server'])} processors, where the kernel puts them")
    return ("Every server runs alone on one processor together with its store, the load "
            "generator on another")


def _head(data):
    about = data["machine"]
    warnings = []
    if data["quick"]:
        warnings.append("A smoke test: the figures mean nothing.")
    if not data["valid"]:
        warnings.append("Not every run was valid; the list at the end says which and why.")
    others = max((run["others"] for run in data["runs"]), default=0.0)
    if others > NOISE:
        warnings.append(f"Other processes took up to {others:.0%} of the processors during a run; "
                        "the list at the end says when.".replace("%", " %"))
    return (f"<h1>{TITLE}</h1><p class='sub'>{escape(data['began'])}, "
            f"{about['cores']} × {escape(about['cpu'])}, Linux {escape(about['kernel'])}</p>" +
            "".join(f"<div class='banner'>{escape(words)}</div>" for words in warnings) +
            f"<p>{_where(about['placement'])}, joined by a virtual cable; the servers take turns, "
            "round by round. Clients are behind a relay agent. A rate is the highest at which fewer than "
            "one transaction in a thousand is lost or takes more than a second, found by a "
            "search.</p><p>Rates are to be read together with what an acknowledgement promises: a "
            "server that does not wait for its disk may forget what it has acknowledged when "
            "power fails, and give the address to somebody else.</p>")


def _rows(results):
    return [charts.Row(key, system["title"], system["durability"], system.get("durable", True),
                       [results.rate(key, measure) for measure in RATES])
            for key, system in results.systems.items()]


# Sections


def _rates(results):
    chart = charts.rates(_rows(results), list(RATES.values()), "Rates of all servers")
    rows = [[f"<b>{escape(system['title'])}</b><br><small>{escape(system['durability'])}</small>",
             *[_rate_cell(results.rate(key, measure)) for measure in RATES],
             _held(results, key)]
            for key, system in results.systems.items()]
    heads = ["server, and what its ACK promises", *RATES.values()]
    return (_section("Rates") + _figure(chart, "Medians over all rounds on a logarithmic axis; the "
                                        "thin line is the range. Hatched: acknowledged before it "
                                        "is on disk.") +
            _table([*heads, "leases held during renewals"], rows, first_numeric=1))


def _rate_cell(rate):
    if not rate:
        return "<span class='soft'>not measured</span>"
    rounds = len(rate["values"])
    note = f"{per_s(rate['low'])} – {per_s(rate['high'])}, {rounds} rounds" if rounds > 1 else \
        "one round"
    return f"<b>{per_s(rate['median'])}</b><br><small>{note}</small>"


def _held(results, key):
    held = [run["report"]["leases_first"]["leases"] for run in results.runs(key, "renew")]
    return f"{statistics.median(held):,.0f}" if held else ""


def _latencies(results):
    parts = [_section("Latency at half of each server's own maximum"),
             "<p>From the moment a message was due to the moment its answer was there, so that "
             "waiting in line counts. A server that bears more is measured at a higher rate: it "
             "stands beside its name.</p>"]
    for measure, what in (("dora", "new leases, DISCOVER to ACK"), ("renew", "renewals")):
        lines = []
        for key, system in results.systems.items():
            latency = results.latency(key, measure)
            if latency:
                lines.append(charts.Line(key, system["title"],
                                         f"{per_s(results.latency_rate(key, measure))}/s",
                                         [latency[quantile] for quantile in QUANTILES]))
        parts.append(_figure(charts.latencies(lines, f"Latency of {what}"), f"Latency of {what}.")
                     if lines else f"<p class='soft'>Latency of {what}: not measured.</p>")
    parts.append(_latency_table(results))
    return "".join(parts)


def _latency_table(results):
    rows = []
    for key, system in results.systems.items():
        for measure, what in SHORT.items():
            latency = results.latency(key, measure)
            if latency:
                rows.append([escape(system["title"]), what,
                             f"{per_s(results.latency_rate(key, measure))}/s",
                             *[duration(latency[quantile]) for quantile in QUANTILES]])
    heads = ["server", "of", "at", *[f"{quantile[1:]} %" if quantile != "max" else "max"
                                     for quantile in QUANTILES]]
    return _table(heads, rows, first_numeric=2) if rows else ""


def _goodput(results):
    lines = []
    for key, system in results.systems.items():
        own, points = results.rate(key, "dora"), results.goodput(key)
        if own and points:
            factor = results.offered(key) / own["median"]
            lines.append(charts.Line(key, system["title"], f"{factor:.3g} ×",
                                     [(at, rate / own["median"]) for at, rate in points]))
    chart = _figure(charts.goodput(lines, "Goodput under overload"),
                    "Completed DORA exchanges per second as a share of the server's own highest "
                    "rate, while it is offered that many times as much (beside its name). A server "
                    "that stays near 100 % sheds what it cannot do; one that sinks works for "
                    "clients that have given up.") if lines else \
        "<p class='soft'>Not measured.</p>"
    return _section("Goodput under overload") + chart


def _ratios(results):
    rows = [[escape(results.name(ratio["of"])), escape(results.name(ratio["to"])),
             f"<b>{ratio['median']:.3g}</b>", f"{ratio['low']:.3g} – {ratio['high']:.3g}",
             str(len(ratio["values"]))]
            for ratio in results.data["ratios"].values()]
    return _section("Ratios, round by round") + _table(
        ["of", "to", "median", "range", "rounds"], rows, first_numeric=2) if rows else ""


def _machine(data):
    about = data["machine"]
    rows = [["processors", f"{about['cores']} × {about['cpu']}"],
            ["memory", f"{about['memory_bytes'] / 2**30:.0f} GiB"],
            ["kernel", f"Linux {about['kernel']}"], ["distribution", about["distribution"]]]
    if "fsyncs_per_s" in about:
        rows.append(["disk", f"{per_s(about['fsyncs_per_s'])} fdatasync of 4 KiB a second"])
    rows += [["load before, after", ", ".join(f"{about[when][0]:.2f}" for when in
                                              ("load_before", "load_after") if when in about)],
             ["who runs where", "; ".join(f"{role}: processor {', '.join(map(str, cpus))}"
                                          for role, cpus in about["placement"].items())],
             ["duration", f"{data['seconds'] / 60:.0f} min"],
             ["command", data["command"]]]
    rows += [[name, str(value)] for name, value in data["settings"].items()]
    rows += [[f"version: {name}", text] for name, text in data["versions"].items()]
    return _section("Machine, versions, settings") + _table(
        ["", ""], [[escape(name), escape(value)] for name, value in rows], first_numeric=9)


def _systems(results):
    parts = [_section("How each server was run")]
    for key, system in results.systems.items():
        commands = "\n".join(system["commands"])
        parts.append(f"<details><summary>{escape(system['title'])} "
                     f"<span class='soft'>{escape(system['version'])}</span></summary>"
                     f"<p>{escape(system['durability'])}. Packages: "
                     f"{escape(', '.join(system['packages'])) or 'none'}.</p>"
                     f"<pre>{escape(commands)}</pre>" +
                     "".join(f"<p><code>{escape(name)}</code></p><pre>{escape(_shortened(text))}"
                             "</pre>" for name, text in system["configs"].items()) +
                     _generator_commands(results, key) + "</details>")
    return "".join(parts)


def _shortened(text, lines=60):
    """A configuration that repeats itself (dhcpd's pools) is not printed to its end."""
    every = text.splitlines()
    if len(every) <= lines:
        return text
    return "\n".join([*every[:lines - 3], f"... ({len(every) - lines + 1} lines like these) ...",
                      *every[-2:]])


def _generator_commands(results, key):
    commands = dict.fromkeys(run["command"] for run in results.data["runs"]
                             if run["system"] == key and run["command"])
    return f"<p>Load:</p><pre>{escape(chr(10).join(commands))}</pre>" if commands else ""


def _runs(data):
    rows = [[str(run["round"]), escape(run["system"]), escape(run["what"]),
             escape("  ".join(f"{name} {value:.6g}" if isinstance(value, float) else
                              f"{name} {value}" for name, value in run["values"].items())),
             f"{run['others']:.0%}".replace("%", " %"), _problems(run)]
            for run in data["runs"]]
    return (_section("Every run") + f"<details><summary>{len(rows)} runs</summary>" +
            _table(["round", "server", "what", "values", "others", ""], rows, first_numeric=9) +
            "</details>")


def _problems(run):
    return f"<span class='bad'>{escape('; '.join(run['problems']))}</span>"


# Pieces


def _section(title):
    return f"<h2>{escape(title)}</h2>"


def _figure(chart, caption):
    return f"<figure>{chart}<figcaption>{escape(caption)}</figcaption></figure>"


def _table(heads, rows, first_numeric):
    """Cells are markup; columns from @first_numeric on are set flush right."""
    def cells(name, row):
        return "".join(f"<{name}{' class=n' if i >= first_numeric else ''}>{cell}</{name}>"
                       for i, cell in enumerate(row))
    head = f"<thead><tr>{cells('th', map(escape, heads))}</tr></thead>" if any(heads) else ""
    return ("<div class='card'><table>" + head + "<tbody>" +
            "".join(f"<tr>{cells('td', row)}</tr>" for row in rows) + "</tbody></table></div>")
