"""Tests the page of the HTML report in Chromium: report_page_test.py WRITE_REPORT. Exits with 77 if there is no Chromium."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from urllib.parse import quote

import browser
import scenario

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(f"{HERE}/../../..")
FAILED = "kvd/LeaseTest.IsolatedFollowerReportsStaleThenRecovers"
READY = "return document.documentElement.dataset.ready"
TIMELINE = "return document.documentElement.dataset.timeline"
ROWS = "return [...document.querySelectorAll('.listpane .vrow')].sort((a, b) => a.dataset.place - b.dataset.place)" \
       ".map((row) => row.querySelector('.name, .groupcount').textContent)"

write_report = ""


class PageTest(unittest.TestCase):
    """One browser, and a report of each scenario."""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="muster-report-page-")
        cls.reports = {}
        for name, write in scenario.SCENARIOS.items():
            runs = write(f"{cls.directory}/{name}") or [f"{cls.directory}/{name}"]
            cls.reports[name] = f"{cls.directory}/{name}/report.html"
            subprocess.run([write_report, cls.reports[name], ROOT, *runs], check=False, stdout=subprocess.DEVNULL)
        cls.chromium = browser.Browser()

    @classmethod
    def tearDownClass(cls):
        cls.chromium.close()
        shutil.rmtree(cls.directory)

    def tearDown(self):
        severe = [entry["message"] for entry in self.chromium.log() if entry["level"] == "SEVERE"]
        self.assertEqual(severe, [], "errors of the page")

    def open(self, name, fragment=""):
        self.chromium.open(self.reports[name], fragment)
        self.chromium.wait(READY)

    def open_test(self, fragment=""):
        self.open("partition", f"#test={quote(FAILED, safe='')}{fragment}")
        self.chromium.wait("return document.querySelector('.testhead h2')")

    def text(self, selector):
        return self.chromium.run("const found = document.querySelector(arguments[0]); return found && found.innerText", selector)

    def count(self, selector):
        return self.chromium.run("return document.querySelectorAll(arguments[0]).length", selector)

    def rows(self):
        return self.chromium.run(ROWS)

    # The list.

    def test_failures_come_first_and_equal_errors_together(self):
        self.open("partition")
        rows = self.rows()
        self.assertIn("IsolatedFollower", rows[0])
        self.assertEqual(rows[1], "3 tests")
        self.assertTrue(all("RejectsMinority" in row for row in rows[2:5]))
        self.assertEqual(len(rows), 9)

    def test_group_folds(self):
        self.open("partition")
        self.chromium.run("document.querySelector('.vrow.group').click()")
        self.assertEqual(len(self.rows()), 6)

    def test_filter(self):
        for query, names in (("s:skipped", ["KeepsOldReaders"]), ("s:failed !rejects", ["IsolatedFollower"]), ("n:client1", 2),
                             ("@slow", ["LeaseSurvivesRestart"]), ("c:kvd", 8), ("c:other", 0), ('"which is: 107"', 3),
                             ("o:ada", ["IsolatedFollower"]), ("s:bad", 4)):
            with self.subTest(query):
                self.open("partition", f"#q={quote(query, safe='')}&sort=name")
                rows = self.rows()
                self.assertEqual(len(rows), names if isinstance(names, int) else len(names))
                for row, name in zip(rows, names if isinstance(names, list) else ()):
                    self.assertIn(name, row)

    def test_filter_is_announced_and_stands_in_the_address(self):
        self.open("partition")
        self.chromium.run("const box = document.getElementById('filter'); box.value = '@slow'; box.dispatchEvent(new Event('input'))")
        self.assertEqual(self.text("#live"), "1 of 8 tests shown")
        self.assertEqual(self.chromium.run("return location.hash"), "#q=%40slow")

    def test_counter_filters(self):
        self.open("partition")
        self.chromium.run("document.querySelector('.counter.pass').click()")
        self.assertEqual(self.chromium.run("return location.hash"), "#q=s:passed")
        self.assertEqual(len(self.rows()), 3)

    # A test.

    def test_failure_shows_its_source_and_the_fault_in_force(self):
        self.open_test()
        self.assertIn("Expected: within 2.00 s", self.text(".failure pre"))
        self.assertIn("EXPECT_THAT(follower", self.text(".source .here"))
        self.assertIn("partition: server3 | server1", self.text(".inforce"))

    def test_failure_is_marked_in_the_timeline(self):
        self.open_test()
        self.chromium.wait(TIMELINE)
        self.assertIn("with 1 failure", self.chromium.run("return document.querySelector('canvas').getAttribute('aria-label')"))
        # The colour of the flag, in the ruler, where nothing else has it. A canvas that changes its size is empty until the next frame.
        self.chromium.wait(
            "const canvas = document.querySelector('canvas'); const { data } = canvas.getContext('2d').getImageData(160, 12, canvas.width"
            " - 170, 13); let red = 0; for (let i = 0; i < data.length; i += 4) red += data[i] > 150 && data[i + 1] < 80; return red > 15")

    def test_steps_open_to_commands_with_both_streams(self):
        self.open_test()
        # The server that has no quorum answers by an error.
        self.chromium.run("[...document.querySelectorAll('.tree .item')].find((item) => item.innerText.includes('key-000') &&"
                          "item.innerText.includes('exit 2')).querySelector('summary').click()")
        self.chromium.wait("return document.querySelector('.item[open] .stream')")
        self.assertIn("no quorum (1 of 3)", self.text(".item[open] .stream pre"))

    def open_command(self, argument):
        """Opens the command with this argument, and returns the lines of its output, marked ones with "!"."""
        self.chromium.run("[...document.querySelectorAll('.tree .item')].find((item) => item.innerText.includes(arguments[0]) &&"
                          "!item.querySelector('.item')).querySelector('summary').click()", argument)
        self.chromium.wait("return document.querySelector('.item[open] .stream')")
        return self.merged_lines()

    def merged_lines(self):
        return self.chromium.run("return [...document.querySelectorAll('.item[open] .merged .line')].map((line) => (line.querySelector('.mark')"
                                 " && line.querySelector('.mark').innerText === 'err' ? '!' : '') + (line.querySelector('code') || line).innerText)")

    def open_both(self):
        self.open("streams", f"#test={quote('kvd/LeaseTest.WritesToBothStreams', safe='')}")
        self.chromium.wait("return document.querySelector('.testhead h2')")

    def test_streams_are_merged_in_the_order_of_their_reads(self):
        self.open_test()
        self.chromium.run("[...document.querySelectorAll('.tree > .branch > .item > summary')].find((each) =>"
                          "each.innerText.includes('write through')).click()")
        self.assertEqual(self.open_command("check --all"), [
            "!kvctl: warning: lease is short", "!checking key-000 \u2026 no quorum, \u00fcber 250 ms", "failed",
            "checking key-001 \u2026 ok", "!kvctl: 1 of 2 keys failed"])
        self.assertEqual(self.chromium.run("return [...document.querySelectorAll('.item[open] .merged span.err')].map((part) => part.innerText)"),
                         ["kvctl: warning: lease is short", "no quorum, \u00fcber 250 ms", "kvctl: 1 of 2 keys failed"])

    def test_each_of_the_merged_streams_can_be_seen_alone(self):
        self.open_both()
        self.open_command("long")
        choose = "document.querySelectorAll('.item[open] .streams .chip')[arguments[0]].click()"
        self.chromium.run(choose, 2)
        self.assertTrue(self.text(".item[open] .stream pre").endswith("slow 58\nslow 59"))
        self.assertEqual(self.chromium.run("return [...document.querySelectorAll('.streams .chip')].map((each) => each.ariaPressed)"),
                         ["false", "false", "true"])
        self.chromium.run(choose, 1)
        self.assertTrue(self.text(".item[open] .stream pre").endswith("entry 58\nentry 59"))
        self.chromium.run(choose, 0)
        self.assertEqual(self.merged_lines()[-2:], ["entry 59", "!slow 59"])

    def test_long_merged_output_shows_its_end_and_what_is_missing(self):
        self.open_both()
        lines = self.open_command("long")
        self.assertEqual((len(lines), lines[-1]), (40, "!slow 59"))
        self.chromium.run("document.querySelector('.item[open] .long .more').click()")
        lines = self.merged_lines()
        self.assertEqual(lines[:3], ["The beginning of standard output is not in the record.", "entry 0", "!slow 0"])
        self.assertEqual(len(lines), 121)

    def test_streams_without_a_known_order_are_shown_apart(self):
        for argument in ("unfit", "older"):
            with self.subTest(argument):
                self.open_both()
                self.assertEqual(self.open_command(argument), [])
                self.assertEqual(self.chromium.run("return [...document.querySelectorAll('.item[open] .stream pre')].map((each) => each.innerText)"),
                                 ["one", "two"])

    def test_link_to_an_item_opens_it(self):
        self.open_test()
        item = self.chromium.run("return document.querySelector('.tree details.item').dataset.item")
        self.open_test(f"&item={item}")
        self.assertEqual(self.chromium.wait("const found = document.querySelector('.found'); return found && found.dataset.item"), item)

    def test_artifacts_are_shown_or_explained(self):
        self.open_test()
        self.chromium.run("for (const item of document.querySelectorAll('.part details.item'))"
                          "if (/kvd\\.conf|core/.test(item.innerText)) item.open = true")
        self.chromium.wait("return document.body.innerText.includes('renew = 500ms')")
        self.assertIn("not in the report, because it is larger than 64 KiB", self.text(".detailpane"))

    def test_tests_that_ran_before_on_the_same_nodes(self):
        self.open_test()
        before = self.text(".before")
        self.assertLess(before.index("KeepsOldReaders"), before.index("LeaderHoldsLease"))
        self.assertNotIn("RejectsMinority", before)

    def test_next_and_previous_within_the_filter(self):
        self.open("partition", "#q=Lease&sort=name")
        self.chromium.key("j")
        self.chromium.wait("return location.hash.includes('FollowerForwardsWrites')")
        self.chromium.key("j")
        self.chromium.wait("return location.hash.includes('IsolatedFollower')")
        self.chromium.key("k")
        self.chromium.wait("return location.hash.includes('FollowerForwardsWrites')")
        self.assertEqual(self.chromium.run("return location.hash.includes('q=Lease')"), True)

    # The timeline.

    def open_timeline(self, fragment=""):
        self.open("partition", f"#v=timeline{fragment}")
        self.chromium.wait(TIMELINE)
        self.chromium.wait("return document.querySelectorAll('.itemtable .vrow').length")

    def note(self):
        return int(re.match(r"\d+", self.text(".itemtable .note").replace("\u202f", ""))[0])

    def test_hidden_timeline_is_drawn_once_it_is_shown(self):
        self.open("partition")
        self.chromium.run("const style = document.createElement('style'); style.id = 'hidden';"
                          "style.textContent = '.timeline { display: none }'; document.head.append(style);"
                          "location.hash = '#v=timeline&t=0,1000000000'")
        self.chromium.wait("return document.querySelectorAll('.itemtable .vrow').length")
        self.chromium.wait("return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")
        self.assertIsNone(self.chromium.run(TIMELINE))
        self.chromium.run("document.getElementById('hidden').remove()")
        self.chromium.wait(TIMELINE)

    def test_table_has_the_items_of_the_canvas(self):
        self.open_timeline()
        self.assertGreater(self.note(), 200)
        self.assertEqual(self.chromium.run("return document.querySelector('canvas').getAttribute('role')"), "img")
        self.assertIn("3 log lines of the run without a readable time", self.text(".itemtable .note"))

    def test_selection_filters_the_table(self):
        self.open_timeline()
        whole = self.note()
        self.open_timeline("&sel=5700000000,7950000000")
        inside = self.note()
        self.assertLess(inside, whole)
        self.open_timeline("&sel=5700000000,7950000000&k=faults")
        self.assertEqual(self.note(), 2)

    def test_keys_zoom_and_change_the_mode(self):
        self.open_timeline()
        self.chromium.run("document.querySelector('canvas').focus()")
        before = self.text(".range")
        self.chromium.key("w")
        self.chromium.wait(f"return document.querySelector('.range').innerText !== {before!r}")
        self.chromium.key("o")
        self.chromium.wait("return location.hash.includes('m=order')")
        self.assertEqual(self.text(".timeline .tools button:nth-of-type(4)"), "Order")

    def test_canvas_is_drawn_in_both_modes(self):
        for mode in ("", "&m=order"):
            self.open_timeline(mode)
            self.chromium.wait(
                "const canvas = document.querySelector('canvas'); const data = new Uint32Array(canvas.getContext('2d')"
                ".getImageData(160, 30, canvas.width - 170, canvas.height - 40).data.buffer); return new Set(data).size > 8")

    # Several runs.

    def test_columns_stand_beside_each_other(self):
        self.open("topologies")
        self.assertEqual(self.text("h1"), "2 runs")
        self.assertEqual(len(self.rows()), 4)
        rows = self.rows()
        self.assertIn("rocky9", rows[0])
        self.assertTrue(all("LeaderHoldsLease" in row for row in rows[2:]), rows)
        self.open("topologies", "#q=r:debian")
        self.assertEqual(len(self.rows()), 2)

    def test_each_run_has_lanes_of_its_own(self):
        self.open("topologies", "#v=timeline&k=commands")
        self.chromium.wait(TIMELINE)
        self.chromium.wait("return document.querySelectorAll('.itemtable .vrow').length")
        nodes = self.chromium.run("return [...document.querySelectorAll('.itemtable .vrow .node')].map((each) => each.innerText)")
        self.assertIn("debian12 server1", nodes)
        self.assertIn("rocky9 server1", nodes)

    def test_test_of_one_run_shows_that_run_alone(self):
        self.open("topologies", "#test=rocky9/kvd/LeaseTest.FollowerJoins")
        self.chromium.wait("return document.querySelector('.testhead h2')")
        self.assertEqual(self.chromium.run("return document.querySelectorAll('.before li').length"), 1)
        self.assertIn("rocky9", self.text(".before") + self.text(".detailpane .pairs"))

    def test_new_lines_of_logs_are_shown(self):
        self.open("topologies", "#test=rocky9/kvd/LeaseTest.FollowerJoins")
        self.chromium.wait("return document.querySelector('.newlines')")
        self.assertEqual(self.count(".newlines .logline"), 1)
        self.assertIn("lost the leader", self.text(".newlines"))
        self.assertIn("since its last green run, debian12", self.text(".detailpane"))
        self.open("topologies", "#test=debian12/kvd/LeaseTest.FollowerJoins")
        self.chromium.wait("return document.querySelector('.testhead h2')")
        self.assertEqual(self.count(".newlines"), 0)

    # A run that was cut.

    def test_crash_is_said(self):
        self.open("crash")
        self.assertIn("The record is not whole", self.text("#top"))
        self.assertIn("2 writers did not finish", self.text("#top"))
        self.assertIn("crashed", self.text(".counters"))

    def test_record_that_was_cut_anywhere_has_a_page(self):
        directory = f"{self.directory}/cut"
        scenario.SCENARIOS["partition"](directory)
        path = f"{directory}/records/kvd_tests-4711.jsonl"
        with open(path, "rb") as file:
            whole = file.read()
        failed = {FAILED, *(f"kvd/QuorumTest.RejectsMinority{i}" for i in (1, 2, 3))}
        for i in range(1, 12):
            with open(path, "wb") as file:
                file.write(whole[:len(whole) * i // 12 + 17])
            report = f"{directory}/report.html"
            subprocess.run([write_report, report, ROOT, directory], check=False, stdout=subprocess.DEVNULL)
            self.chromium.open(report, "#q=s:passed&sort=name")
            self.chromium.wait(READY)
            self.assertIn("The record is not whole", self.text("#top"))
            self.assertFalse([row for row in self.rows() if row.replace(" / ", "/") in failed])

    # For everybody.

    def test_nothing_is_asked_from_the_network(self):
        for name in self.reports:
            self.open(name, "#v=timeline")
            self.chromium.wait(TIMELINE)
        self.open_test()
        self.assertEqual(self.chromium.requests(), [])

    def test_narrow_page_does_not_scroll_sideways(self):
        with browser.Browser(width=390, height=844) as phone:
            for name in self.reports:
                for fragment in ("", "#v=timeline", "#v=run", f"#test={quote(FAILED, safe='')}"):
                    phone.open(self.reports[name], fragment)
                    phone.wait(READY)
                    self.assertLessEqual(phone.run("return document.documentElement.scrollWidth"), 390, (name, fragment))

    def test_times_of_items_are_whole_on_a_narrow_page(self):
        with browser.Browser(width=390, height=844) as phone:
            phone.open(self.reports["partition"], "#v=timeline")
            phone.wait("return document.querySelectorAll('.itemtable .vrow').length")
            cut = phone.run("return [...document.querySelectorAll('.itemtable .vrow .at')].filter((each) =>"
                            "each.scrollWidth > each.clientWidth).map((each) => each.textContent)")
            self.assertEqual(cut, [])

    def test_every_button_and_field_has_a_name(self):
        for fragment in ("", "#v=timeline", "#v=run", f"#test={quote(FAILED, safe='')}"):
            self.open("partition", fragment)
            nameless = self.chromium.run(
                "return [...document.querySelectorAll('button, input, select, a, canvas')].filter((each) =>"
                "!(each.getAttribute('aria-label') || each.textContent.trim())).map((each) => each.outerHTML)")
            self.assertEqual(nameless, [])

    def test_help_lists_the_keys(self):
        self.open("partition")
        self.chromium.key("?")
        self.chromium.wait("return document.getElementById('help').open")
        self.assertIn("clock or order", self.text("#help"))

    def test_theme_toggles(self):
        self.open("partition")
        light = self.chromium.run("return getComputedStyle(document.body).backgroundColor")
        self.chromium.key("t")
        dark = self.chromium.run("return getComputedStyle(document.body).backgroundColor")
        self.assertNotEqual(light, dark)
        self.chromium.key("t")


if __name__ == "__main__":
    reason = browser.missing()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    write_report = sys.argv.pop(1)
    unittest.main(verbosity=2)
