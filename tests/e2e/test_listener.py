"""What meets a client before its request means anything: framing, limits of connections, half-closed sockets,
proxies in front, TLS."""

import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import unittest

import harness
from harness import CHAT, chat

HEAD = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHAT_HEAD = HEAD % CHAT.encode()


def exchange(port, *pieces, shut=False):
    """Sends the pieces, reads until the other side closes."""
    with socket.create_connection(("127.0.0.1", port), harness.PATIENCE) as s:
        got = b""
        try:
            for piece in pieces:
                s.sendall(piece)
            if shut:
                s.shutdown(socket.SHUT_WR)
            while data := s.recv(65536):
                got += data
        except ConnectionResetError:
            pass
        return got


class Framing(harness.Case):
    def refused(self, request, status=b"400"):
        """One answer, an error object, and the end of the connection."""
        got = exchange(self.daemon.port, request)
        head, _, body = got.partition(b"\r\n\r\n")
        self.assertEqual(head.split()[1:2], [status], got)
        self.assertEqual(got.count(b"HTTP/1."), 1, got)
        self.assertIn(b"connection: close", head.lower())
        self.assertIn(b"x-request-id: req_", head.lower())
        return json.loads(body)

    def test_bodies_without_a_clear_end(self):
        body = chat("x")
        for framing in (b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n" % len(body),
                        b"Content-Length: %d\r\nContent-Length: %d\r\n" % (len(body), len(body) + 1),
                        b"Transfer-Encoding: gzip, chunked\r\n", b"Transfer-Encoding: identity\r\n"):
            with self.subTest(framing):
                error = self.refused(CHAT_HEAD + framing + b"\r\n" + body)["error"]
                self.assertEqual((error["type"], error["code"]), ("invalid_request_error", "bad_request"))
        self.assertEqual(self.sim.records(), [])

    def test_an_anthropic_client_is_told_in_its_own_form(self):
        error = self.refused(HEAD % b"/v1/messages" + b"Transfer-Encoding: gzip\r\n\r\n")
        self.assertEqual((error["type"], error["error"]["type"]), ("error", "invalid_request_error"))

    def test_smuggled_request_is_never_answered(self):
        inner = b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"
        got = exchange(self.daemon.port, CHAT_HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
                       b"0\r\n\r\n" + inner)
        self.assertEqual(got.count(b"HTTP/1.1 "), 1, got)

    def test_endless_size_of_a_chunk(self):
        self.refused(CHAT_HEAD + b"Transfer-Encoding: chunked\r\n\r\n3;" + b"a" * 65536 + b"\r\nabc\r\n0\r\n\r\n")

    def test_large_head(self):
        answer = harness.ask(self.daemon.port, "GET", "/v1/models", headers=[("x-much", "a" * 7500)])
        self.assertError(answer, 431, "headers_too_large")
        self.assertEqual(harness.ask(self.daemon.port, "GET", "/v1/models", headers=[("x-much", "a" * 4096)]).status, 200)

    def test_continue_is_said_only_where_the_body_is_wanted(self):
        body = chat("x")
        head = b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n"
        with harness.Connection(self.daemon.port) as c:
            c.socket.sendall(CHAT_HEAD + head % len(body))
            self.assertEqual(c.line(), b"HTTP/1.1 100 Continue")
            self.assertEqual(c.line(), b"")
            c.socket.sendall(body)
            self.assertEqual(c.read().status, 200)
        for path, length, status in ((b"/v1/nothing", len(body), b"404"), (CHAT.encode(), 1 << 40, b"413")):
            with self.subTest(path):
                got = exchange(self.daemon.port, HEAD % path + head % length)
                self.assertEqual(got.split()[1], status, got)

    def test_methods(self):
        answer = harness.ask(self.daemon.port, "GET", CHAT)
        self.assertError(answer, 405, "method_not_allowed")
        self.assertEqual(answer.header("allow"), "POST")
        with harness.Connection(self.daemon.port) as c:
            c.send("HEAD", "/v1/models")
            self.assertEqual(c.read_head().status, 200)

    def test_only_plain_json(self):
        for headers in ([("Content-Encoding", "gzip")], [("Content-Type", "text/plain")]):
            with self.subTest(headers):
                answer = self.post(CHAT, chat("x"), headers)
                self.assertError(answer, 415, "unsupported_media_type")

    def test_a_refused_body_keeps_the_connection_when_it_is_short(self):
        with harness.Connection(self.daemon.port) as c:
            self.assertEqual(c.ask("POST", "/v1/nothing", b"a" * 100000).status, 404)
            self.assertEqual(c.ask("POST", CHAT, chat("x")).status, 200)


class Suite(harness.Case):
    """Requests that other people collected."""

    FOLDER = os.path.join(harness.ROOT, "..", "shared", "suites")

    @classmethod
    def setUpClass(cls):
        if not os.path.isdir(cls.FOLDER):
            raise unittest.SkipTest("the suites are not here")
        super().setUpClass()

    def replay(self, name):
        out = subprocess.run(
            ["python3", os.path.join(self.FOLDER, "replay_raw.py"), os.path.join(self.FOLDER, "http-requests", name),
             "--port", str(self.daemon.port), "--wait", "0.1"], capture_output=True, check=True, text=True).stdout
        return [json.loads(line) for line in out.splitlines() if line.startswith("{")]

    def test_smuggling_permutations(self):
        twice = [row["id"] for row in self.replay("smuggling_permutations.jsonl")
                 if sum(s >= 200 for s in row["statuses"]) > 1]
        self.assertLessEqual(set(twice), {"te/pre_00", "cl/nul"})  # libmicrohttpd reads up to the NUL

    def test_invalid_requests(self):
        for name in ("gunicorn.jsonl", "llhttp_requests.jsonl"):
            rows = self.replay(name)
            taken = [r["id"] for r in rows if r["suite_says"] == "reject" and 200 in r["statuses"]]
            self.assertEqual(taken, [])
        self.assertTrue(self.daemon.alive())


class ConnectionLimit(harness.Case):
    POLICY_PARTS = {"top": "limits: {connections: 4}"}

    def test_one_too_many(self):
        kept = [harness.Connection(self.daemon.port) for _ in range(4)]
        for c in kept:
            self.assertEqual(c.ask("GET", "/v1/models").status, 200)
        answer = harness.ask(self.daemon.port, "GET", "/v1/models")
        self.assertError(answer, 503, "overloaded")
        self.assertEqual((answer.header("retry-after"), answer.header("x-should-retry")), ("1", "true"))
        kept.pop().close()
        harness.wait_for("room", lambda: harness.ask(self.daemon.port, "GET", "/v1/models").status == 200)
        for c in kept:
            self.assertEqual(c.ask("GET", "/v1/models").status, 200)
            c.close()


class BodyMemory(harness.Case):
    """All bodies under way have a bound together."""

    POLICY_PARTS = {"top": "limits: {max_body: 1MiB, body_bytes: 1536KiB}"}

    def bytes_taken(self):
        text = harness.ask(self.daemon.admin, "GET", "/metrics").body.decode()
        return int(re.search(r"^frugald_bytes_from_clients_total (\d+)$", text, re.M)[1])

    def test_two_large_bodies(self):
        body = chat("x" * 700_000)
        head = CHAT_HEAD + b"Content-Length: %d\r\n\r\n" % len(body)
        with harness.Connection(self.daemon.port) as first:
            before = self.bytes_taken()
            first.socket.sendall(head + body[:-1])
            # Not by asking with another large body: that might get the room first.
            harness.wait_for("the first to be here", lambda: self.bytes_taken() - before == len(body) - 1)
            answer = self.post(CHAT, body)
            self.assertError(answer, 503, "overloaded")
            self.assertEqual((answer.header("retry-after"), answer.header("x-should-retry")), ("1", "true"))
            self.assertEqual(self.ask_chat("small").status, 200)
            first.socket.sendall(body[-1:])
            self.assertEqual(first.read().status, 200)
        harness.wait_for("room", lambda: self.post(CHAT, body).status == 200)


class KeptConnection(harness.Case):
    POLICY_PARTS = {"top": "limits: {header: 500ms, idle: 1s}"}

    def test_idle_for_too_long(self):
        with harness.Connection(self.daemon.port) as c:
            self.assertEqual(c.ask("GET", "/v1/models").status, 200)
            self.assertEqual(c.socket.recv(1), b"")

    def test_next_head_has_its_time_in_all(self):
        with harness.Connection(self.daemon.port) as c:
            self.assertEqual(c.ask("GET", "/v1/models").status, 200)
            c.socket.settimeout(0.1)
            sent = 0
            with self.assertRaises(OSError):  # the other side has closed
                for sent in range(100):
                    c.socket.sendall(b"G")
                    try:
                        if c.socket.recv(1) == b"":
                            raise ConnectionResetError
                    except TimeoutError:
                        pass
            self.assertLess(sent, 20)  # an idle timer would begin again with every byte


class Descriptors(harness.Case):
    """Fewer descriptors than clients."""

    def test_none_is_left(self):
        used = len(os.listdir(f"/proc/{self.daemon.pid}/fd"))
        subprocess.run(["prlimit", f"--nofile={used + 8}", "--pid", str(self.daemon.pid)], check=True)
        clients = [harness.Connection(self.daemon.port) for _ in range(40)]
        statuses = [c.ask("GET", "/v1/models").status for c in clients]
        self.assertEqual(set(statuses), {200, 503})
        for c in clients:
            c.close()
        harness.wait_for("room", lambda: harness.ask(self.daemon.port, "GET", "/v1/models").status == 200)


class Silent(harness.Case):
    def test_who_says_nothing_is_not_waited_for(self):
        silent = harness.Connection(self.daemon.port)
        with harness.Connection(self.daemon.port) as c:
            self.assertEqual(c.ask("GET", "/v1/models").status, 200)
            self.daemon.signal(signal.SIGTERM)
            self.assertEqual(self.daemon.wait(5), 0)  # a head would have 10 s, all of them 30
        silent.close()


class Overlap(harness.Case):
    def test_the_next_one_may_begin_while_the_last_one_ends(self):
        with self.open(CHAT, chat("[[sim events=4 gate=2]] x", stream=True)) as c:
            self.sim.wait_gated()
            self.daemon.signal(signal.SIGTERM)
            harness.wait_for("the listener to close", lambda: not self.listens())
            with socket.create_server(("127.0.0.1", self.daemon.port)):
                pass
            self.sim.release()
            self.assertEqual(c.read_until(lambda a: a.end).events()[-1].data, b"[DONE]")

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.daemon.port)).close()
        except OSError:
            return False
        return True


class HalfClosed(harness.Case):
    def test_before_the_answer_it_means_gone(self):
        body = chat("[[sim gate=head]] x")
        request = CHAT_HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
        self.assertEqual(exchange(self.daemon.port, request, shut=True), b"")

    def test_in_a_stream_it_means_nothing_yet(self):
        with self.open(CHAT, chat("[[sim events=4 gate=2]] x", stream=True)) as c:
            self.sim.wait_gated()
            c.socket.shutdown(socket.SHUT_WR)
            c.read_until(lambda a: b":\n\n" in a.body)  # whether we still read
            self.sim.release()
            answer = c.read_until(lambda a: a.end)
        self.assertEqual(answer.events()[-1].data, b"[DONE]")


class HalfClosedServed(harness.Case):
    POLICY_PARTS = {"top": "half_close: serve"}

    def test_answer_comes(self):
        body = chat("x")
        got = exchange(self.daemon.port, CHAT_HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body, shut=True)
        self.assertTrue(got.startswith(b"HTTP/1.1 200 "), got)


class BehindProxy(harness.Case):
    POLICY_PARTS = {"top": "behind_proxy: true\ntrusted_proxies: [127.0.0.0/8, 10.0.0.0/8]"}

    def peer(self, forwarded):
        names = ("X-Forwarded-For", "x-forwarded-for")  # the harness takes each name once
        answer = self.ask_chat("x", headers=list(zip(names, forwarded)))
        request_id = answer.header("x-request-id")
        return harness.wait_for("the log line", lambda: [
            line["peer"] for line in self.daemon.log_lines() if line["id"] == request_id])[0]

    def test_last_address_that_no_proxy_has(self):
        self.assertEqual(self.peer([]), "127.0.0.1")
        self.assertEqual(self.peer(["192.0.2.7"]), "192.0.2.7")
        self.assertEqual(self.peer(["6.6.6.6, 192.0.2.7", "10.1.1.1"]), "192.0.2.7")
        self.assertEqual(self.peer(["unknown"]), "127.0.0.1")


class NotBehindProxy(harness.Case):
    def test_anybody_can_write_a_header(self):
        answer = self.ask_chat("x", headers=[("X-Forwarded-For", "192.0.2.7")])
        line = harness.wait_for("the log line", lambda: [
            li for li in self.daemon.log_lines() if li["id"] == answer.header("x-request-id")])[0]
        self.assertEqual(line["peer"], "127.0.0.1")


@unittest.skipUnless(shutil.which("openssl"), "no openssl command here")
class Tls(harness.Case):
    POLICY_PARTS = {"top": "tls: {cert: cert.pem, key: key.pem}\nlimits: {max_body: 1MiB}"}

    @classmethod
    def prepare(cls):
        cls.cert = os.path.join(cls.folder, "cert.pem")
        key = os.path.join(cls.folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", key, "-out", cls.cert, "-days", "2", "-subj", "/CN=frugald",
                        "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        os.chmod(key, 0o600)

    def connection(self):
        context = ssl.create_default_context(cafile=self.cert)
        c = harness.Connection(self.daemon.port)
        c.socket = context.wrap_socket(c.socket, server_hostname="127.0.0.1")
        return c

    def test_answers_and_streams(self):
        with self.connection() as c:
            for stream in (False, True, False):
                answer = c.ask("POST", CHAT, chat("x", stream=stream))
                self.assertEqual((answer.status, answer.end), (200, "whole"))

    def test_a_client_that_leaves_stops_the_provider(self):
        c = self.connection()
        c.send("POST", CHAT, chat("[[sim events=4 gate=2]] x", stream=True))
        c.read_head()
        self.sim.wait_gated()
        c.close()
        harness.wait_for("the provider to notice", lambda: [r for r in self.sim.records() if r["end"] == "aborted"])

    def test_too_large_a_body(self):
        with self.connection() as c:
            self.assertEqual(c.ask("POST", CHAT, chat("x" * (2 << 20))).status, 413)

    def test_plain_text_gets_nothing(self):
        self.assertEqual(exchange(self.daemon.port, b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n")[:4] == b"HTTP", False)


if __name__ == "__main__":
    unittest.main()
