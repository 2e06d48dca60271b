"""A provider that fails many requests is not asked for all of them once more: repeats at one provider are a share of its
calls. Another provider is always asked."""

import unittest

import harness
from harness import OPENAI

ASKED = 150


class Budget(harness.Case):
    # Two models at one provider.
    POLICY_PARTS = {"policy": harness.POLICY.replace(
        "  spare:", "  mars:   {{is: openai/gpt-5.6-sol, at: [openai], tier: frontier}}\n  spare:", 1).replace(
        "  pair:", "  twins:  {{candidates: [luna, mars], baseline: mars, goal: cheapest, keep_quality: 10%}}\n  pair:", 1)}

    def ask_many(self, fault, model):
        """One in three fails at first: no breaker opens. The answers to those."""
        answers = [self.ask_chat(f"{fault if i % 3 == 2 else ''}What is {i}?", model=model) for i in range(ASKED)]
        for i, answer in enumerate(answers):
            if i % 3 != 2:
                self.assertEqual(answer.status, 200, (i, answer))
        return answers[2::3]

    def refused(self):
        """Attempts that the budget did not allow, by /metrics."""
        lines = harness.ask(self.daemon.admin, "GET", "/metrics").body.decode().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("frugald_retries_refused_total "))


class OneProvider(Budget):
    def test_repeats_are_a_share(self):
        before = self.refused()
        answers = self.ask_many("[[sim model=gpt-5.6-luna status=500]] ", "twins")
        repeated = [a for a in answers if a.status == 200]
        given_up = [a for a in answers if a.status != 200]
        self.assertGreaterEqual(len(repeated), 10)
        self.assertGreaterEqual(len(given_up), 5)
        self.assertEqual(self.refused() - before, len(given_up))
        self.assertEqual(len(self.sim.records(OPENAI)), ASKED + len(repeated))
        for answer in given_up:
            # The client hears of what went wrong, not of what was left undone.
            self.assertError(answer, 502, "upstream_error")
            self.assertEqual(answer.header("x-should-retry"), "false")
            self.assertAttempts(answer, ("luna", "openai", "provider_error", "none"))


class TwoProviders(Budget):
    def test_another_provider_is_always_asked(self):
        before = self.refused()
        for answer in self.ask_many("[[sim port=0 status=500]] ", "sol"):
            self.assertAttempts(answer, ("sol", "openai", "provider_error", "none"), ("sol", "backup", "served", "reported"))
        self.assertEqual(self.refused(), before)


if __name__ == "__main__":
    unittest.main()
