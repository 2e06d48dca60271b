"""Easy work goes to a cheap model, hard work to a strong one, and the report shows both."""

import json
import unittest

import harness
from harness import CHAT, chat

EASY = "What is the capital of France?"
HARD = """Prove the following theorem in full rigour, step by step, and check every step.

Let G be a finite group of order p^2 q^2 with primes p < q such that q does not divide p^2 - 1. Show that G has a normal
Sylow q-subgroup, and classify all such groups up to isomorphism. First derive the number of Sylow q-subgroups from
Sylow's theorems; then treat the abelian and the non-abelian case of the semidirect product separately, computing the
automorphism groups; then prove by induction on the length of the derived series that the bound is sharp, give a
counterexample for each hypothesis that is dropped, and estimate the asymptotic number of such groups of order <= n with
an explicit error term. Finally optimise the constant by solving the resulting variational problem."""


class Routing(harness.Case):
    def test_easy_and_hard(self):
        easy, hard = self.ask_chat(EASY, model="auto"), self.ask_chat(HARD, model="auto")
        self.assertEqual((easy.status, hard.status), (200, 200))
        self.assertEqual(hard.header("x-frugald-model"), "sol")
        self.assertIn(easy.header("x-frugald-model"), ("qwen", "luna"))
        self.assertLess(float(easy.header("x-frugald-complexity")), float(hard.header("x-frugald-complexity")))
        self.assertEqual(easy.header("x-frugald-route"), "auto")
        self.assertEqual([r["model"] for r in self.sim.records()][1], "gpt-5.6-sol")
        rows = {r["model"]: r for r in self.daemon.summary("since=1h&group_by=model")["rows"]}
        self.assertLessEqual({easy.header("x-frugald-model"), "sol"}, set(rows))
        self.assertEqual(rows["sol"]["tier"], "frontier")
        self.assertGreater(float(rows["sol"]["cost_usd"]), float(rows[easy.header("x-frugald-model")]["cost_usd"]))

    def test_anthropic_route(self):
        self.assertEqual(self.ask_message(EASY, model="claude-anything").header("x-frugald-model"), "sonnet")
        self.assertEqual(self.ask_message(HARD, model="coding").header("x-frugald-model"), "opus")

    def test_aliases_and_names(self):
        self.assertEqual(self.ask_chat(EASY, model="gpt-4o").header("x-frugald-route"), "auto")
        answer = self.ask_chat(HARD, model="gpt-4o-mini")
        self.assertEqual(answer.header("x-frugald-model"), "luna")
        self.assertEqual(self.row_of(answer)["asked_name"], "gpt-4o-mini")

    def test_explain(self):
        answer = self.post(CHAT, chat(EASY, model="auto"), {"x-frugald-explain": "1"})
        plan = answer.header("x-frugald-explain")
        self.assertIn(answer.header("x-frugald-model"), plan)
        self.assertIn("sol", plan)
        self.assertNotIn("France", plan)

    def test_requests_only_tighten(self):
        answer = self.post(CHAT, chat(EASY, model="auto"), {"x-frugald-min-quality": "0.93"})
        self.assertEqual(answer.status, 200, answer)
        plain = self.ask_chat(EASY + " ", model="auto")
        dearer = ["qwen", "luna", "sol"]
        self.assertGreaterEqual(dearer.index(answer.header("x-frugald-model")), dearer.index(plain.header("x-frugald-model")))
        for name, value in (("x-frugald-min-quality", "much"), ("x-frugald-max-cost-usd", "-1"), ("x-frugald-data", "x")):
            self.assertEqual(self.post(CHAT, chat(EASY, model="auto"), {name: value}).status, 400, name)

    def test_bypass(self):
        """`bypass` sends all to the baseline, on every worker, until it is lifted."""
        def bypass(seconds):
            wish = {"route": "auto", "for_s": seconds, "reason": "a test"}
            answer = harness.ask(self.daemon.admin, "POST", "/admin/bypass", json.dumps(wish).encode())
            self.assertEqual(answer.status, 200, answer)
        served = lambda i: self.ask_chat(f"{EASY} {i}", model="auto").header("x-frugald-model")
        bypass(600)
        self.assertEqual([served(i) for i in range(6)], ["sol"] * 6)
        bypass(0)
        self.assertNotIn("sol", [served(10 + i) for i in range(6)])


if __name__ == "__main__":
    unittest.main()
