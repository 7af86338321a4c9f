"""Draw the plot of `routing_at_scale.py`, which imports this: it is not run by itself."""

from __future__ import annotations

import math
from collections.abc import Sequence

WIDTH, HEIGHT = 860, 440
LEFT, RIGHT, TOP, BOTTOM, INSET = 96, 150, 92, 76, 40

_STYLE = """\
  .card { fill: #ffffff; stroke: #d8dee4 } .ink { fill: #1f2328 } .quiet { fill: #59636e }
  .grid { stroke: #d8dee4 } .flat { stroke: #bc4c00 } .routed { stroke: #0969da }
  .flat-ink { fill: #bc4c00 } .routed-ink { fill: #0969da } .between { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    .card { fill: #0d1117; stroke: #3d444d } .ink { fill: #f0f6fc } .quiet { fill: #9198a1 }
    .grid { stroke: #2a313c } .flat { stroke: #f0883e } .routed { stroke: #58a6ff }
    .flat-ink { fill: #f0883e } .routed-ink { fill: #58a6ff } .between { fill: #58a6ff }
  }
  text { font: 14px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif }
  .title { font-size: 20px; font-weight: 600 } .strong { font-weight: 600 }"""


def plot(points: Sequence[tuple[int, int, int, int]]) -> str:
    """Return the SVG for (tools, intents, flat tokens, routed tokens), both axes logarithmic."""
    tools = [point[0] for point in points]
    values = [value for point in points for value in point[2:]]
    low, high = math.floor(math.log10(min(values))), math.log10(max(values)) + 0.15
    first, last = math.log10(min(tools)), math.log10(max(tools))

    def x(count: int) -> float:
        share = (math.log10(count) - first) / ((last - first) or 1)
        return round(LEFT + INSET + share * (WIDTH - LEFT - INSET - RIGHT), 1)

    def y(value: float) -> float:
        share = (math.log10(value) - low) / ((high - low) or 1)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    flat = [(x(point[0]), y(point[2])) for point in points]
    routed = [(x(point[0]), y(point[3])) for point in points]
    area = " ".join(f"{a},{b}" for a, b in [*flat, *reversed(routed)])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        "<title>Input tokens of a turn, flat and routed, by the number of tools</title>",
        f"<style>\n{_STYLE}\n</style>",
        f'<rect class="card" x=".5" y=".5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="10"/>',
        '<text class="title ink" x="28" y="38">Input tokens of a turn</text>',
        '<text class="quiet" x="28" y="62">one question, one tool call, everything the server '
        "received; both axes are logarithmic</text>",
    ]
    for power in range(low, math.floor(high) + 1):
        at = y(10**power)
        parts += [
            f'<line class="grid" x1="{LEFT}" y1="{at}" x2="{WIDTH - RIGHT + 16}" y2="{at}"/>',
            f'<text class="quiet" x="{LEFT - 12}" y="{at + 5}" text-anchor="end">'
            f"{10**power:,}</text>",
        ]
    for count, intents, *_ in points:
        at, base = x(count), HEIGHT - BOTTOM
        parts += [
            f'<text class="ink" x="{at}" y="{base + 28}" text-anchor="middle">'
            f"{count:,} tools</text>",
            f'<text class="quiet" x="{at}" y="{base + 48}" text-anchor="middle">'
            f"{intents:,} intents</text>",
        ]
    parts.append(f'<polygon class="between" points="{area}" opacity=".08"/>')
    for name, line in (("flat", flat), ("routed", routed)):
        path = " ".join(f"{a},{b}" for a, b in line)
        parts.append(f'<polyline class="{name}" points="{path}" fill="none" stroke-width="3"/>')
        parts += [f'<circle class="{name}-ink" cx="{a}" cy="{b}" r="5"/>' for a, b in line]
    for name, line, column, above in (("flat", flat, 2, True), ("routed", routed, 3, False)):
        for (a, b), point in zip(line[:-1], points, strict=False):
            parts.append(
                f'<text class="{name}-ink" x="{a}" y="{b - 12 if above else b + 24}" '
                f'text-anchor="middle">{point[column]:,}</text>'
            )
        a, b = line[-1]
        parts += [
            f'<text class="{name}-ink strong" x="{a + 16}" y="{b - 1}">'
            f"{points[-1][column]:,}</text>",
            f'<text class="{name}-ink" x="{a + 16}" y="{b + 17}">'
            f"{'flat: all tools' if above else 'routed'}</text>",
        ]
    return "\n".join([*parts, "</svg>", ""])
