"""Turns measured rounds into medians, spreads and ratios; writes the table and the plots."""
import math
import statistics

TITLES = {
    "ping": ("A call that does nothing", "floor: raw TCP"),
    "exec": ("Run /bin/true and get its result, one after the other", "floor: posix_spawn"),
    "output": ("Run a command that writes 1 MiB", "floor: posix_spawn"),
    "output-big": ("Run a command that writes 1 GiB (256 MiB with --quick)", "floor: pipe to cat"),
    "rate": ("Commands per second, 64 in flight (floor: 8 threads)", "floor: posix_spawn"),
    "ping-rate": ("Empty calls per second, 64 in flight", None),
    "push-file": ("One large file to the node", "floor: raw TCP"),
    "pull-file": ("One large file from the node", "floor: raw TCP"),
    "push-tree": ("2 000 files of 4 KiB to the node", "floor: cp -r"),
    "pull-tree": ("2 000 files of 4 KiB from the node", "floor: cp -r"),
    "reconnect": ("From a lost connection to the next answer", None),
    "four-nodes": ("From nothing to the first command on four nodes", None),
    "local-nodes": ("From nothing to the first command on four local nodes", None),
    "empty-case": ("An empty gtest case on a live cluster", None),
    "fan-out-10": ("/bin/true on 10 nodes", "floor: posix_spawn"),
    "fan-out-100": ("/bin/true on 100 nodes", "floor: posix_spawn"),
    "fan-out-1000": ("/bin/true on 1 000 nodes", "floor: posix_spawn"),
    "ping-all-1000": ("One ping to each of 1 000 nodes", "floor: 2 000 raw processes"),
}


def is_rate(work):
    return work.endswith("rate")


def human(work, value):
    if is_rate(work):
        return f"{value:,.0f} /s".replace(",", " ")
    for unit, factor in (("µs", 1e6), ("ms", 1e3)):
        if value * factor < 1000:
            return f"{value * factor:.3g} {unit}"
    return f"{value:.3g} s"


def quantile(values, part):
    values = sorted(values)
    at = part * (len(values) - 1)
    low = math.floor(at)
    return values[low] + (values[min(low + 1, len(values) - 1)] - values[low]) * (at - low)


def medians_by_round(result):
    return {part["round"]: statistics.median(part["samples"]) for part in result["rounds"]}


def ratios(work, mine, floor):
    """How many times slower than the floor, round by round. A peer may have missed rounds of the floor; then the floor's
    median over all of them stands in."""
    usual = statistics.median(floor.values())
    return [floor.get(number, usual) / value if is_rate(work) else value / floor.get(number, usual)
            for number, value in mine.items()]


def ratio_to(found, work, peer, floor):
    """The median of ratios() to any other peer, or None if one of them was not measured."""
    medians = {one["peer"]: medians_by_round(one) for one in found["results"] if one["work"] == work}
    if peer not in medians or floor not in medians:
        return None
    return statistics.median(ratios(work, medians[peer], medians[floor]))


def summarize(found):
    """A list of {work, peer, median, low, high, samples, ratio, ratio_low, ratio_high}. `low` and `high` are the 10th
    and 90th percentiles; ratios (how much slower than the floor) are taken round by round."""
    by_work = {}
    for result in found["results"]:
        by_work.setdefault(result["work"], []).append(result)
    rows = []
    for work, results in by_work.items():
        medians = {one["peer"]: medians_by_round(one) for one in results}
        floor = medians.get(TITLES[work][1])
        for one in results:
            samples = [sample for part in one["rounds"] for sample in part["samples"]]
            row = {"work": work, "peer": one["peer"], "median": statistics.median(samples), "samples": len(samples),
                   "low": quantile(samples, 0.1), "high": quantile(samples, 0.9)}
            if floor:
                every = ratios(work, medians[one["peer"]], floor)
                row.update({"ratio": statistics.median(every), "ratio_low": min(every), "ratio_high": max(every)})
            rows.append(row)
    return rows


def ordered(rows, work):
    """Best first."""
    mine = [row for row in rows if row["work"] == work]
    return sorted(mine, key=lambda row: row["median"], reverse=is_rate(work))


def table(rows, work):
    lines = ["| | median | 10 % – 90 % | × floor | range over rounds |", "|---|---|---|---|---|"]
    for row in ordered(rows, work):
        ratio = f"{row['ratio']:.3g}" if "ratio" in row else ""
        spread = f"{row['ratio_low']:.3g} – {row['ratio_high']:.3g}" if "ratio" in row else ""
        name = f"**{row['peer']}**" if row["peer"].startswith("Muster") else row["peer"]
        lines.append(f"| {name} | {human(work, row['median'])} | {human(work, row['low'])} – "
                     f"{human(work, row['high'])} | {ratio} | {spread} |")
    return "\n".join(lines)


def color(peer):
    if peer.startswith("Muster"):
        return "#c2410c"
    return "#6b7280" if peer.startswith("floor") else "#2563eb"


def plot(rows, work):
    """Median and 10-90 % of each peer on a logarithmic axis, as SVG text."""
    mine = ordered(rows, work)
    left, width, step = 210, 760, 26
    height = 64 + step * len(mine)
    low = math.floor(math.log10(min(row["low"] for row in mine)))
    high = math.ceil(math.log10(max(row["high"] for row in mine)) + 1e-9)
    high = max(high, low + 1)

    def across(value):
        return left + (math.log10(value) - low) / (high - low) * (width - left - 110)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
             f'font-size="12"><rect width="{width}" height="{height}" fill="#ffffff"/>',
             f'<text x="12" y="20" font-size="14" font-weight="bold" fill="#111827">{TITLES[work][0]}</text>']
    for power in range(low, high + 1):
        x = across(10.0 ** power)
        parts.append(f'<line x1="{x:.1f}" y1="32" x2="{x:.1f}" y2="{height - 24}" stroke="#e5e7eb"/>'
                     f'<text x="{x:.1f}" y="{height - 8}" text-anchor="middle" fill="#6b7280">'
                     f'{human(work, 10.0 ** power)}</text>')
    for index, row in enumerate(mine):
        y = 46 + step * index
        mark = color(row["peer"])
        weight = "bold" if row["peer"].startswith("Muster") else "normal"
        parts.append(
            f'<text x="{left - 10}" y="{y + 4}" text-anchor="end" font-weight="{weight}" fill="#111827">{row["peer"]}'
            f'</text><line x1="{across(row["low"]):.1f}" y1="{y}" x2="{across(row["high"]):.1f}" y2="{y}" '
            f'stroke="{mark}" stroke-width="6" stroke-opacity="0.35" stroke-linecap="round"/>'
            f'<circle cx="{across(row["median"]):.1f}" cy="{y}" r="5" fill="{mark}"/>'
            f'<text x="{max(across(row["median"]), across(row["high"])) + 10:.1f}" y="{y + 4}" fill="#374151">'
            f'{human(work, row["median"])}</text>')
    return "\n".join(parts) + "\n</svg>\n"


def works_of(rows):
    return [work for work in TITLES if any(row["work"] == work for row in rows)]


def write_report(found, results):
    rows = summarize(found)
    with open(results / "table.md", "w", encoding="utf-8") as file:
        for work in works_of(rows):
            file.write(f"## {TITLES[work][0]}\n\n{table(rows, work)}\n\n")
            (results / f"{work}.svg").write_text(plot(rows, work), encoding="utf-8")
