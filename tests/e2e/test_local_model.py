"""A real model behind the local tier: an easy prompt is answered by it, a hard one by another tier."""

import os
import unittest

import harness
import local_model

EASY = "What is the capital of France?"
HARD = ("Prove, step by step and with full rigour, that there are infinitely many primes congruent to 3 modulo 4. Then derive "
        "from it, by induction, a lower bound for the n-th such prime, discuss whether the bound is optimal, and give a "
        "counterexample to the analogous statement for an arbitrary arithmetic progression, or show why there is none.")

POLICY = harness.POLICY.replace(
    "qwen:   {{is: qwen/qwen3-32b,", "qwen:   {{is: huggingfacetb/smollm2-135m, quality: {{default: 0.85}},")


class LocalModel(harness.Case):
    """The rack of the policy is llama.cpp's own server with SmolLM2."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        port = harness.free_ports(1)[0]
        cls.log = open(os.path.join(cls.folder, "model.err"), "wb")
        cls.addClassCleanup(cls.log.close)
        cls.model = local_model.LocalModel(port, cls.log)
        cls.addClassCleanup(cls.model.__exit__)
        cls.model.wait()
        text = POLICY.replace("127.0.0.1:{rack}/v1", f"127.0.0.1:{port}/v1")
        cls.daemon.policy = text
        cls.daemon.write()
        if "reload:" not in cls.daemon.reload():
            raise AssertionError(cls.daemon.said())

    def test_easy_is_answered_by_the_local_model(self):
        got = self.ask_chat(EASY, model="auto", max_tokens=24)
        self.assertEqual(got.status, 200, got)
        self.assertEqual((got.header("x-frugald-tier"), got.header("x-frugald-model")), ("local", "qwen"))
        self.assertIn("Paris", got.json()["choices"][0]["message"]["content"])
        self.assertEqual(got.header("x-frugald-cost-usd"), "0.000000000000")
        row = self.row_of(got)
        self.assertEqual(row["attempt"][0]["output"], got.json()["usage"]["completion_tokens"])

    def test_stream_of_the_local_model(self):
        with self.open(harness.CHAT, harness.chat(EASY, model="qwen", max_tokens=24, stream=True)) as c:
            answer = c.read_until(lambda a: a.end)
        events = answer.events()
        self.assertEqual((answer.end, events[-1].data), ("whole", b"[DONE]"))
        self.assertGreater(len(events), 5)

    def test_hard_goes_to_another_tier(self):
        got = self.ask_chat(HARD, model="auto")
        self.assertEqual(got.status, 200, got)
        self.assertNotEqual(got.header("x-frugald-tier"), "local")


if __name__ == "__main__":
    unittest.main()
