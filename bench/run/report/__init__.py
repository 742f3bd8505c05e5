# SPDX-License-Identifier: MIT
"""What bench/run's `compare` found, for people: an HTML page, an SVG chart, a Markdown table.

    results.py    the record of a run (figures.py says what is in it), by server and measure
    svg.py        elements, scales, ticks: no more of SVG than the charts need
    charts.py     bars of rates, curves of latencies, goodput over time
    style.py      colours, light and dark, for the page and for a chart that stands alone
    page.py       the page; markdown.py the table

Nothing here measures anything or needs root. A server that is missing, or was not measured in some
way, leaves a gap that says so.
"""
