"""A client that reads slowly holds the provider back, not the daemon's memory; one that stops is cut and billed."""

import socket
import time
import unittest

import harness
from harness import CHAT, chat

MEBIBYTE = 1 << 20


def small_window(port):
    """A connection that takes little before the other side has to wait."""
    c = harness.Connection.__new__(harness.Connection)
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.settimeout(harness.PATIENCE)
    s.connect(("127.0.0.1", port))
    c.socket, c.buffer, c.eof, c.answer, c.chunked, c.left = s, b"", "", None, False, None
    return c


class SlowClient(harness.Case):
    POLICY_PARTS = {"workers": 1, "top": "limits: {client_stall: 2s}", "backup_more": ", timeouts: {total: 1s}"}

    def given(self):
        """Bytes that the simulator could get rid of, for all requests."""
        return sum(r["bytes"] for r in self.sim.records())

    def settled(self):
        """The provider can give nothing more."""
        last = -1

        def same():
            nonlocal last
            now, before = self.given(), last
            last = now
            return now == before and now > 0
        for _ in range(3):
            harness.wait_for("the provider to wait", same)
            time.sleep(.02)
        return last

    def test_back_pressure(self):
        self.ask_chat("warm", stream=True)
        before = self.daemon.rss_kib()
        # 64 MiB for each of eight clients that do not read.
        body = chat("[[sim events=16384 bytes=4096]] x", stream=True)
        clients = []
        for _ in range(8):
            c = small_window(self.daemon.port)
            c.send("POST", CHAT, body)
            c.read_head()
            clients.append(c)
        given = self.settled()
        self.assertLess(given, 8 * 16 * MEBIBYTE, "the provider had to wait")
        grown = self.daemon.rss_kib() - before
        sanitized = "asan" in harness.FRUGALD or "tsan" in harness.FRUGALD
        self.assertLess(grown, 8192 if not sanitized else 65536, "memory is bounded by the rings")
        # One of them reads on, to the end, and gets everything.
        answer = clients[0].read_until(lambda a: len(a.body) > 4 * MEBIBYTE)
        self.assertFalse(answer.end)
        for c in clients:
            c.close()
        harness.wait_for("the upstream calls to end", lambda: self.sim.stats()["ports"][0]["inflight"] == 0)

    def test_all_arrives(self):
        c = small_window(self.daemon.port)
        c.send("POST", CHAT, chat("[[sim events=512 bytes=4096]] x", stream=True))
        c.read_head()
        self.settled()
        answer = c.read_until(lambda a: a.end)
        c.close()
        self.assertEqual(answer.end, "whole")
        events = answer.events()
        self.assertEqual(events[-1].data, b"[DONE]")
        self.assertEqual(sum(len(e.data) > 3000 for e in events), 512)

    def test_there_is_always_room_for_the_end(self):
        """A stream that ends while all buffers are full still says how it ended."""
        c = small_window(self.daemon.port)
        c.send("POST", CHAT, chat("[[sim events=16384 bytes=4096]] x", model="spare", stream=True))
        request_id = c.read_head().header("x-request-id")
        self.assertEqual(self.daemon.row(request_id)["attempt"][0]["outcome"], "too_long")
        answer = c.read_until(lambda a: a.end)
        c.close()
        self.assertEqual(answer.end, "whole")
        self.assertIn(b'"upstream_deadline"', answer.events()[-1].data)

    def test_an_error_that_waited_for_the_client_is_told_at_once(self):
        """The piece that was kept back holds the provider's error: nothing comes behind it to wake anybody."""
        for events in range(500, 512):  # one of them ends in a piece that has to wait
            self.sim.reset()
            c = small_window(self.daemon.port)
            c.send("POST", CHAT, chat(f"[[sim events=999 bytes=4096 fault=error_event:{events}]] x", stream=True))
            request_id = c.read_head().header("x-request-id")
            self.settled()
            begin = time.monotonic()
            answer = c.read_until(lambda a: a.end)
            c.close()
            self.assertEqual(answer.end, "whole")
            self.assertEqual(self.daemon.row(request_id)["outcome"], "stream_error")
            self.assertLess(time.monotonic() - begin, 5)

    def test_stalled_client_is_cut_and_billed(self):
        c = small_window(self.daemon.port)
        c.send("POST", CHAT, chat("[[sim events=16384 bytes=4096]] x", stream=True))
        request_id = c.read_head().header("x-request-id")
        row = self.daemon.row(request_id)
        self.assertEqual((row["outcome"], row["attempt"][0]["basis"]), ("slow_client", "partial"))
        self.assertGreater(row["attempt"][0]["amount_pusd"], 0)
        c.close()


if __name__ == "__main__":
    unittest.main()
