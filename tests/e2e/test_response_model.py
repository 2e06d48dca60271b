"""A route may name the model in its answers as the client asked for it; the header always tells which one served."""

import json
import unittest

import harness
from harness import CHAT, MESSAGES

POLICY = harness.POLICY.replace("  auto:   {{candidates", "  auto:   {{response_model: requested, candidates").replace(
    "  coding: {{candidates", "  coding: {{response_model: requested, candidates")


class ResponseModel(harness.Case):
    @classmethod
    def prepare(cls):
        assert POLICY.count("response_model: requested") == 2
        cls.POLICY_PARTS = {"policy": POLICY}

    def test_whole_answers(self):
        answer = self.ask_chat("Hello", model="gpt-4o")
        self.assertEqual(answer.json()["model"], "gpt-4o")
        self.assertIn(answer.header("x-frugald-model"), ("qwen", "luna", "sol"))
        answer = self.ask_message("Hello", model="claude-anything")
        self.assertEqual(answer.json()["model"], "claude-anything")

    def test_streams(self):
        answer = self.post(CHAT, harness.chat("[[sim events=5]] x", model="auto", stream=True,
                                              stream_options={"include_usage": True}))
        events = answer.events()
        self.assertEqual(events[-1].data, b"[DONE]")
        chunks = [json.loads(e.data) for e in events[:-1]]
        self.assertEqual({c["model"] for c in chunks}, {"auto"})
        self.assertEqual(chunks[-1]["usage"]["completion_tokens"], 5)
        self.assertIn("cost_usd", chunks[-1]["usage"])
        answer = self.post(MESSAGES, harness.message("[[sim events=5]] x", model="coding", stream=True))
        self.assertEqual(json.loads(answer.events()[0].data)["message"]["model"], "coding")

    def test_served_is_the_default(self):
        answer = self.ask_chat("Hello", model="luna")
        self.assertEqual(answer.json()["model"], self.sim.records()[-1]["model"])


if __name__ == "__main__":
    unittest.main()
