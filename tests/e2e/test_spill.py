"""A machine of one's own answers while it has room; when its queue gets long, the next candidate does, and it comes back."""

import threading
import unittest

import harness
from harness import RACK

EASY = "What is the capital of France?"


class Spill(harness.Case):
    POLICY_PARTS = {"workers": 2, "rack_more": ", max_inflight: 2", "policy": harness.POLICY.replace("tags:", """\
  desk: {{candidates: [qwen, luna, sol], baseline: sol, goal: cheapest, keep_quality: 80%, max_wait_ms: 100, switch: any_turn}}
tags:""")}

    def ask(self, text=EASY, headers=()):
        return self.ask_chat(text, model="desk", headers=headers)

    def served(self, headers=()):
        answer = self.ask(headers=headers)
        self.assertEqual(answer.status, 200, answer)
        return answer.header("x-frugald-model")

    def slow_answers(self, count, ms):
        """So many at once, each of which takes that long: that is what the machine is known by."""
        return [threading.Thread(target=self.ask, args=(f"[[sim ttft_ms={ms}]] {EASY}",)) for _ in range(count)]

    def inflight(self):
        return self.sim.port_stats(RACK)["inflight"]

    def machine(self, name):
        """One number of /metrics; only local machines have such."""
        metrics = harness.ask(self.daemon.admin, "GET", "/metrics").body.decode()
        lines = [line for line in metrics.splitlines() if line.startswith(f"frugald_machine_{name}{{")]
        self.assertEqual([line.split()[0] for line in lines], [f'frugald_machine_{name}{{provider="rack"}}'])
        return float(lines[0].split()[1])

    def test_spills_and_comes_back(self):
        self.assertEqual(self.served(), "qwen")
        for t in self.slow_answers(1, 600):  # now an answer is known to take a while
            t.start()
            t.join()
        self.sim.script("gate=head", port=RACK, times=2)
        held = self.slow_answers(2, 0)
        for t in held:
            t.start()
        self.sim.wait_gated(2)
        self.assertEqual(self.inflight(), 2)
        explained = self.ask(headers={"x-frugald-explain": "1"})
        self.assertEqual(explained.header("x-frugald-model"), "luna")
        self.assertIn('"spilled":{"model":"qwen","provider":"rack"', explained.header("x-frugald-explain"))
        self.assertEqual(self.sim.port_stats(RACK)["max_inflight"], 2)
        self.assertEqual(self.machine("requests_in_flight"), 2)
        self.assertGreaterEqual(self.machine("wait_seconds"), 0.1)
        self.assertGreaterEqual(self.machine("wait_high_seconds"), self.machine("wait_seconds"))
        self.assertGreater(self.machine("answer_seconds"), 0)
        self.assertGreater(self.machine("utilisation"), 0)
        self.sim.release()
        for t in held:
            t.join()
        harness.wait_for("the machine to be asked again", lambda: self.served() == "qwen")
        metrics = harness.ask(self.daemon.admin, "GET", "/metrics").body.decode()
        self.assertRegex(metrics, r"frugald_spilled_total [1-9]")

    def test_what_may_not_leave_waits(self):
        """Behind a wall nobody else may serve: the request waits at the machine or is told that it is busy."""
        before = sum(self.sim.port_stats(p)["requests"] for p in (harness.OPENAI, harness.BACKUP))
        for t in self.slow_answers(1, 600):
            t.start()
            t.join()
        before_rack = self.sim.port_stats(RACK)["requests"]
        self.sim.script("gate=head", port=RACK, times=1)
        wall = {"x-frugald-data": "confidential"}
        first = threading.Thread(target=self.ask, args=(EASY, wall))
        first.start()
        self.sim.wait_gated(1)
        self.assertEqual(self.served(wall), "qwen")
        self.sim.release()
        first.join()
        after = sum(self.sim.port_stats(p)["requests"] for p in (harness.OPENAI, harness.BACKUP))
        self.assertEqual(after, before)
        self.assertEqual(self.sim.port_stats(RACK)["requests"], before_rack + 2)


if __name__ == "__main__":
    unittest.main()
