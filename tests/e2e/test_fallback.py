"""Before the first byte another candidate may answer; every attempt has its own row; after it, none follows."""

import json
import unittest

import harness
from harness import BACKUP, CHAT, OPENAI, chat

SERVED = ("sol", "backup", "served", "reported")


class Fallback(harness.Case):
    # Health is not what is tested here: a breaker would keep the first provider out.
    def setUp(self):
        self.daemon_again()
        super().setUp()

    def daemon_again(self):
        """A daemon that has seen no fault yet."""
        cls = type(self)
        if getattr(cls, "used", False):
            self.assertEqual(cls.daemon.stop(), 0, cls.daemon.said())
            cls.daemon = harness.Daemon(cls.folder, cls.sim, cls.ENV, **cls.POLICY_PARTS)
        cls.used = True

    def falls_back(self, do, outcome, basis, **more):
        answer = self.ask_chat(f"[[sim port=0 {do}]] x", model="sol", **more)
        self.assertEqual((answer.status, answer.end), (200, "whole"), (do, answer))
        self.assertEqual(answer.header("x-frugald-model"), "sol")
        row = self.assertAttempts(answer, ("sol", "openai", outcome, basis), SERVED)
        self.assertEqual([r["port"] for r in self.sim.records()], [OPENAI, BACKUP])
        return answer, row

    def test_provider_errors(self):
        for status in (500, 502, 503, 529):
            with self.subTest(status):
                self.daemon_again()
                self.sim.reset()
                # 529 says "too busy", as 429 does.
                outcome = "provider_rate" if status == 529 else "provider_error"
                _, row = self.falls_back(f"status={status}", outcome, "none")
                self.assertEqual(row["attempt"][0]["amount_pusd"], 0)
                self.assertEqual(row["attempt"][0]["http_status"], status)

    def test_rate_limit(self):
        self.falls_back("status=429 retry_after=1", "provider_rate", "none")

    def test_our_credentials(self):
        answer, _ = self.falls_back("status=401", "provider_key", "none")
        self.assertNotIn(b"sk-", answer.body)

    def test_our_quota(self):
        self.falls_back("status=429 code=insufficient_quota", "provider_quota", "none")

    def test_payment(self):
        self.falls_back("status=402", "provider_quota", "none")

    def test_closed_without_an_answer(self):
        _, row = self.falls_back("fault=close", "no_answer", "unknown")
        self.assertGreater(row["attempt"][0]["amount_pusd"], 0, "it may have been billed")

    def test_reset(self):
        self.falls_back("fault=rst", "no_answer", "unknown")

    def test_not_http(self):
        self.falls_back("fault=garbage_head", "bad_answer", "unknown")

    def test_error_first_in_a_stream(self):
        """A 200 whose first event is an error has no byte for the client yet."""
        answer, _ = self.falls_back("fault=error_event:0", "provider_error", "none", stream=True)
        self.assertEqual(answer.events()[-1].data, b"[DONE]")
        self.assertNotIn(b'"error"', answer.body)

    def test_context_length(self):
        answer = self.ask_chat("[[sim port=0 status=400 code=context_length_exceeded]] x", model="sol")
        self.assertEqual(answer.status, 200, answer)

    def test_connection_refused(self):
        self.sim.listen(OPENAI, "closed")
        answer = self.ask_chat("x", model="sol")
        self.assertEqual(answer.status, 200, answer)
        row = self.assertAttempts(answer, ("sol", "openai", "refused_connect", "none"), SERVED)
        self.assertEqual(row["attempt"][0]["amount_pusd"], 0, "nothing was sent")

    def test_no_connection_anywhere(self):
        """Nothing was sent, but all have been tried: an SDK would try them all again."""
        self.sim.listen(OPENAI, "closed")
        self.sim.listen(BACKUP, "closed")
        answer = self.ask_chat("x", model="sol")
        self.assertError(answer, 502, "upstream_connect")
        self.assertEqual(answer.header("x-should-retry"), "false")

    def test_the_last_one_was_not_called(self):
        """A full provider behind one that cannot be reached: waiting alone would not do."""
        type(self).daemon.write(backup_more=", max_inflight: 1")
        type(self).daemon.reload()
        self.addCleanup(type(self).daemon.write, backup_more="")
        self.sim.listen(OPENAI, "closed")
        with self.open(CHAT, chat("[[sim events=2 gate=0]] hold the only place", model="spare", stream=True)):
            self.sim.wait_gated()
            answer = self.ask_chat("x", model="sol")
            self.assertError(answer, 503, "max_inflight")
            self.assertEqual((answer.header("x-should-retry"), answer.header("retry-after")), ("false", None))
            self.sim.release()

    def test_a_refused_request_is_not_sent_again(self):
        answer = self.ask_chat("[[sim status=400]] x", model="sol")
        self.assertError(answer, 400, "upstream_refused")
        self.assertEqual(len(self.sim.records()), 1)

    def test_no_fallback_after_the_first_byte(self):
        answer = self.ask_chat("[[sim port=0 events=9 fault=cut_after:2]] x", model="sol", stream=True)
        self.assertAttempts(answer, ("sol", "openai", "cut", "partial"))
        self.assertEqual(len(self.sim.records()), 1)

    def test_all_fail(self):
        answer = self.ask_chat("[[sim status=500]] x", model="sol")
        self.assertError(answer, 502, "upstream_error")
        self.assertEqual(answer.header("x-should-retry"), "false")
        self.assertAttempts(answer, ("sol", "openai", "provider_error", "none"),
                            ("sol", "backup", "provider_error", "none"))

    def test_a_billed_call_is_no_reason_to_try_again(self):
        """The last one is a rate limit, but the first may have cost something."""
        self.sim.script("fault=close", port=OPENAI)
        self.sim.script("status=429 retry_after=1", port=BACKUP)
        answer = self.ask_chat("x", model="sol")
        self.assertError(answer, 429, "rate_limit_exceeded")
        self.assertGreater(self.assertAttempts(answer, ("sol", "openai", "no_answer", "unknown"),
                                               ("sol", "backup", "provider_rate", "none"))["attempt"][0]["amount_pusd"], 0)
        self.assertEqual(answer.header("x-should-retry"), "false")

    def test_other_models_of_the_route(self):
        answer = self.ask_chat("[[sim model=gpt-5.6-luna status=500]] What is the capital of France?", model="wide")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(json.loads(answer.body)["object"], "chat.completion")


if __name__ == "__main__":
    unittest.main()
