"""An agent in a loop: `runaway` stops its key, for a while or until somebody lets it in again."""

import decimal
import hashlib
import json
import os
import subprocess
import time
import unittest

import harness
from harness import CHAT, OPENAI, chat

TOP = """keys_file: keys.yaml
teams:
  agents: {runaway: {usd_per_minute: 5.00}}
  free:   {cost_centre: CC-1}
"""
LIMIT = decimal.Decimal("5.00")
# About $0.30 an answer, as of a model that thinks for long.
EXPENSIVE = "[[sim tokens=10000]] go on"


def secret(name):
    return "fr-" + hashlib.sha256(name.encode()).hexdigest()[:43]


def entry(name, team, more=""):
    digest = hashlib.sha256(secret(name).encode()).hexdigest()
    return f"- {{name: {name}, sha256: {digest}, team: {team}" + (", " + more if more else "") + "}\n"


class Runaway(harness.Case):
    POLICY_PARTS = {"top": TOP, "workers": 4}

    @classmethod
    def prepare(cls):
        path = os.path.join(cls.folder, "keys.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write("version: 1\nkeys:\n" + entry("loops", "agents") + entry("many", "agents") + entry("calm", "agents")
                    + entry("stops", "free", "runaway: {usd_per_minute: 5.00, then: pause}")
                    + "".join(entry(name, "free", "runaway: {usd_per_minute: 5.00, then: pause}") for name in ("again", "torn")))
        os.chmod(path, 0o600)

    def ask(self, name, text="hello"):
        return self.post(CHAT, chat(text, model="sol"), {"Authorization": "Bearer " + secret(name)})

    def loop(self, name, most=200):
        """Asks until it is refused. Gives what was spent, that of the dearest answer, and the refusal."""
        spent, dearest = decimal.Decimal(0), decimal.Decimal(0)
        for _ in range(most):
            answer = self.ask(name, EXPENSIVE)
            if answer.status != 200:
                return spent, dearest, answer
            cost = decimal.Decimal(answer.header("x-frugald-cost-usd"))
            spent, dearest = spent + cost, max(dearest, cost)
        self.fail(f"{most} answers for ${spent}, and none was refused")

    def command(self, *words):
        return subprocess.run([harness.FRUGALD, *words], cwd=self.folder, capture_output=True, text=True, timeout=60,
                              env={**os.environ, "FRUGALD_URL": f"http://127.0.0.1:{self.daemon.admin}"})

    def metric(self, name):
        text = harness.ask(self.daemon.admin, "GET", "/metrics").body.decode()
        return int(next(line for line in text.splitlines() if line.startswith(name + " ")).split()[-1])

    def test_a_loop_is_throttled(self):
        begin = time.monotonic()
        spent, dearest, answer = self.loop("loops")
        self.assertLess(time.monotonic() - begin, 60)
        self.assertGreaterEqual(spent, LIMIT)
        self.assertLess(spent, LIMIT + dearest)
        self.assertError(answer, 429, "rate_limit_exceeded")
        self.assertEqual(answer.header("x-should-retry"), "true")
        self.assertLessEqual(int(answer.header("retry-after")), 61)
        text = answer.json()["error"]["message"]
        self.assertIn("key 'loops' has spent $5.", text)
        self.assertIn("$5.00 is the limit of `runaway`; there is room in", text)
        # the others of its team go on
        self.assertEqual(self.ask("calm").status, 200)
        harness.wait_for("a line in the log", lambda: "key 'loops' is throttled: it has spent $5." in self.daemon.said())
        self.assertGreaterEqual(self.metric('frugald_runaway_keys_total{then="throttle"}'), 1)
        self.assertGreaterEqual(self.metric('frugald_runaway_refusals_total{then="throttle"}'), 1)
        self.assertEqual(self.ask("loops").status, 429)

    def test_many_loops_at_once(self):
        results = harness.together(8, lambda i: self.loop("many"))
        spent, dearest = sum(r[0] for r in results), max(r[1] for r in results)
        self.assertGreaterEqual(spent, LIMIT)
        self.assertLess(spent, LIMIT + 8 * dearest)
        self.assertEqual(self.ask("many").status, 429)

    def test_a_loop_is_paused_until_somebody_looks(self):
        spent, dearest, answer = self.loop("stops")
        self.assertLess(spent, LIMIT + dearest)
        self.assertError(answer, 403, "key_paused")
        self.assertEqual((answer.header("x-should-retry"), answer.header("retry-after")), ("false", None))
        text = answer.json()["error"]["message"]
        self.assertRegex(text, r"^key 'stops' is paused since 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ: it had spent \$5\.\d\d within a minute, "
                               r"and \$5\.00 is the limit of `runaway`; .*`frugald keys resume stops` lets it in again$")
        harness.wait_for("a line in the log", lambda: "key 'stops' is paused: it has spent $5." in self.daemon.said())
        self.assertEqual(self.metric("frugald_keys_paused"), 1)
        # over a restart
        self.daemon.stop()
        type(self).daemon = harness.Daemon(self.folder, self.sim, None, **self.POLICY_PARTS)
        self.assertError(self.ask("stops"), 403, "key_paused")
        status = self.command("status")
        self.assertIn("PAUSED   key stops since 20", status.stdout)
        paused = json.loads(self.command("status", "--json").stdout)["status"]["paused"]
        self.assertEqual([p["key"] for p in paused], ["stops"])
        # whoever has looked lets it in again
        done = self.command("keys", "resume", "stops", "-c", self.daemon.config)
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("had paused it for what it spent", done.stderr)
        self.assertEqual(self.ask("stops").status, 200)
        self.assertEqual(self.metric("frugald_keys_paused"), 0)
        self.assertNotIn("PAUSED", self.command("status").stdout)
        done = self.command("keys", "resume", "stops", "-c", self.daemon.config)
        self.assertEqual((done.returncode, "had paused" in done.stderr), (0, False), done)

    def test_damage_lets_in_again_and_is_told(self):
        self.loop("torn")
        self.assertError(self.ask("torn"), 403, "key_paused")
        self.daemon.stop()
        path = os.path.join(self.daemon.state, "paused")
        with open(path, "r+b") as f:
            f.truncate(100)
        type(self).daemon = harness.Daemon(self.folder, self.sim, None, **self.POLICY_PARTS)
        self.assertIn("paused was damaged, or not of this release: it is begun anew", self.daemon.said())
        self.assertEqual(self.ask("torn").status, 200)

    def test_over_the_admin_port(self):
        self.loop("again")
        answer = harness.ask(self.daemon.admin, "POST", "/admin/keys/again/resume", b"{}")
        self.assertEqual((answer.status, answer.json()), (200, {"key": "again", "was_paused": True}))
        self.assertEqual(self.ask("again").status, 200)
        answer = harness.ask(self.daemon.admin, "POST", "/admin/keys/again/resume", b"{}")
        self.assertEqual(answer.json()["was_paused"], False)
        self.assertEqual(harness.ask(self.daemon.admin, "POST", "/admin/keys/nobody/resume", b"{}").status, 404)
        self.assertEqual(harness.ask(self.daemon.admin, "GET", "/admin/keys/again/resume").status, 404)


if __name__ == "__main__":
    unittest.main()
