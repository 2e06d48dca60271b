"""A client that leaves: the upstream call is cancelled at once and what it gave is billed."""

import time
import unittest

import harness
from harness import CHAT, MESSAGES, chat, message

LONG = "[[sim events=3000 gap_ms=10]] a long story"


class ClientGone(harness.Case):
    def leave(self, path, body, how, ready):
        with self.open(path, body) as c:
            request_id = c.answer.header("x-request-id")
            c.read_until(ready)
            c.reset() if how == "reset" else c.close()
        left = time.monotonic()
        record = harness.wait_for("the end of the upstream call",
                                  lambda: (r := self.sim.records()[-1])["end"] != "open" and r)
        self.assertEqual(record["end"], "aborted")
        self.assertLess(time.monotonic() - left, 1.0 if not harness.QUICK else 3.0)
        row = self.daemon.row(request_id)
        attempt = row["attempt"][0]
        self.assertEqual((row["outcome"], attempt["outcome"], attempt["basis"]), ("client_gone", "client_gone", "partial"))
        self.assertGreater(attempt["amount_pusd"], 0)
        self.assertGreater(attempt["output"], 0)
        return record, attempt

    def connections(self):
        metrics = harness.ask(self.daemon.admin, "GET", "/metrics").body.decode()
        return int(next(line for line in metrics.splitlines() if line.startswith("frugald_connections ")).split()[1])

    def test_a_client_that_hangs_up_behind_its_last_bytes_leaves_nothing(self):
        """The end of the socket is there when the bytes before it are read: libmicrohttpd does not see it."""
        body = chat("x" * 9000)
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        begin = time.monotonic()
        for part in (head + b"Content-Length: %d\r\n\r\n" % len(body) + body[:5000], head,
                     b"GET /healthz/none HTTP/1.1\r\nHost: x\r\n\r\n"):
            for _ in range(60):
                with harness.Connection(self.daemon.port) as c:
                    c.socket.sendall(part)
        harness.wait_for("all connections to end", lambda: self.connections() == 0, 8)
        self.assertLess(time.monotonic() - begin, 8)

    def test_clients_that_reset_leave_nothing(self):
        """At any moment of a request."""
        def one(i):
            for j in range(40):
                do = ("", "events=2000 bytes=90", "fault=giant:300000", "split=1", "tokens=40000")[(i + j) % 5]
                body = chat(f"[[sim {do}]] " + "x" * (1, 30000, 300000)[j % 3], stream=i % 2 == 0)
                with harness.Connection(self.daemon.port) as c:
                    c.send("POST", CHAT, body)
                    time.sleep((i * 31 + j * 17) % 50 / 1000)  # the moment is what is tried
                    c.reset() if j % 2 == 0 else c.close()
        harness.together(24, one)
        harness.wait_for("all connections to end", lambda: self.connections() == 0, 12)

    def five(self, answer):
        return len(answer.events()) >= 8

    def test_openai_stream(self):
        for how in ("close", "reset"):
            record, attempt = self.leave(CHAT, chat(LONG, stream=True), how, self.five)
            # 4 bytes an event, 4 bytes a token.
            self.assertLessEqual(abs(attempt["output"] - record["events"]), record["events"] // 2 + 4, (record, attempt))

    def test_anthropic_stream(self):
        record, attempt = self.leave(MESSAGES, message(LONG, stream=True, max_tokens=9999), "close", self.five)
        self.assertEqual(attempt["input_uncached"], record["prompt_tokens"], "told at the begin of the stream")

    def gone_while_waiting(self, do, stream):
        with harness.Connection(self.daemon.port) as c:
            c.send("POST", CHAT, chat(f"[[sim {do}]] x", stream=stream))
            harness.wait_for("the upstream call", lambda: self.sim.stats()["ports"][0]["inflight"] == 1)
        left = time.monotonic()
        harness.wait_for("the end of the upstream call", lambda: self.sim.stats()["ports"][0]["inflight"] == 0)
        self.assertLess(time.monotonic() - left, 1.0 if not harness.QUICK else 3.0)
        self.assertEqual(self.sim.records()[-1]["end"], "aborted")

    def test_before_the_first_byte(self):
        before = len(self.daemon.query("SELECT seq FROM request"))
        self.gone_while_waiting("fault=hang", True)
        row = self.daemon.last_row(before + 1)
        attempt = row["attempt"][0]
        self.assertEqual((attempt["outcome"], attempt["basis"]), ("client_gone", "unknown"))
        self.assertGreater(attempt["amount_pusd"], 0, "it may have been billed")

    def test_before_a_whole_answer(self):
        self.gone_while_waiting("fault=hang", False)

    def test_many_leave(self):
        """Nothing is left behind: all are billed, all places are free again."""
        before = len(self.daemon.query("SELECT seq FROM request"))

        def one(_):
            with self.open(CHAT, chat(LONG, stream=True)) as c:
                c.read_until(self.five)
        harness.together(40, one)
        harness.wait_for("all upstream calls to end", lambda: self.sim.stats()["ports"][0]["inflight"] == 0)
        self.daemon.last_row(before + 40)
        self.assertEqual(self.ask_chat("hello").status, 200)


if __name__ == "__main__":
    unittest.main()
