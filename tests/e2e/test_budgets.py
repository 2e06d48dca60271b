"""Budgets as clients meet them: refused, served by another model, by a local one, with a shorter answer; and over a reload."""

import json
import os
import subprocess
import unittest

import harness

TAIL = """
budgets:
  - {scope: tag.app, value: refuse, usd: 0.10, per: month}
  - {scope: tag.app, value: late,   usd: 0.10, refuse_with: 429}
  - {scope: tag.app, value: down,   usd: 0.05, on_exhausted: downgrade}
  - {scope: tag.app, value: local,  usd: 0.05, on_exhausted: local_only}
  - {scope: tag.app, value: fit,    usd: 0.10, fit_output: true}
  - {scope: tag.app, value: none,   usd: 0}
  - {scope: tag.app, value: reload, usd: CAP}
  - {scope: tag.app, value: gone,   usd: 0.02}
  - {scope: tag.app, value: seen,   usd: 0.10, per: week, time_zone: Europe/Berlin, warn_at: [50%]}
  - {scope: tag.app, value: steps,  usd: 0.009}
  - {each: tag.run, usd: 0.10}
  - {each: user, usd: 0.10, per: day}
"""


def app(name):
    return [("x-frugald-tags", f"app={name}")]


# Routes and models for them: `down` would take sol; `odd` has no price.
POLICY = harness.POLICY.replace(
    "routes:\n", "routes:\n  down: {{candidates: [sol, luna, qwen], baseline: sol, goal: best}}\n"
    "  steps: {{candidates: [luna, sol], baseline: sol, goal: cheapest, keep_quality: 98%, cascade: true, max_output: 400, switch: any_turn}}\n").replace(
    "models:\n", "models:\n  odd: {{at: [openai], as: odd-1, context: 100000, tier: small, quality: {{default: 0.5}}}}\n")


class Budgets(harness.Case):
    POLICY_PARTS = {"policy": POLICY, "tail": TAIL.replace("CAP", "0.10")}

    def spend(self, headers, **more):
        """Answers until one is refused; gives what those that were served cost, and the refusal."""
        spent = 0.0
        for i in range(1000):
            answer = self.ask_chat(f"question {i}", headers, **more)
            if answer.status != 200:
                return spent, answer
            spent += float(answer.header("x-frugald-cost-usd"))
        self.fail("nothing is ever refused")

    def logged(self, answer):
        return harness.wait_for("its line in the log", lambda: next(
            (line for line in self.daemon.log_lines() if line["id"] == answer.header("x-request-id")), None))

    def test_refused_with_words(self):
        spent, answer = self.spend(app("refuse"), model="sol", max_tokens=1000)
        self.assertTrue(0.05 < spent <= 0.10, spent)
        self.assertError(answer, 402, "insufficient_quota")
        self.assertEqual(answer.header("x-should-retry"), "false")
        self.assertIsNone(answer.header("retry-after"))
        self.assertEqual(answer.header("x-frugald-budget"), "tag.app refuse per month")
        text = answer.json()["error"]["message"]
        for word in ("tag.app refuse per month", "cap 0.10 USD", "spent 0.0", "held 0.000000", "needed 0.0", "resets: 20"):
            self.assertIn(word, text)
        # Others are not touched by it, and what is free is still served.
        self.assertEqual(self.ask_chat("x", app("other"), model="sol").status, 200)
        self.assertEqual(self.ask_chat("x", app("refuse"), model="qwen").status, 200)

    def test_refused_with_429_when_the_policy_says_so(self):
        _, answer = self.spend(app("late"), model="sol", max_tokens=1000)
        self.assertError(answer, 429, "insufficient_quota")
        self.assertEqual(answer.header("x-should-retry"), "false")
        self.assertIn("resets: never", answer.json()["error"]["message"])
        self.assertEqual(self.logged(answer)["status"], 429)

    def test_anthropic_clients_are_told_too(self):
        answer = self.ask_message("x", app("none"))
        self.assertEqual(answer.status, 402, answer)
        self.assertIn("tag.app none in all", answer.json()["error"]["message"])

    def test_downgraded(self):
        # 20,000 tokens of sol do not fit, those of luna do.
        answer = self.ask_chat("cheaper", app("down"), model="down", max_tokens=4000)
        self.assertEqual((answer.status, answer.header("x-frugald-model")), (200, "luna"), answer)
        self.assertEqual(answer.header("x-frugald-budget"), "tag.app down in all")
        self.assertAttempts(answer, ("luna", "openai", "served", "reported"))
        self.assertEqual(self.row_of(answer)["budget_name"], "tag.app down in all")
        asked = harness.ask(self.daemon.admin, "GET", "/v1/requests/" + answer.header("x-request-id"))
        self.assertEqual(asked.json()["budget"], "tag.app down in all")
        self.assertEqual(self.logged(answer)["budget"], "tag.app down in all")
        # What nobody has room for is refused.
        answer = self.ask_chat("none", app("down"), model="down", max_tokens=100000)
        self.assertError(answer, 402, "insufficient_quota")

    def test_local_only(self):
        answer = self.ask_chat("of ours", app("local"), model="down", max_tokens=8000)
        self.assertEqual((answer.status, answer.header("x-frugald-model")), (200, "qwen"), answer)
        self.assertEqual(self.row_of(answer)["budget_name"], "tag.app local in all")

    def test_a_cascade_serves_what_it_has(self):
        """The second step has no room: a poor answer is better than none, and it is paid."""
        self.sim.script("say=_", port=harness.OPENAI, model="gpt-5.6-luna")
        answer = self.ask_chat("Write a SQL query that gives the ten customers with the highest turnover in 2025.", app("steps"), model="steps")
        self.assertEqual((answer.status, answer.header("x-frugald-model"), answer.header("x-frugald-flaw")), (200, "luna", "empty"), answer)
        self.assertEqual(answer.header("x-frugald-budget"), "tag.app steps in all")
        self.assertAttempts(answer, ("luna", "openai", "served", "reported"))
        of = harness.ask(self.daemon.admin, "GET", "/admin/budgets").json()
        line = next(b for b in of["budgets"] if b["name"] == "tag.app steps in all")
        self.assertEqual(float(line["held_usd"]), 0)
        self.assertEqual(float(line["spent_usd"]), float(answer.header("x-frugald-cost-usd")))
        self.assertEqual((line["refused"], line["downgraded"]), (0, 1))

    def test_an_answer_that_fits(self):
        answer = self.ask_chat("x", app("fit"), model="sol")
        self.assertEqual(answer.status, 200, answer)
        body = json.loads(self.sim.records()[-1]["body"])
        most = body.get("max_completion_tokens", body.get("max_tokens"))
        self.assertTrue(16 <= most < 4000, body)
        # Half of a call is worth nothing; and nobody's own maximum is lowered.
        tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
        self.assertError(self.ask_chat("x", app("fit"), model="sol", tools=tools), 402, "insufficient_quota")
        self.assertError(self.ask_chat("x", app("fit"), model="sol", max_tokens=9000), 402, "insufficient_quota")

    def test_operators_see_it(self):
        self.spend(app("seen"), model="sol", max_tokens=300)
        of = json.loads(harness.ask(self.daemon.admin, "GET", "/admin/budgets").body)
        line = next(b for b in of["budgets"] if b["name"] == "tag.app seen per week Europe/Berlin")
        self.assertGreater(float(line["spent_usd"]), 0.05)
        self.assertEqual((line["scope"], line["per"], line["refused"], line["overruns"]), ("tag.app:seen", "week", 1, 0))
        self.assertGreater(of["since_start"]["refused"], 0)
        metrics = harness.ask(self.daemon.admin, "GET", "/metrics").body.decode()
        self.assertIn('frugald_budget_cap_usd{budget="tag.app seen per week Europe/Berlin"} 0.100000000000', metrics)
        self.assertRegex(metrics, r'budget_events_total\{event="refused"\} [1-9]')
        self.assertRegex(metrics, r'budget_events_total\{event="warned"\} [1-9]')
        self.assertNotIn('budget="each', metrics)
        self.assertIn("budget tag.app seen per week Europe/Berlin seen: 50 % of 0.10 USD are spent", self.daemon.said())
        said = subprocess.run([harness.FRUGALD, "status"], env={**os.environ, "FRUGALD_URL": f"http://127.0.0.1:{self.daemon.admin}"},
                              capture_output=True, text=True, check=False).stdout
        self.assertRegex(said, r"budget   tag.app seen per week Europe/Berlin \(tag.app:seen\): 0.\d\d of 0.10 USD used, until 20")

    def test_first_requests_of_a_new_user_share_its_budget(self):  # gateways.md 4.1 no. 2
        self.sim.script("gate=head", port=harness.OPENAI, times=8)
        answers = []

        def one(i):
            if i == 0:
                self.sim.wait_gated(1)
                harness.wait_for("those without room to be refused", lambda: len(answers) + self.sim.stats()["gated"] >= 8)
                self.sim.release()
            else:
                answers.append(self.ask_chat(f"{i}", model="sol", user="ann", max_tokens=1000))
        harness.together(9, one)
        served = sum(a.status == 200 for a in answers)
        self.assertTrue(0 < served < 8, answers)
        for a in answers:
            if a.status != 200:
                self.assertError(a, 402, "insufficient_quota")

    def test_each_run_has_its_own(self):
        for run in ("a", "b"):
            spent, answer = self.spend([("x-frugald-tags", f"run={run}")], model="sol", max_tokens=1000)
            self.assertTrue(0.05 < spent <= 0.10, spent)
            self.assertIn(f"`each tag.run in all` of {run}", answer.json()["error"]["message"])

    def test_what_a_client_leaves_behind_is_spent(self):  # gateways.md 4.1 no. 17
        for _ in range(300):
            with self.open(harness.CHAT, harness.chat("[[sim events=50 gap_ms=50]]", model="sol", stream=True, max_tokens=600),
                           app("gone")) as c:
                if c.answer.status != 200:
                    break
                c.read_until(lambda a: b"data:" in a.body)
        else:
            self.fail("who hangs up pays nothing")
        harness.wait_for("all upstream calls to end", lambda: self.sim.port_stats(harness.OPENAI)["inflight"] == 0)

    def test_counting_tokens_needs_no_budget(self):
        answer = self.post("/v1/messages/count_tokens", harness.message("x"), app("none"))
        self.assertEqual(answer.status, 200, answer)

    def test_what_has_no_price_is_not_let_through(self):  # gateways.md 4.3 no. 28
        answer = self.ask_chat("x", app("none"), model="odd")
        self.assertError(answer, 402, "insufficient_quota")
        self.assertIn("needed an unknown price", answer.json()["error"]["message"])
        self.assertEqual(self.ask_chat("x", model="odd").status, 200)

    def test_reload(self):
        headers = app("reload")
        spent, _ = self.spend(headers, model="sol", max_tokens=1000)
        self.daemon.write(tail=TAIL.replace("CAP", "0.05"))
        self.daemon.reload()
        harness.wait_for("the lower cap", lambda: self.ask_chat("x", headers, model="sol", max_tokens=1).status == 402)
        self.daemon.write(tail=TAIL.replace("CAP", "0.20"))
        self.daemon.reload()
        harness.wait_for("the higher cap", lambda: self.ask_chat("x", headers, model="sol", max_tokens=1).status == 200)
        again, _ = self.spend(headers, model="sol", max_tokens=1000)
        self.assertTrue(0.15 < spent + again <= 0.20, (spent, again))


if __name__ == "__main__":
    unittest.main()
