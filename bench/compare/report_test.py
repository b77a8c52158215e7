#!/usr/bin/python3
"""Tests of what is computed from measured rounds: medians, ratios, goals, and the page as a whole."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from goals import goals_text  # pylint: disable=wrong-import-position
from report import human, quantile, ratio_to, summarize  # pylint: disable=wrong-import-position
from scale import growth_text, limit_text  # pylint: disable=wrong-import-position


def result(work, peer, *rounds):
    """`rounds`: (number, samples...)..."""
    return {"work": work, "peer": peer, "rounds": [{"round": one[0], "samples": list(one[1:])} for one in rounds]}


def row(results, peer):
    return next(one for one in summarize({"results": results}) if one["peer"] == peer)


class SummaryTest(unittest.TestCase):
    def test_ratio_is_taken_round_by_round(self):
        results = [result("exec", "floor: posix_spawn", (0, 1.0), (1, 10.0), (2, 10.0)),
                   result("exec", "Muster, TLS", (0, 2.0), (1, 20.0), (2, 50.0))]
        mine = row(results, "Muster, TLS")
        self.assertEqual((mine["ratio"], mine["ratio_low"], mine["ratio_high"]), (2.0, 2.0, 5.0))
        self.assertEqual(mine["median"], 20.0)

    def test_missed_round_of_the_floor_is_its_median(self):
        results = [result("exec", "floor: posix_spawn", (0, 1.0), (1, 3.0), (2, 2.0)),
                   result("exec", "Muster, TLS", (7, 8.0))]
        self.assertEqual(row(results, "Muster, TLS")["ratio"], 4.0)

    def test_rate_that_is_lower_is_slower(self):
        results = [result("rate", "floor: posix_spawn", (0, 3000.0)), result("rate", "Muster, TLS", (0, 1500.0))]
        self.assertEqual(row(results, "Muster, TLS")["ratio"], 2.0)

    def test_work_without_floor_has_no_ratio(self):
        self.assertNotIn("ratio", row([result("reconnect", "Muster, TLS", (0, 1.0))], "Muster, TLS"))

    def test_ratio_to_any_peer_or_none(self):
        found = {"results": [result("push-file", "floor: raw TLS", (0, 2.0)), result("push-file", "Muster, TLS", (0, 3.0))]}
        self.assertEqual(ratio_to(found, "push-file", "Muster, TLS", "floor: raw TLS"), 1.5)
        self.assertIsNone(ratio_to(found, "push-file", "Muster, TLS", "floor: raw TCP"))

    def test_quantiles_lie_between_samples(self):
        self.assertAlmostEqual(quantile([4.0, 1.0, 2.0, 3.0], 0.5), 2.5)
        self.assertAlmostEqual(quantile([1.0, 2.0], 0.1), 1.1)

    def test_numbers_are_shown_in_the_unit_that_fits(self):
        self.assertEqual([human("exec", value) for value in (12e-6, 0.0123, 1.5)], ["12 µs", "12.3 ms", "1.5 s"])
        self.assertEqual(human("rate", 61234.5), "61 234 /s")


class GoalsTest(unittest.TestCase):
    RESULTS = [result("exec", "floor: posix_spawn", (0, 1.0)), result("exec", "Muster, TLS", (0, 1.5)),
               result("exec", "ssh", (0, 30.0)), result("ping-rate", "Muster, TLS", (0, 50000.0)),
               result("push-file", "floor: raw TLS", (0, 2.0)), result("push-file", "Muster, TLS", (0, 3.0))]
    MEMORY = [{"what": "Muster's agent idle", "processes": [{"rss": 4096, "pss": 3072}, {"rss": 2048, "pss": 1024}]}]

    def line(self, **goal):
        return self.text(goal).splitlines()[2]

    def text(self, *goals):
        found = {"results": self.RESULTS, "memory": self.MEMORY}
        reasons = {"spawn": "Because of spawning.", "other": "Because."}
        return goals_text(found, summarize(found), {"goals": [{"text": "it", **goal} for goal in goals], "reasons": reasons})

    def test_each_kind_of_bound_is_met_at_it_and_missed_beyond_it(self):
        for met, missed, most in (
                ({"work": "exec", "peer": "Muster, TLS", "ratio_most": 1.5}, {"ratio_most": 1.49}, "at most"),
                ({"work": "push-file", "peer": "Muster, TLS", "floor": "floor: raw TLS", "ratio_most": 1.5},
                 {"ratio_most": 1.49}, "at most"),
                ({"work": "exec", "peer": "Muster, TLS", "than": "ssh", "faster_least": 20}, {"faster_least": 21}, "at least"),
                ({"work": "exec", "peer": "Muster, TLS", "seconds_most": 1.5}, {"seconds_most": 1.4}, "at most"),
                ({"work": "ping-rate", "peer": "Muster, TLS", "rate_least": 50000}, {"rate_least": 50001}, "at least"),
                ({"number": "agent memory", "most": 6, "unit": "MiB"}, {"most": 5.9}, "at most"),
                ({"number": "agent memory, proportional", "most": 4, "unit": "MiB"}, {"most": 3.9}, "at most")):
            with self.subTest(met):
                self.assertRegex(self.line(**met), rf"^\| it: {most} .*\| met \|$")
                self.assertRegex(self.line(**{**met, **missed}), r"\| \*\*missed\*\* \|$")

    def test_what_was_not_measured_is_neither_met_nor_missed(self):
        for goal in ({"work": "exec", "peer": "nobody", "ratio_most": 2}, {"number": "nothing", "most": 1, "unit": "s"},
                     {"work": "exec", "peer": "Muster, TLS", "than": "nobody", "faster_least": 1},
                     {"work": "nothing", "peer": "Muster, TLS", "seconds_most": 1}):
            self.assertRegex(self.line(**goal), r"\| not measured \|$")

    def test_reason_stands_once_and_only_where_something_was_missed(self):
        missed = {"work": "exec", "peer": "Muster, TLS", "ratio_most": 1, "reason": "spawn"}
        text = self.text(missed, missed, {"number": "agent memory", "most": 6, "unit": "MiB", "reason": "other"})
        self.assertEqual(text.count("Because of spawning."), 1)
        self.assertNotIn("Because.", text)


class NotesTest(unittest.TestCase):
    def test_reasons_are_named_and_used(self):
        notes = json.loads((HERE / "notes.json").read_text(encoding="utf-8"))
        used = {goal["reason"] for goal in notes["goals"] if "reason" in goal}
        self.assertEqual(used, set(notes["reasons"]))


class ScaleTest(unittest.TestCase):
    @staticmethod
    def of(nodes, heartbeats):
        return {"nodes": nodes, "connect_controller_cpu_seconds": nodes / 1000, "true_seconds_controller_cpu": nodes / 1e4,
                "heartbeats_cpu_share": heartbeats, "heartbeats_user_share": heartbeats / 2, "controller_kib_each": 50}

    def test_growth_is_of_what_one_node_costs(self):
        text = growth_text([self.of(100, 0.01), self.of(1000, 0.2)])
        self.assertIn("CPU to connect × 1.00, CPU of a `true` × 1.00, CPU of a heartbeat × 2.00", text)
        self.assertIn("memory × 1.00", text)

    def test_limit_is_where_heartbeats_fill_a_thread(self):
        text = limit_text(self.of(10000, 0.5))
        self.assertIn("costs it 50 µs of CPU for each node, so that 20 000 nodes", text)


class PageTest(unittest.TestCase):
    DATA = {"machine": {"cpu": "some", "cpus": 2, "system": "Debian", "kernel": "6", "load_before": 0.1, "memory_gib": 8},
            "versions": {"rsync": "3"}, "mode": "quick", "at": "20260101T000000", "seconds": 3, "file_bytes": 1 << 20,
            "memory": [{"what": "Muster's agent idle", "processes": [{"rss": 4096, "pss": 2048, "anonymous": 100}]}],
            "muster": {}, "results": GoalsTest.RESULTS, "failures": [],
            "skips": [{"work": "local-nodes", "peer": "Muster, bare nodes", "reason": "there is no cgroup2"}]}

    def test_page_has_goals_tables_plots_and_what_was_skipped(self):
        with tempfile.TemporaryDirectory() as directory:
            data = pathlib.Path(directory) / "data.json"
            data.write_text(json.dumps(self.DATA), encoding="utf-8")
            subprocess.run([sys.executable, "-B", HERE / "document.py", data, "--to", directory], check=True)
            page = (pathlib.Path(directory) / "performance.md").read_text(encoding="utf-8")
            self.assertIn("| run `true`, TLS: at most 1.4 × floor | 1.50 × | **missed** |", page)
            self.assertIn("| **Muster, TLS** | 1.5 s | 1.5 s – 1.5 s | 1.5 | 1.5 – 1.5 |", page)
            self.assertIn("- local-nodes, Muster, bare nodes: there is no cgroup2", page)
            self.assertTrue((pathlib.Path(directory) / "performance/exec.svg").exists())


if __name__ == "__main__":
    unittest.main()
