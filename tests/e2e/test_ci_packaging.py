"""packaging/ci: the steps of the GitHub actions and of the GitLab component, run by sh against a daemon, with jq and with
python3 alone."""

import http.server
import json
import os
import re
import shutil
import subprocess
import threading
import time
import unittest

import harness
import oidc
from harness import CHAT, chat

CI = os.path.join(harness.ROOT, "packaging", "ci")
TOP = """keys_file: keys.yaml
teams: {platform: {may_use: all}}
ci:
  forge: {issuer: "https://forge.example", audience: frugald, require: {owner: acme}, team: platform, tags: {run: run_id},
          keys: file:jwks.json}
"""


def scripts_of(path, job):
    """The block scripts of a job of the GitLab component, in order: there is no YAML in the standard library."""
    found, taking = [], None
    with open(path, encoding="utf-8") as f:
        text = f.read()
    for line in re.search(rf"^{re.escape(job)}:\n((?:  .*\n|\n)*)", text, re.M).group(1).splitlines():
        if line == "    - |":
            taking = []
            found.append(taking)
        elif taking is not None and (line.startswith("      ") or not line):
            taking.append(line[6:])
        else:
            taking = None
    return ["\n".join(lines) + "\n" for lines in found]


class Packaging(harness.Case):
    POLICY_PARTS = {"top": TOP, "workers": 1}

    @classmethod
    def prepare(cls):
        cls.signer = oidc.Key(cls.folder, "k1")
        for name, text in (("keys.yaml", "version: 1\nkeys: []\n"), ("jwks.json", json.dumps({"keys": [cls.signer.jwk()]}))):
            with open(os.path.join(cls.folder, name), "w", encoding="utf-8") as f:
                f.write(text)
            os.chmod(f.name, 0o600)
        cls.asked, cls.owner = [], "acme"
        test = cls

        class Service(http.server.BaseHTTPRequestHandler):
            """GitHub's own, which gives a job its token."""

            def do_GET(self):
                test.asked.append((self.path, self.headers["authorization"]))
                body = json.dumps({"count": 1, "value": test.token("184")}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        cls.service = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
        threading.Thread(target=cls.service.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.service.server_close)
        cls.addClassCleanup(cls.service.shutdown)
        cls.paths = {"jq": os.environ["PATH"], "python3": cls.path_without("jq")}
        if not shutil.which("jq"):
            del cls.paths["jq"]

    @classmethod
    def path_without(cls, unwanted):
        """A folder with links to all that the steps need but this."""
        folder = os.path.join(cls.folder, "bin")
        os.mkdir(folder)
        for name in ("sh", "curl", "python3", "mktemp", "rm", "cat", "printf"):
            os.symlink(shutil.which(name), os.path.join(folder, name))
        assert unwanted not in os.listdir(folder)
        return folder

    @classmethod
    def token(cls, run):
        now = int(time.time())
        return cls.signer.sign({"iss": "https://forge.example", "aud": "frugald", "exp": now + 300, "iat": now,
                                "owner": cls.owner, "run_id": run})

    def setUp(self):
        super().setUp()
        type(self).owner = "acme"
        self.url = f"http://127.0.0.1:{self.daemon.port}"

    # ---- GitHub ----

    def github(self, action, path, **env):
        files = {name: os.path.join(self.folder, name) for name in ("github-env", "summary")}
        for name in files.values():
            open(name, "w", encoding="utf-8").close()
        with open(os.path.join(CI, "github", action, "action.yml"), encoding="utf-8") as f:
            run = re.search(r"^      run: '(.*)'$", f.read(), re.M).group(1)
        done = subprocess.run(["sh", "-e", "-c", run], capture_output=True, text=True, timeout=60, env={
            "PATH": path, "GITHUB_ACTION_PATH": os.path.join(CI, "github", action), "FRUGALD_URL": self.url + "/",
            "FRUGALD_AUDIENCE": "frugald", "GITHUB_ENV": files["github-env"], "GITHUB_STEP_SUMMARY": files["summary"],
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request-token",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"http://127.0.0.1:{self.service.server_address[1]}/mint?api-version=2.0", **env})
        with open(files["github-env"], encoding="utf-8") as f:
            exported = dict(line.rstrip("\n").split("=", 1) for line in f)
        with open(files["summary"], encoding="utf-8") as f:
            return done, exported, f.read()

    def test_github(self):
        for tool, path in self.paths.items():
            with self.subTest(tool):
                done, env, _ = self.github("key", path, FRUGALD_TAGS="env=e2e")
                self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
                self.assertEqual(self.asked[-1], ("/mint?api-version=2.0&audience=frugald", "Bearer request-token"))
                self.assertEqual(env["OPENAI_BASE_URL"], f"{self.url}/t/env=e2e/v1")
                self.assertEqual(env["ANTHROPIC_BASE_URL"], f"{self.url}/t/env=e2e")
                self.assertEqual(env["OPENAI_API_KEY"], env["ANTHROPIC_API_KEY"])
                self.assertIn(f"::add-mask::{env['OPENAI_API_KEY']}", done.stdout)
                self.assertIn("frugald: a key for team platform until 20", done.stdout)
                answer = self.post(env["OPENAI_BASE_URL"][len(self.url):] + "/chat/completions", chat("x"),
                                   {"authorization": "Bearer " + env["OPENAI_API_KEY"]})
                self.assertEqual(answer.status, 200, answer)
                fine, _, summary = self.github("gate", path, FRUGALD_GATE_TAGS="run=184,env=e2e", FRUGALD_MAX_USD="5.00")
                self.assertEqual((fine.returncode, fine.stderr), (0, ""), fine.stdout)
                self.assertRegex(summary, r"^Models: run=184 env=e2e: \d requests? for \$0\.0\d+, at most \$5\.0000\n$")
                over, _, summary = self.github("gate", path, FRUGALD_GATE_TAGS="run=184", FRUGALD_MAX_USD="0.000001")
                self.assertEqual(over.returncode, 1)
                self.assertIn("::error::frugald: run=184: ", over.stdout)
                self.assertIn("more than", summary)

    def test_github_mistakes(self):
        path = self.paths["python3"]
        self.assertIn("id-token: write", self.github("key", path, ACTIONS_ID_TOKEN_REQUEST_URL="")[0].stdout)
        done = self.github("gate", path, FRUGALD_GATE_TAGS="rum=1", FRUGALD_MAX_USD="5")[0]
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no tag", done.stdout)
        type(self).owner = "evil"
        done, env, _ = self.github("key", path)
        self.assertEqual((done.returncode, env), (1, {}))
        self.assertIn("::error::frugald: 401 at ", done.stdout)
        self.assertEqual(self.github("key", path, FRUGALD_URL="")[0].returncode, 2)

    def test_github_tags_that_somebody_else_writes(self):
        path = self.paths["python3"]
        for tags in ("env=x\nLD_PRELOAD=evil.so", "env=a b", "env=x\r", "env=$(id)", "env=`id`"):
            done, env, _ = self.github("key", path, FRUGALD_TAGS=tags)
            self.assertEqual((done.returncode, env), (1, {}), tags)
            self.assertIn("::error::frugald: tags: NAME=VALUE", done.stdout)
        self.assertEqual(self.github("key", path, FRUGALD_URL=self.url + "\nX=1")[:2][1], {})
        _, env, _ = self.github("key", path, FRUGALD_TAGS="env=feature/a/b,app=shop")
        answer = self.post(env["OPENAI_BASE_URL"][len(self.url):] + "/chat/completions", chat("x"),
                           {"authorization": "Bearer " + env["OPENAI_API_KEY"]})
        self.assertEqual(answer.status, 200, answer)
        record = harness.ask(self.daemon.admin, "GET", "/v1/requests/" + answer.header("x-request-id")).json()
        self.assertEqual(record["tags"], {"run": "184", "env": "feature/a/b", "app": "shop"})

    def test_what_is_no_key(self):
        """Somebody in the middle, or another server at that address."""
        evil = 'x"\noutput = "' + os.path.join(self.folder, "written")

        class Server(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.dumps({"key": evil, "team": "t", "expires_at": "2026"}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            do_GET = do_POST

            def log_message(self, *_):
                pass
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        url = f"http://127.0.0.1:{server.server_address[1]}"
        for action, more in (("key", {}), ("gate", {"FRUGALD_GATE_TAGS": "run=184", "FRUGALD_MAX_USD": "5"})):
            done, env, _ = self.github(action, self.paths["python3"], FRUGALD_URL=url, **more)
            self.assertEqual((done.returncode, env), (1, {}), action)
            self.assertIn("is no key", done.stdout)
        component = "".join(scripts_of(os.path.join(CI, "gitlab", "templates", "frugald.yml"), "frugald-gate"))
        done = self.gitlab(self.paths["python3"], lambda _: component, FRUGALD_URL=url)
        self.assertEqual(done.returncode, 1)
        self.assertIn("is no key", done.stdout)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "written")))

    # ---- GitLab ----

    def gitlab(self, path, more, **env):
        component = os.path.join(CI, "gitlab", "templates", "frugald.yml")
        script = "".join(scripts_of(component, ".frugald")) + more(component)
        return subprocess.run(["sh", "-e", "-c", script], capture_output=True, text=True, timeout=60, env={
            "PATH": path, "FRUGALD_URL": self.url, "FRUGALD_TAGS": "", "FRUGALD_ID_TOKEN": self.token("77"),
            "CI_PIPELINE_ID": "77", "FRUGALD_GATE_TAG": "run", "FRUGALD_MAX_USD": "5", **env})

    def test_gitlab(self):
        def show(_):
            return 'echo "$OPENAI_BASE_URL $OPENAI_API_KEY $ANTHROPIC_BASE_URL $ANTHROPIC_API_KEY"\n'

        def gate(component):
            return "".join(scripts_of(component, "frugald-gate"))
        for tool, path in self.paths.items():
            with self.subTest(tool):
                done = self.gitlab(path, show)
                self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
                base, key, anthropic, same = done.stdout.split()
                self.assertEqual((base, anthropic, key), (self.url + "/v1", self.url, same))
                self.assertEqual(self.post(CHAT, chat("x"), {"authorization": "Bearer " + key}).status, 200)
                fine = self.gitlab(path, gate)
                self.assertEqual((fine.returncode, fine.stderr), (0, ""))
                self.assertRegex(fine.stdout, r"^frugald: status 200: run=77: \d requests? for \$0\.0\d+, at most \$5\.0000\n$")
                tagged = self.gitlab(path, show, FRUGALD_TAGS="env=feature/a/b,app=shop")
                self.assertEqual(tagged.stdout.split()[0], self.url + "/t/env=feature%2Fa%2Fb,app=shop/v1")
                over = self.gitlab(path, gate, FRUGALD_MAX_USD="0.000001")
                self.assertNotEqual(over.returncode, 0)
                self.assertIn("frugald: status 412: run=77: ", over.stdout)
        refused = self.gitlab(self.paths["python3"], show, FRUGALD_ID_TOKEN="x.y.z")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("(status 401); frugald's log says why", refused.stdout)

    def test_shellcheck(self):
        if not shutil.which("shellcheck"):
            self.skipTest("shellcheck is not here")
        subprocess.run(["shellcheck", os.path.join(CI, "github", "frugald-ci.sh")], check=True, timeout=60)


if __name__ == "__main__":
    unittest.main()
