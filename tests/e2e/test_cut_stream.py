"""After the first byte of a stream a fault is an error event and an end without the terminal event."""

import json
import unittest

import harness
from harness import CHAT, MESSAGES

FAULTS = {
    "cut_after:3": ("cut", b"upstream_cut"),
    "end_after:3": ("cut", b"upstream_cut"),
    "rst_at:3": ("cut", b"upstream_cut"),
    "chunk_error:3": ("cut", b"upstream_cut"),
    "error_event:3": ("stream_error", b"upstream_error"),
}


class CutStream(harness.Case):
    def setUp(self):
        # So many faults would open the breaker.
        type(self).daemon.stop()
        type(self).daemon = harness.Daemon(self.folder, self.sim)
        super().setUp()

    def test_openai(self):
        for fault, (outcome, code) in FAULTS.items():
            with self.subTest(fault):
                answer = self.ask_chat(f"[[sim events=9 fault={fault}]] x", stream=True)
                self.assertEqual((answer.status, answer.end), (200, "whole"), answer)
                events = answer.events()
                self.assertEqual(json.loads(events[-1].data)["error"]["code"].encode(), code)
                self.assertNotIn(b"[DONE]", answer.body)
                text = [c for e in events[:-1] for c in json.loads(e.data)["choices"] if c["delta"].get("content")]
                self.assertEqual(len(text), 3, "what came before it was given on")
                row = self.assertAttempts(answer, ("luna", "openai", outcome, "partial"))
                self.assertGreater(row["attempt"][0]["amount_pusd"], 0)
                self.assertGreaterEqual(row["attempt"][0]["output"], 2)
                self.assertEqual(row["outcome"], outcome)

    def test_anthropic(self):
        for fault, (outcome, _) in FAULTS.items():
            with self.subTest(fault):
                answer = self.ask_message(f"[[sim events=9 fault={fault}]] x", stream=True)
                self.assertEqual((answer.status, answer.end), (200, "whole"), answer)
                last = answer.events()[-1]
                self.assertEqual(last.name, "error")
                self.assertEqual(json.loads(last.data)["type"], "error")
                self.assertNotIn(b"message_stop", answer.body)
                row = self.assertAttempts(answer, ("sonnet", "anthropic", outcome, "partial"))
                self.assertGreater(row["attempt"][0]["amount_pusd"], 0)
                self.assertGreater(row["attempt"][0]["input_uncached"], 0)

    def test_without_done(self):
        """A finish reason and a clean end will do; that is what some providers call an end."""
        answer = self.ask_chat("[[sim events=4 done=none]] x", stream=True)
        self.assertEqual((answer.status, answer.end), (200, "whole"))
        self.assertAttempts(answer, ("luna", "openai", "served", "reported"))

    def test_twice_done(self):
        answer = self.ask_chat("[[sim events=4 done=twice]] x", stream=True)
        self.assertEqual([e.data for e in answer.events()].count(b"[DONE]"), 1)
        self.assertAttempts(answer, ("luna", "openai", "served", "reported"))

    def test_words_behind_the_last_one(self):
        answer = self.ask_chat("[[sim events=4 fault=trailing]] x", stream=True)
        self.assertEqual(answer.events()[-1].data, b"[DONE]")
        self.assertNotIn(b"too late", answer.body)

    def test_an_answer_that_is_not_closed(self):
        """The last word was said: the client does not wait for the last chunk."""
        for path, body in ((CHAT, harness.chat("[[sim events=4 fault=linger]] x", stream=True)),
                           (MESSAGES, harness.message("[[sim events=4 fault=linger]] x", stream=True))):
            answer = self.post(path, body, seconds=15)
            self.assertEqual((answer.status, answer.end), (200, "whole"))
            self.assertEqual(self.row_of(answer)["attempt"][0]["outcome"], "served")

    def test_whole_answer_cut(self):
        for fault, basis in (("cut_after", "partial"), ("rst_at", "partial"), ("wrong_length", "reported")):
            with self.subTest(fault):
                answer = self.ask_chat(f"[[sim fault={fault}]] x")
                self.assertError(answer, 502, "upstream_cut")
                # Where only the length was wrong, the usage had come.
                self.assertAttempts(answer, ("luna", "openai", "cut", basis))


if __name__ == "__main__":
    unittest.main()
