"""A provider that fails is left alone for a while, then tried by one request, then trusted again."""

import time
import unittest

import harness
from harness import ANTHROPIC, BACKUP, OPENAI


class Breaker(harness.Case):
    def fleet(self):
        return harness.ask(self.daemon.admin, "GET", "/admin/fleet").json()

    def test_opens_and_half_opens(self):
        self.sim.script("status=500", port=OPENAI, times=0)
        for _ in range(8):
            self.assertEqual(self.ask_chat("x", model="sol").status, 200)
        asked = len(self.sim.records(OPENAI))
        self.assertLess(asked, 8, "the breaker has opened")
        self.assertGreaterEqual(asked, 5)
        opened = time.monotonic()
        for _ in range(5):
            answer = self.ask_chat("x", model="sol")
            self.assertEqual(answer.status, 200)
        # Whoever is out is in no row: nobody was asked.
        self.assertEqual([a["provider_name"] for a in self.row_of(answer)["attempt"]], ["backup"])
        self.assertEqual(len(self.sim.records(OPENAI)), asked)

        # Well again: after the pause one probe, and with its answer all come back.
        self.sim.call("POST", "reset", {})
        harness.wait_for("the probe", lambda: self.ask_chat("x", model="sol").status == 200 and self.sim.records(OPENAI), 60)
        self.assertGreater(time.monotonic() - opened, 3)
        probe = len(self.sim.records(OPENAI))
        self.assertEqual(probe, 1)
        backup = len(self.sim.records(BACKUP))
        for _ in range(4):
            self.assertEqual(self.ask_chat("x", model="sol").status, 200)
        self.assertEqual(len(self.sim.records(OPENAI)), probe + 4)
        self.assertEqual(len(self.sim.records(BACKUP)), backup)

    def test_half_open_asks_one_at_a_time(self):
        self.sim.script("status=500", port=BACKUP, times=0)
        for _ in range(8):
            self.ask_chat("x", model="spare")
        self.sim.reset()
        # Nobody else can serve `spare`: of many that come at once one is the probe.
        self.sim.script("gate=head", port=BACKUP, times=0)
        answers = []

        def one(i):
            answers.append(self.ask_chat("x", model="spare"))
            if i == 0:
                self.sim.release()

        def many(i):
            if i == 9:
                self.sim.wait_gated()
                harness.wait_for("the others' refusal", lambda: len(answers) >= 8)
                self.assertEqual(self.sim.stats()["ports"][BACKUP]["requests"], 1)
                self.sim.release()
            else:
                one(1)
        harness.together(10, many)
        self.assertEqual(sorted(a.status for a in answers), [200] + [503] * 8)
        refused = next(a for a in answers if a.status == 503)
        self.assertError(refused, 503, "provider_unhealthy")
        self.assertEqual(refused.header("x-should-retry"), "true")
        self.assertGreaterEqual(int(refused.header("retry-after")), 1)

    def test_a_key_that_is_refused_is_no_outage(self):
        """The provider is back but does not like our key: that is what people are told, not that it is out of service."""
        def state():
            return {h["name"]: h["state"] for h in self.fleet()["health"]}["provider anthropic"]
        self.sim.script("status=500", port=ANTHROPIC, times=0)
        for _ in range(8):
            self.ask_message("x")
        self.assertEqual(state(), "open")
        self.sim.reset()
        self.sim.script("status=401", port=ANTHROPIC, times=0)
        harness.wait_for("the end of the pause", lambda: state() == "half-open", 20)
        self.assertIn("refused our credentials", self.ask_message("x").json()["error"]["message"])
        self.assertEqual(state(), "closed")


if __name__ == "__main__":
    unittest.main()
