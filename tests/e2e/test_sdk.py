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


class Sdk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = harness.World(keys=True)
        cls.addClassCleanup(cls.world.close)

    def check(self, argv, env, names, base=""):
        env = dict(env, FRUGALD_URL=self.world.url + base, FRUGALD_KEY=self.world.secret, NO_PROXY="127.0.0.1")
        run = subprocess.run([*argv, *names], env=env, capture_output=True, text=True, timeout=120)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertEqual(run.stdout.split()[1::2], names)

    def javascript(self, script, names, base=""):
        modules = sdk.node()
        # Modules are found from where the script lies.
        shutil.copy(sdk.HERE / "sdk" / script, modules / script)
        self.check(["node", str(modules / script)], os.environ, names, base)

    def test_openai_python(self):
        argv, env = sdk.python(sdk.CLIENTS)
        self.check([*argv, str(sdk.HERE / "sdk/openai_sdk.py")], env, OPENAI_PYTHON, "/v1")

    def test_anthropic_python(self):
        argv, env = sdk.python(sdk.CLIENTS)
        self.check([*argv, str(sdk.HERE / "sdk/anthropic_sdk.py")], env, ANTHROPIC)

    def test_openai_javascript(self):
        self.javascript("openai_sdk.mjs", OPENAI, "/v1")

    def test_anthropic_javascript(self):
        self.javascript("anthropic_sdk.mjs", ANTHROPIC)


if __name__ == "__main__":
    unittest.main()
