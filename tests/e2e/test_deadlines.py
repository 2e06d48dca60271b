"""Connect, first byte, idle, total: each deadline ends an attempt, with its own words and its own bill."""

import time
import unittest

import harness
from harness import BACKUP, OPENAI

TIGHT = ", timeouts: {connect: 300ms, first_byte: 400ms, idle: 300ms, total: 2s}"


class Deadlines(harness.Case):
    POLICY_PARTS = {"openai_more": TIGHT, "backup_more": TIGHT}

    def timed(self, text, **more):
        begin = time.monotonic()
        answer = self.ask_chat(text, **more)
        return answer, time.monotonic() - begin

    def test_connect(self):
        self.sim.listen(OPENAI, "deaf")
        answer, took = self.timed("x", model="spare")
        self.assertEqual(answer.status, 200, answer)
        answer, took = self.timed("x", model="luna")
        self.assertError(answer, 504, "upstream_connect_timeout")
        self.assertGreater(took, .25)
        row = self.assertAttempts(answer, ("luna", "openai", "slow_connect", "none"))
        self.assertEqual(row["attempt"][0]["amount_pusd"], 0)
        self.assertEqual(answer.header("x-should-retry"), "false")

    def test_first_byte(self):
        answer, took = self.timed("[[sim fault=hang]] x", model="spare")
        self.assertError(answer, 504, "upstream_timeout")
        self.assertGreater(took, .35)
        self.assertLess(took, 10)
        row = self.assertAttempts(answer, ("spare", "backup", "slow_first_byte", "unknown"))
        self.assertGreater(row["attempt"][0]["amount_pusd"], 0, "it may have been billed")
        self.assertEqual(answer.header("x-should-retry"), "false")
        record = self.sim.records()[-1]
        self.assertEqual(record["end"], "aborted", "the upstream call is given up")

    def test_status_line_only(self):
        answer, _ = self.timed("[[sim fault=slow_head]] x", model="spare")
        self.assertEqual(answer.status, 504, answer)

    def test_idle_in_a_stream(self):
        answer, took = self.timed("[[sim events=9 fault=stall:4]] x", model="spare", stream=True)
        self.assertEqual((answer.status, answer.end), (200, "whole"))
        self.assertIn(b'"upstream_stalled"', answer.events()[-1].data)
        self.assertNotIn(b"[DONE]", answer.body)
        self.assertGreater(took, .25)
        row = self.assertAttempts(answer, ("spare", "backup", "stalled", "partial"))
        self.assertGreater(row["attempt"][0]["output"], 0)

    def test_idle_in_a_whole_answer(self):
        answer, _ = self.timed("[[sim fault=stall]] x", model="spare")
        self.assertEqual(answer.status, 504, answer)
        self.assertAttempts(answer, ("spare", "backup", "stalled", "partial"))

    def test_total(self):
        answer, took = self.timed("[[sim events=400 gap_ms=50]] x", model="spare", stream=True)
        self.assertIn(b'"upstream_deadline"', answer.events()[-1].data)
        self.assertNotIn(b"[DONE]", answer.body)
        self.assertGreater(took, 1.9)
        self.assertLess(took, 12)
        self.assertAttempts(answer, ("spare", "backup", "too_long", "partial"))

    def test_the_next_candidate_is_asked_in_time(self):
        answer, _ = self.timed("[[sim port=0 fault=hang]] x", model="sol")
        self.assertEqual(answer.status, 200, answer)
        self.assertAttempts(answer, ("sol", "openai", "slow_first_byte", "unknown"), ("sol", "backup", "served", "reported"))


class OneDeadlineForAll(harness.Case):
    POLICY_PARTS = {"top": "limits: {request: 1s}", "openai_more": ", timeouts: {total: 300ms}"}

    def test_request(self):
        begin = time.monotonic()
        answer = self.ask_chat("[[sim fault=hang]] x", model="sol")
        self.assertEqual(answer.status, 504, answer)
        self.assertLess(time.monotonic() - begin, 10)
        self.assertGreater(time.monotonic() - begin, .95)
        # The first by its own limit, the second by what was left.
        self.assertAttempts(answer, ("sol", "openai", "too_long", "unknown"), ("sol", "backup", "too_long", "unknown"))

    def test_none_is_begun_after_it(self):
        answer = self.ask_chat("[[sim fault=hang]] x", model="wide")
        self.assertError(answer, 504, "upstream_deadline")
        self.assertEqual(len(self.sim.records()), 1)

    def test_total_before_the_first_byte(self):
        """Nothing has gone to the client yet: another one may be asked."""
        answer = self.ask_chat("[[sim port=0 fault=hang]] x", model="sol")
        self.assertEqual(answer.status, 200, answer)
        self.assertAttempts(answer, ("sol", "openai", "too_long", "unknown"), ("sol", "backup", "served", "reported"))


class NotBegunInVain(harness.Case):
    POLICY_PARTS = {"top": "limits: {request: 2s}", "openai_more": ", timeouts: {first_byte: 1s}"}

    def ask_first(self, do, then):
        """Of `sol`: its first provider does this, its second that."""
        self.sim.script(do, port=OPENAI, times=1)
        return self.ask_chat(f"[[sim port={BACKUP} {then}]] x", model="sol")

    def test_too_little_is_left(self):
        """A second is left when the first one is given up. Whose first byte has always taken longer is not asked then."""
        self.assertEqual(self.ask_first("status=500", "ttft_ms=1500").status, 200)
        asked = len(self.sim.records(BACKUP))
        answer = self.ask_first("fault=hang", "ttft_ms=0")
        self.assertError(answer, 504, "upstream_timeout")
        self.assertAttempts(answer, ("sol", "openai", "slow_first_byte", "unknown"))
        self.assertEqual(len(self.sim.records(BACKUP)), asked)
        # It has been quick once: it may be again.
        self.assertEqual(self.ask_first("status=500", "ttft_ms=0").status, 200)
        answer = self.ask_first("fault=hang", "ttft_ms=0")
        self.assertEqual(answer.status, 200, answer)
        self.assertAttempts(answer, ("sol", "openai", "slow_first_byte", "unknown"), ("sol", "backup", "served", "reported"))

    def test_a_late_first_one_is_asked(self):
        """However slow it was: else its times would never be measured again."""
        self.assertEqual(self.ask_chat("[[sim ttft_ms=1500]] x", model="spare").status, 200)
        body = harness.chat("[[sim ttft_ms=0]] x", model="spare")
        with harness.Connection(self.daemon.port) as c:
            c.send("POST", harness.CHAT, body[:-1], {"Content-Length": str(len(body))})
            harness.wait_for("less to be left than it took", lambda s=time.monotonic(): time.monotonic() - s > .7)
            c.socket.sendall(body[-1:])
            self.assertEqual(c.read().status, 200)


class ByTheClient(harness.Case):
    """x-frugald-deadline tightens what the operator allows, and nothing else."""
    POLICY_PARTS = {"top": "limits: {request: 1500ms}"}

    def hang(self, deadline):
        begin = time.monotonic()
        answer = self.ask_chat("[[sim fault=hang]] x", {"x-frugald-deadline": deadline}, model="spare")
        self.assertError(answer, 504, "upstream_deadline")
        self.assertAttempts(answer, ("spare", "backup", "too_long", "unknown"))
        return time.monotonic() - begin

    def test_tightens(self):
        took = self.hang("0.4")
        self.assertGreater(took, .35)
        self.assertLess(took, 1.4)

    def test_does_not_loosen(self):
        self.assertGreater(self.hang("60"), 1.4)

    def test_what_it_may_be(self):
        for text in ("soon", "-1", "0", "86401", "1e3", ""):
            answer = self.ask_chat("x", {"x-frugald-deadline": text}, model="spare")
            self.assertError(answer, 400, "invalid_header")
            self.assertIn("seconds from 0.001 to 86400", answer.json()["error"]["message"])
        self.assertEqual(self.ask_chat("x", {"x-frugald-deadline": "1.25"}, model="spare").status, 200)


if __name__ == "__main__":
    unittest.main()
