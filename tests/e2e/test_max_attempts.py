"""`max_attempts` limits upstream calls: what was not called is none, nor is the one more after a dead connection."""

import http.server
import json
import threading
import unittest

import harness
from harness import CHAT, chat


class Backup(http.server.BaseHTTPRequestHandler):
    """Answers, and remembers the number of the attempt that it was told."""
    protocol_version = "HTTP/1.1"
    seen = []

    def log_message(self, *args):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.seen.append(int(self.headers["x-frugald-attempt"]))
        answer = json.dumps({"id": "c", "object": "chat.completion", "model": "gpt-5.6-luna", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


class MaxAttempts(harness.Case):
    @classmethod
    def prepare(cls):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backup)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        cls.addClassCleanup(server.server_close)
        cls.addClassCleanup(server.shutdown)
        cls.POLICY_PARTS = {"workers": 1, "openai_more": ", max_inflight: 1", "policy": harness.POLICY.replace(
            "  pair:   {{", "  pair:   {{max_attempts: 1, ").replace("{backup}", str(server.server_address[1]))}

    def test_a_full_model_was_not_called(self):
        running = self.open(CHAT, chat("[[sim events=2 gate=0]] hold the only place", stream=True))
        self.sim.wait_gated()
        answer = self.ask_chat("What is the capital of France?", model="pair")
        self.assertEqual(answer.status, 200, answer)
        self.assertAttempts(answer, ("spare", "backup", "served", "reported"))
        self.assertEqual(Backup.seen, [0], "the number of its row in the ledger")
        self.sim.release()
        running.read_until(lambda a: a.end)
        running.close()

    def test_a_call_is_one(self):
        answer = self.ask_chat("[[sim status=500]] x", model="pair")
        self.assertError(answer, 502, "upstream_error")
        self.assertAttempts(answer, ("luna", "openai", "provider_error", "none"))

    def test_a_dead_connection_is_none(self):
        self.assertEqual(self.ask_chat("warm").status, 200)
        answer = self.ask_chat("[[sim fault=stale]] x", model="pair")
        self.assertEqual(answer.status, 200, answer)
        self.assertAttempts(answer, ("luna", "openai", "stale", "unknown"), ("luna", "openai", "served", "reported"))


if __name__ == "__main__":
    unittest.main()
