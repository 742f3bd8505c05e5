# SPDX-License-Identifier: MIT
"""Colours and letters, light and dark."""

# One colour per server, in the order of PALETTE_KEYS; others share the last.
PALETTE_KEYS = ("etcdhcp-embedded", "etcdhcp-etcd", "etcdhcp-etcd3", "kea-memfile",
                "kea-postgresql", "dhcpd", "dnsmasq")
LIGHT = ("#0b5cad", "#2b8fd6", "#5aa9a0", "#d9730d", "#b3261e", "#7b4fb3", "#6b7f1f", "#667085")
DARK = ("#6cb2ff", "#3fa7f0", "#7fd1c7", "#f2a154", "#ff7b72", "#c29bf0", "#b5c95a", "#98a2b3")
# Lines differ in more than colour.
DASHES = (None, "7 3", "2 3", None, "7 3", "2 3", "10 3 2 3", None)


def color_of(key):
    """The CSS variable of a server's colour."""
    return f"--s{_index(key)}"


def dash_of(key):
    return DASHES[_index(key)]


def _index(key):
    return PALETTE_KEYS.index(key) if key in PALETTE_KEYS else len(PALETTE_KEYS)


def _variables(palette, ink, soft, faint, ground, card):
    colors = "".join(f"--s{i}:{color};" for i, color in enumerate(palette))
    return f"{colors}--ink:{ink};--soft:{soft};--faint:{faint};--ground:{ground};--card:{card};"


_LIGHT = _variables(LIGHT, "#1b1f24", "#57606a", "#d8dee4", "#f6f8fa", "#ffffff")
_DARK = _variables(DARK, "#e6edf3", "#9aa4af", "#30363d", "#0d1117", "#161b22")

FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"

CHART = f"""
.chart text{{font:12px {FONT};fill:var(--ink)}}
.chart .name{{font-weight:600;font-size:13px}}
.chart .note,.chart .tick{{fill:var(--soft);font-size:11px}}
.chart .head{{font-weight:600}}
.chart .value{{font-weight:600;font-variant-numeric:tabular-nums}}
.chart .grid{{stroke:var(--faint);stroke-width:1}}
.chart .rule{{stroke:var(--soft);stroke-width:1;stroke-dasharray:3 3}}
.chart .bar{{fill:var(--c)}}
.chart .hatch{{stroke:var(--card);stroke-width:3}}
.chart .outline{{fill:none;stroke:var(--c);stroke-width:1.5}}
.chart .range{{stroke:var(--ink);stroke-width:1.5}}
.chart .line{{fill:none;stroke:var(--c);stroke-width:2.25;stroke-linejoin:round}}
.chart .dot{{fill:var(--c)}}
.chart .lead{{fill:none;stroke:var(--c);stroke-width:1;opacity:.55}}
"""

PAGE = f"""
:root{{color-scheme:light dark;{_LIGHT}}}
@media (prefers-color-scheme:dark){{:root{{{_DARK}}}}}
*{{box-sizing:border-box}}
body{{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 {FONT}}}
main{{max-width:1000px;margin:0 auto;padding:28px 20px 60px}}
h1{{font-size:26px;margin:0 0 4px}}
h2{{font-size:19px;margin:36px 0 6px}}
p{{max-width:74ch;margin:6px 0 12px}}
.sub{{color:var(--soft);margin-bottom:18px}}
figure,.card{{background:var(--card);border:1px solid var(--faint);border-radius:8px;
 padding:14px 16px;margin:12px 0;overflow-x:auto}}
figcaption{{color:var(--soft);font-size:13px;margin-top:8px;max-width:86ch}}
svg.chart{{display:block;max-width:100%;height:auto}}
table{{border-collapse:collapse;width:100%;font-size:14px}}
th,td{{text-align:left;padding:6px 10px 6px 0;border-bottom:1px solid var(--faint);
 vertical-align:top}}
th{{color:var(--soft);font-weight:600;font-size:12.5px}}
td.n,th.n{{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}}
td small,.soft{{color:var(--soft)}}
tr:last-child td{{border-bottom:0}}
.bad{{color:var(--s4);font-weight:600}}
.banner{{border-left:4px solid var(--s4);padding:8px 14px;background:var(--card);margin:12px 0}}
details{{border-top:1px solid var(--faint);padding:8px 0}}
summary{{cursor:pointer;font-weight:600}}
pre{{background:var(--ground);border:1px solid var(--faint);border-radius:6px;padding:10px 12px;
 overflow:auto;font:12px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;
 max-height:420px;white-space:pre-wrap;overflow-wrap:anywhere}}
code{{font:12.5px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}}
{CHART}"""

# For a chart that is a file of its own, on whatever ground it is shown.
ALONE = f"""
svg{{{_LIGHT}}}
@media (prefers-color-scheme:dark){{svg{{{_DARK}}}}}
.ground{{fill:var(--card);stroke:var(--faint)}}
{CHART}"""
