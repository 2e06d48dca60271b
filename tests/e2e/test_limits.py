"""rpm, tpm and max_inflight of keys and teams: never more than the limit, nothing kept that is over, and clients
are told. Figures of the minute itself are in tests/unit/test_limit.c, whose clock can be moved."""

import hashlib
import json
import os
import re
import select
import socket
import subprocess
import unittest

import harness
from harness import BACKUP, CHAT, MESSAGES, OPENAI, chat, message

ROUNDS = 3 if harness.QUICK else 20
PARALLEL = 500

TOP = """keys_file: keys.yaml
teams:
  shared: {rpm: 12}
  places: {max_inflight: 2}
  free:   {cost_centre: CC-1}
"""


def secret(name):
    return "fr-" + hashlib.sha256(name.encode()).hexdigest()[:43]


def entry(name, more="", team="free", of=None):
    return (f"- {{name: {name}, sha256: {hashlib.sha256(secret(of or name).encode()).hexdigest()}, team: {team}"
            + (", " + more if more else "") + "}\n")


class Limits(harness.Case):
    POLICY_PARTS = {"top": TOP, "workers": 4}

    KEYS = {**{f"race{i}": entry(f"race{i}", "rpm: 60") for i in range(ROUNDS)},
            "few": entry("few", "rpm: 3"), "few2": entry("few2", "rpm: 3"), "five": entry("five", "rpm: 5"), "tells": entry("tells", "rpm: 7"),
            "narrow": entry("narrow", "max_inflight: 2"), "slow": entry("slow", "max_inflight: 2"), "crowd": entry("crowd", "max_inflight: 5"),
            "hundred": entry("hundred", "tpm: 100"), "hundred2": entry("hundred2", "tpm: 100"),
            "seq": entry("seq", "tpm: 400"), "back": entry("back", "tpm: 3000, rpm: 50"),
            "poem": entry("poem", "tpm: 50000, rpm: 9"), "open": entry("open"),
            "s1": entry("s1", team="shared"), "s2": entry("s2", team="shared"),
            "p1": entry("p1", team="places"), "p2": entry("p2", team="places"),
            "above": entry("above", "rpm: 13", team="shared")}

    @classmethod
    def write_keys(cls, keys):
        path = os.path.join(cls.folder, "keys.yaml")
        with open(path + ".new", "w", encoding="utf-8") as f:
            f.write("version: 1\nkeys:\n" + "".join(keys))
        os.chmod(f.name, 0o600)
        os.rename(f.name, path)

    @classmethod
    def prepare(cls):
        cls.write_keys(cls.KEYS.values())

    @staticmethod
    def key(name):
        return {"Authorization": "Bearer " + secret(name)}

    def ask(self, name, text="hello", **more):
        return self.post(CHAT, chat(text, **more), self.key(name))

    def assertLimited(self, answer, *words):
        self.assertError(answer, 429, "rate_limit_exceeded")
        self.assertEqual(answer.header("x-should-retry"), "true")
        s, ms = int(answer.header("retry-after")), int(answer.header("retry-after-ms"))
        self.assertGreaterEqual(ms, 1)
        self.assertEqual(s, (ms + 999) // 1000)
        for word in words:
            self.assertIn(word, answer.json()["error"]["message"])

    # -- requests --

    def test_a_race_lets_nobody_slip_through(self):
        """reliability.md F21: 500 at the same time, a limit of 60."""
        for i in range(ROUNDS):
            connections = [harness.Connection(self.daemon.port) for _ in range(PARALLEL)]
            before = self.sim.port_stats(OPENAI)["requests"]
            for c in connections:
                c.send("POST", CHAT, chat("x"), self.key(f"race{i}"))
            status = [c.read().status for c in connections]
            for c in connections:
                c.close()
            self.assertEqual({s: status.count(s) for s in set(status)}, {200: 60, 429: PARALLEL - 60}, f"round {i}")
            self.assertEqual(self.sim.port_stats(OPENAI)["requests"] - before, 60)

    def test_refusal_says_who_how_much_and_when(self):
        for left in (2, 1, 0):
            answer = self.ask("few")
            self.assertEqual((answer.status, answer.header("x-ratelimit-limit-requests"),
                              answer.header("x-ratelimit-remaining-requests")), (200, "3", str(left)))
            self.assertRegex(answer.header("x-ratelimit-reset-requests"), r"^1m[01]s$")
            self.assertIsNone(answer.header("x-ratelimit-limit-tokens"))
        answer = self.ask("few")
        self.assertLimited(answer, "key 'few'", "3 requests a minute (rpm)", "there is room in 6")
        self.assertLess(50000, int(answer.header("retry-after-ms")))
        self.assertEqual(answer.header("x-ratelimit-remaining-requests"), "0")
        # a stream that is refused is told by an answer, not by an event
        self.assertLimited(self.ask("few", stream=True), "key 'few'")
        self.assertEqual(self.ask("open").header("x-ratelimit-limit-requests"), None)
        lines = harness.wait_for("lines in the log", lambda: [n for n in self.daemon.log_lines() if n["key"] == "few"
                                                              and n["outcome"] == "limited"])
        self.assertEqual(lines[0]["limit"], "key rpm")

    def test_every_answer_tells(self):
        """Also those that take nothing: of questions that are ours to answer, and refusals."""
        def left(answer, status):
            self.assertEqual(answer.status, status, answer)
            return answer.header("x-ratelimit-limit-requests"), answer.header("x-ratelimit-remaining-requests")
        for _ in range(2):
            self.assertEqual(left(harness.ask(self.daemon.port, "GET", "/v1/models", headers=self.key("tells")), 200), ("7", "7"))
            self.assertEqual(left(self.post(CHAT, b"{", self.key("tells")), 400), ("7", "7"))
            self.assertEqual(left(harness.ask(self.daemon.port, "POST", "/v1/route", chat("x"), self.key("tells")), 200), ("7", "7"))
        self.assertEqual(left(self.ask("tells"), 200), ("7", "6"))
        self.assertEqual(left(self.ask("tells", model="nobody"), 404), ("7", "6"))
        self.assertEqual(left(harness.ask(self.daemon.port, "GET", "/v1/models", headers=self.key("nobody")), 401), (None, None))

    def test_in_the_words_of_the_other_api(self):
        answer = self.post(MESSAGES, message("hello"), self.key("poem"))
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual((answer.header("anthropic-ratelimit-requests-limit"),
                          answer.header("anthropic-ratelimit-requests-remaining")), ("9", "8"))
        self.assertRegex(answer.header("anthropic-ratelimit-tokens-reset"), r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(answer.header("anthropic-ratelimit-tokens-limit"), "50000")
        self.assertIsNone(answer.header("x-ratelimit-limit-requests"))
        for _ in range(8):
            self.post(MESSAGES, message("hello"), self.key("poem"))
        answer = self.post(MESSAGES, message("hello"), self.key("poem"))
        self.assertEqual((answer.status, answer.json()["error"]["type"]), (429, "rate_limit_error"), answer)

    def test_what_was_never_sent_does_not_count(self):
        for body in (b"{", chat("x", model="nobody"), chat("x", max_tokens=-1)):
            self.assertIn(self.post(CHAT, body, self.key("five")).status, (400, 404))
        self.assertEqual(harness.ask(self.daemon.port, "POST", "/v1/route", chat("x"), self.key("five")).status, 200)
        self.sim.script("status=500", port=OPENAI, times=1)  # two attempts of one request
        answer = self.ask("five", model="sol")
        self.assertEqual((answer.status, answer.header("x-ratelimit-remaining-requests")), (200, "4"), answer)
        # no attempt at all
        self.sim.listen(OPENAI, "closed")
        self.assertIn(self.ask("five").status, (502, 503))
        self.sim.listen(OPENAI, "open")
        left = harness.wait_for("an answer", lambda: (a := self.ask("five")).status != 503 and a)
        self.assertIn(left.header("x-ratelimit-remaining-requests"), ("2", "3"), left)

    def test_key_and_team_each_count(self):
        self.assertEqual([self.ask("s1").status for _ in range(13)], [200] * 12 + [429])
        answer = self.ask("s2")
        self.assertLimited(answer, "team 'shared'", "12 requests a minute (rpm)")

    def test_a_new_secret_of_a_key_goes_on_where_it_was(self):
        for _ in range(3):
            self.assertEqual(self.ask("few2").status, 200)
        self.assertEqual(self.ask("few2").status, 429)
        rotated = [*self.KEYS.values(), entry("few2", "rpm: 3", of="new")]
        self.write_keys(rotated)
        self.daemon.reload()
        answer = harness.wait_for("the new secret", lambda: (a := self.ask("new")).status != 401 and a)
        self.assertLimited(answer, "key 'few2'")
        self.write_keys(self.KEYS.values())
        self.daemon.reload()

    def test_seen_from_outside(self):
        self.sim.script("gate=head", port=OPENAI, times=1)
        with harness.Connection(self.daemon.port) as c:
            c.send("POST", CHAT, chat("x"), self.key("above"))
            harness.wait_for("an answer, or a request under way", lambda: c.socket.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK)
                             if select.select([c.socket], [], [], 0)[0] else self.sim.stats()["gated"])
            text = harness.ask(self.daemon.admin, "GET", "/metrics").body.decode()
            self.sim.release()
            c.read()
        self.assertIn('frugald_team_limit{team="shared",limit="requests"} 12\n', text)
        self.assertRegex(text, r'frugald_team_limit_used{team="shared",limit="requests"} [1-9]')
        self.assertIn('frugald_limit_refusals_total{of="team",limit="inflight"} 0\n', text)
        self.assertNotIn('team="free"', text)
        said = subprocess.run([harness.FRUGALD, "check", self.daemon.config], cwd=self.folder, capture_output=True, text=True,
                              timeout=60)
        self.assertIn("key 'above': rpm 13 is more than the 12 of its team 'shared', which holds", said.stderr)
        self.assertEqual(said.returncode, 0, said)

    # -- tokens --

    def test_tokens_are_held_before_they_are_used(self):
        """gateways.md 4.1 no. 12: a limit of 100 let 663 tokens through."""
        answers = harness.together(12, lambda i: self.ask("hundred", "[[sim tokens=30]]", max_tokens=30))
        used = sum(a.json()["usage"]["total_tokens"] for a in answers if a.status == 200)
        self.assertLessEqual(used, 100)
        self.assertGreater(used, 30)
        refused = next(a for a in answers if a.status == 429)
        self.assertLimited(refused, "key 'hundred'", "100 tokens a minute (tpm)")
        self.assertEqual(refused.header("x-ratelimit-limit-tokens"), "100")

    def test_who_names_no_maximum_gets_one(self):
        answer = self.ask("hundred2", "[[sim tokens=1000]]")
        self.assertEqual(answer.status, 200, answer)
        self.assertLessEqual(answer.json()["usage"]["total_tokens"], 100)
        answer = self.ask("hundred2", "x", max_tokens=1000)
        self.assertError(answer, 413, "request_too_large")
        self.assertIn("more than the 100 that key 'hundred2' may have in a minute (tpm)", answer.json()["error"]["message"])
        self.assertEqual(answer.header("x-should-retry"), "false")

    def test_nothing_is_refused_for_what_was_not_used(self):
        """Ten requests that may use 200 tokens of 400 each, and use few."""
        for i in range(10):
            answer = self.ask("seq", "[[sim tokens=3]]", max_tokens=200)
            self.assertEqual(answer.status, 200, (i, answer))
        left = int(answer.header("x-ratelimit-remaining-tokens"))
        self.assertGreater(left, 100)

    def test_fallback_does_not_break_the_limit(self):
        """gateways.md 4.1 no. 16: the second attempt holds anew, and what the first may have used counts."""
        def tokens_left():
            return int(self.ask("back", "x", max_tokens=1).header("x-ratelimit-remaining-tokens"))
        self.sim.script("status=500", port=OPENAI, times=1)  # it has used nothing
        answer = self.ask("back", "[[sim tokens=20]]", model="sol", max_tokens=2500)
        self.assertEqual(answer.status, 200, answer)
        # nobody knows what was used: it is booked as expected, and counts as that
        before = tokens_left()
        self.sim.script("fault=close", port=OPENAI, times=2)
        answer = self.ask("back", "[[sim tokens=20]]", model="sol", max_tokens=500)
        self.assertEqual(answer.status, 200, answer)
        booked = self.row_of(answer)["attempt"]
        self.assertGreater(len(booked), 1)
        used = sum((a[k] or 0) for a in booked for k in harness.TOKEN_KINDS)
        self.assertLessEqual(used, before - tokens_left())
        # what is left is not enough for a second one
        sent = self.sim.port_stats(BACKUP)["requests"]
        self.sim.script("fault=close", port=OPENAI, times=2)
        answer = self.ask("back", "x " * 1500, model="sol", max_tokens=1)
        self.assertIn(answer.status, (429, 502), answer)
        self.assertEqual(self.sim.port_stats(BACKUP)["requests"], sent)

    # -- in flight --

    def test_in_flight(self):
        self.sim.script("gate=head", port=OPENAI, times=2)
        held = [harness.Connection(self.daemon.port) for _ in range(2)]
        for c in held:
            c.send("POST", CHAT, chat("x"), self.key("narrow"))
        self.sim.wait_gated(2)
        answer = self.ask("narrow")
        self.assertLimited(answer, "key 'narrow'", "2 requests at once (max_inflight)")
        # one leaves: its place is free once, not twice
        held[0].reset()
        harness.wait_for("the place", lambda: self.ask("narrow").status == 200)
        self.sim.script("gate=head", port=OPENAI, times=1)
        third = harness.Connection(self.daemon.port)
        third.send("POST", CHAT, chat("x"), self.key("narrow"))
        self.sim.wait_gated(2)
        self.assertEqual(self.ask("narrow").status, 429)
        self.sim.release()
        self.assertEqual([held[1].read().status, third.read().status], [200, 200])
        held[1].close()
        third.close()
        # whoever has its answer finds its place free
        for _ in range(50):
            self.assertEqual(harness.together(2, lambda i: self.ask("narrow").status), [200, 200])

    def test_a_client_that_does_not_read_holds_no_place(self):
        """Its answer is here and settled; how slowly it is taken is the client's affair."""
        before = self.sim.port_stats(OPENAI)["requests"]
        slow = [harness.Connection(self.daemon.port) for _ in range(2)]
        for c in slow:
            c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            c.send("POST", CHAT, chat("[[sim tokens=3000000]] x"), self.key("slow"))
        harness.wait_for("the provider to be done", lambda: (s := self.sim.port_stats(OPENAI))["requests"] == before + 2
                         and s["inflight"] == 0)
        harness.wait_for("a free place", lambda: self.ask("slow").status == 200)
        for c in slow:
            self.assertEqual(len(c.read().json()["choices"]), 1)
            c.close()

    def test_what_becomes_free_is_for_who_was_refused(self):
        self.sim.script("gate=head", port=OPENAI, times=2)
        held = [harness.Connection(self.daemon.port) for _ in range(2)]
        for c in held:
            c.send("POST", CHAT, chat("x"), self.key("p1"))
        self.sim.wait_gated(2)
        self.assertLimited(self.ask("p2"), "team 'places'", "2 requests at once (max_inflight); there is room when")
        held[0].reset()
        harness.wait_for("a place that is kept", lambda: b"; 2 keys share them, and key 'p1' has had its part" in self.ask("p1").body)
        for _ in range(3):
            self.assertEqual(self.ask("p2").status, 200)
            self.assertEqual(self.ask("p1").status, 429)
        self.sim.release()
        self.assertEqual(held[1].read().status, 200)
        held[1].close()

    def test_places_are_given_back_whatever_happens(self):
        def one(i):
            for j in range(8):
                how = (i + j) % 4
                text = "[[sim events=6 gap_ms=2]] x" if how < 2 else "[[sim status=400]] x" if how == 2 else "[[sim fault=cut_after:2 events=6]]"
                with harness.Connection(self.daemon.port) as c:
                    c.send("POST", CHAT, chat(text, stream=how < 2), self.key("crowd"))
                    c.read_head()
                    if how == 0:
                        continue  # leave at once
                    c.read_until(lambda a: a.end)
        harness.together(8, one)
        harness.wait_for("all upstream calls to end", lambda: self.sim.port_stats(OPENAI)["inflight"] == 0)
        self.assertLessEqual(self.sim.port_stats(OPENAI)["max_inflight"], 5)
        self.sim.reset()
        self.sim.script("gate=head", port=OPENAI, times=5)
        held = [harness.Connection(self.daemon.port) for _ in range(5)]
        for c in held:
            c.send("POST", CHAT, chat("x"), self.key("crowd"))
        self.sim.wait_gated(5)
        self.assertEqual(self.ask("crowd").status, 429)
        self.sim.release()
        self.assertEqual([c.read().status for c in held], [200] * 5)
        for c in held:
            c.close()

    # -- by command --

    def test_keys_add(self):
        def keys(*words):
            return subprocess.run([harness.FRUGALD, "keys", *words, "-c", self.daemon.config], cwd=self.folder,
                                  capture_output=True, text=True, timeout=60)
        said = keys("add", "made", "--team", "free", "--rpm", "2", "--tpm", "9000", "--max-inflight", "1")
        self.assertEqual(said.returncode, 0, said)
        made = re.search(r"fr-[0-9A-Za-z]{43}", said.stdout).group(0)
        self.assertIn("2 rpm, 9000 tpm, 1 in flight", keys("list").stdout)
        listed = json.loads(keys("list", "--json").stdout)["keys"][-1]
        self.assertEqual((listed["rpm"], listed["tpm"], listed["max_inflight"]), (2, 9000, 1))
        self.daemon.reload()
        headers = {"Authorization": "Bearer " + made}
        harness.wait_for("the key", lambda: self.post(CHAT, chat("x"), headers).status == 200)
        self.assertEqual(self.post(CHAT, chat("x"), headers).status, 200)
        self.assertLimited(self.post(CHAT, chat("x"), headers), "key 'made'")
        self.assertEqual(keys("add", "bad", "--rpm", "0").returncode, 2)
        self.assertEqual(keys("add", "bad", "--then", "pause").returncode, 2)
        self.assertEqual(keys("add", "spends", "--runaway", "5.00", "--then", "pause").returncode, 0)
        self.assertEqual(keys("pause", "made").returncode, 0)  # the others stay as they are
        listed = {k["name"]: k for k in json.loads(keys("list", "--json").stdout)["keys"]}
        self.assertEqual(listed["spends"]["runaway"], {"usd_per_minute": "5.000000000000", "then": "pause"})
        self.assertEqual((listed["made"]["rpm"], listed["made"]["runaway"]), (2, None))
        self.assertIn("paused above $5.00 a minute", keys("list").stdout)
        self.assertIn("--tpm: expected a number from 1", keys("add", "bad", "--tpm", "many").stderr)


if __name__ == "__main__":
    unittest.main()
