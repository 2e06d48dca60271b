"""POST /v1/ci/token: a pipeline's job trades its OIDC token for a key of an hour. Only what the issuer has signed counts, all
refusals look the same, nothing of a token is in the log, and the key's tags and cap cannot be escaped."""

import json
import os
import re
import subprocess
import time
import unittest

import harness
import oidc
from harness import CHAT, chat

TOP = """keys_file: keys.yaml
teams: {{platform: {{may_use: all}}, shop: {{may_use: [luna]}}, few: {{may_use: [luna], rpm: 2}}}}
ci:
  github: {{issuer: "{issuer}", audience: frugald, require: {{repository_owner: acme, sub: "repo:acme/*"}}, team: shop,
           tags: {{run: run_id, app: workflow}}, ca_file: issuer.crt, allow_private: true{more}}}
  capped: {{issuer: "{issuer}", audience: capped, require: {{repository_owner: acme}}, team: shop, tags: {{run: run_id}},
           max_usd: "0.002", lifetime: 10m, ca_file: issuer.crt, allow_private: true}}
  slow:   {{issuer: "{issuer}", audience: slow, require: {{repository_owner: acme}}, team: few, ca_file: issuer.crt,
           allow_private: true}}
  filed:  {{issuer: "https://filed.example", audience: frugald, require: {{repository_owner: acme}}, team: platform,
           keys: file:filed.json}}
"""


class CiToken(harness.Case):
    POLICY_PARTS = {"workers": 2}

    @classmethod
    def prepare(cls):
        with open(os.path.join(cls.folder, "keys.yaml"), "w", encoding="utf-8") as f:
            f.write("version: 1\nkeys: []\n")
        os.chmod(f.name, 0o600)
        cls.issuer = oidc.Issuer(cls.folder)
        cls.addClassCleanup(cls.issuer.close)
        cls.rsa, cls.ec = oidc.Key(cls.folder, "r1"), oidc.Key(cls.folder, "e1", "ES256")
        cls.stranger = oidc.Key(cls.folder, "r1x")
        cls.issuer.has(cls.rsa, cls.ec)
        with open(os.path.join(cls.folder, "filed.json"), "w", encoding="utf-8") as f:
            json.dump({"keys": [cls.ec.jwk()]}, f)
        cls.POLICY_PARTS = {"workers": 2, "top": TOP.format(issuer=cls.issuer.url, more="")}

    def trade(self, token, **headers):
        return harness.ask(self.daemon.port, "POST", "/v1/ci/token", b"{}", {"authorization": f"Bearer {token}", **headers})

    def key_for(self, signer=None, **claims):
        answer = self.trade((signer or self.rsa).sign(self.issuer.claims(**claims)))
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def use(self, key, path=CHAT, **headers):
        return self.post(path, chat("x"), {"authorization": f"Bearer {key}", **headers})

    def test_a_key_for_a_token(self):
        for signer in (self.rsa, self.ec):
            got = self.key_for(signer)
            self.assertEqual((got["team"], got["tags"], got["name"], got["expires_in"]),
                             ("shop", {"run": "184", "app": "Build___test"}, "ci:github", 3600))
            self.assertRegex(got["key"], r"^fr-ci-[0-9A-Za-z]{43}$")
            answer = self.use(got["key"])
            self.assertEqual(answer.status, 200, answer)
            row = self.row_of(answer)
            self.assertEqual((row["key_name"], row["team_name"]), ("ci:github", "shop"))

    def test_the_token_in_the_body(self):
        def post(body):
            return harness.ask(self.daemon.port, "POST", "/v1/ci/token", json.dumps(body).encode())
        answer = post({"token": self.rsa.sign(self.issuer.claims())})
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.header("cache-control"), "no-store")
        for body in ({}, {"token": 7}, {"token": ""}, [], {"token": "x" * 30000}):
            answer = post(body)
            self.assertIn(answer.status, (400, 413), body)

    def test_tags_of_a_token_cannot_be_escaped(self):
        key = self.key_for(run_id="185")["key"]
        answer = self.use(key, "/t/run=1,app=x" + CHAT, **{"x-frugald-tags": "run=2,env=prod"})
        self.assertEqual(answer.status, 200, answer)
        record = harness.ask(self.daemon.port, "GET", "/v1/requests/" + answer.header("x-request-id"),
                             headers={"authorization": f"Bearer {key}"}).json()
        self.assertEqual(record["tags"], {"run": "185", "app": "Build___test", "env": "prod"})
        self.assertEqual(record["tag_sources"], {"run": "token", "app": "token", "env": "header"})
        gate = harness.ask(self.daemon.port, "GET", "/v1/costs/gate?tag.run=185&max_usd=1",
                           headers={"authorization": f"Bearer {key}"}).json()
        self.assertEqual(gate["requests"], 1)
        refused = self.post(CHAT, chat("x", model="sol"), {"authorization": f"Bearer {key}"})
        self.assertEqual(refused.status, 403, "its team's terms hold")

    def bad_tokens(self):
        now, claims = int(time.time()), self.issuer.claims
        good = self.rsa.sign(claims())
        head, payload, signature = good.split(".")
        none = oidc.b64(b'{"alg":"none"}')
        without = {k: v for k, v in claims().items() if k != "exp"}
        yield "another's key under the name of ours", self.stranger.sign(claims(), kid="r1"), "signature is wrong"
        yield "changed", f"{head}.{oidc.b64(json.dumps(claims(run_id='1')).encode())}.{signature}", "signature is wrong"
        yield "alg none", f"{none}.{payload}.", "not three parts"
        yield "alg none, signed", f"{none}.{payload}.{signature}", "not signed by RS256 or ES256"
        yield "HS256", self.rsa.sign(claims(), alg="HS256"), "not signed by RS256 or ES256"
        yield "the other algorithm", self.rsa.sign(claims(), alg="ES256", kid="e1"), "signature is wrong"
        yield "ended", self.rsa.sign(claims(exp=now - 61)), "it ended"
        yield "endless", self.rsa.sign(without), "does not say when it ends"
        yield "not yet", self.rsa.sign(claims(nbf=now + 600)), "begins in the future"
        yield "of tomorrow", self.rsa.sign(claims(iat=now + 600)), "begins in the future"
        yield "for others", self.rsa.sign(claims(aud="https://github.com/acme")), "another audience"
        yield "of others", self.rsa.sign(claims(iss="https://evil.example")), "no rule of `ci` has its issuer"
        yield "another owner", self.rsa.sign(claims(repository_owner="evil")), "claim repository_owner is not what is required"
        yield "another repository", self.rsa.sign(claims(sub="repo:evil/acme/")), "claim sub is not what is required"
        yield "a list for a text", self.rsa.sign(claims(repository_owner=["acme"])), "claim repository_owner is not"
        yield "no run", self.rsa.sign(claims(run_id="")), "claim run_id is absent, empty or longer"
        yield "a long run", self.rsa.sign(claims(run_id="1" * 129)), "claim run_id is absent, empty or longer"
        yield "rubbish", "eyJ.eyJ.x", ""
        yield "a key", "fr-" + "x" * 43, "not three parts"

    def test_every_bad_token_gets_the_same_answer(self):
        answers = set()
        for what, token, why in self.bad_tokens():
            before = len(self.daemon.said())

            def told():  # once a second at most, so ask until it is
                answer = self.trade(token)
                self.assertEqual(answer.status, 401, (what, answer))
                answers.add(json.dumps(answer.json()["error"], sort_keys=True))
                return re.search("a token of a pipeline got no key: .*" + re.escape(why), self.daemon.said()[before:])
            harness.wait_for(f"the reason for {what}", told)
            for part in token.split("."):
                self.assertFalse(len(part) > 20 and part in self.daemon.said(), f"{what}: it is in the log")
        self.assertEqual(len(answers), 1, answers)

    def test_keys_of_a_file(self):
        claims = self.issuer.claims(iss="https://filed.example")
        self.assertEqual(self.trade(self.ec.sign(claims)).json()["team"], "platform")
        asked = len(self.issuer.asked)
        self.assertEqual(self.trade(self.rsa.sign(claims)).status, 401, "not in the file")
        self.assertEqual(len(self.issuer.asked), asked, "nobody is asked")

    def test_a_cap_for_each_job_that_further_tokens_do_not_widen(self):
        first, second = (self.key_for(aud="capped", run_id="200") for _ in range(2))
        other = self.key_for(aud="capped", run_id="201")
        self.assertNotEqual(first["key"], second["key"])
        self.assertEqual(first["name"], second["name"])
        self.assertNotEqual(first["name"], other["name"])
        self.assertEqual(first["expires_in"], 600)

        def spend(key):
            return self.post(CHAT, chat("x", max_tokens=20), {"authorization": f"Bearer {key['key']}"})
        answers = [spend(first)]
        while answers[-1].status == 200 and len(answers) < 200:
            answers.append(spend(first))
        self.assertGreater(len(answers), 2)
        self.assertError(answers[-1], 402, "insufficient_quota")
        self.assertIn(f"each key ci:capped:* per month", answers[-1].json()["error"]["message"])
        self.assertEqual(spend(second).status, 402, "for both keys of the job")
        self.assertEqual(spend(other).status, 200, "and for no other job")

    def test_two_tokens_that_begin_alike_are_two(self):
        """gateways.md 4.8 no. 52: what one token got is never another one's."""
        runs = [self.key_for(run_id=run)["tags"]["run"] for run in ("301", "302", "301")]
        self.assertEqual(runs, ["301", "302", "301"])

    def test_limits_of_the_team_hold(self):
        keys = [self.key_for(aud="slow")["key"] for _ in range(2)]
        statuses = [self.use(keys[i % 2]).status for i in range(4)]
        self.assertEqual(statuses, [200, 200, 429, 429])

    def test_keys_survive_a_restart_and_end_with_their_rule(self):
        key = self.key_for()["key"]
        self.assertEqual(self.use(key).status, 200)
        with open(os.path.join(self.daemon.state, "ci-keys"), "rb") as f:
            self.assertNotIn(key.encode(), f.read(), "hashes only")
        capped = self.key_for(aud="capped", run_id="210")["key"]
        while self.post(CHAT, chat("x", max_tokens=20), {"authorization": f"Bearer {capped}"}).status == 200:
            pass
        type(self).daemon.write(top=TOP.format(issuer=self.issuer.url, more=", lifetime: 20m"))
        self.daemon.reload()
        harness.wait_for("the reload", lambda: self.use(key).status == 200)
        self.assertEqual(self.daemon.stop(), 0)
        type(self).daemon = harness.Daemon(self.folder, self.sim, **self.POLICY_PARTS)
        self.assertEqual(self.use(key).status, 200, "after a restart")
        self.assertEqual(self.post(CHAT, chat("x", max_tokens=20), {"authorization": f"Bearer {capped}"}).status, 402,
                         "what a job has spent is remembered")
        verified = subprocess.run([harness.FRUGALD, "ledger", "verify", "--state", self.daemon.state], capture_output=True,
                                  text=True, timeout=60)
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)
        type(self).daemon.write(top=TOP.format(issuer=self.issuer.url, more="").replace("owner: acme, sub", "owner: acm, sub"))
        self.daemon.reload()
        harness.wait_for("the end of the key", lambda: all(self.use(key).status == 401 for _ in range(8)))
        type(self).daemon.write(top=TOP.format(issuer=self.issuer.url, more=""))
        self.daemon.reload()
        harness.wait_for("the rule as it was", lambda: all(self.use(key).status == 200 for _ in range(8)))


ISSUERS = """keys_file: keys.yaml
teams: {{shop: {{may_use: [luna]}}}}
ci:
  good:  {{issuer: "{good}", {more}}}
  other: {{issuer: "{other}", {more}}}
  plain: {{issuer: "{plain}", {more}}}
  moved: {{issuer: "{moved}", {more}}}
  large: {{issuer: "{large}", {more}}}
  wall:  {{issuer: "{wall}", audience: frugald, require: {{repository_owner: acme}}, team: shop, ca_file: "{ca}"}}
  gone:  {{issuer: "https://localhost:1", {more}}}
  lax:   {{issuer: "{both}", audience: lax, require: {{repository_owner: acme}}, team: shop, ca_file: all.crt,
          allow_private: true}}
  ours:  {{issuer: "{both}", audience: frugald, require: {{repository_owner: acme}}, team: shop, ca_file: "{ca}"}}
"""


class Issuers(harness.Case):
    """What becomes of tokens when their issuer does not answer as it should."""

    POLICY_PARTS = {"workers": 1}

    @classmethod
    def prepare(cls):
        with open(os.path.join(cls.folder, "keys.yaml"), "w", encoding="utf-8") as f:
            f.write("version: 1\nkeys: []\n")
        os.chmod(f.name, 0o600)
        cls.issuers = {}
        for name in ("good", "other", "plain", "wall", "both", "moved", "large"):
            os.mkdir(os.path.join(cls.folder, name))
            cls.issuers[name] = oidc.Issuer(os.path.join(cls.folder, name))
            cls.addClassCleanup(cls.issuers[name].close)
        cls.key, cls.late = oidc.Key(cls.folder, "k1"), oidc.Key(cls.folder, "k2")
        for issuer in cls.issuers.values():
            issuer.has(cls.key)
        with open(os.path.join(cls.folder, "all.crt"), "w", encoding="utf-8") as f:
            for issuer in cls.issuers.values():
                with open(issuer.cert, encoding="utf-8") as cert:
                    f.write(cert.read())
        more = 'audience: frugald, require: {repository_owner: acme}, team: shop, ca_file: all.crt, allow_private: true'
        cls.POLICY_PARTS = {"workers": 1, "top": ISSUERS.format(
            more=more, ca="all.crt", **{n: i.url for n, i in cls.issuers.items()})}

    def trade(self, token):
        return harness.ask(self.daemon.port, "POST", "/v1/ci/token", b"", {"authorization": f"Bearer {token}"})

    def test_an_issuer_is_asked_once_and_for_an_unknown_key_once_a_minute(self):
        good = self.issuers["good"]
        statuses = harness.together(8, lambda i: self.trade(self.key.sign(good.claims(run_id=str(i)))).status)
        self.assertEqual(set(statuses), {200})
        self.assertEqual(good.asked, ["/.well-known/openid-configuration", "/keys"])
        good.has(self.key, self.late)
        self.assertEqual(self.trade(self.late.sign(good.claims())).status, 401, "it was asked within the minute")
        self.assertEqual(len(good.asked), 2)

    def refused(self, claims, why):
        def told():  # once a second at most
            answer = self.trade(self.key.sign(claims))
            self.assertEqual(answer.status, 503, answer)
            return why in self.daemon.said()
        harness.wait_for("the reason", told)

    def test_keys_are_those_of_rules_that_ask_alike(self):
        both = self.issuers["both"]
        self.assertEqual(self.trade(self.key.sign(both.claims(aud="lax"))).status, 200)
        self.refused(both.claims(), "ci 'ours': its /.well-known/openid-configuration: ")
        self.assertEqual(self.trade(self.key.sign(both.claims(aud="lax"))).status, 200, "as before")

    def test_an_issuer_that_sends_elsewhere_or_too_much(self):
        moved, large = self.issuers["moved"], self.issuers["large"]
        elsewhere = len(self.issuers["wall"].asked)
        moved.status, moved.headers = 302, {"Location": self.issuers["wall"].url + "/.well-known/openid-configuration"}
        self.refused(moved.claims(), "ci 'moved': its /.well-known/openid-configuration: it answers 302")
        self.assertEqual(len(self.issuers["wall"].asked), elsewhere, "nobody is asked for it")
        large.documents["/keys"]["more"] = "x" * (300 << 10)
        self.refused(large.claims(), "ci 'large': its keys: ")

    def test_keys_that_cannot_be_had(self):
        self.issuers["other"].documents["/.well-known/openid-configuration"]["issuer"] = self.issuers["good"].url
        self.refused(self.issuers["other"].claims(), "it is another issuer's")
        self.issuers["plain"].documents["/.well-known/openid-configuration"]["jwks_uri"] = "http://127.0.0.1:1/keys"
        self.refused(self.issuers["plain"].claims(), "jwks_uri is no https:// URL")
        self.refused(self.issuers["wall"].claims(), "ci 'wall': its /.well-known/openid-configuration: ")
        self.assertEqual(self.issuers["wall"].asked, [], "a private address was not asked for")
        self.refused({**self.issuers["good"].claims(), "iss": "https://localhost:1"}, "ci 'gone': its /.well-known")


if __name__ == "__main__":
    unittest.main()
