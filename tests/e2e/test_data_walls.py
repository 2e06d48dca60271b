"""Walls: no request crosses them, whatever fails behind them."""

import json
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


# A route for each feature that picks a model, all with somebody outside.
FEATURES = """\
  ruled:   {{candidates: [qwen, luna, sol], baseline: qwen, rules: [{{when: {{tag.app: shop}}, avoid: [qwen]}}]}}
  flexed:  {{candidates: [qwen, luna], baseline: luna, rules: [{{when: {{tag.env: any}}, service_tier: flex}}]}}
  ladder:  {{candidates: [qwen, luna, sol], baseline: sol, cascade: true, keep_quality: 10%}}
  finest:  {{candidates: [qwen, luna, sol], baseline: sol, goal: best, max_cost_usd: 0.5}}
  watched: {{candidates: [qwen, luna, sol], baseline: sol, mode: observe}}
  passed:  {{candidates: [qwen, luna, sol], baseline: sol, mode: bypass}}
  some:    {{candidates: [qwen, luna, sol], baseline: sol, mode: canary 50%}}
  never:   {{candidates: [qwen, luna, sol], baseline: sol, switch: never}}
  always:  {{candidates: [qwen, luna, sol], baseline: sol, switch: any_turn}}
  quick:   {{candidates: [qwen, luna, sol], baseline: sol, max_ttft_ms: 1, min_tokens_per_s: 1000}}
  shared:  {{candidates: [split, sol], baseline: split, keep_quality: 10%}}
  spills:  {{candidates: [qwen, luna], baseline: luna, keep_quality: 10%, max_wait_ms: 1}}
  proper:  {{candidates: [qwen, sol], baseline: sol, min_quality: 0.99, on_below_quality: refuse}}
"""
SPLIT = """models:
  split:  {{is: qwen/qwen3-32b, at: [{{provider: rack, weight: 1}}, {{provider: backup, weight: 9}}], tier: small}}
"""
TOOL_LOOP = [{"role": "user", "content": "weather?"},
             {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function",
                                                   "function": {"name": "w", "arguments": "{}"}}]},
             {"role": "tool", "tool_call_id": "c1", "content": "rain"}]


class Features(harness.Case):
    """Whatever picks a model picks none outside, when everybody inside is down; each first shows that it would."""
    POLICY_PARTS = {"policy": harness.POLICY.replace("models:\n", SPLIT).replace("tags:", FEATURES + "tags:")}

    def outside(self):
        return [r for r in self.sim.records() if r["port"] != RACK]

    def sweep(self, headers):
        routes = [line.split(":")[0].strip() for line in FEATURES.splitlines()]
        answers = {}
        for model in routes + ["auto", "wide", "pair", "gpt-4o", "gpt-4o-mini", "split"]:
            more = {**headers, "x-frugald-tags": "app=shop,env=prod", "x-frugald-session": f"s-{model}"}
            turns = [chat("x", model=model), chat("prove it rigorously", model=model),
                     chat("and now?", model=model, service_tier="flex"),
                     json.dumps({"model": model, "messages": TOOL_LOOP}).encode(), chat("s", model=model, stream=True)]
            answers[model] = [self.post(CHAT, t, more).status for t in turns]
            answers[model].append(self.post(CHAT, chat("soon", model=model), {**more, "x-frugald-deadline": "60"}).status)
        return answers

    def test_all_inside_down(self):
        self.sim.listen(RACK, "closed")
        open_to_all = self.sweep({})
        self.assertTrue(all(set(s) <= {200} for m, s in open_to_all.items() if m != "proper"), open_to_all)
        self.assertGreater(len(self.outside()), 60)
        self.sim.reset()
        self.sim.listen(RACK, "closed")
        walled = self.sweep(INSIDE)
        self.assertEqual(self.outside(), [])
        self.assertTrue(all(s in (403, 502, 503) for m in walled.values() for s in m), walled)


if __name__ == "__main__":
    unittest.main()
