"""Of two models at one price the one with the shorter answers is the cheaper one; that is learned, and outlives a restart."""

import unittest

import harness

# luna answers at length, spare in a few words; both cost the same a token.
PROMPT = "[[sim port=0 tokens=900]] Explain how a heat pump works."


class LearnedLengths(harness.Case):
    POLICY_PARTS = {"workers": 1}

    def first(self):
        answer = self.ask_chat(PROMPT + f" {self.asked}", model="pair")
        self.asked += 1
        self.assertEqual(answer.status, 200, answer)
        return answer.header("x-frugald-model")

    def test_the_terse_one_wins(self):
        self.asked = 0
        self.assertEqual(self.first(), "luna", "equal costs: by the order of the candidates")
        for _ in range(40):
            for model in ("luna", "spare"):
                self.assertEqual(self.ask_chat(PROMPT, model=model).status, 200)
        harness.wait_for("the terse one to be chosen", lambda: self.first() == "spare")
        self.assertLess(max(r["output_tokens"] for r in self.sim.records(harness.BACKUP)), 300)
        cls = type(self)
        self.assertEqual(cls.daemon.stop(), 0, cls.daemon.said())
        cls.daemon = harness.Daemon(cls.folder, cls.sim, cls.ENV, **cls.POLICY_PARTS)
        self.assertEqual(self.first(), "spare")


if __name__ == "__main__":
    unittest.main()
