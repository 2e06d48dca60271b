"""A cascade asks a cheap model first and a better one when its answer is of no use; all that was asked is billed."""

import json
import os
import subprocess
import time
import unittest

import harness
from harness import CHAT, OPENAI, chat

QUESTION = "Write a SQL query that gives the ten customers with the highest turnover in 2025."
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
FORM = {"type": "json_schema", "json_schema": {"name": "f", "schema": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}}}


class Cascade(harness.Case):
    POLICY_PARTS = {"workers": 2, "top": "limits: {hold_back: 64KiB}", "policy": harness.POLICY.replace("tags:", """\
  steps: {{candidates: [luna, sol], baseline: sol, goal: cheapest, keep_quality: 98%, cascade: true, max_output: 400, switch: any_turn}}
tags:""")}

    def ask(self, text=QUESTION, **more):
        return self.post(CHAT, chat(text, model="steps", **more))

    def asked(self):
        return [r["model"] for r in self.sim.records()]

    def flawed(self, flaw, **more):
        """The second model serves; both are in the ledger and paid for."""
        before = len(self.asked())
        answer = self.ask(**more)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.header("x-frugald-model"), "sol", flaw)
        self.assertIsNone(answer.header("x-frugald-flaw"))
        self.assertEqual(len(self.asked()) - before, 2)
        attempts = self.daemon.row(answer.header("x-request-id"))["attempt"]
        self.assertEqual([a["outcome"] for a in attempts], ["escalated", "served"])
        paid = [a["amount_pusd"] for a in attempts]
        self.assertTrue(all(p > 0 for p in paid), paid)
        self.assertEqual(answer.header("x-frugald-cost-usd"), f"{sum(paid) / 1e12:.12f}")

    def test_good_answer(self):
        before = len(self.asked())
        answer = self.ask()
        self.assertEqual((answer.status, answer.header("x-frugald-model")), (200, "luna"), answer)
        self.assertEqual(len(self.asked()) - before, 1)

    def test_refusal(self):
        self.sim.script("say=I'm_sorry,_but_I_can't_help_with_that.", port=OPENAI, model="gpt-5.6-luna")
        self.flawed("refusal")

    def test_empty(self):
        self.sim.script("say=_", port=OPENAI, model="gpt-5.6-luna")
        self.flawed("empty")

    def test_cut(self):
        """By a maximum that we have set: the client asked for no such end."""
        self.sim.script("tokens=600", port=OPENAI, model="gpt-5.6-luna")
        self.flawed("cut")

    def test_tool_call(self):
        self.sim.script('tool=1 say={"a":', port=OPENAI, model="gpt-5.6-luna")
        self.flawed("tool_call", tools=[TOOL])

    def test_schema(self):
        self.sim.script('say={"city":7}', port=OPENAI, model="gpt-5.6-luna")
        self.flawed("schema", response_format=FORM)

    def test_schema_that_fits(self):
        self.sim.script('say={"city":"Paris"}', port=OPENAI, model="gpt-5.6-luna")
        answer = self.ask(response_format=FORM)
        self.assertEqual(answer.header("x-frugald-model"), "luna", (answer.body, self.sim.records()[-2:]))
        self.assertEqual(json.loads(answer.json()["choices"][0]["message"]["content"]), {"city": "Paris"})

    def test_second_fails(self):
        """A poor answer is better than none, and says so; what failed is billed as it failed."""
        self.sim.script("say=I_cannot_help_with_that.", port=OPENAI, model="gpt-5.6-luna")
        self.sim.script("status=400 code=invalid_request", model="gpt-5.6-sol", times=0)
        answer = self.ask()
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.header("x-frugald-model"), "luna", (answer, self.sim.records()[-2:]))
        self.assertEqual(answer.header("x-frugald-flaw"), "refusal")
        self.assertEqual(answer.json()["choices"][0]["message"]["content"], "I cannot help with that.")
        self.sim.reset()
        row = self.daemon.row(answer.header("x-request-id"))
        self.assertEqual((row["outcome"], [a["outcome"] for a in row["attempt"]][0]), ("served", "served"))

    def test_all_after_the_first_are_down(self):
        self.sim.script("say=I_cannot_help_with_that.", port=OPENAI, model="gpt-5.6-luna")
        self.sim.script("status=500", model="gpt-5.6-sol", times=0)
        answer = self.ask()
        self.assertEqual((answer.status, answer.header("x-frugald-flaw")), (200, "refusal"), answer)
        self.sim.reset()

    def test_too_long_to_judge(self):
        self.sim.script("tokens=300 bytes=1000 events=300", port=OPENAI, model="gpt-5.6-luna")
        answer = self.ask()
        self.assertEqual((answer.status, answer.header("x-frugald-model")), (200, "luna"), answer)
        self.assertEqual(answer.header("x-frugald-flaw"), "unjudged")
        self.assertGreater(len(answer.body), 200000)

    def test_stream(self):
        """What the client has already seen cannot be judged."""
        self.sim.script("say=I_cannot_help_with_that.", port=OPENAI, model="gpt-5.6-luna")
        before = len(self.asked())
        answer = self.ask(stream=True)
        self.assertEqual(answer.status, 200)
        self.assertEqual(len(self.asked()) - before, 1)

    def test_client_gone(self):
        """Between the two: both are billed."""
        self.sim.script("say=I_cannot_help_with_that.", port=OPENAI, model="gpt-5.6-luna")
        self.sim.script("gate=head", port=OPENAI, model="gpt-5.6-sol")
        with harness.Connection(self.daemon.port) as c:
            c.send("POST", CHAT, chat(QUESTION, model="steps"))
            self.sim.wait_gated(1)
        self.sim.release()
        gone = harness.OUTCOMES.index("client_gone")
        row = harness.wait_for("the row", lambda: self.daemon.requests("WHERE r.outcome=?", gone))[0]
        attempts = self.daemon.with_attempts(row)["attempt"]
        self.assertEqual([a["outcome"] for a in attempts], ["escalated", "client_gone"])
        self.assertTrue(all(a["amount_pusd"] > 0 for a in attempts), attempts)

    def refused(self, **sol):
        """The first model refuses; what the second does is in `sol`."""
        self.sim.script("say=I_cannot_help_with_that.", port=OPENAI, model="gpt-5.6-luna")
        if sol:
            self.sim.script(sol["do"], model="gpt-5.6-sol", times=0)

    def log_of(self, answer):
        """Its line of the log, as far as it speaks of both."""
        wanted = answer.header("x-request-id")
        line = harness.wait_for("its line of the log", lambda: [x for x in self.daemon.log_lines() if x["id"] == wanted])[0]
        return [line.get(k) for k in ("attempts", "model", "flaw", "flaw_of", "flaw_served")]

    def explain(self, answer):
        self.row_of(answer)
        env = {**os.environ, "FRUGALD_URL": f"http://127.0.0.1:{self.daemon.admin}"}
        done = subprocess.run([harness.FRUGALD, "explain", answer.header("x-request-id")], env=env, capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_log_and_explain_tell_of_both(self):
        self.refused()
        answer = self.ask()
        self.assertEqual(self.log_of(answer), [2, "sol", "refusal", "luna", False])
        told = self.explain(answer)
        self.assertIn("served by sol @ openai", told)
        self.assertIn("luna @ openai · escalated: it refuses", told)
        self.refused(do="status=400 code=invalid_request")
        answer = self.ask()
        self.assertEqual(self.log_of(answer), [2, "luna", "refusal", "luna", True])
        told = self.explain(answer)
        self.assertIn("served by luna @ openai", told)
        self.assertIn("sol @ openai · provider_refused", told)
        self.assertEqual(self.log_of(self.ask(text="Write a SQL query that counts orders.")), [1, "luna", None, None, None])

    def test_second_is_late(self):
        """It is given up at the deadline, and what it may have cost is booked."""
        self.refused(do="fault=hang")
        begin = time.monotonic()
        answer = self.post(CHAT, chat(QUESTION, model="steps"), {"x-frugald-deadline": "1"})
        self.assertLess(time.monotonic() - begin, 5)
        self.assertEqual((answer.status, answer.header("x-frugald-model"), answer.header("x-frugald-flaw")), (200, "luna", "refusal"))
        row = self.assertAttempts(answer, ("luna", "openai", "served", "reported"), ("sol", "openai", "too_long", "unknown"))
        self.assertEqual(row["outcome"], "served")
        self.assertGreater(min(a["amount_pusd"] for a in row["attempt"]), 0)

    def test_short_was_asked_for(self):
        """Another model would be cut off as well."""
        self.sim.script("tokens=40", model="gpt-5.6-luna")
        answer = self.ask(max_tokens=20)
        self.assertEqual((answer.status, answer.header("x-frugald-model"), answer.header("x-frugald-flaw")), (200, "luna", None))
        self.assertEqual(answer.json()["choices"][0]["finish_reason"], "length", answer)
        self.assertAttempts(answer, ("luna", "openai", "served", "reported"))

    def test_long_answers_share_what_is_held_back(self):
        """The second one may be as long as what the first one leaves; beyond that it streams."""
        self.sim.script("say=I_cannot_help_with_that.", port=OPENAI, model="gpt-5.6-luna")
        self.sim.script("tokens=300 bytes=1000 events=300", port=OPENAI, model="gpt-5.6-sol")
        answer = self.ask()
        self.assertEqual((answer.status, answer.header("x-frugald-model"), answer.header("x-frugald-flaw")), (200, "sol", None))
        self.assertGreater(len(answer.body), 200000)
        self.assertAttempts(answer, ("luna", "openai", "escalated", "reported"), ("sol", "openai", "served", "reported"))

    def tearDown(self):
        self.sim.reset()


if __name__ == "__main__":
    unittest.main()
