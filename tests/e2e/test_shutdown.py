"""SIGTERM: running answers may end within the grace, new work is refused, all is billed, exit code 0."""

import os
import signal
import time
import unittest

import harness
from harness import CHAT, chat


class Shutdown(harness.Case):
    GRACE = "20s"

    def setUp(self):
        cls = type(self)
        if not cls.daemon.alive() or "stopping" in cls.daemon.said():
            cls.daemon.stop()
            cls.daemon = harness.Daemon(self.folder, self.sim, top=f"limits: {{grace: {self.GRACE}}}")
        super().setUp()

    def terminate(self):
        self.daemon.signal(signal.SIGTERM)
        harness.wait_for("the word of it", lambda: "stopping" in self.daemon.said())

    def ended(self):
        code = self.daemon.wait()
        self.assertEqual(code, 0, self.daemon.said())
        self.assertIn("stopped", self.daemon.said())
        self.assertEqual([n for n in os.listdir(self.daemon.state) if n.startswith("slots.")], [], "every slot is booked")

    def test_streams_may_end(self):
        streams = [self.open(CHAT, chat(f"[[sim events=10 gate=5]] {i}", stream=True)) for i in range(6)]
        ids = [s.answer.header("x-request-id") for s in streams]
        idle = harness.Connection(self.daemon.port)
        self.assertEqual(idle.ask("GET", "/v1/models").status, 200)
        self.sim.wait_gated(6)
        self.terminate()
        with self.assertRaises(OSError):
            harness.Connection(self.daemon.port)
        self.assertTrue(self.daemon.alive())
        self.sim.release()
        for s in streams:
            answer = s.read_until(lambda a: a.end)
            self.assertEqual(answer.events()[-1].data, b"[DONE]")
            s.close()
        self.ended()
        idle.close()
        for request_id in ids:
            attempt = self.daemon.row(request_id)["attempt"][0]
            self.assertEqual((attempt["outcome"], attempt["basis"]), ("served", "reported"))

    def test_whole_answers_may_end(self):
        with harness.Connection(self.daemon.port) as c:
            c.send("POST", CHAT, chat("[[sim gate=head]] x"))
            self.sim.wait_gated()
            self.terminate()
            self.sim.release()
            answer = c.read()
        self.assertEqual(answer.status, 200)
        self.ended()

    def test_nothing_to_do(self):
        begin = time.monotonic()
        self.terminate()
        self.ended()
        self.assertLess(time.monotonic() - begin, 10)

    def test_sigint_too(self):
        self.daemon.signal(signal.SIGINT)
        self.ended()

    def test_second_signal_cuts(self):
        with self.open(CHAT, chat("[[sim events=10 gate=5]] x", stream=True)) as c:
            request_id = c.answer.header("x-request-id")
            self.sim.wait_gated()
            self.terminate()
            self.daemon.signal(signal.SIGTERM)
            answer = c.read_until(lambda a: a.end)
            self.assertNotIn(b"[DONE]", answer.body)
            self.assertIn(b'"shutting_down"', answer.body)
        self.ended()
        attempt = self.daemon.row(request_id)["attempt"][0]
        self.assertEqual((attempt["outcome"], attempt["basis"]), ("shutdown", "partial"))
        self.assertGreater(attempt["amount_pusd"], 0)


class GraceIsOver(Shutdown):
    GRACE = "1s"
    # The others are tested above.
    test_streams_may_end = test_whole_answers_may_end = test_second_signal_cuts = test_sigint_too = None

    def setUp(self):
        type(self).daemon.stop()
        super().setUp()

    def test_cut_with_an_error_event(self):
        with self.open(CHAT, chat("[[sim events=10 gate=5]] x", stream=True)) as c:
            request_id = c.answer.header("x-request-id")
            self.sim.wait_gated()
            self.terminate()
            answer = c.read_until(lambda a: a.end)
            self.assertIn(b'"shutting_down"', answer.body)
            self.assertNotIn(b"[DONE]", answer.body)
        self.ended()
        self.assertEqual(self.daemon.row(request_id)["attempt"][0]["outcome"], "shutdown")

    def test_not_yet_begun(self):
        with harness.Connection(self.daemon.port) as c:
            c.send("POST", CHAT, chat("[[sim fault=hang]] x"))
            harness.wait_for("the upstream call", lambda: self.sim.port_stats(0)["inflight"] == 1)
            self.terminate()
            answer = c.read()
        self.assertEqual(answer.status, 503, answer)
        self.ended()


if __name__ == "__main__":
    unittest.main()
