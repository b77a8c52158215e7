"""Tells whether each goal of notes.json was met: the table at the head of the page, and the reasons of missed goals.

A goal has "text" and one of these bounds, and where it may be missed "reason", a name in notes.json's "reasons":
  work, peer, ratio_most            times the work's floor, or another peer's where "floor" names one
  work, peer, than, faster_least    times faster than the peer "than"
  work, peer, seconds_most          of the median
  work, peer, rate_least            items per second of the median
  number, most, unit                of numbers_of()
"""
from report import human, is_rate, ratio_to


def find(rows, work, peer):
    return next((row for row in rows if row["work"] == work and row["peer"] == peer), None)


def times_faster(rows, work, peer, mine):
    ours, theirs = find(rows, work, mine), find(rows, work, peer)
    if not ours or not theirs:
        return None
    if is_rate(work):
        return ours["median"] / theirs["median"]
    return theirs["median"] / ours["median"]


def numbers_of(found, rows):
    """The values of goals with an absolute bound, by name."""
    muster = found.get("muster") or {}
    numbers = {}
    if muster.get("agent_start_to_listening_seconds"):
        numbers["agent start"] = muster["agent_start_to_listening_seconds"]["median"] * 1000
    agent = next((item for item in found.get("memory", []) if item["what"].startswith("Muster")), None)
    if agent:
        for name, kind in (("agent memory", "rss"), ("agent memory, proportional", "pss")):
            numbers[name] = sum(part[kind] for part in agent["processes"]) / 1024
    if muster.get("output_memory_kib"):
        numbers["output memory"] = max(muster["output_memory_kib"]) / 1024
    connects = muster.get("connects") or []
    if connects and connects[-1]["nodes"] == 1000:
        numbers["connect 1000"] = sum(one["seconds"] for one in connects)
        numbers["memory 1000"] = (connects[-1]["controller"]["anonymous"]
                                  - connects[0]["controller_before"]["anonymous"]) / 1000
    row = find(rows, "ping-all-1000", "Muster, TLS")
    if row:
        numbers["ping all 1000"] = row["median"] * 1000
    return numbers


def measured(goal, found, rows, numbers):
    """(what the goal says, the value or None, whether it holds, the value as text)"""
    text, row = goal["text"], find(rows, goal.get("work"), goal.get("peer"))
    if "number" in goal:
        value = numbers.get(goal["number"])
        return (f"{text}: at most {goal['most']} {goal['unit']}", value, value is not None and value <= goal["most"],
                f"{value:.3g} {goal['unit']}" if value is not None else "")
    if "ratio_most" in goal:
        floor = goal.get("floor")
        value = ratio_to(found, goal["work"], goal["peer"], floor) if floor else row and row.get("ratio")
        return (f"{text}: at most {goal['ratio_most']} × {(floor or 'floor').removeprefix('floor: ')}", value,
                value is not None and value <= goal["ratio_most"], f"{value:.2f} ×" if value is not None else "")
    if "faster_least" in goal:
        value = times_faster(rows, goal["work"], goal["than"], goal["peer"])
        return (f"{text}: at least {goal['faster_least']} × faster than {goal['than']}", value,
                value is not None and value >= goal["faster_least"], f"{value:.1f} ×" if value is not None else "")
    value = row["median"] if row else None
    shown = human(goal["work"], value) if row else ""
    if "seconds_most" in goal:
        return (f"{text}: at most {human(goal['work'], goal['seconds_most'])}", value,
                value is not None and value <= goal["seconds_most"], shown)
    return (f"{text}: at least {human(goal['work'], goal['rate_least'])}", value,
            value is not None and value >= goal["rate_least"], shown)


def goals_text(found, rows, notes):
    """Each goal with what was measured, and the written reasons of those that were missed."""
    numbers = numbers_of(found, rows)
    lines = ["| goal | measured | |", "|---|---|---|"]
    reasons = []
    for goal in notes["goals"]:
        text, value, held, shown = measured(goal, found, rows, numbers)
        verdict = "not measured" if value is None else "met" if held else "**missed**"
        lines.append(f"| {text} | {shown} | {verdict} |")
        if value is not None and not held and goal.get("reason") not in [None, *reasons]:
            reasons.append(goal["reason"])
    text = "\n".join(lines) + "\n"
    if reasons:
        text += "\nWhy goals are missed:\n\n" + "\n".join(f"- {notes['reasons'][name]}" for name in reasons) + "\n"
    return text
