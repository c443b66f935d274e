"""Draws a bar chart from lines "name TAB microseconds" on stdin: SVG on stdout."""
import math
import sys

BAR, GAP, LEFT, WIDTH, TOP = 18, 8, 270, 460, 56
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 15px }
  .small { font-size: 11px; fill: #57606a }
  .grid { stroke: #d0d7de }
  .bootstrap { fill: #0969da } .C { fill: #8c959f } .bash { fill: #bf8700 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 } .grid { stroke: #3d444d }
    .bootstrap { fill: #4493f8 } .C { fill: #6e7681 } .bash { fill: #d29922 }
  }
"""


def text(us):
    if us < 1000:
        return f"{us:.0f} µs" if us >= 100 else f"{us:.1f} µs"
    return f"{us / 1000:.1f} ms" if us < 10000 else f"{us / 1000:.0f} ms"


def tick(us):
    return f"{us} µs" if us < 1000 else f"{us // 1000} ms"


rows = [line.rstrip("\n").split("\t") for line in sys.stdin]
values = [float(row[1]) for row in rows] or [1]
low, high = math.floor(math.log10(min(values))), math.log10(max(values))
bottom = TOP + len(rows) * (BAR + GAP)


def x(us):
    """The axis is logarithmic: a step to the right is ten times as long."""
    return LEFT + WIDTH * (math.log10(us) - low) / max(1, high - low)


print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 80} {bottom + 34}" role="img">')
print(f"<title>Latency of an event of 100 bytes for each way to run a function</title><style>{STYLE}</style>")
print('<text class="title" x="10" y="22">Latency of an event of 100 bytes</text>')
print('<text class="small" x="10" y="40">median, one CPU; logarithmic: each line is ten times the one before</text>')
for power in range(low, math.floor(high) + 1):
    at = x(10**power)
    label = tick(10**power) if power >= 0 else f"{10 ** power} µs"
    print(f'<path class="grid" d="M{at:.1f} {TOP - 6}V{bottom}"/>')
    print(f'<text class="small" text-anchor="middle" x="{at:.1f}" y="{bottom + 16}">{label}</text>')
for n, (name, value) in enumerate(rows):
    us, y = float(value), TOP + n * (BAR + GAP)
    kind = name.replace(",", " ").split()[0]
    print(f'<text text-anchor="end" x="{LEFT - 8}" y="{y + 13}">{name}</text>')
    print(f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{x(us) - LEFT:.1f}" height="{BAR}" rx="2"/>')
    print(f'<text x="{x(us) + 6:.1f}" y="{y + 13}">{text(us)}</text>')
print("</svg>")
