"""A rule may ask for the cheap tier of service: where it has no room, the same model answers at the usual one."""

import json
import unittest

import harness

POLICY = harness.POLICY.replace("tags:", """\
  nightly: {{candidates: [luna], baseline: luna, rules: [{{when: {{tag.app: nightly}}, service_tier: flex}}]}}
tags:""")


class Flex(harness.Case):
    POLICY_PARTS = {"policy": POLICY, "workers": 1}
    NIGHTLY = {"x-frugald-tags": "app=nightly"}

    def tiers(self):
        return [json.loads(r["body"]).get("service_tier") for r in self.sim.records()]

    def test_flex_then_standard(self):
        answer = self.ask_chat("[[sim port=0 status=429 retry_after=60 times=1]] x", self.NIGHTLY, model="nightly")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(self.tiers(), ["flex", None])
        self.assertAttempts(answer, ("luna", "openai", "provider_rate", "none"), ("luna", "openai", "served", "reported"))
        # The tier rests, the model does not.
        self.sim.reset()
        answer = self.ask_chat("y", self.NIGHTLY, model="nightly")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(self.tiers(), [None])
        health = {h["name"]: h["state"] for h in harness.ask(self.daemon.admin, "GET", "/admin/fleet").json()["health"]}
        self.assertEqual((health["tier luna at openai"], health["model luna at openai"]), ("cooling", "closed"))


if __name__ == "__main__":
    unittest.main()
