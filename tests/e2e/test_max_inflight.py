"""max_inflight holds over all workers, as the provider itself counts."""

import json
import unittest

import harness
from harness import OPENAI, RACK


class MaxInflight(harness.Case):
    POLICY_PARTS = {"workers": 4, "openai_more": ", max_inflight: 5", "qwen_more": ", max_inflight: 3"}

    def burst(self, model, port, limit):
        self.sim.script("gate=head", port=port, times=limit)
        answers = []

        def one(i):
            if i == 0:
                self.sim.wait_gated(limit)
                harness.wait_for("all others to be refused", lambda: len(answers) >= 40 - limit)
                self.assertTrue(all(a.status == 503 for a in answers), answers)
                self.sim.release()
            else:
                answers.append(self.ask_chat(f"question {i}", model=model))
        harness.together(41, one)
        self.assertEqual(sorted(a.status for a in answers), [200] * limit + [503] * (40 - limit))
        refused = next(a for a in answers if a.status == 503)
        self.assertEqual(json.loads(refused.body)["error"]["code"], "max_inflight")
        self.assertEqual(refused.header("x-should-retry"), "true")
        stats = self.sim.port_stats(port)
        self.assertEqual((stats["max_inflight"], stats["requests"]), (limit, limit))

    def test_of_a_provider(self):
        self.burst("luna", OPENAI, 5)

    def test_of_a_model(self):
        self.burst("qwen", RACK, 3)

    def test_never_exceeded(self):
        """Streams that come and go, clients that leave: what is freed is freed once."""
        def one(i):
            for j in range(6):
                with harness.Connection(self.daemon.port) as c:
                    c.send("POST", harness.CHAT, harness.chat(f"[[sim events=6 gap_ms=2]] {i} {j}", model="qwen", stream=True))
                    c.read_head()
                    if (i + j) % 3 == 0 and c.answer.status == 200:
                        continue  # leave at once
                    c.read_until(lambda a: a.end)
        harness.together(16, one)
        harness.wait_for("all upstream calls to end", lambda: self.sim.port_stats(RACK)["inflight"] == 0)
        self.assertLessEqual(self.sim.port_stats(RACK)["max_inflight"], 3)
        harness.wait_for("a free place", lambda: self.ask_chat("x", model="qwen").status == 200)
        self.sim.reset()
        self.burst("qwen", RACK, 3)


if __name__ == "__main__":
    unittest.main()
