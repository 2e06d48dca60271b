"""What a provider says about limits, money and keys: who is left alone for how long, and what the client is told."""

import time
import unittest

import harness
from harness import BACKUP, OPENAI


class ProviderLimits(harness.Case):
    ENV = {"KEY_A": "sk-aaaa", "KEY_B": "sk-bbbb"}
    POLICY_PARTS = {"openai_more": ", keys: [env:KEY_A, env:KEY_B], discount: 5%"}

    def setUp(self):
        type(self).daemon.stop()
        type(self).daemon = harness.Daemon(self.folder, self.sim, self.ENV, **self.POLICY_PARTS)
        super().setUp()

    def limited(self, do, model="spare"):
        answer = self.ask_chat(f"[[sim {do}]] x", model=model)
        self.assertError(answer, 429, "rate_limit_exceeded")
        self.assertEqual(answer.header("x-should-retry"), "true")
        return answer

    def test_retry_after_reaches_the_client(self):
        for do, low, high in (("retry_after=7", 7, 7), ("retry_after_ms=2500", 3, 3), ("retry_after_date=9", 7, 10)):
            with self.subTest(do):
                self.setUp()
                self.assertIn(int(self.limited("status=429 " + do).header("retry-after")), range(low, high + 1))

    def test_a_limit_that_does_not_say_when(self):
        """Our calls are spent, and nobody knows how long to wait: the SDK is not to guess."""
        answer = self.ask_chat("[[sim status=429]] x", model="spare")
        self.assertError(answer, 429, "rate_limit_exceeded")
        self.assertEqual((answer.header("x-should-retry"), answer.header("retry-after")), ("false", None))

    def test_nobody_is_asked_until_then(self):
        self.limited("status=429 retry_after=2")
        asked = len(self.sim.records(BACKUP))
        begin = time.monotonic()
        # The model has no other provider: it is asked again by one request at a time, and here serves.
        harness.wait_for("an answer", lambda: self.ask_chat("y", model="spare").status == 200)
        self.assertGreaterEqual(len(self.sim.records(BACKUP)), asked + 1)
        self.assertLess(time.monotonic() - begin, 20)

    def test_the_other_provider_serves_meanwhile(self):
        answer = self.ask_chat("[[sim port=0 status=429 retry_after=60]] x", model="sol")
        self.assertEqual(answer.status, 200)
        asked = len(self.sim.records(OPENAI))
        for _ in range(5):
            self.assertEqual(self.ask_chat("y", model="sol").status, 200)
        self.assertEqual(len(self.sim.records(OPENAI)), asked, "Retry-After is kept")
        # The limit is the model's: another one at the same provider, the cheaper of two, goes on.
        self.assertEqual(self.ask_chat("y", model="pair").header("x-frugald-model"), "luna")
        self.assertEqual(len(self.sim.records(OPENAI)), asked + 1)

    def keys(self):
        """That the provider was asked with, in turn."""
        return [dict((n.lower(), v) for n, v in r["headers"])["authorization"] for r in self.sim.records(OPENAI)]

    def test_keys_are_used_in_turn(self):
        """Each session has one: a prompt cache is its organisation's. Many sessions use all of them."""
        for turn in range(2):
            for i in range(20):
                self.assertEqual(self.ask_chat(f"y{turn}", model="luna", headers={"x-frugald-session": f"s{i}"}).status, 200)
        keys = self.keys()
        self.assertEqual(keys[:20], keys[20:])
        self.assertEqual(set(keys), {"Bearer sk-aaaa", "Bearer sk-bbbb"})

    def test_a_key_that_is_refused_rests(self):
        self.sim.script("status=401", port=OPENAI, times=1)
        answer = self.ask_chat("x", model="luna")
        self.assertEqual(answer.status, 200, answer)
        self.assertAttempts(answer, ("luna", "openai", "provider_key", "none"), ("luna", "openai", "served", "reported"))
        for _ in range(3):
            self.assertEqual(self.ask_chat("x", model="luna").status, 200)
        first, *others = self.keys()
        self.assertEqual(len(others), 4)
        self.assertEqual(set(others), {"Bearer sk-aaaa", "Bearer sk-bbbb"} - {first})

    def test_all_keys_are_refused(self):
        self.sim.script("status=401", port=OPENAI, times=2)
        answer = self.ask_chat("x", model="luna")
        self.assertError(answer, 502, "upstream_credentials")
        self.assertIn(" at openai)", answer.json()["error"]["message"])
        self.assertNotIn(b"sk-", answer.body)
        self.assertEqual(set(self.keys()), {"Bearer sk-aaaa", "Bearer sk-bbbb"})
        self.assertEqual(len(self.keys()), 2)

    def test_the_limit_of_one_key(self):
        """Another account has room: no other provider is asked, and the limited key is left alone, by this model."""
        self.sim.script("status=429 retry_after=60", port=OPENAI, times=1)
        for _ in range(3):
            answer = self.ask_chat("x", model="sol", headers={"x-frugald-session": "one"})
            self.assertEqual(answer.status, 200, answer)
        first, *others = self.keys()
        self.assertEqual(len(others), 3)
        self.assertNotIn(first, others)
        self.sim.reset()
        self.assertEqual(self.ask_chat("x", model="luna", headers={"x-frugald-session": "one"}).status, 200)
        self.assertEqual(self.keys(), [first], "another model has limits of its own")

    def test_all_keys_are_limited(self):
        self.sim.script("status=429 retry_after=60", port=OPENAI, times=2)
        answer = self.ask_chat("x", model="luna")
        self.assertError(answer, 429, "rate_limit_exceeded")
        self.assertEqual((answer.header("retry-after"), answer.header("x-should-retry")), ("60", "true"))
        self.assertEqual(len(set(self.keys())), 2)

    def test_a_busy_provider_is_not_asked_with_another_key(self):
        self.assertError(self.ask_chat("[[sim status=529]] x", model="luna"), 429, "rate_limit_exceeded")
        self.assertEqual(len(self.keys()), 1)

    def test_quota(self):
        for do in ("status=429 code=insufficient_quota", "status=402"):
            self.setUp()
            answer = self.ask_chat(f"[[sim {do}]] x", model="spare")
            self.assertError(answer, 502, "upstream_quota")
            self.assertEqual(answer.header("x-should-retry"), "false")
            self.assertNotIn(b"billing details", answer.body, "what concerns our account stays with us")

    def test_refusals_do_not_open_the_breaker(self):
        for _ in range(12):
            self.assertError(self.ask_chat("[[sim status=400]] x"), 400, "upstream_refused")
        self.assertEqual(self.ask_chat("x").status, 200)

    def test_anthropic_errors(self):
        answer = self.ask_message("[[sim status=429 retry_after=3]] x")
        self.assertEqual(answer.status, 429)
        self.assertEqual(answer.json()["type"], "error")
        self.assertEqual(answer.json()["error"]["type"], "rate_limit_error")
        self.assertEqual(answer.header("retry-after"), "3")

    def test_context_length(self):
        answer = self.ask_chat("[[sim status=400 code=context_length_exceeded]] x")
        self.assertError(answer, 400, "context_length_exceeded")
        answer = self.ask_message("[[sim status=400 code=context_length_exceeded]] x")
        self.assertEqual(answer.status, 400)
        self.assertEqual(answer.json()["error"]["type"], "invalid_request_error")


if __name__ == "__main__":
    unittest.main()
