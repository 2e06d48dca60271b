"""Walls: no request crosses them, whatever fails behind them."""

import unittest

import harness
from harness import CHAT, RACK, chat

INSIDE = {"x-frugald-data": "confidential"}


class Walls(harness.Case):
    def outside(self):
        return [r for r in self.sim.records() if r["port"] != RACK]

    def test_inside(self):
        answer = self.post(CHAT, chat("x", model="auto"), INSIDE)
        self.assertEqual((answer.status, answer.header("x-frugald-model")), (200, "qwen"))
        self.assertEqual(self.row_of(answer)["data_name"], "confidential")

    def test_all_of_its_providers_down(self):
        self.sim.listen(RACK, "closed")
        for model in ("auto", "wide", "qwen"):
            for _ in range(4):
                answer = self.post(CHAT, chat("x", model=model), INSIDE)
                self.assertIn(answer.status, (502, 503), answer)
        self.assertEqual(self.outside(), [])

    def test_all_of_its_providers_fail(self):
        for do in ("status=500", "status=429", "fault=close", "fault=rst", "fault=html"):
            self.post(CHAT, chat(f"[[sim {do}]] x", model="wide"), INSIDE)
        self.assertEqual(self.outside(), [])

    def test_named_model_behind_the_wall(self):
        for model in ("sol", "luna", "pair", "coding"):
            answer = self.post(CHAT, chat("x", model=model), INSIDE)
            self.assertIn(answer.status, (400, 403), answer)
        self.assertError(self.post(CHAT, chat("x", model="sol"), INSIDE), 403, "data_policy")
        self.assertEqual(self.sim.records(), [])

    def test_unknown_class(self):
        answer = self.post(CHAT, chat("x", model="auto"), {"x-frugald-data": "no-such-class"})
        self.assertEqual(answer.status, 400, answer)
        self.assertEqual(self.sim.records(), [])

    def test_a_header_only_tightens(self):
        """Where the route says confidential, no header opens it."""
        answer = self.post(CHAT, chat("x", model="inner"), {"x-frugald-data": "internal"})
        self.assertEqual((answer.status, answer.header("x-frugald-model")), (200, "qwen"), answer)
        self.sim.listen(RACK, "closed")
        self.assertIn(self.post(CHAT, chat("x", model="inner"), {"x-frugald-data": "internal"}).status, (502, 503))
        self.assertEqual(self.outside(), [])

    POLICY_PARTS = {"policy": harness.POLICY.replace(
        "tags:", "  inner: {{candidates: [qwen], baseline: qwen, min_quality: 0.1, data: confidential}}\ntags:")}


if __name__ == "__main__":
    unittest.main()
