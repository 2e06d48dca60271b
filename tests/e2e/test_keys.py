"""Clients' keys: who comes in, with what, how the refusals look, and what a key may use."""

import json
import os
import re
import subprocess
import unittest

import harness
from harness import CHAT, MESSAGES, chat, message

TEAMS = """keys_file: keys.yaml
teams:
  payments: {cost_centre: CC-1, owner: payments@example.com, data: internal, may_use: [auto, luna, coding], require_tags: [app]}
  vault:    {cost_centre: CC-2, owner: vault@example.com, data: confidential, may_use: all}
  platform: {cost_centre: CC-3, owner: platform@example.com, may_use: all}
  limited:  {cost_centre: CC-5, owner: limited@example.com, may_use: all}
  thrifty:  {cost_centre: CC-4, owner: thrifty@example.com, may_use: all, max_usd_per_request: "0.20"}
"""


class Keys(harness.Case):
    POLICY_PARTS = {"top": TEAMS, "workers": 1}
    key = {}

    @classmethod
    def prepare(cls):
        with open(os.path.join(cls.folder, "keys.yaml"), "w", encoding="utf-8") as f:
            f.write("version: 1\nkeys: []\n")
        os.chmod(f.name, 0o600)

    @classmethod
    def command(cls, *words):
        return subprocess.run([harness.FRUGALD, *words, "-c", cls.daemon.config], cwd=cls.folder, check=True,
                              capture_output=True, text=True, timeout=60).stdout

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:
            for name, *more in (("plain", "--team", "platform"), ("pay", "--team", "payments"), ("safe", "--team", "vault"),
                                ("paused", "--team", "platform"), ("revoked", "--team", "platform"),
                                ("saves", "--team", "thrifty"), ("narrow", "--team", "platform", "--may-use", "luna"),
                                ("tagged", "--team", "payments", "--tag", "app=shop"),
                                ("sharing", "--team", "limited", "--frontier-at-most", "1%"),
                                ("onrack", "--team", "limited", "--may-use", "auto,rack", "--service-tiers", "standard"),
                                ("racked", "--team", "limited", "--may-use", "rack"),
                                ("labelled", "--team", "limited", "--require-tags", "env", "--max-output", "50",
                                 "--max-usd-per-request", "0.10")):
                said = cls.command("keys", "add", name, *more)
                cls.key[name] = re.search(r"fr-[0-9A-Za-z]{43}", said).group(0)
            cls.command("keys", "pause", "paused")
            cls.command("keys", "revoke", "revoked")
            cls.expire_one()
            cls.daemon.reload()
            harness.wait_for("the worker to have the keys", lambda: harness.ask(
                cls.daemon.port, "GET", "/v1/models", headers={"x-api-key": cls.key["plain"]}).status == 200)
        except BaseException:
            cls.clean_up()
            raise

    @classmethod
    def expire_one(cls):
        """A key whose day is over; `keys add` would not make one."""
        cls.key["expired"] = re.search(r"fr-\w{43}", cls.command("keys", "add", "expired", "--team", "platform",
                                                                 "--expires", "1d")).group(0)
        path = os.path.join(cls.folder, "keys.yaml")
        with open(path, encoding="utf-8") as f:
            text = f.read()
        changed = re.sub(r"(expires: *)['\"]?20\d\d-[^,}\n]*", r"\g<1>2020-01-01T00:00:00Z", text, count=1)
        assert changed != text, text
        with open(path, "w", encoding="utf-8") as f:
            f.write(changed)

    def bearer(self, name, **more):
        return {"Authorization": "Bearer " + self.key.get(name, name), **more}

    def test_limits_of_a_key(self):
        answer = self.post(CHAT, chat("x", model="auto"), self.bearer("onrack"))
        self.assertEqual((answer.status, answer.header("x-frugald-model")), (200, "qwen"), answer)
        self.sim.script("status=500", port=harness.RACK, times=9)
        self.assertIn(self.post(CHAT, chat("x", model="auto"), self.bearer("onrack")).status, (502, 503))
        self.assertEqual([r["port"] for r in self.sim.records() if r["port"] != harness.RACK], [])
        listed = harness.ask(self.daemon.port, "GET", "/v1/models", headers=self.bearer("onrack")).json()["data"]
        self.assertEqual({m["id"] for m in listed if "alias_of" not in m}, {"auto"})
        listed = harness.ask(self.daemon.port, "GET", "/v1/models", headers=self.bearer("racked")).json()["data"]
        self.assertEqual({m["id"] for m in listed if m["type"] == "model"}, {"qwen"})
        answer = self.post(CHAT, chat("x", model="auto", service_tier="priority"), self.bearer("onrack"))
        self.assertError(answer, 403, "not_permitted")
        self.assertIn("may not ask for the service tier 'priority'", answer.json()["error"]["message"])
        answer = self.post(CHAT, chat("x"), self.bearer("labelled"))
        self.assertError(answer, 400, "invalid_request")
        self.assertIn("key 'labelled' requires the tag 'env'", answer.json()["error"]["message"])
        tagged = self.bearer("labelled", **{"x-frugald-tags": "env=prod"})
        self.assertEqual(self.post(CHAT, chat("x"), tagged).status, 200)
        self.assertEqual(json.loads(self.sim.records()[-1]["body"])["max_completion_tokens"], 50)
        self.assertError(self.post(CHAT, chat("x", max_tokens=51), tagged), 403, "not_permitted")

    def test_share_of_frontier_models(self):
        """The first answers of a month may come from a frontier model; then others serve, but who asks for it by name."""
        def served():
            answer = self.post(CHAT, chat("x", model="auto"), self.bearer("sharing", **{"x-frugald-min-quality": "0.99",
                                                                                    "x-frugald-explain": "1"}))
            self.assertEqual(answer.status, 200, answer)
            return answer
        self.assertEqual(served().header("x-frugald-model"), "sol")
        last = harness.wait_for("the share to be known", lambda: next(
            (a for a in [served()] if a.header("x-frugald-model") != "sol"), None))
        self.assertEqual(last.header("x-frugald-model"), "luna")
        plain = self.post(CHAT, chat("x", model="auto"), self.bearer("plain", **{"x-frugald-min-quality": "0.99"}))
        self.assertEqual(plain.header("x-frugald-model"), "sol")
        named = self.post(CHAT, chat("x", model="sol"), self.bearer("sharing"))
        self.assertEqual(named.header("x-frugald-model"), "sol")
        self.assertIn("out_share", last.header("x-frugald-explain"))

    def test_good(self):
        for headers in (self.bearer("plain"), {"x-api-key": self.key["plain"]}, {"authorization": "bearer " + self.key["plain"]},
                        {**self.bearer("plain"), "x-api-key": self.key["plain"]}):
            answer = self.post(CHAT, chat("x"), headers)
            self.assertEqual(answer.status, 200, answer)
        row = self.row_of(answer)
        self.assertEqual((row["key_name"], row["team_name"]), ("plain", "platform"))
        self.assertEqual(self.post(MESSAGES, message("x"), {"x-api-key": self.key["plain"]}).status, 200)

    def test_refused_all_the_same(self):
        """Nobody learns from the answer whether a key was ever good."""
        bodies = set()
        for headers in ({}, self.bearer("fr-" + "0" * 43), self.bearer("nonsense"), self.bearer("expired"), self.bearer("paused"),
                        self.bearer("revoked"), {"Authorization": "Basic abc"}, {"Authorization": ""},
                        {**self.bearer("plain"), "x-api-key": "another"}):
            answer = self.post(CHAT, chat("x"), headers)
            self.assertError(answer, 401, "invalid_api_key")
            self.assertEqual(answer.header("x-should-retry"), "false")
            bodies.add(re.sub(rb"req_\w+", b"", answer.body))
        self.assertEqual(len(bodies), 1, bodies)
        self.assertEqual(self.sim.records(), [])
        answer = self.post(MESSAGES, message("x"), self.bearer("nonsense"))
        self.assertEqual((answer.status, answer.json()["type"], answer.json()["error"]["type"]),
                         (401, "error", "authentication_error"))

    def test_refused_before_the_body(self):
        with harness.Connection(self.daemon.port) as c:
            c.socket.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                             b"Authorization: Bearer wrong\r\nContent-Length: 10000000\r\n\r\n{")
            self.assertEqual(c.read().status, 401)

    def test_may_use(self):
        self.assertEqual(self.post(CHAT, chat("x", model="luna"), self.bearer("narrow")).status, 200)
        for model in ("sol", "auto", "wide"):
            self.assertError(self.post(CHAT, chat("x", model=model), self.bearer("narrow")), 403, "not_permitted")
        self.assertError(self.post(CHAT, chat("x", model="sol"), self.bearer("tagged")), 403, "not_permitted")
        names = [m["id"] for m in harness.ask(self.daemon.port, "GET", "/v1/models", headers=self.bearer("narrow")).json()["data"]]
        self.assertIn("luna", names)
        self.assertNotIn("sol", names)

    def test_required_tags(self):
        answer = self.post(CHAT, chat("x"), self.bearer("pay"))
        self.assertEqual(answer.status, 400, answer)
        self.assertIn("app", answer.json()["error"]["message"])
        self.assertEqual(self.post(CHAT, chat("x"), self.bearer("pay", **{"x-frugald-tags": "app=shop"})).status, 200)
        answer = self.post(CHAT, chat("x"), self.bearer("tagged"))
        self.assertEqual(answer.status, 200, "a key's own tags count")
        self.assertIn("app=shop", self.row_of(answer)["tags"])

    def test_wall_of_the_team(self):
        answer = self.post(CHAT, chat("x", model="auto"), self.bearer("safe"))
        self.assertEqual((answer.status, answer.header("x-frugald-model")), (200, "qwen"), answer)
        self.assertError(self.post(CHAT, chat("x", model="sol"), self.bearer("safe")), 403, "data_policy")

    def test_most_that_a_request_may_cost(self):
        """It holds for all attempts together: what the first may have cost is no longer there for the second."""
        answer = self.post(CHAT, chat("[[sim port=0 fault=garbage_head]] x", model="sol"), self.bearer("saves"))
        self.assertEqual(answer.status, 200, answer)
        lost, served = self.row_of(answer)["attempt"]
        self.assertEqual((lost["outcome"], lost["basis"]), ("bad_answer", "unknown"))
        self.assertGreater(lost["amount_pusd"], 0)
        self.assertLessEqual(lost["amount_pusd"] + served["at_most_pusd"], 2 * 10**11)
        # Each alone might cost nearly all: the second was made shorter by us.
        self.assertGreater(lost["at_most_pusd"] + served["at_most_pusd"], 2 * 10**11)

    def test_own_scope(self):
        """A key sees the costs of its team and its own requests, nobody else's."""
        mine = self.post(CHAT, chat("x"), self.bearer("plain"))
        self.row_of(self.post(CHAT, chat("x"), self.bearer("tagged")))
        row = self.row_of(mine)
        target = "/v1/requests/" + mine.header("x-request-id")
        shown = harness.ask(self.daemon.port, "GET", target, headers=self.bearer("plain"))
        self.assertEqual(shown.status, 200, shown)
        self.assertIn(row["attempt"][0]["model_name"], json.dumps(shown.json()))
        self.assertEqual(harness.ask(self.daemon.port, "GET", target, headers=self.bearer("pay")).status, 404)
        self.assertEqual(harness.ask(self.daemon.port, "GET", target).status, 401)
        summary = harness.ask(self.daemon.port, "GET", "/v1/costs/summary?since=1h&group_by=key", headers=self.bearer("plain")).json()
        self.assertIn("plain", {r["key"] for r in summary["rows"]})
        self.assertLessEqual({r["key"] for r in summary["rows"]}, {"plain", "narrow"}, "those of its team")

    def test_keys_are_in_no_file(self):
        for folder, _, files in os.walk(self.folder):
            for name in files:
                with open(os.path.join(folder, name), "rb") as f:
                    text = f.read()
                for key in self.key.values():
                    self.assertNotIn(key.encode(), text, name)


if __name__ == "__main__":
    unittest.main()
