"""What clients may not do: too much, too slow, not JSON, not HTTP, not here."""

import json
import unittest

import harness
from harness import CHAT, MESSAGES, chat, message


class RequestLimits(harness.Case):
    POLICY_PARTS = {"top": "limits: {max_body: 64KiB, body: 1s, header: 1s}"}

    def tearDown(self):
        self.assertEqual(self.ask_chat("still there?").status, 200)

    def raw(self, text, seconds=harness.PATIENCE):
        with harness.Connection(self.daemon.port, seconds) as c:
            c.socket.sendall(text)
            return c.read()

    def test_body_too_large_by_its_length(self):
        answer = self.post(CHAT, chat("x" * 70000))
        self.assertError(answer, 413, "request_too_large")
        answer = self.post(MESSAGES, message("x" * 70000))
        self.assertEqual((answer.status, answer.json()["error"]["type"]), (413, "request_too_large"))
        self.assertEqual(self.sim.records(), [])

    def test_body_too_large_in_chunks(self):
        body = chat("x" * 200000)
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in (body[i:i + 1000] for i in range(0, len(body), 1000)))
        answer = self.raw(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                          b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
        self.assertError(answer, 413, "request_too_large")

    def test_body_at_the_limit(self):
        body = chat("")
        body = chat("x" * (65536 - len(body)))
        self.assertEqual(len(body), 65536)
        self.assertEqual(self.post(CHAT, body).status, 200)
        self.assertEqual(self.post(CHAT, body + b" ").status, 413)

    def test_chunked_body(self):
        body = chat("in pieces")
        for size in (1, 7, 1000):
            chunks = b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in (body[i:i + size] for i in range(0, len(body), size)))
            answer = self.raw(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                              b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
            self.assertEqual(answer.status, 200, answer)
            self.assertIn("in pieces", self.sim.records()[-1]["body"])

    def test_slow_body(self):
        with harness.Connection(self.daemon.port) as c:
            c.socket.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                             b"Content-Length: 100\r\n\r\n{")
            answer = c.read()
        self.assertError(answer, 408, "request_timeout")
        self.assertEqual(self.sim.records(), [])

    def test_slow_head(self):
        with harness.Connection(self.daemon.port) as c:
            c.socket.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n")
            c.read()
            self.assertTrue(c.answer.end)

    def test_bad_bodies(self):
        for body, code in ((b"", "invalid_json"), (b"{", "invalid_json"), (b"[]", None), (b"null", None), (b"{}", None),
                           (b'{"model":"luna"}', None), (b'{"model":"luna","messages":[]}', None),
                           (b'{"model":"luna","model":"sol","messages":[{"role":"user","content":"x"}]}', None),
                           (b'{"model":"luna","messages":"x"}', None), (b'{"model":7,"messages":[]}', None),
                           (b'\xef\xbb\xbf{"model":"luna"}', "invalid_json"), (b'{"model":"luna\xff"}', "invalid_json"),
                           (b"[" * 5000, None), (b'{"a":' * 500 + b"1" + b"}" * 500, None),
                           (b'{"model":"luna","stream":"yes","messages":[{"role":"user","content":"x"}]}', None)):
            with self.subTest(body[:60]):
                answer = self.post(CHAT, body)
                self.assertEqual((answer.status, answer.end), (400, "whole"), answer)
                error = answer.json()["error"]
                self.assertEqual(error["type"], "invalid_request_error")
                if code:
                    self.assertEqual(error["code"], code)
        self.assertEqual(self.sim.records(), [])

    def test_unknown_paths_models_methods(self):
        for method, path, status in (("GET", "/nowhere", 404), ("GET", "/v1/nowhere", 404), ("POST", "/v1/models", 405),
                                     ("GET", CHAT, 405), ("DELETE", CHAT, 405), ("GET", "/", 404)):
            answer = harness.ask(self.daemon.port, method, path)
            self.assertEqual((answer.status, answer.end), (status, "whole"), (method, path, answer))
            self.assertIn("error", answer.json())
        self.assertError(self.ask_chat("x", model="no-such-model"), 404, "model_not_found")

    def test_paths_with_and_without_v1(self):
        for path in ("/v1/chat/completions", "/chat/completions", "/t/run=184,app=e2e/v1/chat/completions"):
            answer = self.post(path, chat("x"))
            self.assertEqual(answer.status, 200, (path, answer))
        tags = self.row_of(answer)["tags"]
        self.assertIn("run=184", tags)
        self.assertIn("app=e2e", tags)

    def test_smuggling(self):
        body = chat("x")
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        for framing in (b"Content-Length: %d\r\nContent-Length: %d\r\n" % (len(body), len(body) + 1),
                        b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n" % len(body),
                        b"Transfer-Encoding: xchunked\r\n", b"Transfer-Encoding: chunked, identity\r\n",
                        b"Content-Length: +%d\r\n" % len(body), b"Content-Length: 0x10\r\n"):
            with self.subTest(framing):
                answer = self.raw(head + framing + b"\r\n" + body)
                self.assertIn(answer.status, (0, 400, 501), answer)
        self.assertEqual(self.sim.records(), [])

    def test_kept_connection(self):
        with harness.Connection(self.daemon.port) as c:
            for i in range(20):
                answer = c.ask("POST", CHAT, chat(f"{i}", stream=i % 2 == 0))
                self.assertEqual((answer.status, answer.end), (200, "whole"))
            self.assertEqual(c.ask("POST", CHAT, b"{").status, 400)
            self.assertEqual(c.ask("POST", CHAT, chat("after an error")).status, 200)

    def test_pipelined(self):
        one = chat("a")
        request = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
        with harness.Connection(self.daemon.port) as c:
            c.socket.sendall((request % (len(one), one)) * 3)
            for _ in range(3):
                self.assertEqual(c.read().status, 200)

    def test_count_tokens_costs_nothing(self):
        answer = self.post("/v1/messages/count_tokens", json.dumps(
            {"model": "sonnet", "messages": [{"role": "user", "content": "How many?"}]}).encode())
        self.assertEqual(answer.status, 200, answer)
        self.assertGreater(answer.json()["input_tokens"], 0)
        self.assertTrue(self.sim.records()[-1]["path"].endswith("/v1/messages/count_tokens"))
        row = self.row_of(answer)
        self.assertEqual((row["baseline_pusd"], row["attempt"][0]["amount_pusd"]), (0, 0), "nothing is saved by it")
        self.assertEqual(row["attempt"][0]["basis"], "none", "and nothing about that is an estimate")

    def test_models(self):
        listed = harness.ask(self.daemon.port, "GET", "/v1/models").json()
        self.assertEqual(listed["object"], "list")
        self.assertLessEqual({"auto", "coding", "luna", "sol"}, {m["id"] for m in listed["data"]})
        self.assertEqual(harness.ask(self.daemon.port, "GET", "/v1/models/auto").json()["id"], "auto")
        self.assertEqual(harness.ask(self.daemon.port, "GET", "/v1/models/nobody").status, 404)


if __name__ == "__main__":
    unittest.main()
