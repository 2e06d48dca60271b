"""A person clones the project, types scripts/run, asks something and reads what it cost: within three minutes."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import harness

LIMIT_S = 180


def two_ports():
    """A port that is free and has a free one behind it, for admin."""
    while True:
        port = harness.free_ports(1)[0]
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port + 1))
                return port
            except OSError:
                pass


@unittest.skipIf(harness.QUICK, "builds the project from nothing")
class Run(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="frugald-run-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def clone(self):
        where = os.path.join(self.folder, "frugald")
        if subprocess.run(["git", "clone", "--quiet", harness.ROOT, where], capture_output=True).returncode != 0:
            self.skipTest("this is no git checkout")
        return where

    def test_from_clone_to_cost_summary(self):
        began = time.monotonic()
        where, port = self.clone(), two_ports()
        log = os.path.join(self.folder, "run.log")
        env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
        with open(log, "wb") as out:
            run = subprocess.Popen(["scripts/run", "--sim", "--port", str(port), "--state", os.path.join(self.folder, "state")],
                                   cwd=where, env=env, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                   start_new_session=True)
        self.addCleanup(lambda: run.poll() is None and os.killpg(run.pid, signal.SIGKILL))

        def said():
            with open(log, encoding="utf-8") as f:
                return f.read()

        def ready():
            self.assertIsNone(run.poll(), said())
            return f"clients at http://127.0.0.1:{port}" in said()
        harness.wait_for("scripts/run", ready, LIMIT_S)
        answer = harness.ask(port, "POST", harness.CHAT, harness.chat("What is the capital of France?", model="auto"))
        self.assertEqual(answer.status, 200, answer)

        def summary():
            got = harness.ask(port, "GET", "/v1/costs/summary?since=1h&group_by=model").json()
            return got["total"]["requests"] == 1 and got
        got = harness.wait_for("the request in the summary", summary)
        seconds = time.monotonic() - began
        self.assertEqual(len(got["rows"]), 1, json.dumps(got))
        self.assertLess(seconds, LIMIT_S)
        print(f"from clone to cost summary: {seconds:.0f} s")
        run.send_signal(signal.SIGINT)
        self.assertIn(run.wait(harness.PATIENCE), (0, 130), said())


if __name__ == "__main__":
    unittest.main()
