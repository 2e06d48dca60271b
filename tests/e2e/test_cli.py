"""The command line beside a running daemon: what it tells, what it changes, and what a reload takes."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import harness

QUICKSTART = os.path.join(harness.ROOT, "config", "quickstart.yaml")
HARD = "Prove rigorously that there are infinitely many primes and derive their asymptotic density."


class Base(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="frugald-e2e-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.sim = harness.Sim(self.folder)
        self.addCleanup(self.sim.stop)

    def start(self, **more):
        daemon = harness.Daemon(self.folder, self.sim, **more)
        self.addCleanup(daemon.stop)
        return daemon

    def cli(self, daemon, *words, code=0, **env):
        """Standard output; the exit code must be the one that is expected."""
        done = subprocess.run([harness.FRUGALD, *words], cwd=self.folder, capture_output=True, timeout=60, check=False,
                              env={**os.environ, "COLUMNS": "150", "FRUGALD_URL": f"http://127.0.0.1:{daemon.admin}", **env})
        self.assertEqual(done.returncode, code, done.stderr.decode() + done.stdout.decode())
        self.said = done.stderr.decode()
        return done.stdout.decode()

    def chat(self, daemon, text, headers=(), model="auto"):
        return harness.ask(daemon.port, "POST", harness.CHAT, harness.chat(text, model), headers)


class Beside(Base):
    def test_report_and_explain_tell_what_was_spent(self):
        daemon = self.start()
        ids = [self.chat(daemon, text).header("x-request-id") for text in ("hi", HARD)]
        for request in ids:
            daemon.row(request)
        report = self.cli(daemon, "report")
        self.assertRegex(report, r"(?m)^sol +1 ")
        self.assertRegex(report, r"(?m)^total +2 ")
        rows = self.cli(daemon, "report", "--by", "model,class", "--csv").split("\r\n")
        self.assertEqual(rows[0].split(",")[:3], ["model", "class", "requests"])
        summary = json.loads(self.cli(daemon, "report", "--json", "--by", "tier"))
        self.assertEqual(summary["total"]["requests"], 2)
        told = self.cli(daemon, "explain", ids[1])
        self.assertIn(ids[1], told)
        self.assertIn("served by sol", told)
        self.assertEqual(json.loads(self.cli(daemon, "explain", ids[1], "--json"))["id"], ids[1])
        # the same from the folder, while the daemon runs and afterwards
        state = ("--state", daemon.state)
        self.assertEqual(self.cli(daemon, "explain", ids[1], *state), told)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.cli(daemon, "explain", ids[1], *state), told)
        self.assertRegex(self.cli(daemon, "report", *state), r"(?m)^total +2 ")
        self.cli(daemon, "report", code=1)
        self.assertIn("no daemon answers", self.said)

    def test_bypass_sends_all_to_the_baseline(self):
        daemon = self.start()
        self.assertEqual(self.chat(daemon, "hi").header("x-frugald-model"), "qwen")
        self.assertIn("no bypass is in force", self.cli(daemon, "bypass"))
        self.assertIn("bad answers", self.cli(daemon, "bypass", "auto", "--for", "2h", "--reason", "bad answers"))
        harness.wait_for("the bypass", lambda: self.chat(daemon, "good morning").header("x-frugald-model") == "sol")
        self.assertIn("bad answers", self.cli(daemon, "status"))
        self.assertIn("no bypass", self.cli(daemon, "bypass", "auto", "--lift"))
        harness.wait_for("its end", lambda: self.chat(daemon, "good evening").header("x-frugald-model") == "qwen")
        self.cli(daemon, "bypass", "nosuch", "--reason", "x", code=1)
        self.assertIn('no route "nosuch"', self.said)

    def test_diff_running_and_reload(self):
        daemon = self.start()
        self.assertIn("nothing", self.cli(daemon, "check", "--diff", "running", "-c", daemon.config))
        daemon.write(tail="workers_typo: 1")
        self.assertIn("reload refused", daemon.reload())
        self.assertEqual(self.chat(daemon, "hi").status, 200)
        daemon.write(tail="teams: {payments: {may_use: all}}", workers=3)
        diff = self.cli(daemon, "check", "--diff", "running", "-c", daemon.config, code=1)
        self.assertRegex(diff, r"(?m)^teams\.payments: added")
        self.assertRegex(diff, r"(?m)^workers: 2 -> 3 \(needs a restart\)")
        daemon.reload()
        harness.wait_for("the change in words", lambda: re.search(r"(?m)info teams\.payments: added", daemon.said()))
        self.assertEqual(json.loads(self.cli(daemon, "status", "--json"))["status"]["workers"], 2)

    def test_status_finds_what_is_ill(self):
        daemon = self.start(rack_more=", timeouts: {connect: 300ms}")
        self.assertIn("ready", self.cli(daemon, "status"))
        self.sim.listen(harness.RACK, "closed")

        def ill():
            self.chat(daemon, f"hi, {os.urandom(4).hex()}")  # a session of its own
            done = subprocess.run([harness.FRUGALD, "status"], capture_output=True, timeout=60, check=False,
                                  env={**os.environ, "FRUGALD_URL": f"http://127.0.0.1:{daemon.admin}"})
            return done.returncode == 1 and re.search(r"provider rack +open", done.stdout.decode())
        harness.wait_for("an open breaker", ill)


class Keys(Base):
    def start_with_keys(self):
        with open(os.path.join(self.folder, "token"), "w", encoding="utf-8") as f:
            f.write("adm1n\n")
        os.chmod(os.path.join(self.folder, "token"), 0o600)
        policy = harness.POLICY.replace('admin: {{listen: "127.0.0.1:{admin}"}}',
                                        'admin: {{listen: "127.0.0.1:{admin}", token: "file:token"}}\nkeys_file: keys.yaml')
        return self.start(policy=policy, tail="teams: {payments: {may_use: [auto]}}")

    def test_a_key_from_its_making_to_its_end(self):
        daemon = self.start_with_keys()
        c = ("-c", daemon.config)
        self.assertEqual(self.chat(daemon, "hi").status, 401)
        first = self.cli(daemon, "keys", "add", "pay", *c, "--team", "payments", "--tag", "app=shop").strip()
        daemon.reload()
        bearer = {"authorization": "Bearer " + first}
        harness.wait_for("the key", lambda: self.chat(daemon, "hi", bearer).status == 200)
        answer = self.chat(daemon, "hi", bearer)
        self.assertEqual(self.chat(daemon, "hi", bearer, model="luna").status, 403)
        daemon.row(answer.header("x-request-id"))
        self.cli(daemon, "report", code=1)
        self.assertIn("FRUGALD_KEY", self.said)
        self.assertRegex(self.cli(daemon, "report", FRUGALD_KEY="adm1n"), r"(?m)^payments +[12] ")
        # a client asks for its own share on its own port
        own = self.cli(daemon, "report", "--by", "key", FRUGALD_KEY=first, FRUGALD_URL=f"http://127.0.0.1:{daemon.port}")
        self.assertRegex(own, r"(?m)^pay +[12] ")

        second = self.cli(daemon, "keys", "rotate", "pay", *c).strip()
        daemon.reload()
        for secret in (first, second):
            harness.wait_for("both keys", lambda s=secret: self.chat(daemon, "hi", {"x-api-key": s}).status == 200)
        for change, status in (("pause", 401), ("resume", 200), ("revoke", 401)):
            self.cli(daemon, "keys", change, "pay", *c, FRUGALD_KEY="adm1n")
            daemon.reload()
            harness.wait_for(change, lambda expected=status: self.chat(daemon, "hi", bearer).status == expected)
        said = daemon.said()
        for secret in (first, second, "adm1n"):
            self.assertNotIn(secret, said)


class Quickstart(Base):
    def test_every_name_of_the_quickstart_is_served(self):
        with open(QUICKSTART, encoding="utf-8") as f:
            policy = f.read()
        policy = re.sub(r"(?m)^listen: .*", "listen: 127.0.0.1:{listen}", policy.replace("{", "{{").replace("}", "}}"))
        policy = re.sub(r"(?m)^state: .*", "state: {state}", policy)
        policy = re.sub(r"(?m)^admin: .*", 'admin: {{listen: "127.0.0.1:{admin}"}}', policy)
        for port, name in ((4701, "openai"), (4702, "anthropic"), (4703, "rack")):
            self.assertIn(f"127.0.0.1:{port}", policy)
            policy = policy.replace(f"127.0.0.1:{port}", f"127.0.0.1:{{{name}}}")
        daemon = self.start(policy=policy)
        for model in ("auto", "sol", "luna", "qwen", "gpt-4o", "gpt-4o-mini"):
            answer = self.chat(daemon, "hi", model=model)
            self.assertEqual(answer.status, 200, f"{model}: {answer}")
        for model in ("coding", "opus", "sonnet", "claude-sonnet-4-5-20250929", "claude-3-5-haiku-latest"):
            answer = harness.ask(daemon.port, "POST", harness.MESSAGES, harness.message("hi", model))
            self.assertEqual(answer.status, 200, f"{model}: {answer}")


if __name__ == "__main__":
    unittest.main()
