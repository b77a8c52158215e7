"""Draws lines over a number of nodes, both axes logarithmic, as SVG text."""
import math

COLORS = ["#c2410c", "#2563eb", "#6b7280"]
LEFT, TOP, WIDTH, HEIGHT, RIGHT, BOTTOM = 70, 40, 760, 320, 250, 40


def shown(value):
    return f"{value:,.0f}".replace(",", " ") if value >= 1 else f"{value:g}"


def decades(values):
    low = math.floor(math.log10(min(values)))
    return low, max(low + 1, math.ceil(math.log10(max(values)) - 1e-9))


def curve(title, unit, lines):
    """`lines`: (label, [(number, value)...])... Values that are not above zero are left out: a logarithm has no place for
    them."""
    lines = [(label, [(x, y) for x, y in points if y > 0]) for label, points in lines]
    every = [point for _, points in lines for point in points]
    x_low, x_high = decades([x for x, _ in every])
    y_low, y_high = decades([y for _, y in every])

    def across(x):
        return LEFT + (math.log10(x) - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT)

    def down(y):
        return HEIGHT - BOTTOM - (math.log10(y) - y_low) / (y_high - y_low) * (HEIGHT - TOP - BOTTOM)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
             f'font-size="12"><rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
             f'<text x="12" y="20" font-size="14" font-weight="bold" fill="#111827">{title} ({unit})</text>']
    for power in range(x_low, x_high + 1):
        x = across(10 ** power)
        parts.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{HEIGHT - BOTTOM}" stroke="#e5e7eb"/>'
                     f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle" fill="#6b7280">'
                     f'{shown(10 ** power)}</text>')
    for power in range(y_low, y_high + 1):
        y = down(10 ** power)
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#e5e7eb"/>'
                     f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#6b7280">{shown(10.0 ** power)}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 4}" text-anchor="middle" fill="#6b7280">nodes</text>')
    for index, (label, points) in enumerate(lines):
        mark = COLORS[index % len(COLORS)]
        path = " ".join(f"{across(x):.1f},{down(y):.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{mark}" stroke-width="2"/>')
        parts += [f'<circle cx="{across(x):.1f}" cy="{down(y):.1f}" r="3.5" fill="{mark}"/>' for x, y in points]
        y = TOP + 14 + 20 * index
        parts.append(f'<line x1="{WIDTH - RIGHT + 14}" y1="{y - 4}" x2="{WIDTH - RIGHT + 34}" y2="{y - 4}" stroke="{mark}" '
                     f'stroke-width="2"/><text x="{WIDTH - RIGHT + 40}" y="{y}" fill="#374151">{label}</text>')
    return "\n".join(parts) + "\n</svg>\n"
