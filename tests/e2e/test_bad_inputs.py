"""Collected bad inputs, of clients and of providers: each is answered in a whole and sound way, and the daemon lives.

The collections lie beside the project (../shared/suites) and are used in place; without them there is nothing to do."""

import base64
import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import unittest

import harness
from harness import CHAT, chat

SUITES = os.path.join(harness.ROOT, "..", "shared", "suites")

# One model at one provider, which the test itself plays.
POLICY = """version: 1
listen: 127.0.0.1:{listen}
state: {state}
workers: {workers}
admin: {{listen: "127.0.0.1:{admin}"}}
{top}
limits: {{body: 2s, header: 2s}}
timeouts: {{connect: 1s, first_byte: 2s, idle: 1s}}
providers:
  mock: {{api: openai, url: "http://127.0.0.1:MOCK/v1", region: us, allow_private: true, book: openai}}
models:
  probe-model: {{is: openai/gpt-5.6-luna, at: [{{provider: mock, as: probe-model}}], tier: small}}
routes:
  auto: {{candidates: [probe-model], baseline: probe-model, goal: cheapest, keep_quality: 90%}}
# {openai} {anthropic} {rack} {backup}{tail}
"""


def suite(*name):
    path = os.path.join(SUITES, *name)
    if not os.path.exists(path):
        raise unittest.SkipTest("the suites are not here")
    return path


class Mocked(harness.Case):
    @classmethod
    def setUpClass(cls):
        suite()
        cls.mock, = harness.free_ports(1)
        cls.POLICY_PARTS = {"policy": POLICY.replace("MOCK", str(cls.mock)), **cls.PARTS}
        super().setUpClass()

    PARTS = {}


class Listed(Mocked):
    """A part of the list, by a daemon of its own."""
    PARTS = {"top": "keys_file: keys.yaml"}

    @classmethod
    def prepare(cls):
        """The key is there from the start: after a reload nobody could tell which workers know it yet."""
        cls.key = "fr-" + "k" * 43
        with open(os.path.join(cls.folder, "keys.yaml"), "w", encoding="utf-8") as f:
            f.write("version: 1\nkeys:\n"
                    f"  - {{name: probe, sha256: {hashlib.sha256(cls.key.encode()).hexdigest()}, hint: x}}\n")
        os.chmod(f.name, 0o600)

    def run_list(self, of):
        with open(suite("bad_inputs_visible.jsonl"), encoding="utf-8") as f:
            rows = [line for line in f if of(json.loads(line))]
        self.assertGreater(len(rows), 5)
        part = os.path.join(self.folder, "part.jsonl")
        with open(part, "w", encoding="utf-8") as f:
            f.writelines(rows)
        said = subprocess.run(["timeout", "250", sys.executable, suite("run_bad_inputs.py"), part,
                               "--port", str(self.daemon.port), "--mock-port", str(self.mock), "--key", self.key,
                               "--pid", str(self.daemon.pid), "--check-cmd", harness.FRUGALD + " check {file}"],
                              capture_output=True, text=True, check=False)
        lines = said.stdout.splitlines()
        passed = sum(line.startswith("ok ") for line in lines)
        if said.returncode != 0 or passed != len(rows):
            bad = [line for line in lines if not line.startswith("ok ")]
            what = "\n".join([f"{passed} of {len(rows)} rows passed, exit {said.returncode}", *bad, said.stderr])
            print("\n" + what, flush=True)  # before all that the daemon said, so that a log which is cut names the rows
            self.fail(what)
        self.assertTrue(self.daemon.alive())


class OfClients(Listed):
    def test_list(self):
        self.run_list(lambda row: "upstream" not in row)


class OfProviders(Listed):
    """Apart: a request that goes over a connection which was kept from an answer before is rightly sent again when that
    dies (test_stale_connection.py), and the list wants it once."""

    def test_list(self):
        self.run_list(lambda row: "upstream" in row)


class Responses(Mocked):
    """What parsers of HTTP are tested with, as a provider's answer. None of it is an answer of a model."""

    def setUp(self):
        super().setUp()
        self.server = socket.socket()
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.server.bind(("127.0.0.1", self.mock))
        self.server.listen(64)
        self.raw, self.calls = b"", 0
        threading.Thread(target=self.serve, daemon=True).start()

    def tearDown(self):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()

    def serve(self):
        while True:
            try:
                c, _ = self.server.accept()
            except OSError:
                return
            with c:
                got = b""
                while not got.endswith(b"}"):
                    piece = c.recv(65536)
                    if not piece:
                        break
                    got += piece
                if got:
                    self.calls += 1
                    c.sendall(self.raw)

    def test_responses(self):
        with open(suite("http-responses", "llhttp_responses.jsonl"), encoding="utf-8") as f:
            rows = [json.loads(line) for line in f]
        self.assertGreater(len(rows), 50)
        for row in rows:
            self.raw = base64.b64decode(row["raw_b64"])
            for stream in (False, True):
                with self.subTest(row["id"], stream=stream):
                    before = self.calls
                    answer = self.post(CHAT, chat("x", model="probe-model", stream=stream), seconds=15)
                    self.assertEqual(answer.end, "whole", answer)
                    self.assertGreaterEqual(answer.status, 400, answer)
                    self.assertIn("error", answer.json())
                    sent = [a for a in self.row_of(answer)["attempt"] if a["flags"] & 1]
                    self.assertEqual(self.calls - before, len(sent), "nothing is sent in silence")
        self.assertTrue(self.daemon.alive())


if __name__ == "__main__":
    unittest.main()
