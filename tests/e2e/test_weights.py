"""`weight` shares a model's sessions between its deployments; a session keeps to one of them."""

import unittest

import harness
from harness import BACKUP, OPENAI

SESSIONS = 80


class Weights(harness.Case):
    POLICY_PARTS = {"policy": harness.POLICY.replace(
        "at: [openai, backup]", "at: [{{provider: openai, weight: 3}}, {{provider: backup, weight: 1}}]", 1)}

    def ports(self):
        """Who was asked in each session, by one turn of each."""
        before = len(self.sim.records())
        for i in range(SESSIONS):
            self.assertEqual(self.ask_chat("What is it?", model="sol", headers={"x-frugald-session": f"s{i}"}).status, 200)
        return [r["port"] for r in self.sim.records()[before:]]

    def test_sessions_are_shared(self):
        ports = self.ports()
        self.assertEqual(self.ports(), ports, "a session stays")
        # The same sessions in every run: 3 to 1, give or take.
        self.assertIn(ports.count(OPENAI), range(SESSIONS * 6 // 10, SESSIONS * 9 // 10))
        self.assertEqual(ports.count(OPENAI) + ports.count(BACKUP), SESSIONS)


if __name__ == "__main__":
    unittest.main()
