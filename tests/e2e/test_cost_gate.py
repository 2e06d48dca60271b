"""GET /v1/costs/gate and `frugald report --fail-over`: a pipeline's step that asks right behind the last answer."""

import datetime
import decimal
import json
import os
import re
import subprocess
import unittest

import harness
from harness import CHAT, chat

TOP = """keys_file: keys.yaml
teams: {platform: {may_use: all}, other: {may_use: all}}
"""


class Gate(harness.Case):
    POLICY_PARTS = {"top": TOP, "workers": 2}
    keys = {}

    @classmethod
    def prepare(cls):
        with open(os.path.join(cls.folder, "keys.yaml"), "w", encoding="utf-8") as f:
            f.write("version: 1\nkeys: []\n")
        os.chmod(f.name, 0o600)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:
            for team in ("platform", "other"):
                said = subprocess.run([harness.FRUGALD, "keys", "add", team, "--team", team, "-c", cls.daemon.config],
                                      cwd=cls.folder, check=True, capture_output=True, text=True, timeout=60).stdout
                cls.keys[team] = {"x-api-key": re.search(r"fr-[0-9A-Za-z]{43}", said).group(0)}
            cls.daemon.reload()
            for headers in cls.keys.values():
                harness.wait_for("the workers to have the key", lambda: all(harness.ask(
                    cls.daemon.port, "GET", "/v1/models", headers=headers).status == 200 for _ in range(8)))
        except BaseException:
            cls.clean_up()
            raise

    def gate(self, query, team="platform"):
        return harness.ask(self.daemon.port, "GET", "/v1/costs/gate?" + query, headers=self.keys[team])

    def spend(self, run, team="platform", **more):
        return self.post(f"/t/run={run}{CHAT}", chat("What is this?", **more), self.keys[team])

    def report(self, *words, team="platform", **env):
        return subprocess.run([harness.FRUGALD, "report", *words], capture_output=True, text=True, timeout=60,
                              env={**os.environ, "FRUGALD_URL": f"http://127.0.0.1:{self.daemon.port}",
                                   "FRUGALD_KEY": self.keys[team]["x-api-key"], **env})

    def test_it_waits_for_the_rows_of_what_has_ended(self):
        cost = decimal.Decimal(0)
        for i in range(1, 31):
            answer = self.spend("fresh")
            cost += decimal.Decimal(answer.header("x-frugald-cost-usd"))
            said = self.gate("tag.run=fresh&max_usd=1").json()
            self.assertEqual((said["requests"], decimal.Decimal(said["cost_usd"])), (i, cost))
        self.assertEqual(self.gate(f"tag.run=fresh&max_usd={cost}").status, 200, "at most means at most")
        over = self.gate(f"tag.run=fresh&max_usd={cost - decimal.Decimal('0.000000000001'):f}")
        self.assertEqual(over.status, 412)
        self.assertIs(over.json()["passes"], False)
        self.assertEqual(over.json()["error"]["code"], "over_max_usd")

    def test_it_waits_although_others_are_under_way(self):
        with self.open(CHAT, chat("[[sim events=2 gate=0]] hold", stream=True), {**self.keys["other"], "x-frugald-tags": "run=held"}) as slow:
            self.sim.wait_gated()
            self.assertEqual(self.spend("quick", model="sol").status, 200)
            said = self.gate("tag.run=quick&max_usd=1").json()
            self.assertEqual((said["requests"], said["in_flight"]), (1, 0))
            held = self.gate("tag.run=held&max_usd=1", team="other").json()
            self.assertEqual((held["requests"], held["in_flight"]), (0, 1), "it says so")
            self.assertEqual(self.gate("tag.run=held&max_usd=1").json()["in_flight"], 0, "of others nothing is told")
            self.sim.release()
            self.assertEqual(slow.read_until(lambda a: a.end).events()[-1].data, b"[DONE]")
        held = self.gate("tag.run=held&max_usd=1", team="other").json()
        self.assertEqual((held["requests"], held["in_flight"]), (1, 0))

    def test_a_key_sees_its_own_scope(self):
        self.spend("shared")
        self.spend("shared", team="other")
        self.assertEqual(self.gate("tag.run=shared&max_usd=1").json()["requests"], 1)
        everything = harness.ask(self.daemon.admin, "GET", "/v1/costs/gate?tag.run=shared&max_usd=1")
        self.assertEqual(everything.json()["requests"], 2)
        self.assertEqual(harness.ask(self.daemon.port, "GET", "/v1/costs/gate?tag.run=shared&max_usd=1").status, 401)

    def test_corrections_count(self):
        answer = self.spend("credit")
        self.gate("tag.run=credit&max_usd=1")
        done = subprocess.run([harness.FRUGALD, "ledger", "correct", answer.header("x-request-id"), "--amount", "0.25", "--why",
                               "credit note 4711"], capture_output=True, text=True, timeout=60,
                              env={**os.environ, "FRUGALD_URL": f"http://127.0.0.1:{self.daemon.admin}"})
        self.assertEqual(done.returncode, 0, done.stderr)
        harness.wait_for("the correction", lambda: self.gate("tag.run=credit&max_usd=1").json()["cost_usd"] == "0.250000000000")
        self.assertEqual(self.gate("tag.run=credit&max_usd=0.24").status, 412)

    def test_mistakes(self):
        for query, why in (("tag.run=1", "max_usd is missing"), ("max_usd=1", "say what is to be checked"),
                           ("tag.rum=1&max_usd=1", "there is no tag"), ("tag.run=1&max_usd=x", "are no dollars")):
            answer = self.gate(query)
            self.assertEqual(answer.status, 400, query)
            self.assertIn(why, answer.json()["error"]["message"])

    def test_the_command(self):
        self.spend("cli")
        fine = self.report("--tag", "run=cli", "--fail-over", "5.00")
        self.assertEqual((fine.returncode, fine.stderr), (0, ""))
        self.assertRegex(fine.stdout, r"^run=cli: 1 request for \$0\.0\d+, at most \$5\.0000\n")
        over = self.report("--tag", "run=cli", "--fail-over", "0.000001")
        self.assertEqual((over.returncode, over.stderr), (1, ""))
        self.assertIn("more than", over.stdout)
        offline = self.report("--tag", "run=cli", "--fail-over", "0.000001", "--state", self.daemon.state)
        self.assertEqual((offline.returncode, offline.stderr), (1, ""))
        self.assertEqual(self.report("--fail-over", "5").returncode, 2)
        self.assertEqual(self.report("--tag", "run=cli", "--fail-over", "5", "--by", "model").returncode, 2)
        bad = self.report("--tag", "run=cli", "--fail-over", "five")
        self.assertEqual(bad.returncode, 1)
        self.assertIn("are no dollars", bad.stderr)
        self.assertEqual(self.report("--tag", "run=cli", "--fail-over", "5", FRUGALD_URL="http://127.0.0.1:1").returncode, 1)

    def test_two_runs_side_by_side(self):
        for run, model, times in (("old", "luna", 2), ("old", "sol", 1), ("new", "luna", 3), ("new", "qwen", 1)):
            for _ in range(times):
                self.assertEqual(self.spend(run, model=model).status, 200)
            self.gate(f"tag.run={run}&max_usd=1")  # until the rows are in
        done = self.report("--compare", "run=old", "run=new", "--json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        got = json.loads(done.stdout)
        self.assertEqual((got["a"]["requests"], got["b"]["requests"]), (3, 4))
        self.assertEqual([m["model"] for m in got["models"]][0], "sol", "what changed most comes first")

        def exact(row, key):
            return decimal.Decimal(row[key])
        for row in (got, *got["models"]):
            self.assertEqual(exact(row, "volume_usd") + exact(row, "mix_usd") + exact(row, "price_usd"), exact(row, "difference_usd"))
            self.assertEqual(exact(row["b"], "cost_usd") - exact(row["a"], "cost_usd"), exact(row, "difference_usd"))
        for key in ("volume_usd", "mix_usd", "price_usd", "difference_usd"):
            self.assertEqual(sum(exact(m, key) for m in got["models"]), exact(got, key))
        text = self.report("--compare", "run=old", "run=new").stdout
        self.assertTrue(text.startswith("run=old, then run=new\n"), text)
        self.assertRegex(text, r"(?m)^total ")
        offline = self.report("--compare", "run=old", "run=new", "--json", "--state", self.daemon.state)
        self.assertEqual(offline.stdout, done.stdout)
        today = datetime.datetime.now(datetime.timezone.utc).date()
        day = self.report("--compare", str(today - datetime.timedelta(days=1)), str(today), "--json")
        self.assertEqual(json.loads(day.stdout)["a"]["requests"], 0)
        self.assertGreaterEqual(json.loads(day.stdout)["b"]["requests"], 7)
        for words in (("--compare", "run=old"), ("--compare", "yesterday", "today"), ("surplus",)):
            self.assertEqual(self.report(*words).returncode, 2, words)


if __name__ == "__main__":
    unittest.main()
