"""How a hold ends: by what was spent, once, whatever ended the call; and that refusals stay refusals."""

import json
import os
import shutil
import subprocess
import unittest

import budgets
import harness
import sdk
from harness import CHAT, OPENAI, chat


class Ends(budgets.Case):
    BUDGETS = '[{{each: user, usd: "{20}", refuse_with: 402}}, {{scope: daemon, usd: 1000, per: month}}]'

    def setUp(self):
        super().setUp()
        self.user = f"{self.id().rsplit('.', 1)[1][-9:]:_<9}"

    def settled(self):
        """The user's account is what its rows are, and nothing is held."""
        account = self.quiet("user:" + self.user)
        self.assertEqual(account["spent"], self.spent_by_user(self.user))
        return account

    def stream(self, behaviour, **more):
        return self.post(CHAT, self.body(f"[[sim {behaviour}]] x", user=self.user, stream=True, **more))

    def test_a_client_that_leaves_pays_for_what_was_produced(self):
        """gateways.md 4.1 no. 17 (new-api#5235): nothing of it is given back."""
        body = self.body("[[sim events=2000 gap_ms=5 tokens=2000]] x", user=self.user, stream=True)
        for how in ("close", "reset"):
            before = self.account("user:" + self.user)["spent"]
            with self.open(CHAT, body) as c:
                self.assertEqual(c.answer.status, 200)
                c.read_until(lambda a: len(a.events()) > 20)
                self.assertGreater(self.account("user:" + self.user)["held"], 0)
                c.reset() if how == "reset" else c.close()
            account = self.settled()
            self.assertGreater(account["spent"], before)

    def test_an_answer_that_ends_early_is_charged_once(self):
        """gateways.md 4.1 no. 5, 17 (new-api#7486): the end of the connection is no second end of the call."""
        for behaviour in ("fault=end_after:4", "fault=cut_after:4", "fault=rst_at:4", "fault=error_event:3", "done=twice", "done=none"):
            with self.subTest(behaviour):
                self.stream(behaviour)
                self.settled()

    def test_calls_that_failed_give_all_back(self):
        """gateways.md 4.1 no. 4: no hold is left behind, however often it fails."""
        for n in range(60):
            self.stream(("status=500", "status=400", "status=429", "status=503")[n % 4])
        account = self.settled()
        self.assertEqual((account["spent"], account["refused"]), (0, 0))
        self.assertEqual(self.stream("tokens=5").status, 200)

    def test_a_fallback_keeps_one_hold(self):
        """gateways.md 4.1 no. 16 (ai-gateway#1866): while the second is asked, the first holds nothing more."""
        self.sim.script("status=500", port=OPENAI)
        self.sim.script("gate=head", port=harness.BACKUP)
        with harness.Connection(self.daemon.port) as c:
            c.send("POST", CHAT, self.body(user=self.user, model="pair"))
            self.sim.wait_gated()
            held = self.account("user:" + self.user)["held"]
            self.sim.release()
            c.read_head()
            c.read_until(lambda a: a.end)
        row = self.row_of(c.answer)
        self.assertEqual([a["outcome"] for a in row["attempt"]], ["provider_error", "served"])
        self.assertEqual(held, row["attempt"][1]["at_most_pusd"])
        self.settled()

    def test_without_a_maximum_the_models_own_is_held_and_sent(self):
        """gateways.md 4.1 no. 17 (one-api#1312): the prompt and the longest answer are charged before."""
        answer = self.post(CHAT, chat("[[sim tokens=5]] x", model="luna", user=self.user))
        self.assertRefused(answer, "each user")
        self.assertEqual(self.sim.records(), [], "it might have cost more than the user may spend")
        answer = self.post(CHAT, chat("[[sim tokens=5]] x", model="luna"))  # under the daemon's budget alone
        self.assertEqual(answer.status, 200, answer)
        row = self.row_of(answer)["attempt"][0]
        sent = json.loads(self.sim.records()[-1]["body"])
        self.assertGreater(sent["max_completion_tokens"], 1000)
        self.assertGreater(row["at_most_pusd"], 20 * self.most)

    def test_what_is_used_beyond_the_hold_is_charged_in_full(self):
        """The provider counts more than it was allowed: it is an overrun, counted, and the next is refused."""
        served = []
        while (answer := self.stream("usage=tenfold tokens=100")).status == 200:
            served.append(answer)
        self.assertRefused(answer, "each user")
        account = self.settled()
        rows = [self.row_of(answer)["attempt"][0] for answer in served]
        for row in rows:
            self.assertGreater(row["amount_pusd"], row["at_most_pusd"])
        self.assertEqual((account["spent"], account["overruns"]), (sum(r["amount_pusd"] for r in rows), len(rows)))
        self.assertIn("more than was set aside", self.daemon.said()[self.mark:])
        self.assertLess(account["left"], 0)

    def test_the_same_idempotency_key_twice_is_two_calls(self):
        """There is no such feature: the header goes nowhere, and both are charged."""
        def one(_):
            return self.post(CHAT, self.body(user=self.user), {"Idempotency-Key": "one"})
        answers = harness.together(2, one)
        self.assertEqual([a.status for a in answers], [200, 200])
        self.assertEqual([[v for n, v in r["headers"] if n.lower() == "idempotency-key"] for r in self.sim.records()], [[], []])
        self.assertEqual(self.settled()["spent"], 2 * self.cost)

    def test_a_thousand_clients_leave(self):
        """Before the first byte or in the middle, with FIN or RST: all are settled, and the account is the sum of the rows."""
        count = 100 if harness.QUICK else 1000
        before = len(self.daemon.query("SELECT seq FROM request"))

        def one(i):
            for j in range(count // 20):
                body = chat("[[sim events=400 gap_ms=5]] x", model="luna", max_tokens=400, stream=(i + j) % 4 != 0)
                with harness.Connection(self.daemon.port) as c:
                    c.send("POST", CHAT, body)
                    # Some wait for the call, some for the answer's begin; the others are gone at once.
                    c.socket.settimeout(0.02 * (j % 5) or 0.001)
                    try:
                        c.read_head()
                    except OSError:
                        pass  # it did not wait so long
                    c.reset() if j % 2 == 0 else c.close()
        harness.together(20, one)
        account = self.quiet("daemon")
        self.assertEqual(account["spent"], self.spent_by_rows())
        rows = self.daemon.query("SELECT a.flags, a.amount_pusd, a.outcome FROM attempt a JOIN request r ON r.seq=a.request"
                                 " WHERE r.seq>?", before)
        calls = self.sim.records()
        self.assertGreaterEqual(len(rows), len(calls))
        self.assertGreater(len(calls), count // 4)
        self.assertEqual([r for r in rows if r["amount_pusd"] is None], [])
        self.assertEqual(self.sim.stats()["ports"][OPENAI]["inflight"], 0)
        print(f"{count} clients left: {len(calls)} calls, {len(rows)} rows, all settled")


class Long(budgets.Case):
    """gateways.md 4.2 no. 24 (Busbar): an answer that is longer than what is held back is billed as any other."""
    POLICY_PARTS = {"top": "limits: {hold_back: 1KiB}"}
    BUDGETS = '[{{each: user, usd: "{90}"}}]'

    def test_a_long_answer_is_billed(self):
        for stream in (False, True):
            answer = self.post(CHAT, self.body("[[sim tokens=5000]] x", user="user-long", max_tokens=6000, stream=stream))
            self.assertEqual(answer.status, 200, answer)
            attempt = self.row_of(answer)["attempt"][0]
            self.assertEqual((attempt["basis"], attempt["output"]), ("reported", 5000))
            self.assertGreater(len(answer.body), 20000)
        self.assertEqual(self.quiet("user:user-long")["spent"], 2 * attempt["amount_pusd"])


class Closed(budgets.Case):
    BUDGETS = '[{{scope: daemon, usd: "0.000000000001"}}]'

    def test_no_way_leads_around_it(self):
        """gateways.md 4.1 no. 14: every path that can reach a provider passes the same gate."""
        paths = [prefix + path for prefix in ("", "/v1", "/t/run=1", "/t/run=1/v1")
                 for path in ("/chat/completions", "/messages", "/completions", "/responses", "/embeddings", "/images/generations",
                              "/audio/speech", "/batches", "/files", "/openai/v1/chat/completions", "/anthropic/v1/messages")]
        for path in paths:
            for model in ("luna", "sol", "gpt-4o", "gpt-4o-mini", "auto", "pair", "claude-x", "openai/gpt-5.6-luna", "gpt-5.6-luna"):
                for more in ({"stream": True}, {"tools": [{"type": "function", "function": {"name": "f"}}]}, {"input": "x"}):
                    answer = self.post(path, chat("x", model=model, max_tokens=10, **more))
                    self.assertIn(answer.status, (402, 404, 400) if model not in ("auto", "gpt-4o") else (200, 402, 404, 400), path)
        # What runs on a machine of ours costs nothing, and may serve.
        self.assertEqual([r["model"] for r in self.sim.records() if r["port"] != harness.RACK], [])


class Storm(budgets.Case):
    """gateways.md 4.1 no. 17 (cognee): a spent budget is no reason to come again; the SDKs as they are, with retries on."""
    BUDGETS = '[{{scope: daemon, usd: "0.000000000001"}}]'

    PYTHON = """
import os, openai
client = openai.OpenAI(base_url=os.environ["FRUGALD_URL"], api_key="any", max_retries=15)
try:
    client.chat.completions.create(model="luna", messages=[{"role": "user", "content": "x"}], max_tokens=50)
except openai.APIStatusError as e:
    print(e.status_code, e.code)
"""
    CLAUDE = """
import os, anthropic
client = anthropic.Anthropic(base_url=os.environ["FRUGALD_URL"][:-3], api_key="any", max_retries=15)
try:
    client.messages.create(model="sonnet", messages=[{"role": "user", "content": "x"}], max_tokens=50)
except anthropic.APIStatusError as e:
    print(e.status_code)
"""
    SCRIPT = """
import OpenAI from "openai";
const client = new OpenAI({ baseURL: process.env.FRUGALD_URL, apiKey: "any", maxRetries: 15 });
try {
  await client.chat.completions.create({ model: "luna", messages: [{ role: "user", content: "x" }], max_tokens: 50 });
} catch (e) { console.log(e.status, e.code); }
"""

    def asked_once(self, argv, env, expected):
        before = len(self.daemon.log_lines())
        env = dict(env, FRUGALD_URL=f"http://127.0.0.1:{self.daemon.port}/v1")
        done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.stdout.split(), expected, done.stdout + done.stderr)
        lines = harness.wait_for("the request's line", lambda: self.daemon.log_lines()[before:])
        self.assertEqual([x["outcome"] for x in lines], ["quota"], "it came again")
        self.assertEqual(self.sim.records(), [])

    def test_openai_python_does_not_come_again(self):
        argv, env = sdk.python(sdk.CLIENTS)
        self.asked_once([*argv, "-c", self.PYTHON], env, ["402", "insufficient_quota"])

    def test_anthropic_python_does_not_come_again(self):
        argv, env = sdk.python(sdk.CLIENTS)
        self.asked_once([*argv, "-c", self.CLAUDE], env, ["402"])

    def test_openai_javascript_does_not_come_again(self):
        modules = sdk.node()
        path = os.path.join(modules, "budget_storm.mjs")
        with open(path, "w", encoding="ascii") as f:
            f.write(self.SCRIPT)
        self.asked_once([shutil.which("node"), path], os.environ, ["402", "insufficient_quota"])


class Storm429(Storm):
    """The same where the policy says 429."""
    BUDGETS = '[{{scope: daemon, usd: "0.000000000001", refuse_with: 429}}]'

    def asked_once(self, argv, env, expected):
        super().asked_once(argv, env, ["429", *expected[1:]])


if __name__ == "__main__":
    unittest.main()
