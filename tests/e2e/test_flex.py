"""A rule may ask for the cheap tier of service: where it has no room, the same model answers at the usual one."""

import json
import time
import unittest

import harness

POLICY = harness.POLICY.replace("tags:", """\
  nightly: {{candidates: [luna], baseline: luna, rules: [{{when: {{tag.app: nightly}}, service_tier: flex}}]}}
tags:""")


NIGHTLY = {"x-frugald-tags": "app=nightly"}


def tiers(case):
    return [json.loads(r["body"]).get("service_tier") for r in case.sim.records()]


class Flex(harness.Case):
    POLICY_PARTS = {"policy": POLICY, "workers": 1}
    def test_flex_then_standard(self):
        answer = self.ask_chat("[[sim port=0 status=429 retry_after=60 times=1]] x", NIGHTLY, model="nightly")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(tiers(self), ["flex", None])
        self.assertAttempts(answer, ("luna", "openai", "provider_rate", "none"), ("luna", "openai", "served", "reported"))
        # The tier rests, the model does not.
        self.sim.reset()
        answer = self.ask_chat("y", NIGHTLY, model="nightly")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(tiers(self), [None])
        health = {h["name"]: h["state"] for h in harness.ask(self.daemon.admin, "GET", "/admin/fleet").json()["health"]}
        self.assertEqual((health["tier luna at openai"], health["model luna at openai"]), ("cooling", "closed"))


class Late(harness.Case):
    POLICY_PARTS = {"policy": POLICY, "workers": 1, "openai_more": ", timeouts: {flex_first_byte: 400ms}"}

    def test_late(self):
        begin = time.monotonic()
        answer = self.ask_chat("[[sim port=0 fault=hang times=1]] late", NIGHTLY, model="nightly")
        self.assertEqual(answer.status, 200, answer)
        self.assertGreater(time.monotonic() - begin, .35)
        self.assertEqual(tiers(self), ["flex", None])
        row = self.assertAttempts(answer, ("luna", "openai", "slow_first_byte", "unknown"), ("luna", "openai", "served", "reported"))
        self.assertGreater(row["attempt"][0]["amount_pusd"], 0, "it may have been billed")


class ByDeadline(harness.Case):
    POLICY_PARTS = {"policy": POLICY, "workers": 1}

    def test_there_is_time(self):
        """Nobody speaks of tiers, and the deadline is far away."""
        answer = self.ask_chat("a job for the night", {"x-frugald-deadline": "7200"}, model="luna")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(tiers(self), ["flex"])
        full = self.ask_chat("a job for the night", model="luna")
        self.assertEqual(tiers(self), ["flex", None])
        ratio = float(answer.header("x-frugald-cost-usd")) / float(full.header("x-frugald-cost-usd"))
        self.assertAlmostEqual(ratio, .5, 3)
        answer = self.ask_chat("[[sim port=0 status=429 retry_after=1 times=1]] no room", {"x-frugald-deadline": "7200"}, model="luna")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(tiers(self), ["flex", None, "flex", None])

    def test_no_time(self):
        answer = self.ask_chat("now", {"x-frugald-deadline": "20"}, model="luna")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(tiers(self), [None])


class FlexUnderADeadline(harness.Case):
    POLICY_PARTS = {"policy": POLICY, "workers": 1}

    def test_a_usual_call_still_fits(self):
        for i in range(12):
            answer = self.ask_chat(f"[[sim tokens=64]] quick {i}", model="luna")
            self.assertEqual(answer.status, 200, answer)

        def tier(seconds):
            self.sim.reset()
            answer = self.ask_chat("[[sim tokens=64]] x", {"x-frugald-deadline": seconds}, model="luna")
            self.assertEqual(answer.status, 200, answer)
            return tiers(self)[-1]
        harness.wait_for("its pace to be known", lambda: tier("4") == "flex")
        self.sim.reset()
        begin = time.monotonic()
        answer = self.ask_chat("[[sim port=0 fault=hang times=1]] x", {"x-frugald-deadline": "4"}, model="luna")
        self.assertEqual(answer.status, 200, answer)
        self.assertGreater(time.monotonic() - begin, 2)
        self.assertLess(time.monotonic() - begin, 4)
        self.assertEqual(tiers(self), ["flex", None])
        self.assertAttempts(answer, ("luna", "openai", "slow_first_byte", "unknown"), ("luna", "openai", "served", "reported"))


if __name__ == "__main__":
    unittest.main()
