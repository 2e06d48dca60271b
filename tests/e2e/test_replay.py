"""`frugald replay`: the policy that ran decides again as it did; another one shows what it would have cost."""

import json
import os
import subprocess
import unittest

import harness
from harness import CHAT, chat

HARD = "Prove in full rigour, by induction, that every finite group of order p^2 is abelian; derive each lemma. "


class Replaying(harness.Case):
    """What the tests below share."""

    def replay(self, *options, code=0):
        done = subprocess.run([harness.FRUGALD, "replay", "--state", self.daemon.state, *options],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout

    def found(self, *options):
        return json.loads(self.replay("--json", *options))

    def other(self, old, new):
        """The policy with one text replaced."""
        with open(self.daemon.config, encoding="utf-8") as f:
            text = f.read()
        self.assertIn(old, text)
        path = os.path.join(self.folder, "new.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))
        return path


class Replay(Replaying):
    POLICY_PARTS = {"top": "limits: {slots: 512}"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.traffic()

    @classmethod
    def traffic(cls):
        """Sessions over all routes, with tags, limits, a provider that fails and a reload in between."""
        def one(i):
            model = ("auto", "gpt-4o", "luna", "pair", "wide")[i % 5]
            text = (HARD if i % 3 == 0 else "What is the capital of France? ") + "word " * (i % 40 * 10)
            headers = {"x-frugald-session": f"s{i % 37}", "x-frugald-tags": "app=shop" if i % 2 else "env=prod"}
            if i % 7 == 0:
                headers["x-frugald-min-quality"] = "0.8"
            if i % 11 == 0:
                headers["x-frugald-data"] = "internal"
            answer = harness.ask(cls.daemon.port, "POST", CHAT, chat(text, model=model), headers)
            assert answer.status == 200, answer
        for i in range(100):
            one(i)
        cls.sim.script("status=500", port=harness.RACK, times=6)
        for i in range(100, 200):
            one(i)
        cls.sim.reset()
        cls.daemon.write(tail="# a comment")
        cls.daemon.reload()
        for i in range(200, 260):
            one(i)
        harness.wait_for("the rows", lambda: len(cls.daemon.requests("ORDER BY r.seq")) == 260)

    def test_same_policy(self):
        r = self.found("--policy", self.daemon.config)
        self.assertEqual((r["requests"], r["compared"], r["changed"], r["refused"]), (260, 260, 0, 0), r)
        booked = self.daemon.query("SELECT COALESCE(SUM(amount_pusd), 0) AS v FROM attempt")[0]["v"] / 1e12
        self.assertGreater(booked, 0)
        self.assertAlmostEqual(float(r["booked_usd"]), booked, 9)
        cost = r["is"]["cost_usd"]
        self.assertAlmostEqual(cost["value"], booked, 9)
        self.assertLessEqual(cost["low"], booked)
        self.assertLessEqual(booked, cost["high"])
        self.assertLess(cost["low"], cost["high"])
        self.assertEqual(r["was"]["tier"], r["is"]["tier"])
        self.assertEqual(r["coverage"], {"requests": 1, "cost": 1})
        self.assertEqual(r["saved_usd"], {"value": 0, "low": 0, "high": 0})

    def test_dearer_policy(self):
        auto = "auto:   {candidates: [qwen, luna, sol]"
        r = self.found("--policy", self.other(auto, "auto:   {candidates: [sol]"))
        self.assertGreater(r["changed"], 10)
        self.assertGreater(r["is"]["cost_usd"]["value"], r["was"]["cost_usd"]["value"])
        self.assertLess(r["saved_usd"]["value"], 0)
        self.assertGreater(r["is"]["tier"]["frontier"]["value"], r["was"]["tier"]["frontier"]["value"])
        for side in ("was", "is"):
            self.assertAlmostEqual(sum(t["value"] for t in r[side]["tier"].values()), 1, 6)
        self.assertEqual(sum(m["requests"] for m in r["moves"]), r["changed"] - r["refused"])
        for e in (r["is"]["cost_usd"], r["saved_usd"], r["changed_share"]):
            self.assertLessEqual(e["low"], e["value"])
            self.assertLessEqual(e["value"], e["high"])
        self.assertEqual(r, {**self.found("--policy", os.path.join(self.folder, "new.yaml")), "wall_ms": r["wall_ms"],
                             "last_ms": r["last_ms"]})

    def test_other_prices(self):
        """Who decides the same pays the new price of the same tokens, to the last digit that is shown."""
        r = self.found("--policy", self.other("  openai:    {api: openai,", "  openai:    {api: openai, discount: 50%,"),
                       "--model", "luna")
        self.assertGreater(r["requests"], 50)
        self.assertEqual(r["changed"], 0, r["moves"])
        self.assertAlmostEqual(r["is"]["cost_usd"]["value"], r["was"]["cost_usd"]["value"] / 2, 9)
        self.assertAlmostEqual(r["saved_share"]["value"], 0.5, 6)

    def test_refusals(self):
        r = self.found("--policy", self.other("gpt-4o: auto", "gpt-4o: refuse"))
        self.assertEqual(r["refused"], 52)
        self.assertEqual([(n["what"], n["requests"]) for n in r["refusals"]], [("model_not_found", 52)])

    def test_filters(self):
        self.assertEqual(self.found("--policy", self.daemon.config, "--route", "pair")["requests"], 52)
        self.assertEqual(self.found("--policy", self.daemon.config, "--route", "nobody")["requests"], 0)
        self.assertEqual(self.found("--policy", self.daemon.config, "--until", "2020-01-01", "--since", "2019-12-01")
                         ["requests"], 0)
        self.assertEqual(self.found("--policy", self.daemon.config, "--key", "local")["requests"], 260)

    def test_a_class_that_is_gone(self):
        r = self.found("--policy", self.other("internal:     {regions: [us, onprem]}", "other: {regions: [us]}"))
        self.assertEqual(r["requests"] - r["compared"], 24)
        self.assertIn("data class", r["not_compared"][0]["what"])

    MACHINE = ("--add-model", "qwen/qwen3-32b", "--usd-per-hour", "7.60", "--route", "pair")

    def test_added_machine(self):
        """A route of paid models sends what the machine is good enough for to it."""
        with_room = self.found("--policy", self.daemon.config, *self.MACHINE, "--inflight", "1000")
        m = with_room["machine"]
        self.assertGreater(m["requests"], 20)
        self.assertEqual((m["spilled"], with_room["refused"], with_room["requests"]), (0, 0, 52))
        self.assertEqual(m["requests"], with_room["changed"])
        self.assertEqual(sum(h["requests"] for h in m["by_hour"]), m["requests"])
        self.assertAlmostEqual(sum(h["busy_s"] for h in m["by_hour"]), m["used"] * m["hours"] * 3600 * 1000, 6)
        self.assertAlmostEqual(m["saved_usd"], with_room["saved_usd"]["value"], 9)
        self.assertAlmostEqual(m["saved_each_usd"] * m["requests"], m["saved_usd"], 9)
        self.assertAlmostEqual(m["pays_from_requests_per_hour"] * m["saved_each_usd"], 7.6, 6)
        self.assertTrue(all(n["what"].endswith("-> qwen3-32b") for n in with_room["moves"]), with_room["moves"])

    def test_added_machine_without_room(self):
        """All 52 came within seconds: with one place nearly all go on to the next candidate."""
        r = self.found("--policy", self.daemon.config, *self.MACHINE, "--inflight", "1", "--tokens-per-s", "0.001")
        self.assertEqual(r["machine"]["requests"], 1)
        self.assertGreater(r["machine"]["spilled"], 20)
        self.assertEqual(r["refused"], 0)
        self.assertIn("1 requests at a time", self.replay("--policy", self.daemon.config, *self.MACHINE,
                                                           "--inflight", "1"))

    def test_added_machine_and_walls(self):
        """It stands where the policy's own machines stand: who may be seen there may be seen by it; nobody else."""
        new = self.other("rack:      {api: openai,", "gone:      {api: openai,").replace("new.yaml", "wall.yaml")
        with open(self.daemon.config, encoding="utf-8") as f:
            text = f.read().replace("local: true", "local: false, book: openai, allow_private: true")
        with open(new, "w", encoding="utf-8") as f:
            f.write(text.replace("pair:   {", "pair:   {data: internal, "))
        r = self.found("--policy", new, *self.MACHINE)
        self.assertEqual((r["machine"]["requests"], r["machine"]["spilled"]), (0, 0), r)

    def test_added_machine_mistyped(self):
        for options in (("--add-model", "qwen/qwen3-32b"), ("--usd-per-hour", "1"),
                        ("--add-model", "x", "--usd-per-hour", "0")):
            self.replay("--policy", self.daemon.config, *options, code=2)
        self.replay("--policy", self.daemon.config, "--add-model", "qwen/qwen3-23b", "--usd-per-hour", "1", code=1)

    def test_a_damaged_number(self):
        """A row whose name has a number that was never given: nobody is called so, and no memory is kept for it."""
        state = self.daemon.rewritten("UPDATE request SET key=2147483647 WHERE seq=(SELECT MAX(seq) FROM request)")
        done = subprocess.run([harness.FRUGALD, "replay", "--state", state, "--json", "--policy", self.daemon.config],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["requests"], 260)

    def test_text(self):
        text = self.replay("--policy", self.daemon.config)
        for words in ("260 requests", "0 of them decided otherwise", "cost", "coverage: 100.0 %", "frontier"):
            self.assertIn(words, text)
        self.replay("--since", "soon", code=2)
        self.replay("--since", "2026-01-02", "--until", "2026-01-01", code=2)


class Sessions(Replaying):
    def test_goes_on_elsewhere(self):
        """A turn that would have gone to another model leaves its session there: the next one does not leave it."""
        for text in ("What is the capital of France? " + "word " * 3000, "yes, go on", "yes, go on"):
            answer = self.post(CHAT, chat(text, model="pair"), {"x-frugald-session": "one"})
            self.assertEqual(answer.header("x-frugald-model"), "luna")
            self.daemon.row(answer.header("x-request-id"))
        r = self.found("--policy", self.other("candidates: [luna, spare], baseline: luna",
                                              "candidates: [spare], baseline: spare"))
        self.assertEqual([(m["what"], m["requests"]) for m in r["moves"]], [("luna -> spare", 3)])
        self.assertEqual((r["was"]["switched"]["value"], r["is"]["switched"]["value"]), (0, 0))
        self.assertEqual(r["is"]["cache_lost_usd"]["value"], 0)

    def test_leaves_a_cache_behind(self):
        """A rule that takes the second turn away from where the first has left its prompt cache; the third stays."""
        asked = 0
        for tag, text in (("prod", "What is the capital of Peru? " + "word " * 6000), ("test", "yes, go on"),
                          ("test", "yes, go on")):
            answer = self.post(CHAT, chat(text, model="pair"), {"x-frugald-session": "two", "x-frugald-tags": f"env={tag}"})
            row = self.daemon.row(answer.header("x-request-id"))
            asked = asked or row["attempt"][0]["input_uncached"]
        new = self.other("baseline: luna, goal: cheapest, keep_quality: 50%",
                         "baseline: luna, goal: cheapest, keep_quality: 50%, rules: [{when: {tag.env: test}, use: [spare]}]")
        r = self.found("--policy", new)
        self.assertEqual([(m["what"], m["requests"]) for m in r["moves"]], [("luna -> spare", 2)])
        self.assertAlmostEqual(r["is"]["switched"]["value"] * r["compared"], 1, 6)
        self.assertEqual(r["was"]["cache_lost_usd"]["value"], 0)
        prices = json.loads(subprocess.run([harness.FRUGALD, "prices", "show", "-c", self.daemon.config, "luna", "--json"],
                                           capture_output=True, check=True, text=True).stdout)
        price = prices["prices"][0]["usd_per_million_tokens"]
        whole = asked * (float(price["input_uncached"]) - float(price["cache_read"])) / 1e6
        self.assertGreater(whole, 0)
        self.assertGreater(r["is"]["cache_lost_usd"]["value"], 0.9 * whole)
        self.assertLess(r["is"]["cache_lost_usd"]["value"], whole)


if __name__ == "__main__":
    unittest.main()
