"""Writes the part of the page on many nodes: curves and a table over their number, from the output of bench_scale."""
from curves import curve
from report import human

SCALE_CURVES = [
    ("connect", "Until all are connected, TLS", "seconds",
     [("wall clock", "connect_seconds"), ("controller's CPU", "connect_controller_cpu_seconds"),
      ("CPU of the light agents", "connect_agents_cpu_seconds")]),
    ("run", "/bin/true on all nodes", "seconds",
     [("wall clock", "true_seconds"), ("controller's CPU", "true_seconds_controller_cpu")]),
    ("fail", "A tenth of the nodes dies", "seconds",
     [("until all of them are known to be gone", "noticed_seconds"),
      ("/bin/true on the others meanwhile", "others_true_seconds"), ("until they are back", "returned_seconds")]),
    ("memory", "Memory for each connection", "KiB",
     [("controller", "controller_kib_each"), ("light agent", "agents_kib_each")]),
]


COLUMNS = [  # Heading, and what stands below it.
    ("nodes", lambda one: f"{one['nodes']:,.0f}".replace(",", " ")),
    ("connected", lambda one: human("", one["connect_seconds"])),
    ("`true` on all", lambda one: human("", one["true_seconds"])),
    ("a tenth dies: all known", lambda one: human("", one["noticed_seconds"])),
    ("`true` on the others", lambda one: human("", one["others_true_seconds"])),
    ("all back", lambda one: human("", one["returned_seconds"])),
    ("closed", lambda one: human("", one["close_seconds"])),
    ("lost by itself", lambda one: f"{one['lost_by_itself']:.0f}"),
    ("left: descriptors", lambda one: f"{one['left_descriptors']:.0f}"),
    ("left: memory for each", lambda one: f"{one['left_kib_each']:.1f} KiB"),
]
# What one node costs the controller: a name, the value, how it is shown.
COSTS = [
    ("CPU to connect", lambda one: one["connect_controller_cpu_seconds"] / one["nodes"], lambda value: human("", value)),
    ("CPU of a `true`", lambda one: one["true_seconds_controller_cpu"] / one["nodes"], lambda value: human("", value)),
    ("CPU of a heartbeat", lambda one: one["heartbeats_cpu_share"] / one["nodes"], lambda value: human("", value)),
    ("of that not in the kernel", lambda one: one["heartbeats_user_share"] / one["nodes"], lambda value: human("", value)),
    ("memory", lambda one: one["controller_kib_each"], lambda value: f"{value:.0f} KiB"),
]


def table(headings, rows):
    return "\n".join("| " + " | ".join(row) + " |" for row in [headings, ["---"] * len(headings), *rows])


def growth_text(scale):
    """Tells whether a node costs the same in any number of nodes, by the largest number over the smallest."""
    fewest, most = scale[0], scale[-1]
    parts = [f"{name} × {value(most) / value(fewest):.2f}" for name, value, _ in COSTS if value(fewest) > 0]
    return (f"From {fewest['nodes']:.0f} to {most['nodes']:.0f} nodes, what one of them costs changes so: {', '.join(parts)}. "
            "Where that is 1, the cost of all is in proportion to their number.")


def limit_text(most):
    share = most["heartbeats_cpu_share"] / most["nodes"]
    full = f"{1 / share:,.0f}".replace(",", " ")
    return (f"The next limit is the io thread: a heartbeat each second costs it {share * 1e6:.0f} µs of CPU for each node, so that "
            f"{full} nodes would fill it with nothing else to do. Memory and descriptors (one for each node) grow in "
            "proportion and come later.")


def scale_text(scale, plots, note):
    """Curves over the number of nodes, what one node costs, and the limit that comes next. `note`: what to say of it."""
    if not scale:
        return ""
    parts = [f"## Up to {scale[-1]['nodes']:,.0f} nodes".replace(",", " "),
             "One process plays all agents: sockets, TLS and protocol are real, and commands are answered without being run. "
             "The controller is the library that tests use, with one io thread; both processes share this machine."]
    for name, title, unit, lines in SCALE_CURVES:
        text = curve(title, unit, [(label, [(one["nodes"], one[key]) for one in scale]) for label, key in lines])
        (plots / f"scale-{name}.svg").write_text(text, encoding="utf-8")
        parts.append(f"![{title}](performance/scale-{name}.svg)")
    parts.append(table([heading for heading, _ in COLUMNS], [[shown(one) for _, shown in COLUMNS] for one in scale]))
    parts.append("What one node costs the controller:")
    parts.append(table(["nodes", *(name for name, _, _ in COSTS)], [
        [f"{one['nodes']:,.0f}".replace(",", " "), *(shown(value(one)) for _, value, shown in COSTS)] for one in scale]))
    parts += [growth_text(scale) + " " + note, limit_text(scale[-1])]
    return "\n\n".join(parts) + "\n"
