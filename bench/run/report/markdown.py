# SPDX-License-Identifier: MIT
"""The short table for a README: durability in the same line as the rates."""
from report.results import RATES, Results, per_s, share_processors


def table(data):
    """Markdown, ending with the command and the machine that made it."""
    results = Results(data)
    lines = ["| server | durability | " + " | ".join(RATES.values()) + " |",
             "|---|---|" + "---:|" * len(RATES)]
    for key in results.keys():
        system = results.systems[key]
        rates = [results.rate(key, measure) for measure in RATES]
        cells = [per_s(rate["median"]) if rate else "not measured" for rate in rates]
        lines.append(f"| {_cell(system['title'])} | {_cell(system['durability'])} | " +
                     " | ".join(cells) + " |")
    return "\n".join([*lines, "", _origin(data), ""])


def _origin(data):
    about = data["machine"]
    rounds = [len(series["values"]) for series in data["series"].values()] or [1]
    most, least = max(rounds), min(rounds)
    what = "One round" if most == 1 else \
        f"Medians of {most} rounds" if least == most else f"Medians of {least} to {most} rounds"
    free = " --placement free" if share_processors(about["placement"]) else ""
    return (f"{what} on {about['cores']} x {about['cpu']}, Linux "
            f"{about['kernel']}: `sudo scripts/bench {data['bench']}{free}`.")


def _cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


def write(path, data):
    with open(path, "w", encoding="utf-8") as file:
        file.write(table(data))
