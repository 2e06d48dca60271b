"""What runs right now and who spends, while it runs."""

import json
import os
import subprocess
import threading
import unittest
from decimal import Decimal

import harness


class Top(harness.Case):
    def top(self):
        answer = harness.ask(self.daemon.admin, "GET", "/admin/top")
        self.assertEqual(answer.status, 200, answer)
        return json.loads(answer.body)

    def test_requests_under_way_and_what_they_cost(self):
        before = self.top()
        self.assertEqual((before["in_flight"], before["whole"]), (0, True))
        self.sim.script("gate=head", port=harness.OPENAI, times=3)
        asking = [threading.Thread(target=self.ask_chat, args=("hello",), kwargs={"model": "luna"}) for _ in range(3)]
        for t in asking:
            t.start()
        now = harness.wait_for("three requests under way", lambda: self.busy(3))
        call, = now["calls"]
        self.assertEqual((call["model"], call["provider"], call["in_flight"]), ("luna", "openai", 3))
        self.assertEqual(now["keys"][0]["in_flight"], 3)
        self.sim.release()
        for t in asking:
            t.join()
        after = harness.wait_for("their end", lambda: self.busy(0))
        self.assertEqual(after["minute"]["requests"], before["minute"]["requests"] + 3)
        self.assertGreater(Decimal(after["minute"]["usd"]), Decimal(before["minute"]["usd"]))
        self.assertEqual(sum(Decimal(k["hour"]["usd"]) for k in after["keys"]), Decimal(after["hour"]["usd"]))
        self.assertEqual([m["provider"] for m in after["machines"]], ["rack"])

    def busy(self, count):
        now = self.top()
        return now["in_flight"] == count and now["waiting"] == 0 and now

    def test_the_command_shows_it_once_without_a_terminal(self):
        env = dict(os.environ, FRUGALD_URL=f"http://127.0.0.1:{self.daemon.admin}")
        done = subprocess.run([harness.FRUGALD, "top"], env=env, capture_output=True, text=True, timeout=20, check=True)
        self.assertIn("frugald top", done.stdout)
        self.assertNotIn("\x1b", done.stdout)

    def test_clients_are_not_told(self):
        self.assertEqual(harness.ask(self.daemon.port, "GET", "/admin/top").status, 404)


if __name__ == "__main__":
    unittest.main()
