"""Tags: from the key, the base URL and a header; whose word counts, and who said it."""

import os
import re
import subprocess
import unittest

import harness
from harness import CHAT, MESSAGES, chat, message

TOP = """keys_file: keys.yaml
teams: {platform: {may_use: all}}
budgets: [{scope: tag.run, value: "185", usd: 0.002}]
"""


class Tags(harness.Case):
    POLICY_PARTS = {"top": TOP, "workers": 1}

    @classmethod
    def prepare(cls):
        with open(os.path.join(cls.folder, "keys.yaml"), "w", encoding="utf-8") as f:
            f.write("version: 1\nkeys: []\n")
        os.chmod(f.name, 0o600)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:
            said = cls.keys("add", "job", "--team", "platform", "--tag", "run=184").stdout
            cls.key = re.search(r"fr-[0-9A-Za-z]{43}", said).group(0)
            said = cls.keys("add", "spent", "--team", "platform", "--tag", "run=185").stdout
            cls.spent = re.search(r"fr-[0-9A-Za-z]{43}", said).group(0)
            cls.daemon.reload()
            harness.wait_for("the worker to have the keys", lambda: harness.ask(
                cls.daemon.port, "GET", "/v1/models", headers=cls.capped()).status == 200)
        except BaseException:
            cls.clean_up()
            raise

    def test_a_budget_on_a_tag_cannot_be_left_by_naming_another(self):
        """Whatever path and header say, the key's run is what is spent from."""
        for word in ("run=9", "run=%39", "run=9,env=x"):
            answers = []
            while (not answers or answers[-1].status == 200) and len(answers) < 100:
                n = len(answers)
                answers.append(self.post(f"/t/{word}{CHAT}", chat("x", max_tokens=20),
                                         self.capped(**{"x-frugald-tags": f"run=h{n}"})))
            self.assertError(answers[-1], 402, "insufficient_quota")
            self.assertIn("tag.run 185", answers[-1].json()["error"]["message"])

    @classmethod
    def capped(cls, **more):
        return {"x-api-key": cls.spent, **more}

    @classmethod
    def keys(cls, *words, check=True):
        return subprocess.run([harness.FRUGALD, "keys", *words, "-c", cls.daemon.config], cwd=cls.folder, check=check,
                              capture_output=True, text=True, timeout=60)

    @classmethod
    def bearer(cls, **more):
        return {"x-api-key": cls.key, **more}

    def get(self, path):
        return harness.ask(self.daemon.port, "GET", path, headers=self.bearer())

    def record(self, answer):
        return self.get("/v1/requests/" + answer.header("x-request-id")).json()

    def test_the_stronger_source_wins_and_is_told(self):
        answer = self.post("/t/run=1,env=e2e/v1/chat/completions", chat("x"),
                           self.bearer(**{"x-frugald-tags": "run=2,env=prod,app=shop"}))
        self.assertEqual(answer.status, 200, answer)
        record = self.record(answer)
        self.assertEqual(record["tags"], {"app": "shop", "env": "e2e", "run": "184"})
        self.assertEqual(record["tag_sources"], {"app": "header", "env": "path", "run": "key"})
        text = self.get("/v1/requests/" + answer.header("x-request-id") + "?format=text").body.decode()
        self.assertIn("tags app=shop (header) env=e2e (path) run=184 (key)", text)

    def test_every_endpoint_works_below_a_base_url(self):
        base = "/t/app=a%2Fb,run=184"
        for path, body in ((CHAT, chat("x")), (MESSAGES, message("x")), ("/v1/messages/count_tokens", message("x")),
                           ("/chat/completions", chat("x")), ("/v1/route", chat("x"))):
            answer = self.post(base + path, body, self.bearer())
            self.assertEqual(answer.status, 200, (path, answer))
        answer = self.post(base + CHAT, chat("x"), self.bearer())
        self.assertEqual(self.record(answer)["tags"], {"app": "a/b", "run": "184"})
        for path in ("/v1/models", "/v1/models/luna", "/v1/costs/summary", "/v1/requests/" + answer.header("x-request-id")):
            self.assertEqual(self.get(base + path).status, 200, path)

    def test_a_mistake_in_a_base_url_is_told_everywhere(self):
        for tags, why in (("rum=1", "there is no tag 'rum'; did you mean 'run'?"), ("run", "expected NAME=VALUE,NAME=VALUE"),
                          ("app=%zz", "a '%' wants two hex digits behind it"), ("app=1,app=2", "the tag 'app' has two values"),
                          ("app=" + "x" * 129, "at most 128 bytes")):
            for path, body in ((CHAT, chat("x")), (MESSAGES, message("x")), ("/v1/messages/count_tokens", message("x"))):
                answer = self.post(f"/t/{tags}{path}", body, self.bearer())
                self.assertEqual(answer.status, 400, (tags, path, answer))
                self.assertIn(why, answer.json()["error"]["message"])
            for path in ("/v1/models", "/v1/costs/summary"):
                answer = self.get(f"/t/{tags}{path}")
                self.assertEqual(answer.status, 400, (tags, path, answer))
                self.assertIn(why, answer.json()["error"]["message"])

    def test_tags_that_do_not_fit_are_refused_in_bytes(self):
        long = "x" * 128
        answer = self.post(f"/t/app={long},env={long}{CHAT}", chat("x"), self.bearer(**{"x-frugald-tags": "run=184"}))
        self.assertEqual(answer.status, 200, answer)
        record = self.record(answer)
        self.assertEqual(record["tags"], {"app": long, "env": long, "run": "184"}, "none is cut off")

    def test_what_is_overridden_is_counted(self):
        def overridden():
            text = harness.ask(self.daemon.admin, "GET", "/metrics").body.decode()
            return int(re.search(r"^frugald_tags_overridden_total (\d+)", text, re.M).group(1))
        before = overridden()
        self.post(CHAT, chat("x"), self.bearer(**{"x-frugald-tags": "run=184"}))
        self.assertEqual(overridden(), before, "the same value is no contradiction")
        self.post("/t/run=185" + CHAT, chat("x"), self.bearer(**{"x-frugald-tags": "run=186"}))
        self.assertEqual(overridden(), before + 2)

    def test_keys_add_refuses_a_value_that_no_request_could_have(self):
        said = self.keys("add", "bad", "--team", "platform", "--tag", "app=two words", check=False)
        self.assertEqual(said.returncode, 2)
        self.assertIn("1 to 128 bytes of A-Za-z0-9._:/@+-", said.stderr)


if __name__ == "__main__":
    unittest.main()
