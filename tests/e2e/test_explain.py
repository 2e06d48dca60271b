"""Why a request went where it went: by its id, from the daemon or its files; before another policy; and the plan alone."""

import json
import os
import shutil
import sqlite3
import subprocess
import unittest

import harness
from harness import CHAT, MESSAGES, chat, message

EASY = "What is the capital of France?"
HARD = ("Prove that there are infinitely many primes of the form 4k+3, then give a second, independent proof by analytic "
        "means, step by step, and compare the two with respect to the lemmas that they need.")
ROUTE = "/v1/route"


class Explain(harness.Case):
    POLICY_PARTS = {"workers": 1, "policy": harness.POLICY.replace("tags:", """\
  ruled:
    candidates: [qwen, luna, sol]
    baseline: sol
    rules:
      - {{when: {{class: maths}}, use: [sol]}}
      - {{when: {{tag.app: nightly}}, use: [luna], service_tier: flex}}
tags:""")}

    def cli(self, *words, code=0):
        env = {**os.environ, "FRUGALD_URL": f"http://127.0.0.1:{self.daemon.admin}"}
        done = subprocess.run([harness.FRUGALD, *words], env=env, cwd=self.folder, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, code, done)
        return done.stdout + done.stderr

    def new_policy(self, old, new):
        """The daemon's policy with something else in it, in a file of its own."""
        with open(self.daemon.config, encoding="utf-8") as f:
            text = f.read()
        self.assertIn(old, text)
        path = os.path.join(self.folder, "new.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))
        return path

    # -- the plan alone --

    def test_only_the_plan(self):
        """The same decision as the request's own, and nothing else happens."""
        rows = len(self.daemon.requests(""))
        for path, body, model in ((CHAT, chat(EASY, model="auto"), None), (MESSAGES, message(HARD, model="coding"), "opus")):
            to = ROUTE if path == CHAT else ROUTE + "/messages"
            told = self.post(to, body, {"x-frugald-session": "only-asked"})
            self.assertEqual(told.status, 200, told)
            plan = told.json()["plan"]
            self.assertEqual(told.json()["object"], "frugald.plan")
            self.assertNotIn("idle_ms", plan["session"], "it is new each time")
            self.assertEqual(self.sim.records(), [])
            first = plan["candidates"][0]
            if model:
                self.assertEqual(first["model"], model)
            again = self.post(to, body, {"x-frugald-session": "only-asked"}).json()["plan"]
            self.assertEqual(plan, again)
        self.assertEqual(len(self.daemon.requests("")), rows)
        served = self.post(CHAT, chat(EASY, model="auto"))
        self.daemon.row(served.header("x-request-id"))
        asked = self.post(ROUTE, chat(EASY, model="auto")).json()["plan"]
        record = harness.ask(self.daemon.port, "GET", "/v1/requests/" + served.header("x-request-id")).json()
        self.assertEqual(asked.keys() - {"session"}, record["plan"].keys() - {"session"})
        self.assertEqual([(c["model"], c["provider"], c["success"]) for c in asked["candidates"]],
                         [(c["model"], c["provider"], c["success"]) for c in record["plan"]["candidates"]])
        # what was then asked for is remembered, and is told
        self.assertEqual(asked["session"]["model"], served.header("x-frugald-model"))
        self.assertEqual(len(self.daemon.requests("")), rows + 1)

    def test_a_refusal_is_an_answer(self):
        refused = self.post(ROUTE + "/messages", message(EASY, model="coding"), {"x-frugald-data": "confidential"})
        self.assertEqual(refused.status, 200, refused)
        self.assertEqual(refused.json()["plan"]["refused"]["status"], 403)
        self.assertEqual(refused.json()["plan"]["usable"], 0)
        self.assertEqual(self.post(ROUTE, b"{").status, 400)
        self.assertEqual(self.post(ROUTE, chat(EASY), {"x-frugald-data": "nothing"}).status, 400)
        self.assertEqual(harness.ask(self.daemon.port, "GET", ROUTE).status, 405)

    # -- by id --

    def served(self, *more, **members):
        answer = self.post(CHAT, chat(*more, **members), {"x-frugald-tags": "app=nightly"})
        self.assertEqual(answer.status, 200, answer)
        self.daemon.row(answer.header("x-request-id"))
        return answer.header("x-request-id")

    def test_by_id(self):
        text = self.cli("explain", self.served(EASY, model="ruled"))
        self.assertIn("rules    1 class: maths: no · 2 tag.app: nightly: matched → use: [luna], service_tier: flex", text)
        self.assertIn("luna @ openai flex", text)  # the twin by its tier
        self.assertIn("out: a rule narrows the route (rule 2)", text)
        self.assertIn("session  s_", text)
        self.assertIn(" · made again: the same plan\n", text)
        self.assertNotIn("again    ", text)

    def test_session(self):
        talk = [{"role": "user", "content": HARD}]
        first = self.post(CHAT, json.dumps({"model": "auto", "messages": talk}).encode())
        talk += [{"role": "assistant", "content": first.json()["choices"][0]["message"]["content"]},
                 {"role": "user", "content": "yes, go on"}]
        second = self.post(CHAT, json.dumps({"model": "auto", "messages": talk}).encode())
        for answer, told in ((first, ", new · no pin"), (second, ", turn 2, on sol @ openai, idle 0 s · no pin")):
            self.daemon.row(answer.header("x-request-id"))
            self.assertIn(told, self.cli("explain", answer.header("x-request-id")))

    def test_one_text(self):
        """Text, header, API: the same numbers; from the daemon and from its files."""
        answer = self.post(CHAT, chat(EASY, model="auto"), {"x-frugald-explain": "1"})
        name = answer.header("x-request-id")
        self.daemon.row(name)
        text = self.cli("explain", name)
        self.assertEqual(text, self.cli("explain", name, "--state", self.daemon.state))
        record = json.loads(self.cli("explain", name, "--json"))
        header = json.loads(answer.header("x-frugald-explain"))
        self.assertEqual(record["recomputed"], {"plan": "same"})
        for told, stored in zip(header["candidates"], record["plan"]["candidates"], strict=True):
            self.assertLessEqual(told.items(), stored.items())
            self.assertIn(f"{stored['model']} @ {stored['provider']}", text)
        for member in ("floor", "baseline", "baseline_success", "baseline_cost_usd", "decided", "complexity", "usable"):
            self.assertEqual(header[member], record["plan"][member], member)

    # -- what cannot be made again --

    def copy(self, sql_of_sums="", sql_of_month=""):
        to = os.path.join(self.folder, "copy")
        shutil.rmtree(to, ignore_errors=True)
        os.mkdir(to)
        for name in os.listdir(self.daemon.state):
            if not name.endswith(".db"):
                continue
            source = sqlite3.connect(os.path.join(self.daemon.state, name))
            copy = sqlite3.connect(os.path.join(to, name))
            source.backup(copy)
            copy.executescript(sql_of_month if name.startswith("ledger-") else sql_of_sums)
            copy.commit()
            copy.close()
            source.close()
        return to

    def test_said_when_it_cannot(self):
        name = self.served(EASY, model="auto")
        for sums, why in (("DELETE FROM kept WHERE kind='basis'", "the ledger does not keep what was in force"),
                          ("DELETE FROM kept WHERE kind='prices'", "the ledger does not have the text of its prices"),
                          ("UPDATE kept SET text=text||' ' WHERE kind='catalogue'", "not have the text of its catalogue")):
            text = self.cli("explain", name, "--state", self.copy(sums))
            self.assertIn("again    this plan cannot be made again: ", text)
            self.assertIn(why, text)
            self.assertIn(" 1  qwen @ rack ", text, "what the row tells is shown")
            self.assertIn(why, self.cli("explain", name, "--state", os.path.join(self.folder, "copy"), "--policy",
                                        self.daemon.config, code=1))
        month = "DROP TRIGGER request_fixed; UPDATE request SET "
        text = self.cli("explain", name, "--state", self.copy(sql_of_month=month + "basis=(SELECT id FROM name WHERE text='')"))
        self.assertIn("an older release wrote its row", text)
        older = "ALTER TABLE request DROP COLUMN basis; ALTER TABLE request DROP COLUMN decision"
        self.assertEqual(text, self.cli("explain", name, "--state", self.copy(sql_of_month=older)))
        text = self.cli("explain", name, "--state", self.copy(sql_of_month=month + "decision=x''"))
        self.assertIn("is not in its row: it did not fit", text)

    def test_loud_when_it_differs(self):
        name = self.served(EASY, model="auto")
        state = self.copy(sql_of_month="DROP TRIGGER request_fixed; UPDATE request SET complexity=0.99")
        self.assertIn("again    NOT THE SAME: from what the ledger keeps sol @ openai would stand first",
                      self.cli("explain", name, "--state", state))
        record = json.loads(self.cli("explain", name, "--state", state, "--json"))
        self.assertEqual(record["recomputed"]["plan"], "differs")
        self.assertEqual(record["plan"]["candidates"][0]["model"], "qwen", "what was done is told")

    # -- another policy --

    def test_another_policy_of_the_past(self):
        name = self.served(EASY, model="auto")
        new = self.new_policy("auto:   {candidates: [qwen, luna, sol]", "auto:   {candidates: [luna, sol]")
        for where in ((), ("--state", self.daemon.state)):
            text = self.cli("explain", name, "--policy", new, *where)
            self.assertRegex(text, r"serves +qwen @ rack +luna @ openai")
            self.assertRegex(text, r"(?m)^1 +- +qwen @ rack .*chosen +no candidate")
            self.assertIn("ANOTHER CHOICE", text)
        both = json.loads(self.cli("explain", name, "--policy", new, "--json"))
        self.assertEqual((both["then"]["candidates"][0]["model"], both["now"]["candidates"][0]["model"]), ("qwen", "luna"))
        self.assertIn("the same choice", self.cli("explain", name, "--policy", self.daemon.config))

    def test_another_policy_refuses(self):
        name = self.served(EASY, model="auto")
        new = self.new_policy("keep_quality: 90%}", "data: confidential, min_quality: 0.999, on_below_quality: refuse}")
        text = self.cli("explain", name, "--policy", new, code=1)
        self.assertRegex(text, r"serves +qwen @ rack +refused 503 below_quality")
        answer = self.post(CHAT, chat(EASY, model="auto"), {"x-frugald-data": "internal"})
        self.daemon.row(answer.header("x-request-id"))
        new = self.new_policy("  internal:     {regions: [us, onprem]}\n", "")
        self.assertIn("does not have the data class", self.cli("explain", answer.header("x-request-id"), "--policy", new, code=1))

    def test_another_policy_of_a_body(self):
        with open(os.path.join(self.folder, "body.json"), "wb") as f:
            f.write(chat(EASY, model="auto"))
        new = self.new_policy("keep_quality: 90%}", "keep_quality: 99%}")
        text = self.cli("explain", "-f", "body.json", "-c", self.daemon.config, "--policy", new)
        self.assertRegex(text, r"serves +qwen @ rack +(luna|sol) @ openai")

    def test_inputs_are_not_for_clients(self):
        name = self.served(EASY, model="auto")
        client = harness.ask(self.daemon.port, "GET", f"/v1/requests/{name}?format=input")
        self.assertEqual(client.status, 403, client)
        admin = harness.ask(self.daemon.admin, "GET", f"/v1/requests/{name}?format=input")
        self.assertEqual(admin.status, 200, admin)
        self.assertNotIn(b"France", admin.body)


class Keys(harness.Case):
    POLICY_PARTS = {"top": "keys_file: keys.yaml", "workers": 1}

    @classmethod
    def prepare(cls):
        with open(os.path.join(cls.folder, "keys.yaml"), "w", encoding="utf-8") as f:
            f.write("version: 1\nkeys: []\n")
        os.chmod(f.name, 0o600)

    def test_only_who_has_a_key_is_told(self):
        self.assertError(self.post(ROUTE, chat(EASY, model="auto")), 401, "invalid_api_key")


if __name__ == "__main__":
    unittest.main()
