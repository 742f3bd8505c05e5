# SPDX-License-Identifier: MIT
"""The report of the comparison: what it says of given figures, and that it stands on its own."""
import copy
import html.parser
import json
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as xml

import pytest

RUN = pathlib.Path(__file__).resolve().parents[2] / "bench" / "run"
sys.path.append(str(RUN))

from report import charts, markdown, page, results, svg  # noqa: E402 (the path comes first)

pytestmark = pytest.mark.plain

VOID = {"meta", "br"}
NASTY = '<script>alert("1")</script> & \'two\''


def latency_us(base):
    return dict(zip(results.QUANTILES, (base, base * 2, base * 5, base * 20, base * 30)))


def run_of(system, what, report, **fields):
    return {"round": 1, "system": system, "what": what, "valid": True, "problems": [],
            "others": 0.01, "command": f"etcdhcp-perf {what}", "values": {},
            "report": report} | fields


def measured(exchange, rate, base):
    return {"measured": {"rate": rate, "exchanges": {exchange: {
        "done": 100, "latency_us": latency_us(base)}}}}


def record():
    """Two servers of which the second was never asked for renewals, latencies or overload."""
    def system(title, durability, durable):
        return {"title": title, "durability": durability, "durable": durable, "version": "1.0",
                "packages": [], "commands": ["serve -c x"], "configs": {"x": "key = value\n"}}
    time_line = [{"seconds": n / 2, "acks": 50 * n} for n in range(1, 5)]
    return {
        "schema": 1, "bench": "compare", "command": "scripts/bench compare", "seconds": 60.0,
        "began": "2026-01-01T00:00:00Z", "quick": False, "valid": True,
        "machine": {"cpu": "A CPU", "cores": 2, "memory_bytes": 8 << 30, "kernel": "6.1",
                    "distribution": "Debian", "load_before": [0.1] * 3, "load_after": [1.0] * 3,
                    "placement": {"server": [0], "generator": [1]}},
        "settings": {"rounds": 3}, "versions": {"a": "1.0"}, "ratios": {}, "figures": {},
        "systems": {"a": system("Server A", "fsync before ACK", True),
                    "b": system("Server B", "not durable: no fsync", False)},
        "series": {"a dora_per_s": {"unit": "/s", "values": [90.0, 110.0, 100.0]},
                   "a renew_per_s": {"unit": "/s", "values": [123456.0]},
                   "b dora_per_s": {"unit": "/s", "values": [4000.0]}},
        "runs": [run_of("a", "dora at half rate", measured("dora", 50.0, 1500.0)),
                 run_of("a", "renew at half rate", measured("renew", 60000.0, 40.0)),
                 run_of("a", "overload", measured("dora", 1000.0, 9.0) | {"time_line": time_line})],
    }


def charts_of(text):
    """Every <svg> of a page, parsed: what is not well-formed does not get that far."""
    return [xml.fromstring(each) for each in re.findall(r"<svg.*?</svg>", text, re.DOTALL)]


def words_of(element):
    return [node.text for node in element.iter("{http://www.w3.org/2000/svg}text")]


class Outline(html.parser.HTMLParser):
    """Checks that elements nest, collects names, text and what would be loaded."""

    def __init__(self, text):
        super().__init__()
        self.open, self.names, self.loads, self.words = [], set(), [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.loads += [value for name, value in attrs if name in ("src", "href", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.names.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_page_says_what_was_measured():
    text = page.page(record())
    words = " ".join(Outline(text).words)
    for expected in ("Server A", "fsync before ACK", "Server B", "not durable: no fsync",
                     "123,000", "90 – 110, 3 rounds", "A CPU", "Linux 6.1", "serve -c x",
                     "key = value", "etcdhcp-perf overload", "scripts/bench compare"):
        assert expected in words, expected


def test_page_says_who_shared_processors():
    data = record()
    assert "alone on one processor" in page.page(data)
    assert "--placement" not in markdown.table(data)
    data["machine"]["placement"] = {"server": [0, 1], "generator": [0, 1]}
    assert "on the same 2 processors" in page.page(data)
    assert "compare --placement free`" in markdown.table(data)


def test_page_is_self_contained():
    outline = Outline(page.page(record()))
    assert outline.loads == []
    assert not outline.names & {"script", "link", "img", "iframe", "object"}
    assert "url(" not in page.PAGE and "@import" not in page.PAGE


def test_page_is_light_and_dark():
    text = page.page(record())
    assert "prefers-color-scheme:dark" in text
    used = set(re.findall(r"var\((--\w+)\)", text))
    light, dark = (set(re.findall(r"(--\w+):", block)) for block in
                   re.findall(r":root\{(.*?)\}", text)[:2])
    assert light == dark and used <= light | {"--c"}


def test_everything_is_escaped():
    data = record()
    for system in data["systems"].values():
        system |= {"title": NASTY, "durability": NASTY, "version": NASTY, "commands": [NASTY],
                   "configs": {NASTY: NASTY}, "packages": [NASTY]}
    for run in data["runs"]:
        run |= {"command": NASTY, "problems": [NASTY], "valid": False, "what": run["what"]}
    data["machine"] |= {"cpu": NASTY, "kernel": NASTY, "distribution": NASTY}
    data |= {"command": NASTY, "began": NASTY, "settings": {NASTY: NASTY},
             "versions": {NASTY: NASTY}, "ratios": {NASTY: {"of": NASTY, "to": NASTY, "median": 1,
                                                           "low": 1, "high": 1, "values": [1]}}}
    text = page.page(data)
    outline = Outline(text)
    assert "script" not in outline.names
    assert charts_of(text)
    assert NASTY in "".join(outline.words)


def test_missing_figures_leave_gaps_that_say_so():
    bars = charts_of(page.page(record()))[0]
    assert words_of(bars).count("not measured") == 1
    data = record()
    data["series"], data["runs"] = {}, []
    text = page.page(data)
    words = " ".join(Outline(text).words)
    assert words.count("not measured") == 2 * 2 * 2 + 2  # servers, rates, places; latencies
    assert words.count("Not measured.") == 1  # goodput
    assert not re.search(r"\b(nan|inf|None)\b", text)


def test_no_server_at_all():
    data = record()
    data |= {"systems": {}, "series": {}, "runs": []}
    Outline(page.page(data))
    assert markdown.table(data).count("\n|") == 1


def test_a_server_without_a_known_colour_or_a_rate_of_zero():
    data = record()
    data["series"]["a dora_per_s"]["values"] = [0.0]
    data["runs"] = [run for run in data["runs"] if run["what"] != "overload"]
    charts_of(page.page(data))


def test_an_overload_without_time_line():
    data = record()
    data["runs"][-1]["report"].pop("time_line")
    assert "Not measured." in " ".join(Outline(page.page(data)).words)


def test_invalid_and_smoke_runs_are_announced():
    words = " ".join(Outline(page.page(record())).words)
    assert "smoke" not in words and "Not every run was valid" not in words
    data = record() | {"valid": False, "quick": True}
    words = " ".join(Outline(page.page(data)).words)
    assert "figures mean nothing" in words and "Not every run was valid" in words


def test_other_processes_are_told_of():
    data = record()
    assert "Other processes" not in " ".join(Outline(page.page(data)).words)
    data["runs"][1]["others"] = 0.4
    assert "Other processes took up to 40 %" in " ".join(Outline(page.page(data)).words)


def test_bars_are_as_long_as_their_logarithm():
    rows = [charts.Row(key, key, "", True, [{"values": [value], "median": value, "low": value,
                                             "high": value}])
            for key, value in (("a", 100.0), ("b", 10000.0), ("c", 1000000.0))]
    chart = xml.fromstring(charts.rates(rows, ["rate"], "title"))
    a, b, c = (float(bar.get("width")) for bar in chart.iter() if bar.get("class") == "bar")
    assert a == 2.0  # at the axis: drawn all the same
    assert c == pytest.approx(2 * b, rel=0.01)


def test_only_what_is_not_durable_is_hatched():
    chart = charts_of(page.page(record()))[0]
    hatched = [node for node in chart.iter() if node.get("fill") == "url(#hatch)"]
    assert len(hatched) == 1


def test_chart_alone(tmp_path):
    page.write_chart(tmp_path / "chart.svg", record())
    text = (tmp_path / "chart.svg").read_text()
    chart = xml.fromstring(text)
    assert {"Server A", "100", "123,000", "fsync before ACK"} <= set(words_of(chart))
    assert "prefers-color-scheme:dark" in text


def test_ratios_are_told_by_name():
    data = record()
    data["ratios"]["x"] = {"of": "a dora_per_s", "to": "b renew_per_s", "values": [2.0],
                           "median": 2.0, "low": 2.0, "high": 2.0}
    words = Outline(page.page(data)).words
    assert {"Server A: new leases", "Server B: renewals"} <= set(words)


def test_goodput_is_what_came_between_samples():
    time_line = [{"seconds": 1.0, "acks": 100}, {"seconds": 3.0, "acks": 500},
                 {"seconds": 3.01, "acks": 501}]
    assert results.goodput(time_line) == [(1.0, 100.0), (3.0, 200.0)]
    assert results.goodput([]) == []


def test_goodput_ends_with_the_overload():
    data = record()
    assert len(results.Results(data).goodput("a")) == 4
    data["settings"]["overload_s"] = 1.0
    assert results.Results(data).goodput("a") == [(0.5, 100.0), (1.0, 100.0)]


def test_durability_stands_beside_the_rate():
    lines = markdown.table(record()).splitlines()
    assert lines[2] == "| Server A | fsync before ACK | 100 | 123,000 |"
    assert lines[3] == "| Server B | not durable: no fsync | 4,000 | not measured |"


def test_one_round_has_no_range():
    data = record()
    data["series"] = {"a dora_per_s": {"unit": "/s", "values": [90.0]}}
    words = " ".join(Outline(page.page(data)).words)
    assert "one round" in words and "1 rounds" not in words
    assert "One round on 2 x A CPU" in markdown.table(data)
    data = record()
    for series in data["series"].values():
        series["values"] = [1.0, 2.0, 3.0]
    assert "Medians of 3 rounds on 2 x A CPU" in markdown.table(data)
    next(iter(data["series"].values()))["values"] = [1.0]
    assert "Medians of 1 to 3 rounds on 2 x A CPU" in markdown.table(data)


def test_cells_of_a_markdown_table_stay_cells():
    data = record()
    data["systems"]["a"]["title"] = "one|two\nthree"
    assert "| one\\|two three |" in markdown.table(data)


@pytest.mark.parametrize("value, expected", [
    (None, "-"), (0.0, "0.0"), (9.96, "10.0"), (12.4, "12"), (999.6, "1,000"), (1050.0, "1,050"),
    (118403.2, "118,000"), (1234567.0, "1,230,000")])
def test_rates_for_people(value, expected):
    assert results.per_s(value) == expected


@pytest.mark.parametrize("value, expected", [
    (0.5, "0.5 µs"), (87.4, "87.4 µs"), (1000.0, "1 ms"), (125000.0, "125 ms"), (2.1e6, "2.1 s")])
def test_durations_for_people(value, expected):
    assert results.duration(value) == expected


@pytest.mark.parametrize("wanted", [[10.0, 11.0, 12.0], [95.0, 99.0, 100.0], [0.0, 50.0, 100.0],
                                    [50.0] * 4, [7.0]])
def test_names_do_not_overlap(wanted):
    places = sorted(svg.spread(wanted, 15, 0, 100))
    assert all(b - a >= 15 - 1e-9 for a, b in zip(places, places[1:]))
    assert 0 <= places[0] and places[-1] <= 100


def test_log_scale_spans_its_values():
    scale = svg.Log([280.0, 118000.0], 0, 100)
    assert scale.ticks() == [100.0, 1000.0, 10000.0, 100000.0]
    assert scale(100.0) == 0 and scale(118000.0) == 100 and scale(1.0) == 0
    assert svg.Log([], 0, 100).ticks() == [1.0, 10.0]


def test_linear_ticks_are_round():
    assert svg.Linear(0, 10, 0, 100).ticks(10) == list(range(11))
    assert svg.Linear(0, 0.7, 0, 100).ticks(4) == pytest.approx([0, 0.2, 0.4, 0.6])


def bench(*arguments):
    return subprocess.run([sys.executable, str(RUN), "compare", *map(str, arguments)],
                          capture_output=True, text=True, timeout=60, check=False)


def test_earlier_runs_are_counted_in(tmp_path):
    first, second = record(), copy.deepcopy(record())
    second["series"]["a dora_per_s"]["values"] = [300.0, 500.0]
    paths = [tmp_path / "first.json", tmp_path / "second.json"]
    for path, data in zip(paths, (first, second)):
        path.write_text(json.dumps(data))
    done = bench("--rounds", 0, "--add", *paths, "--json", tmp_path / "all.json",
                 "--html", tmp_path / "all.html", "--svg", tmp_path / "all.svg",
                 "--markdown", tmp_path / "all.md")
    assert done.returncode == 0, done.stderr
    data = json.loads((tmp_path / "all.json").read_text())
    assert data["series"]["a dora_per_s"]["values"] == [90.0, 110.0, 100.0, 300.0, 500.0]
    assert data["series"]["a dora_per_s"]["median"] == 110.0
    assert data["settings"]["rounds"] == 5 and data["seconds"] > 2 * 60.0
    assert [run["round"] for run in data["runs"]] == [1, 1, 1, 2, 2, 2]
    assert done.stdout.splitlines()[-1].split()[0] == "a_dora_per_s=110.0"
    assert "Server A" in (tmp_path / "all.html").read_text()
    assert "| Server A | fsync before ACK | 110 |" in (tmp_path / "all.md").read_text()
    xml.parse(tmp_path / "all.svg")


def test_a_record_of_something_else_is_refused(tmp_path):
    (tmp_path / "x.json").write_text(json.dumps(record() | {"bench": "dora"}))
    done = bench("--rounds", 0, "--add", tmp_path / "x.json")
    assert done.returncode != 0 and "a record of dora, not of compare" in done.stderr
