"""Weights that are made, measured, used and reloaded."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import harness

EASY = ("hello there", "good morning to you", "tell me a joke", "hey, what is up", "what a nice day", "thanks, bye")
HARD = ("prove the theorem by induction", "derive the lemma and prove it", "show that the series converges",
        "prove that the group is cyclic", "find a counterexample and prove it", "derive the bound rigorously")


def outcomes():
    """Rows as a set of questions has them, and requests with labels."""
    for i, text in enumerate(EASY * 8 + HARD * 8):
        easy = text in EASY
        yield {"source": "own", "qid": f"q{i}", "domain": "chat", "prompt": text,
               "scores": {"gemma-3-27b-it": 0.9 if easy else 0.1, "gpt-4o": 0.95 if easy else 0.8}}
        yield {"id": f"r{i}", "class": "chat" if easy else "maths", "tier": "local" if easy else "frontier", "trap": None,
               "request": {"messages": [{"role": "user", "content": text}]}}


class Weights(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="frugald-e2e-")
        with open(os.path.join(cls.folder, "rows.jsonl"), "w", encoding="utf-8") as f:
            f.writelines(json.dumps(r) + "\n" for r in outcomes())
        cls.said = cls.run_it("train", "--output", "own.bin", "rows.jsonl").stderr.decode()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    @classmethod
    def run_it(cls, *words, code=0, text=""):
        done = subprocess.run([harness.FRUGALD, "classifier", *words], cwd=cls.folder, input=text.encode(),
                              capture_output=True, timeout=110, check=False)
        if done.returncode != code:
            raise AssertionError(done.stderr.decode())
        return done

    def test_training_tells_how_far_it_is(self):
        self.assertIn("outcomes: round", self.said)
        right = re.search(r"tiers, unseen: (\d+) of 96 right; local as frontier 0 of 48, frontier as local 0 of 48", self.said)
        self.assertGreaterEqual(int(right[1]), 72)

    def test_run_answers_line_by_line_in_order(self):
        rows = [{"id": 7, "prompt": "hello, good morning"}, {"id": "b", "prompt": "prove the lemma by induction"},
                {"id": "c", "request": {"messages": [{"role": "user", "content": "prove the lemma by induction"}]}}]
        text = "".join(json.dumps(r) + "\n" for r in rows)
        got = [json.loads(x) for x in self.run_it("run", "--jsonl", "--weights", "own.bin", text=text).stdout.splitlines()]
        self.assertEqual([g["id"] for g in got], [7, "b", "c"])
        self.assertEqual([g["class"] for g in got], ["chat", "maths", "maths"])
        self.assertLess(got[0]["complexity"], 1 / 3)
        self.assertGreater(got[1]["complexity"], 2 / 3)
        self.assertGreater(got[0]["p_small"], got[1]["p_small"])
        self.assertGreater(got[1]["need"], got[0]["need"])
        got[1].pop("us"), got[1].pop("id"), got[2].pop("us"), got[2].pop("id")
        self.assertEqual(got[1], got[2])  # a text is what a request with one message is

    def test_run_names_the_line_that_is_none(self):
        done = self.run_it("run", text='{"id": "a", "prompt": "hi"}\n{"id": "b"}\n', code=1)
        self.assertEqual(json.loads(done.stdout)["id"], "a")
        self.assertIn("line 2: it has neither a \"prompt\" nor a \"request\"", done.stderr.decode())

    def test_eval_measures(self):
        got = json.loads(self.run_it("eval", "--json", "--weights", "own.bin", "rows.jsonl").stdout)
        self.assertEqual(got["outcomes"][0]["n"], 96)
        self.assertGreater(got["outcomes"][0]["apgr"], 0.7)
        self.assertEqual(got["requests"]["tiers"]["local"], {"local": 48, "small": 0, "frontier": 0})
        self.assertEqual(got["requests"]["traps"]["none"], {"n": 96, "wrong": 0})
        self.assertIn("tier right 100.0 %", self.run_it("eval", "--weights", "own.bin", "rows.jsonl").stdout.decode())

    def test_damaged_weights_are_refused_and_the_running_ones_stay(self):
        sim = harness.Sim(self.folder)
        self.addCleanup(sim.stop)
        path = os.path.join(self.folder, "daemon.bin")
        shutil.copy(os.path.join(self.folder, "own.bin"), path)
        daemon = harness.Daemon(self.folder, sim, tail=f"classifier: {path}")
        self.addCleanup(daemon.stop)
        hard = harness.ask(daemon.port, "POST", harness.CHAT, harness.chat(HARD[0], "auto"))
        self.assertEqual((hard.status, hard.header("x-frugald-complexity")), (200, "1.00"))
        with open(path, "r+b") as f:
            f.seek(500000)
            f.write(b"damage")
        self.assertIn("reload refused", daemon.reload())
        self.assertIn("it is damaged: its checksum does not fit", daemon.said())
        again = harness.ask(daemon.port, "POST", harness.CHAT, harness.chat(HARD[0], "auto"))
        self.assertEqual((again.status, again.header("x-frugald-complexity")), (200, "1.00"))


if __name__ == "__main__":
    unittest.main()
