"""Real clients: the openai and anthropic packages of PyPI and npm, unmodified, through frugald."""

import os
import shutil
import subprocess
import unittest

import harness
import sdk

OPENAI = ["chat", "stream", "stream_usage", "tools", "structured", "errors", "retries", "models", "abort"]
OPENAI_PYTHON = [*OPENAI, "tools_stream", "parallel"]
ANTHROPIC = ["chat", "stream", "tools", "count", "errors", "retries", "abort"]


class Sdk(harness.Case):
    POLICY_PARTS = {"top": "keys_file: keys.yaml", "tail": "teams: {clients: {may_use: all}}"}

    @classmethod
    def prepare(cls):
        keys = os.path.join(cls.folder, "keys.yaml")
        with open(os.open(keys, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as f:
            f.write("version: 1\nkeys: []\n")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        made = subprocess.run([harness.FRUGALD, "keys", "add", "sdk", "--team", "clients", "-c", cls.daemon.config],
                              check=True, capture_output=True, text=True, cwd=cls.folder)
        cls.secret = next(word for word in made.stdout.split() if word.startswith("fr-"))
        cls.daemon.reload()

    def check(self, argv, env, names, base):
        env = dict(env, FRUGALD_URL=f"http://127.0.0.1:{self.daemon.port}{base}", FRUGALD_KEY=self.secret)
        run = subprocess.run([*argv, *names], env=env, capture_output=True, text=True, timeout=120)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertEqual(run.stdout.split()[1::2], names)

    def aborted(self):
        """The last check left in the middle of a long stream: the provider saw it go, and it is billed so far."""
        harness.wait_for("the provider to see its client go",
                         lambda: self.sim.records()[-1]["end"] == "aborted", 5)
        line = harness.wait_for("the request's line in the log", lambda: [
            x for x in self.daemon.log_lines() if x["outcome"] == "client_gone"])[-1]
        self.assertEqual(line["basis"], "partial")
        self.assertGreater(line["tokens"]["output"], 0)

    def python(self, script, names, base=""):
        argv, env = sdk.python(sdk.CLIENTS)
        self.check([*argv, str(sdk.HERE / "sdk" / script)], env, names, base)

    def javascript(self, script, names, base=""):
        modules = sdk.node()
        # Modules are found from where the script lies.
        shutil.copy(sdk.HERE / "sdk" / script, modules / script)
        self.check(["node", str(modules / script)], os.environ, names, base)

    def test_openai_python(self):
        self.python("openai_sdk.py", OPENAI_PYTHON, "/v1")

    def test_openai_python_abort(self):
        self.python("openai_sdk.py", ["abort"], "/v1")
        self.aborted()

    def test_anthropic_python(self):
        self.python("anthropic_sdk.py", ANTHROPIC)

    def test_openai_javascript(self):
        self.javascript("openai_sdk.mjs", OPENAI, "/v1")

    def test_anthropic_javascript(self):
        self.javascript("anthropic_sdk.mjs", ANTHROPIC)


if __name__ == "__main__":
    unittest.main()
