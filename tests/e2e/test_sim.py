"""The simulated provider itself: what the other tests build upon."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import harness
from harness import ANTHROPIC, CHAT, MESSAGES, OPENAI, chat, message


class TheSim(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not os.path.exists(harness.FRUGALD_SIM):
            raise unittest.SkipTest("frugald-sim is not built")
        cls.folder = tempfile.mkdtemp(prefix="frugald-sim-")
        cls.sim = harness.Sim(cls.folder, "--key", "sk-right")

    @classmethod
    def tearDownClass(cls):
        code = cls.sim.stop()
        shutil.rmtree(cls.folder)
        assert code == 0, cls.sim.said()

    def setUp(self):
        self.sim.reset()

    def post(self, port, path, body, key="sk-right"):
        return harness.ask(self.sim.ports[port], "POST", path, body, {"Authorization": "Bearer " + key})

    def run_sim(self, *words):
        return subprocess.run([harness.FRUGALD_SIM, *words], capture_output=True, text=True, timeout=60)

    def test_help_knows_every_fault(self):
        said = self.run_sim("--help")
        self.assertEqual(said.returncode, 0)
        with open(os.path.join(harness.ROOT, "tests", "sim", "fault.def"), encoding="utf-8") as f:
            for name in re.findall(r"^FAULT\((\w+),", f.read(), re.M):
                self.assertIn(f" {name} ", said.stdout)

    def test_misuse(self):
        for words in (("--nothing",), ("--port", "x"), ("--dialect", "french"), ("--behave", "speed=9"), ("more",),
                      ("--tls", "nowhere,nothing", "--port", "0")):
            said = self.run_sim(*words)
            self.assertEqual(said.returncode, 2, (words, said))
            self.assertTrue(said.stderr.startswith("frugald-sim: ") or "unrecognized" in said.stderr, said.stderr)

    def test_usage_adds_up(self):
        for text in ("x", "What is the capital of France?", "word " * 5000):
            usage = self.post(OPENAI, CHAT, chat(text)).json()["usage"]
            self.assertEqual(usage["prompt_tokens"] + usage["completion_tokens"], usage["total_tokens"])
            whole = self.post(OPENAI, CHAT, chat("[[sim tokens=17]]" + text)).json()
            stream = self.post(OPENAI, CHAT, chat("[[sim tokens=17]]" + text, stream=True,
                                                  stream_options={"include_usage": True})).events()
            chunks = [json.loads(e.data) for e in stream[:-1]]
            self.assertEqual(chunks[-1]["usage"]["completion_tokens"], 17)
            said = "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"])
            self.assertEqual(said, whole["choices"][0]["message"]["content"])

    def test_max_tokens(self):
        answer = self.post(OPENAI, CHAT, chat("[[sim tokens=50]] x", max_tokens=5)).json()
        self.assertEqual((answer["usage"]["completion_tokens"], answer["choices"][0]["finish_reason"]), (5, "length"))
        answer = self.post(ANTHROPIC, MESSAGES, message("[[sim tokens=50]] x", max_tokens=5)).json()
        self.assertEqual((answer["usage"]["output_tokens"], answer["stop_reason"]), (5, "max_tokens"))

    def test_prompt_cache(self):
        long = "A long text. " * 600
        for port, path, make, cached in (
                (OPENAI, CHAT, chat, lambda u: u["prompt_tokens_details"]["cached_tokens"]),
                (ANTHROPIC, MESSAGES, message, lambda u: u["cache_read_input_tokens"])):
            def ask(model, tail):
                mark = {"cache_control": {"type": "ephemeral"}} if port == ANTHROPIC else {}
                body = {"model": model, "max_tokens": 9, "messages": [
                    {"role": "user", "content": [{"type": "text", "text": long, **mark}, {"type": "text", "text": tail}]}]}
                return cached(self.post(port, path, json.dumps(body).encode()).json()["usage"])
            self.assertEqual(ask("one", "a"), 0)
            self.assertGreater(ask("one", "b"), 1024)
            self.assertEqual(ask("two", "a"), 0, "every model has a cache of its own")

    def test_signatures(self):
        thinking = {"type": "enabled", "budget_tokens": 1024}
        content = self.post(ANTHROPIC, MESSAGES, message("x", model="one", thinking=thinking)).json()["content"]
        history = [{"role": "user", "content": "x"}, {"role": "assistant", "content": content}, {"role": "user", "content": "y"}]
        for model, status in (("one", 200), ("two", 400), ("on", 400)):
            body = json.dumps({"model": model, "max_tokens": 9, "messages": history}).encode()
            self.assertEqual(self.post(ANTHROPIC, MESSAGES, body).status, status, model)

    def test_key(self):
        self.assertEqual(self.post(OPENAI, CHAT, chat("x"), "sk-wrong").status, 401)
        self.assertEqual(self.post(OPENAI, CHAT, chat("x")).status, 200)

    def test_script_in_order(self):
        self.sim.script("status=500", port=OPENAI, times=2)
        self.sim.script("status=429", model="luna")
        self.assertEqual([self.post(OPENAI, CHAT, chat("x")).status for _ in range(4)], [500, 500, 429, 200])
        with self.assertRaises(AssertionError):
            self.sim.script("no=such")

    def test_times(self):
        """The first N requests that say the same."""
        asked = lambda text: self.post(OPENAI, CHAT, chat("[[sim status=500 times=2]] " + text)).status
        self.assertEqual([asked(t) for t in ("a", "b", "a", "a", "b", "b")], [500, 500, 500, 200, 500, 200])

    def test_schema(self):
        schema = {"type": "object", "required": ["name", "kind"], "properties": {
            "name": {"type": "string"}, "kind": {"enum": ["b", "c"]}, "many": {"type": "array", "items": {"type": "integer"}},
            "inner": {"$ref": "#/$defs/Inner"}, "maybe": {"anyOf": [{"type": "number"}, {"type": "null"}]}},
            "$defs": {"Inner": {"type": "object", "properties": {"flag": {"type": "boolean"}}}}}
        body = chat("x", response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": schema}})
        self.assertEqual(json.loads(self.post(OPENAI, CHAT, body).json()["choices"][0]["message"]["content"]),
                         {"name": "Paris", "kind": "b", "many": [42], "inner": {"flag": True}, "maybe": 4.2})

    def test_log(self):
        body = chat("caf\u00e9 \"quoted\"")
        self.post(OPENAI, CHAT, body)
        record = self.sim.records()[-1]
        self.assertEqual((record["body"].encode(), record["end"], record["path"]), (body, "completed", CHAT))


if __name__ == "__main__":
    unittest.main()
