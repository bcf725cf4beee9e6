"""Bars as an SVG file: one group for each figure, one bar for each way; the longest of a group fills the width."""

from html import escape

WIDTH, LEFT, BAR, GAP, HEAD = 720, 190, 18, 6, 34
COLOURS = ("#9aa7b8", "#6f8fb8", "#2f6fb5")


def bars(results, groups):
    """`results` by way; `groups` are (figure, title)."""
    parts, top = [], 10
    for name, title in groups:
        parts.append(f'<text x="10" y="{top + 16}" class="head">{escape(title)} per delivered message</text>')
        top += HEAD - 8
        most = max(figure[name] for figure in results.values())
        for colour, (way, figure) in zip(COLOURS, results.items(), strict=False):
            parts.append(bar(top, way, figure[name], most, colour))
            top += BAR + GAP
        top += 14
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" role="img"
  aria-label="Polling, long polling and WebSocket compared">
<style>text {{ font: 13px system-ui, sans-serif; fill: #24303f; }} .head {{ font-weight: 600; }}</style>
<rect width="{WIDTH}" height="{top}" fill="#ffffff"/>
{chr(10).join(parts)}
</svg>
"""


def bar(top, way, value, most, colour):
    length = max(2.0, (WIDTH - LEFT - 90) * value / most)
    text = f"{value:,.0f}" if value >= 100 else f"{value:,.2f}".rstrip("0").rstrip(".")
    return (
        f'<text x="10" y="{top + 14}">{escape(way)}</text>'
        f'<rect x="{LEFT}" y="{top}" width="{length:.1f}" height="{BAR}" rx="3" fill="{colour}"/>'
        f'<text x="{LEFT + length + 8:.1f}" y="{top + 14}">{text}</text>'
    )
