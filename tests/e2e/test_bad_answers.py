"""Whatever a provider sends, the client gets a whole answer of ours and the daemon lives."""

import unittest

import harness

# What the first byte has told already is no answer of a model.
NO_ANSWER = ("html", "garbage_head", "big_head", "gzip", "redirect", "text_plain", "empty")


class BadAnswers(harness.Case):
    def setUp(self):
        # So many faults would open the breaker.
        type(self).daemon.stop()
        type(self).daemon = harness.Daemon(self.folder, self.sim)
        super().setUp()

    def check(self, fault, stream, ask=None):
        answer = (ask or self.ask_chat)(f"[[sim fault={fault}]] x", stream=stream)
        self.assertEqual((answer.status, answer.end), (502, "whole"), (fault, answer))
        self.assertIn("error", answer.json())
        self.assertEqual(answer.header("content-type"), "application/json")
        attempt = self.row_of(answer)["attempt"][0]
        self.assertIn(attempt["outcome"], ("bad_answer", "no_answer"), fault)
        self.assertEqual(attempt["basis"], "none" if attempt["http_status"] >= 300 else "unknown", (fault, attempt))

    def test_streams(self):
        for fault in NO_ANSWER[:4]:
            with self.subTest(fault):
                self.check(fault, True)

    def test_streams_more(self):
        for fault in NO_ANSWER[4:]:
            with self.subTest(fault):
                self.check(fault, True)

    def test_whole(self):
        for fault in NO_ANSWER[:4]:
            if fault != "text_plain":
                with self.subTest(fault):
                    self.check(fault, False)

    def test_whole_more(self):
        for fault in ("redirect", "empty", "invalid_json", "end_after"):
            with self.subTest(fault):
                self.check(fault, False)

    def test_anthropic(self):
        for fault in ("html", "invalid_json", "empty", "gzip"):
            with self.subTest(fault):
                self.check(fault, False, self.ask_message)

    def test_an_event_that_is_not_json(self):
        """One bad event does not hurt the stream."""
        answer = self.ask_chat("[[sim events=6 fault=invalid_json:2]] x", stream=True)
        self.assertEqual((answer.status, answer.end), (200, "whole"))
        self.assertEqual(answer.events()[-1].data, b"[DONE]")


if __name__ == "__main__":
    unittest.main()
