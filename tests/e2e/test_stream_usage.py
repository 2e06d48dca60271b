"""Usage in streams: asked for by us for the bill, shown only to a client that asked, then with its cost."""

import decimal
import json
import unittest

import harness
from harness import CHAT, MESSAGES, OPENAI, chat, message


class StreamUsage(harness.Case):
    def chunks(self, body):
        answer = self.post(CHAT, body)
        self.assertEqual((answer.status, answer.end), (200, "whole"))
        events = answer.events()
        self.assertEqual([e.data for e in events].count(b"[DONE]"), 1)
        self.assertEqual(events[-1].data, b"[DONE]")
        return answer, [json.loads(e.data) for e in events[:-1]]

    def test_not_asked(self):
        answer, chunks = self.chunks(chat("[[sim events=4]] x", stream=True))
        self.assertTrue(all("usage" not in c or c["usage"] is None for c in chunks))
        self.assertTrue(all(c["choices"] for c in chunks))
        self.assertEqual(self.row_of(answer)["attempt"][0]["output"], 4)

    def test_asked(self):
        answer, chunks = self.chunks(chat("[[sim events=4]] x", stream=True, stream_options={"include_usage": True}))
        usage = chunks[-1]["usage"]
        self.assertEqual(chunks[-1]["choices"], [])
        self.assertEqual(usage["completion_tokens"], 4)
        attempt = self.row_of(answer)["attempt"][0]
        self.assertEqual(decimal.Decimal(str(usage["cost_usd"])) * 10**12, attempt["amount_pusd"])
        self.assertGreater(attempt["amount_pusd"], 0)

    def test_declined(self):
        _, chunks = self.chunks(chat("[[sim events=4]] x", stream=True, stream_options={"include_usage": False}))
        self.assertTrue(all(not c.get("usage") for c in chunks))
        self.assertIn('"include_usage":true', self.sim.records(OPENAI)[-1]["body"].replace(" ", ""))

    def test_in_every_chunk(self):
        """Some count in each chunk; the last word counts."""
        answer, chunks = self.chunks(chat("[[sim events=7 usage=every]] x", stream=True,
                                          stream_options={"include_usage": True}))
        self.assertEqual(chunks[-1]["usage"]["completion_tokens"], 7)
        attempt = self.row_of(answer)["attempt"][0]
        self.assertEqual((attempt["output"], attempt["basis"]), (7, "reported"))

    def test_missing(self):
        """Without usage the bill is an estimate and says so."""
        answer, _ = self.chunks(chat("[[sim events=8 usage=missing]] x", stream=True))
        attempt = self.row_of(answer)["attempt"][0]
        self.assertEqual((attempt["outcome"], attempt["basis"]), ("served", "partial"))
        self.assertGreater(attempt["output"], 0)
        self.assertGreater(attempt["amount_pusd"], 0)

    def test_huge_and_inconsistent_usage_does_no_harm(self):
        for usage in ("huge", "inconsistent", "negative", "null"):
            for stream in (False, True):
                answer = self.post(CHAT, chat(f"[[sim events=8 usage={usage}]] x", stream=stream))
                self.assertEqual((answer.status, answer.end), (200, "whole"), (usage, answer))
                attempt = self.row_of(answer)["attempt"][0]
                self.assertEqual(attempt["outcome"], "served")
                self.assertGreaterEqual(attempt["amount_pusd"] or 0, 0)
                self.assertLess(attempt["amount_pusd"] or 0, 10**12, (usage, attempt))

    def test_anthropic(self):
        answer = self.post(MESSAGES, message("[[sim events=5]] x", stream=True))
        events = answer.events()
        self.assertEqual(events[-1].name, "message_stop")
        self.assertEqual(json.loads(events[-2].data)["usage"]["output_tokens"], 5)
        attempt = self.row_of(answer)["attempt"][0]
        self.assertEqual((attempt["output"], attempt["basis"]), (5, "reported"))

    def test_whole_answers_carry_their_cost(self):
        for path, body in ((CHAT, chat("hello")), (MESSAGES, message("hello"))):
            answer = self.post(path, body)
            cost = decimal.Decimal(answer.header("x-frugald-cost-usd"))
            self.assertEqual(cost * 10**12, self.row_of(answer)["attempt"][0]["amount_pusd"])
            self.assertGreater(cost, 0)


if __name__ == "__main__":
    unittest.main()
