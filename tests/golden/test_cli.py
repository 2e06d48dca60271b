"""What the command line prints: every case is a file cli/NAME.txt with the words that were typed, the exit code, standard
output and standard error. FRUGALD_GOLDEN_UPDATE=1 writes them anew: read the difference before you keep it."""

import datetime
import fcntl
import http.server
import json
import os
import re
import shutil
import stat
import subprocess
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
FRUGALD = os.environ.get("FRUGALD", os.path.join(ROOT, "build", "dev", "frugald"))
UPDATE = os.environ.get("FRUGALD_GOLDEN_UPDATE") == "1"

# What differs from run to run, or with every new price book, and what stands for it.
VARIABLE = (
    (re.compile(r"fr-[0-9A-Za-z]{43}"), "fr-SECRET"),
    (re.compile(r"fr-..…[0-9A-Za-z]{4}"), "fr-AB…WXYZ"),
    (re.compile(r"price book \d{4}-\d\d-\d\d-[0-9a-f]{8}"), "price book DAY-HASH"),
    (re.compile(r'"price_book":"[^"]*"'), '"price_book":"DAY-HASH"'),
    (re.compile(r"policy [0-9a-f]{7}\b"), "policy HASH"),
    (re.compile(r'"policy":"[0-9a-f]{7}"'), '"policy":"HASH"'),
    (re.compile(r"frugald \d+\.\d+\.\d+"), "frugald X.Y.Z"),
    (re.compile(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "TIME"),
    (re.compile(r"\b20\d\d-\d\d-\d\d\b"), "DAY"),
    (re.compile(r"\(Failed to connect[^)]*\)"), "(WHY)"),
    (re.compile(r"(?<= )(?:\d+|\d\.\d) %(?=  (?:local|small|frontier))"), "N %"),  # the catalogue's figures
    (re.compile(r'"first_choice":[0-9.e-]+'), '"first_choice":N'),
    (re.compile(r"127\.0\.0\.1:\d{5}\b"), "127.0.0.1:PORT"),
)

POLICY = """
version: 1
listen: 127.0.0.1:4600
state: {dir}/state
keys_file: {dir}/keys.yaml
admin: {{listen: 127.0.0.1:4601, token: env:NOBODY_SETS_THIS}}
providers:
  openai: {{api: openai, url: "https://api.openai.com/v1", key: env:NOR_THIS, region: us}}
  anthropic: {{api: anthropic, url: "https://api.anthropic.com", region: us}}
  rack: {{api: openai, url: "http://127.0.0.1:4703/v1", region: onprem, local: true}}
models:
  sol: {{is: openai/gpt-5.6-sol, at: [openai]}}
  luna: {{is: openai/gpt-5.6-luna, at: [openai]}}
  sonnet: {{is: anthropic/claude-sonnet-5, at: [anthropic]}}
  qwen: {{is: qwen/qwen3-32b, at: [rack], tier: local}}
data:
  internal: {{regions: [us, onprem]}}
  confidential: {{regions: [onprem]}}
routes:
  auto:
    candidates: [qwen, luna, sol]
    baseline: sol
    keep_quality: 90%
    rules: [{{when: {{tag.app: batch}}, use: [qwen, luna]}}]
  claude: {{candidates: [sonnet], baseline: sonnet}}
aliases: {{gpt-4o: auto, claude-*: claude}}
tags: {{app: rollup, env: rollup}}
teams:
  payments: {{may_use: [auto], require_tags: [app]}}
  search: {{data: confidential}}
"""

HARD = {"model": "gpt-4o", "stream": True, "messages": [
    {"role": "system", "content": "You are a careful mathematician."},
    {"role": "user", "content": "Prove rigorously that there are infinitely many primes, derive the asymptotic density, "
                                "and discuss why the integral estimate is tight."}]}
EASY = {"model": "claude-sonnet-4-5", "max_tokens": 64, "system": "Answer in one word.",
        "messages": [{"role": "user", "content": "hi"}]}


class Daemon(http.server.BaseHTTPRequestHandler):
    """Answers as the admin port does, with what the test has put there."""
    answers = {}
    asked = []

    def log_message(self, *args):
        pass

    def reply(self, body=None):
        self.asked.append((self.command, self.path, self.headers.get("authorization"), body))
        status, answer = self.answers.get(self.path.split("?")[0],
                                          (404, {"error": {"message": "there is nothing at this path"}}))
        if callable(answer):
            answer = answer(self.path)
        data = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.reply()

    def do_POST(self):
        self.reply(json.loads(self.rfile.read(int(self.headers["content-length"]))))


class Golden(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)
        self.write("p.yaml", POLICY.format(dir=self.dir))
        self.write("hard.json", json.dumps(HARD))
        self.write("easy.json", json.dumps(EASY))

    def write(self, name, text):
        with open(os.path.join(self.dir, name), "w", encoding="utf-8") as f:
            f.write(text)

    def read(self, name):
        with open(os.path.join(self.dir, name), encoding="utf-8") as f:
            return f.read()

    def run_cli(self, *args, env=None, columns=150):
        """The words run in the test's folder; only what a case names is in the environment."""
        clean = {k: v for k, v in os.environ.items() if k.startswith(("ASAN", "UBSAN", "TSAN", "PATH"))}
        clean |= {"HOME": self.dir, "COLUMNS": str(columns), "FRUGALD_URL": "http://127.0.0.1:1"} | (env or {})
        done = subprocess.run([FRUGALD, *args], cwd=self.dir, env=clean, capture_output=True, timeout=60, check=False,
                              stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def shown(self, *args, **more):
        code, out, err = self.run_cli(*args, **more)
        text = f"$ frugald {' '.join(args)}\nexit {code}\n"
        for name, stream in (("stdout", out), ("stderr", err)):
            text += f"-- {name}\n{stream}" if stream else ""
        text = text.replace(ROOT, "$ROOT").replace(self.dir, "$DIR")
        for pattern, word in VARIABLE:
            text = pattern.sub(word, text)
        return text

    def golden(self, name, *calls):
        """Each call is a tuple of words, or (words, keywords)."""
        got = "\n".join(self.shown(*c[0], **c[1]) if c and isinstance(c[0], tuple) else self.shown(*c) for c in calls)
        path = os.path.join(HERE, "cli", name + ".txt")
        if UPDATE:
            with open(path, "w", encoding="utf-8", newline="") as f:
                f.write(got)
        with open(path, encoding="utf-8", newline="") as f:
            self.assertEqual(f.read(), got)

    # -- usage --------------------------------------------------------------------------------

    def test_usage(self):
        self.golden("usage", (), ("--version",), ("keys",), ("keys", "add", "--help"), ("serve", "-h"))

    def test_misuse(self):
        self.golden("misuse", ("chekc",), ("key", "add"), ("keys", "revok", "x"), ("prices",), ("check", "--prnt"),
                    ("check", "-x"), ("check", "a", "b"), ("check", "--print=1"), ("check", "-c"), ("keys", "add"),
                    ("serve", "-d", "step,nothing"), ("explain",), ("explain", "../etc"), ("report", "--month", "2026-13"),
                    ("report", "--month", "2026-11", "--since", "24h"), ("bypass", "auto"), ("check", "--diff", "old"))

    def test_help_lists_every_verb(self):
        _, out, _ = self.run_cli("--help")
        verbs = [line.split("  ")[1] for line in out.splitlines() if line.startswith("  ")]
        self.assertGreater(len(verbs), 10)
        for verb in verbs:
            words = [w for w in verb.split() if w.islower() and "[" not in w]
            code, text, err = self.run_cli(*words, "--help")
            self.assertEqual((code, err), (0, ""), verb)
            self.assertTrue(text.startswith("usage: frugald " + " ".join(words)), text)

    # -- check --------------------------------------------------------------------------------

    def test_check_quickstart(self):
        path = os.path.join(ROOT, "config", "quickstart.yaml")
        self.golden("check-quickstart", ("check", path), ("check", "--json", path))

    def test_check_example(self):
        env = {"OPENAI_API_KEY": "x", "ANTHROPIC_API_KEY": "y"}
        self.golden("check-example", (("check", "-c", os.path.join(ROOT, "config", "frugald.yaml")), {"env": env}))

    def test_check_policies(self):
        """The worked policies of docs/routing.md: understood, without a warning but that nobody has a key yet."""
        env = {name + "_API_KEY": "x" for name in ("OPENAI", "OPENAI_EU", "ANTHROPIC")}
        folder = os.path.join(ROOT, "config", "examples")
        names = sorted(os.listdir(folder))
        self.golden("check-policies", *((("check", "-c", os.path.join(folder, n)), {"env": env}) for n in names))
        for name in names:
            _, _, err = self.run_cli("check", "-c", os.path.join(folder, name), env=env)
            self.assertEqual([line for line in err.splitlines() if "is not there yet" not in line], [], name)

    def test_check_mistakes(self):
        self.write("bad.yaml", POLICY.format(dir=self.dir).replace("baseline: sol", "baseline: sool") + "budget: {}\n")
        self.golden("check-mistakes", ("check", "bad.yaml"), ("check", "bad.yaml", "--json"), ("check", "none.yaml"),
                    ("check",))

    def test_check_budgets(self):
        """What each budget of a policy means, in words."""
        self.write("budgets.yaml", POLICY.format(dir=self.dir).replace("token: env:NOBODY_SETS_THIS", "token: file:t")
                   .replace(", key: env:NOR_THIS", "") + """budgets:
  - {scope: daemon, usd: 40000, per: month, warn_at: [50%, 80%]}
  - {each: session, usd: 20}
  - {each: user, usd: 30, per: day, time_zone: Europe/Berlin, hold: expected, on_exhausted: local_only}
  - {scope: team, value: payments, usd: 4000, per: week, on_exhausted: downgrade, fit_output: true}
  - {scope: tag.app, value: shop, usd: 7.50, per: hour, refuse_with: 429}
""")
        self.write("t", "token\n")
        os.chmod(os.path.join(self.dir, "t"), 0o600)
        self.golden("check-budgets", ("check", "budgets.yaml"))

    def test_check_idle(self):
        self.write("idle.yaml", POLICY.format(dir=self.dir).replace("token: env:NOBODY_SETS_THIS", "token: file:t")
                   .replace(", key: env:NOR_THIS", "").replace("[qwen, luna, sol]", "[luna, sol, twin]")
                   .replace("use: [qwen, luna]", "use: [luna]")
                   .replace("  qwen:", "  twin: {is: openai/gpt-5.5, at: [openai]}\n  qwen:"))
        self.write("t", "token\n")
        os.chmod(os.path.join(self.dir, "t"), 0o600)
        self.golden("check-idle", ("check", "idle.yaml"))

    def test_check_never(self):
        """Every reason why a candidate is never chosen, a route each."""
        self.write("never.yaml", self.without_secrets()
                   .replace("models:\n", """  metal: {api: openai, url: "http://127.0.0.1:4704/v1", region: us, allow_private: true}
models:
  tiny: {is: openai/gpt-5.6-luna, at: [openai], context: 300, max_output: 100}
  free: {at: [metal], tier: small, context: 32000, quality: {default: 0.9}}
  weak: {is: openai/gpt-5.6-luna, at: [openai], quality: {default: 0.05}}
  twin: {is: openai/gpt-5.6-sol, at: [openai], quality: {default: 0.2}}
""").replace("  claude: {", """  wall: {candidates: [qwen, sol], baseline: qwen, data: confidential}
  api: {candidates: [luna, sol, sonnet], baseline: sol}
  context: {candidates: [tiny, sol], baseline: sol}
  price: {candidates: [free, sol], baseline: sol}
  limit: {candidates: [free, sol, luna], baseline: luna, max_cost_usd: 0.004, goal: best}
  quality: {candidates: [weak, sol], baseline: sol}
  refused: {candidates: [weak, sol], baseline: sol, on_below_quality: refuse}
  dominated: {candidates: [sol, twin], baseline: sol}
  cheaper: {candidates: [luna, sol], baseline: luna, keep_quality: 1%}
  paused: {candidates: [luna, sol], baseline: sol, mode: bypass}
  ruled:
    candidates: [luna, sol]
    baseline: sol
    rules: [{use: [sol]}]
  shut: {candidates: [qwen, sol], baseline: sol}
  claude: {"""))
        for name, words in (("one", ("--team", "payments")), ("two", ("--may-use", "api,context,price,limit,quality,refused,dominated,"
                            "cheaper,paused,ruled,auto,shut,openai,metal")), ("three", ("--may-use", "wall"))):
            self.assertEqual(self.run_cli("keys", "add", name, "-c", "never.yaml", *words)[0], 0)
        self.golden("check-never", (("check", "never.yaml"), {"columns": 200}))
        code, out, _ = self.run_cli("check", "--json", "never.yaml")
        routes = {r["name"]: {c["model"]: c for c in r["candidates"]} for r in json.loads(out)["routes"]}
        self.assertIn("the wall 'confidential'", routes["wall"]["sol"]["why"])
        self.assertNotIn("why", routes["wall"]["qwen"])

    def without_secrets(self):
        """The policy, such that it can be checked where no secret is in the environment."""
        self.write("t", "token\n")
        os.chmod(os.path.join(self.dir, "t"), 0o600)
        return (POLICY.format(dir=self.dir).replace("token: env:NOBODY_SETS_THIS", "token: file:t")
                .replace(", key: env:NOR_THIS", ""))

    def first_choices(self, policy):
        """Of route auto, {model: share}; and what `check` says of it in words."""
        self.write("shares.yaml", policy)
        code, out, _ = self.run_cli("check", "--json", "shares.yaml")
        self.assertEqual(code, 0, out)
        auto = next(r for r in json.loads(out)["routes"] if r["name"] == "auto")
        return {c["model"]: c["first_choice"] for c in auto["candidates"]}, self.run_cli("check", "shares.yaml")[1]

    def test_check_hours(self):
        """A rule with hours counts for as long as it holds, to the minute, whatever the time is now."""
        plain = self.without_secrets().replace("{tag.app: batch}, use: [qwen, luna]", "WHEN, use: [sol]")
        free, _ = self.first_choices(plain.replace("    rules: [{when: WHEN, use: [sol]}]\n", ""))
        minutes = {"Mon-Sun 00-24 UTC": 10080, "Mon-Fri 08-18 Europe/Berlin": 3000, "Fri 08:15-08:45 UTC": 30,
                   "Sun 23:50-00:20 Asia/Kolkata": 30}
        for hours, count in minutes.items():
            with self.subTest(hours):
                part = count / 10080
                got, text = self.first_choices(plain.replace("WHEN", f'{{hours: "{hours}"}}'))
                for model, share in free.items():
                    self.assertAlmostEqual(got[model], share * (1 - part) + (model == "sol") * part, delta=0.0011)
                self.assertIn("at every minute of a week", text)

    def test_check_hours_of_half_an_hour_are_not_never(self):
        policy = self.without_secrets().replace("[qwen, luna, sol]", "[luna, sol, twin]")
        policy = policy.replace("{tag.app: batch}, use: [qwen, luna]", '{hours: "Fri 08:15-08:45 UTC"}, use: [twin]')
        policy = policy.replace("  qwen:", "  twin: {is: openai/gpt-5.5, at: [openai]}\n  qwen:")
        got, text = self.first_choices(policy)
        self.assertGreater(got["twin"], 0)
        self.assertNotIn("'twin' is never the first choice", text)

    def test_check_takes_the_prices_of_today(self):
        """Not of the week over which hours are looked at: this price is of long after it."""
        policy = self.without_secrets().replace("[qwen, luna, sol]", "[luna, sol]")
        policy = policy.replace("keep_quality: 90%", "keep_quality: 10%") + f"prices: {self.dir}/prices.yaml\n"
        dear = PRICES.replace('input: "0.25", cache_read: "0.025", output: "2.00"', 'input: "90", output: "90"')
        self.assertNotEqual(dear, PRICES)
        self.write("prices.yaml", dear)
        for rule in ('{tag.app: batch}, use: [luna]', '{hours: "Mon 08-09 UTC"}, use: [luna, sol]'):
            with self.subTest(rule):
                got, text = self.first_choices(policy.replace("{tag.app: batch}, use: [qwen, luna]", rule))
                self.assertEqual(got, {"luna": 1, "sol": 0}, text)

    def test_check_print_reads_back(self):
        path = os.path.join(ROOT, "config", "quickstart.yaml")
        code, out, err = self.run_cli("check", "--print", path)
        self.assertEqual((code, err), (0, ""))
        self.write("again.yaml", out)
        self.assertEqual(self.run_cli("check", "--print", "again.yaml"), (0, out, ""))
        code, out, err = self.run_cli("check", "--print", "p.yaml")  # names secrets that are not here
        self.assertEqual((code, err), (0, ""))
        self.assertIn("key: env:NOR_THIS", out)

    def test_check_docs(self):
        with open(os.path.join(ROOT, "docs", "config.md"), encoding="utf-8") as f:
            self.assertEqual(self.run_cli("check", "--docs"), (0, f.read(), ""))

    def test_config_is_looked_for(self):
        shutil.copy(os.path.join(ROOT, "config", "quickstart.yaml"), os.path.join(self.dir, "frugald.yaml"))
        self.assertIn("./frugald.yaml: fine", self.run_cli("check")[1])
        os.makedirs(os.path.join(self.dir, ".config", "frugald"))
        os.rename(os.path.join(self.dir, "frugald.yaml"), os.path.join(self.dir, ".config", "frugald", "frugald.yaml"))
        self.assertIn("/.config/frugald/frugald.yaml: fine", self.run_cli("check")[1])

    # -- keys ---------------------------------------------------------------------------------

    def test_keys(self):
        p = ("-c", "p.yaml")
        self.golden("keys", ("keys", "list", *p),
                    ("keys", "add", "pay-api", *p, "--team", "payments", "--expires", "90d", "--may-use", "auto",
                     "--tag", "app=checkout", "--tag", "env=prod"),
                    ("keys", "add", "find", *p, "--team=search", "--data", "confidential"),
                    ("keys", "add", "plain", *p, "--budget-usd", "30", "--per", "day"),
                    ("keys", "add", "ci", *p, "--may-use", "auto,rack", "--max-usd-per-request", "0.25", "--max-output", "4000",
                     "--service-tiers", "standard,flex", "--require-tags", "app", "--frontier-at-most", "12.5%"),
                    ("keys", "list", *p), (("keys", "list", *p), {"columns": 50}),
                    ("keys", "rotate", "pay-api", *p), ("keys", "rotate", "find", *p, "--overlap", "0"),
                    ("keys", "pause", "plain", *p), ("keys", "list", *p), ("keys", "resume", "plain", *p),
                    ("keys", "revoke", "pay-api", *p), ("keys", "list", *p), ("keys", "list", *p, "--json"))
        mode = os.stat(os.path.join(self.dir, "keys.yaml")).st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)

    def test_keys_mistakes(self):
        p = ("-c", "p.yaml")
        self.run_cli("keys", "add", "there", *p)
        before = self.read("keys.yaml")
        self.write("nokeys.yaml", POLICY.format(dir=self.dir).replace("keys_file", "# keys_file"))
        self.golden("keys-mistakes", ("keys", "add", "there", *p), ("keys", "add", "a b", *p),
                    ("keys", "add", "x", *p, "--team", "payment"), ("keys", "add", "x", *p, "--data", "zzz"),
                    ("keys", "add", "x", *p, "--tag", "ap=1"), ("keys", "add", "x", *p, "--tag", "app"),
                    ("keys", "add", "x", *p, "--may-use", "auto,nothing"), ("keys", "add", "x", *p, "--expires", "soon"),
                    ("keys", "add", "x", *p, "--expires", "2020-01-01"), ("keys", "rotate", "none", *p),
                    ("keys", "add", "x", *p, "--max-usd-per-request", "$2"), ("keys", "add", "x", *p, "--max-output", "0"),
                    ("keys", "add", "x", *p, "--service-tiers", "fast"), ("keys", "add", "x", *p, "--require-tags", "ap"),
                    ("keys", "add", "x", *p, "--frontier-at-most", "0.2"),
                    ("keys", "add", "x", *p, "--per", "day"), ("keys", "add", "x", *p, "--budget-usd", "3", "--per", "year"),
                    ("keys", "rotate", "there", *p, "--overlap", "long"), ("keys", "revoke", "none", *p),
                    ("keys", "add", "x", "-c", "nokeys.yaml"), ("keys", "add", "x", "-c", "none.yaml"))
        self.assertEqual(self.read("keys.yaml"), before)

    def test_secret_alone_on_stdout(self):
        code, out, _ = self.run_cli("keys", "add", "a", "-c", "p.yaml")
        self.assertEqual(code, 0)
        self.assertRegex(out, r"\Afr-[0-9A-Za-z]{43}\n\Z")
        self.assertNotIn(out.strip(), self.read("keys.yaml"))

    def test_secret_that_nobody_reads_is_an_error(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([FRUGALD, "keys", "add", "a", "-c", "p.yaml"], cwd=self.dir, stdout=full,
                                  stderr=subprocess.PIPE, timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"could not be written", done.stderr)

    def test_keys_one_at_a_time(self):
        with open(os.path.join(self.dir, "keys.yaml.lock"), "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            code, out, err = self.run_cli("keys", "add", "a", "-c", "p.yaml")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("somebody else changes", err)
        self.assertFalse(os.path.exists(os.path.join(self.dir, "keys.yaml")))

    @unittest.skipUnless(os.geteuid() == 0, "only root gives files away")
    def test_keys_that_root_makes_belong_to_the_daemon(self):
        os.chown(self.dir, 12345, 12346)
        self.assertEqual(self.run_cli("keys", "add", "a", "-c", "p.yaml")[0], 0)
        for name in ("keys.yaml", "keys.yaml.lock"):
            got = os.stat(os.path.join(self.dir, name))
            self.assertEqual((got.st_uid, got.st_gid, stat.S_IMODE(got.st_mode)), (12345, 12346, 0o600), name)
        os.chown(self.dir, 0, 0)
        self.assertEqual(self.run_cli("keys", "pause", "a", "-c", "p.yaml")[0], 0)
        self.assertEqual(os.stat(os.path.join(self.dir, "keys.yaml")).st_uid, 12345)

    # -- explain, prices ----------------------------------------------------------------------

    def test_explain_file(self):
        p = ("-c", "p.yaml")
        self.write("broken.json", '{"model": "gpt-4o", "messages": [}')
        self.explains(("hard.json",), 0, 'hard.json   openai, stream, model "gpt-4o"   nothing was sent', "→ route auto",
                      "CHOSEN", "version  policy ")
        self.explains(("easy.json",), 0, "easy.json   anthropic, model", "→ route claude")
        self.explains(("hard.json", "--tag", "app=batch", "--team", "payments"), 0, "(rule 1)")
        self.explains(("hard.json", "--team", "payments"), 1, "refused  400", "requires the tag 'app'")
        self.explains(("hard.json", "--data", "confidential"), 0, "· data confidential", "out: behind the data wall")
        self.explains(("easy.json", "--team", "search"), 1, "refused  403 data_policy")
        self.golden("explain", ("explain", "-f", "broken.json", *p), ("explain", "-f", "hard.json", *p, "--api", "cohere"),
                    ("explain", "-f", "gone.json", *p), ("explain", "-f", "hard.json", *p, "--data", "internl"))
        code, out, err = self.run_cli("explain", "-f", "hard.json", *p, "--json")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(json.loads(out)["plan"]["route"], "auto")

    def explains(self, words, code, *parts):
        """What the plan says is for tests/table; here only that it is told."""
        got = self.run_cli("explain", "-f", *words, "-c", "p.yaml")
        self.assertEqual((got[0], got[2]), (code, ""))
        for part in parts:
            self.assertIn(part, got[1])

    def test_prices(self):
        self.write("prices.yaml", PRICES)
        self.write("q.yaml", POLICY.format(dir=self.dir) + f"prices: {self.dir}/prices.yaml\n")
        q = ("-c", "q.yaml")
        self.golden("prices", ("prices", "show", "luna", *q), ("prices", "show", "gpt-5.6-luna", *q, "--at", "2026-01-31"),
                    ("prices", "show", "openai/gpt-5.6-luna", *q, "--json"), ("prices", "show", "qwen", *q),
                    ("prices", "show", "openai/gpt-5.6-lunar", *q), ("prices", "show", "luna", *q, "--at", "today"))

    def test_prices_of_a_contract(self):
        self.write("fixed.yaml", "version: 1\nsource: contract 2026-11-01\nprices:\n  - {id: luna, provider: openai, "
                   "model: openai/gpt-5.6-luna, from: 2026-06-01, to: 2026-07-01, usd_per_million: {input: '0.10', output: '9'}}\n")
        self.write("prices.yaml", PRICES)
        policy = POLICY.format(dir=self.dir) + f"prices: {self.dir}/prices.yaml\n"
        self.write("q.yaml", policy.replace("key: env:NOR_THIS,", "key: env:NOR_THIS, contract: [{from: 2026-01-01, discount: 12%}, "
                                            f"{{from: 2026-06-01, discount: 15%, prices: {self.dir}/fixed.yaml}}],"))
        q = ("-c", "q.yaml")
        self.golden("prices-contract", ("prices", "show", "luna", *q, "--at", "2026-02-02"),
                    ("prices", "show", "luna", *q, "--at", "2026-06-02"), ("prices", "show", "luna", *q, "--at", "2026-07-02", "--json"))

    def test_prices_check(self):
        row = "  - {id: %s, provider: p, model: p/m, usd_per_million: {%s}%s}\n"
        book = lambda *rows: "version: 1\nsource: mine 2026-01-01\nprices:\n" + "".join(row % r for r in rows)
        said = {}
        for name, rows in {
                "gap": (("a", "input: 1", ", to: 2026-01-01"), ("b", "input: 1", ", from: 2026-02-01")),
                "hours": (("a", "input: 1", ", hours: '01:00-04:00'"),),
                "dear": (("a", "output: 1000.01", ""),), "free": (("a", "input: 0", ""),),
                "cache": (("a", "input: 1, cache_read: 1.1", ""),), "write": (("a", "input: 1, cache_write_5m: 4.1", ""),),
                "hour": (("a", "cache_write_5m: 2, cache_write_1h: 1", ""),), "id": (("a" * 56, "input: 1", ""),),
                "overlap": (("a", "input: 1", ""), ("b", "input: 1", ""))}.items():
            self.write("book.yaml", book(*rows))
            code, out, err = self.run_cli("prices", "check", "book.yaml")
            self.assertEqual(code, 1)
            said[name] = [line for line in (out + err).splitlines() if "days ago" not in line]
            self.assertEqual(len(said[name]), 1, said)
        self.assertIn("p/m at p: no price from 2026-01-01 to 2026-02-01, between 'a' and 'b'", said["gap"][0])
        for name, words in (("hours", "no price for others"), ("dear", "more than 1,000 USD"), ("free", "costs nothing"),
                            ("cache", "reading the cache is dearer"), ("write", "more than 4 times"),
                            ("hour", "cheaper than five minutes"), ("id", "cut in the ledger"), ("overlap", "at the same time")):
            self.assertIn(words, said[name][0])
        self.write("book.yaml", book(("a", "input: 1, output: 2", "")).replace(" 2026-01-01", ""))
        self.assertEqual(self.run_cli("prices", "check", "book.yaml")[:2],
                         (1, "book.yaml: `source` does not end with the day that the prices are of; nobody sees when they are old\n"))

    def test_prices_check_of_a_policy(self):
        today = datetime.datetime.now(datetime.timezone.utc).date()
        day = lambda n: (today + datetime.timedelta(n)).isoformat()
        row = "  - {id: %s, provider: openai, model: openai/gpt-5.6-%s, usd_per_million: {input: '1', output: '%s'}%s}\n"
        self.write("prices.yaml", f"version: 1\nsource: mine {today}\nprices:\n" + row % ("sol", "sol", 4, f", to: {day(9)}") +
                   row % ("luna", "luna", 4, ""))
        self.write("fixed.yaml", f"version: 1\nsource: mine {today}\nprices:\n" + row % ("luna", "luna", 5, f", to: {day(5)}"))
        policy = POLICY.format(dir=self.dir) + f"prices: {self.dir}/prices.yaml\n"
        self.write("q.yaml", policy.replace("key: env:NOR_THIS,", f"key: env:NOR_THIS, prices: {self.dir}/fixed.yaml, discount: 5%, "
                                            f"contract: [{{from: {day(-9)}, to: {day(9)}, discount: 15%}}],"))
        code, out, _ = self.run_cli("prices", "check", "-c", "q.yaml")
        self.assertEqual(code, 1)
        self.assertEqual(out.splitlines(), [
            f"q.yaml: model 'sol' at 'openai': 'sol' ends on {day(9)}, and no price follows",
            "q.yaml: model 'luna' at 'openai': 'contract:luna' is over within 30 days; then 'luna'",
            "q.yaml: model 'luna' at 'openai': 'contract:luna' is dearer than 'luna'",
            "q.yaml: model 'sonnet' has no price at 'anthropic': its requests are unpriced"])
        code, out, _ = self.run_cli("prices", "check", "-c", "q.yaml", "--json")
        self.assertEqual((code, len(json.loads(out)["findings"])), (1, 4))
        self.write("q.yaml", policy.replace("key: env:NOR_THIS,", "key: env:NOR_THIS, discount: 5%, contract: "
                                            f"[{{from: {day(-9)}, to: {day(9)}, discount: 15%}}],"))
        self.assertIn("q.yaml: model 'luna' at 'openai': a discount of 15 % becomes 5 % within 30 days",
                      self.run_cli("prices", "check", "-c", "q.yaml")[1])

    def test_prices_without_a_policy(self):
        code, out, err = self.run_cli("prices", "show", "gpt-5.6-luna")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("openai/gpt-5.6-luna/", out)

    # -- init ---------------------------------------------------------------------------------

    def test_init(self):
        env = {"OPENAI_API_KEY": "sk-secret-1", "ANTHROPIC_API_KEY": "sk-secret-2", "MISTRAL_API_KEY": "sk-secret-3"}
        code, out, err = self.run_cli("init", env=env)
        self.assertEqual((code, out), (0, ""))
        made = self.read("frugald.yaml")
        for line in ("key: env:OPENAI_API_KEY", "key: env:ANTHROPIC_API_KEY", "key: env:MISTRAL_API_KEY", "claude-*: coding"):
            self.assertIn(line, made)
        self.assertIn("DEEPSEEK_API_KEY is not set", err)
        self.assertNotIn("secret", made + err)
        self.assertEqual(self.run_cli("check", env=env)[0], 0)

    def test_init_writes_over_nothing(self):
        env = {"OPENAI_API_KEY": "x"}
        self.write("mine.yaml", "mine\n")
        code, _, err = self.run_cli("init", "-o", "mine.yaml", env=env)
        self.assertEqual((code, self.read("mine.yaml")), (1, "mine\n"))
        self.assertIn("--force", err)
        self.assertEqual(self.run_cli("init", "-o", "mine.yaml", "--force", env=env)[0], 0)
        self.assertIn("OPENAI_API_KEY", self.read("mine.yaml"))

    # -- what a daemon answers ----------------------------------------------------------------

    def daemon(self, answers):
        handler = type("Handler", (Daemon,), {"answers": answers, "asked": []})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return handler, {"env": {"FRUGALD_URL": f"http://127.0.0.1:{server.server_address[1]}/", "FRUGALD_KEY": "tok"}}

    def test_report(self):
        def answer(path):
            with open(os.path.join(HERE, "cli", "tiers.json" if "group_by=tier" in path else "summary.json"),
                      encoding="utf-8") as f:
                return f.read()
        fleet = {"health": [], "machines": [
            {"provider": "rack", "polled": True, "inflight": 3, "running": 6, "waiting": 2, "slots": 6, "wait_ms": 4100,
             "wait_high_ms": 5200, "answer_ms": 8000, "utilisation": 0.973, "kv_share": 0.41, "tokens_per_s": 312.4,
             "cold_starts": 2, "cold_ms": 9400, "poll_age_ms": 400, "polls": 900, "polls_failed": 1,
             "models": [{"model": "qwen", "loaded": True}, {"model": "oss", "loaded": False}]},
            {"provider": "desk", "polled": False, "inflight": 0, "running": None, "waiting": None, "slots": None, "wait_ms": 0,
             "wait_high_ms": 0, "answer_ms": None, "utilisation": 0, "kv_share": None, "tokens_per_s": None,
             "cold_starts": None, "cold_ms": None, "poll_age_ms": None, "polls": None, "polls_failed": None,
             "models": [{"model": "phi", "loaded": None}]}]}
        handler, more = self.daemon({"/v1/costs/summary": (200, answer)})
        lost = json.loads(answer("")) | {"budgets": None, "limits": None}
        lost["total"] |= {"baseline": {"name": "luna", "left_out": 0}, "saved": {
            "usd": "-12.345", "low": "-20.1", "high": "-4.6", "share": -0.031, "share_low": -0.052, "share_high": -0.011}}
        _, loss = self.daemon({"/v1/costs/summary": (200, lambda path: answer(path) if "group_by=tier" in path else json.dumps(lost))})
        _, local = self.daemon({"/v1/costs/summary": (200, answer), "/admin/fleet": (200, fleet)})
        narrow = more | {"columns": 60}
        self.assertEqual(json.loads(self.run_cli("report", "--json", **local)[1])["machines"], fleet["machines"])
        self.assertNotIn("machines", json.loads(self.run_cli("report", "--json", **more)[1]))
        self.golden("report", (("report",), more), (("report", "--month", "2026-11", "--team", "a&b", "--tag", "run=1 2"), more),
                    (("report",), narrow), (("report", "--by", "team", "--csv"), more), (("report", "--by", "team"), local),
                    (("report", "--baseline", "luna"), loss))
        self.assertEqual({a[2] for a in handler.asked}, {"Bearer tok"})
        self.assertIn("/v1/costs/summary?team=a%26b&tag.run=1%202&from=2026-11-01&to=2026-12-01&group_by=team",
                      [a[1] for a in handler.asked])
        for line in self.run_cli("report", **narrow)[1].splitlines():
            self.assertLessEqual(len(line), 60, line)

    def test_report_outlook(self):
        with open(os.path.join(HERE, "report", "outlook.json"), encoding="utf-8") as f:
            learned = f.read()
        handler, more = self.daemon({"/v1/outlook": (200, learned)})
        self.golden("report-outlook", (("report", "--show", "outlook"), more),
                    (("report", "--show", "outlook", "--since", "1h", "--by", "model"), more),
                    (("report", "--show", "weather"), more))
        self.assertEqual([a[1] for a in handler.asked], ["/v1/outlook?since=7d"])
        self.assertEqual(self.run_cli("report", "--show", "outlook", "--json", **more)[1].strip(), learned.strip())

    def test_top(self):
        def spent(requests, usd, refused=0):
            return {"requests": requests, "refused": refused, "usd": usd}
        cap = {"per": "day", "name": "", "cap_usd": "50", "left_usd": "0.1", "resets_at": "2026-11-26T00:00:00Z", "burn": 1.6}
        now = {"at": "2026-11-25T10:00:07Z", "whole": True, "in_flight": 7, "waiting": 1,
               "calls": [{"key": "ci-nightly", "team": "platform", "model": "sol", "provider": "openai", "in_flight": 4,
                          "oldest_ms": 12400},
                         {"key": "pay\x1b[2J", "team": "", "model": "", "provider": "", "in_flight": 1, "oldest_ms": 3}],
               "keys": [{"key": "ci-nightly", "team": "platform", "in_flight": 4, "minute": spent(241, "0.421000000000"),
                         "hour": spent(9000, "1812.900000000000", 3)},
                        {"key": "", "team": "", "in_flight": 0, "minute": spent(0, "0"), "hour": spent(2, "0.000012000000")}],
               "minute": spent(241, "0.421000000000"), "hour": spent(9002, "1812.900012000000"),
               "budgets": [cap | {"scope": "key:ci-nightly", "spent_usd": "49.5", "held_usd": "0.4"},
                           cap | {"scope": "daemon", "spent_usd": "4", "held_usd": "0"}], "machines": [],
               "paused": [{"key": "loop-1", "since_ms": 1, "spent_usd": "12.9", "usd_per_minute": "5"}]}
        idle = now | {"in_flight": 0, "waiting": 0, "calls": [], "keys": [], "budgets": None, "minute": spent(0, "0"),
                      "hour": spent(0, "0"), "whole": False}
        _, busy = self.daemon({"/admin/top": (200, now)})
        _, rest = self.daemon({"/admin/top": (200, idle)})
        self.golden("top", (("top",), busy), (("top", "--once"), rest), ("top",), (("top",), busy | {"columns": 60}))
        self.assertEqual(json.loads(self.run_cli("top", "--json", **busy)[1]), now)

    def test_status(self):
        status = {"version": "0.1.0", "uptime_s": 93784, "ready": True, "workers": 4, "policy": "4be1c09",
                  "config": "/etc/frugald/frugald.yaml", "state": "/var/lib/frugald", "connections": 12, "slots_in_use": 3,
                  "slots": 2048, "ledger": {"accepts": True, "rows": 1234567, "batches": 9, "errors": 0, "recovered": 2,
                                            "committed_until_ms": 0, "error": ""}}
        ill = json.loads(json.dumps(status)) | {"ready": False}
        ill["ledger"] |= {"accepts": False, "error": "disk I/O error\x1b[2J"}
        fleet = {"health": [{"name": "model sol", "state": "closed", "inflight": 1, "wait_ms": 0, "served": 5, "faults": 0,
                             "ttft_ms": 412},
                            {"name": "provider rack", "state": "open", "inflight": 0, "wait_ms": 8100, "served": 7,
                             "faults": 3, "ttft_ms": -1}]}
        bypass = {"bypass": [{"route": None, "until_ms": 1795575600000, "left_s": 3600, "reason": "incident 12"}]}
        fine = {"health": fleet["health"][:1]}
        _, more = self.daemon({"/admin/status": (200, status), "/admin/fleet": (200, fine), "/admin/bypass": (200, {"bypass": []})})
        _, bad = self.daemon({"/admin/status": (200, ill), "/admin/fleet": (200, fleet), "/admin/bypass": (200, bypass)})
        self.golden("status", (("status",), more), (("status",), bad), ("status",))

    def test_bypass(self):
        entry = {"route": "auto", "until_ms": 1795575600000, "left_s": 7200, "reason": "bad \"answers\"\u202e\n"}
        handler, more = self.daemon({"/admin/bypass": (200, {"bypass": [entry]})})
        self.golden("bypass", (("bypass",), more), (("bypass", "auto", "--for", "2h", "--reason", 'bad "answers"'), more),
                    (("bypass", "--reason", "all"), more), (("bypass", "auto", "--lift"), more),
                    (("bypass", "--for", "2 hours", "--reason", "x"), more), (("bypass", "--json"), more), ("bypass",))
        self.assertEqual([a[3] for a in handler.asked if a[0] == "POST"], [
            {"route": "auto", "for_s": 7200, "reason": 'bad "answers"'},
            {"route": None, "for_s": 3600, "reason": "all"}, {"route": "auto", "for_s": 0, "reason": ""}])

    def test_refused(self):
        error = {"error": {"message": "missing or unknown API key", "code": "invalid_api_key"}}
        _, more = self.daemon({"/admin/status": (401, error), "/v1/costs/summary": (400, {"error": {"message": "unknown parameter"}}),
                               "/admin/bypass": (502, "<html>\x1b[31m bad gateway</html>"), "/v1/requests/req_X": (404, error)})
        self.golden("refused", (("status",), more), (("report",), more), (("bypass",), more), (("explain", "req_X"), more),
                    ("report", "--state", "nowhere"), ("explain", "req_X", "--state", "nowhere"))


PRICES = """version: 1
source: "test, 2026-11-01"
prices:
  - {id: openai/gpt-5.6-luna/first, provider: openai, model: openai/gpt-5.6-luna, match: ["gpt-5.6-luna"], to: 2026-07-30,
     usd_per_million: {input: "0.25", cache_read: "0.025", output: "2.00"}}
  - {id: openai/gpt-5.6-luna/2026-07-30, provider: openai, model: openai/gpt-5.6-luna, match: ["gpt-5.6-luna"], from: 2026-07-30,
     usd_per_million: {input: "0.2", cache_read: "0.02", cache_write_5m: "0.25", output: "1.2"},
     above: [{context: 272000, usd_per_million: {input: "0.4", cache_read: "0.04", cache_write_5m: "0.5", output: "1.8"}}]}
  - {id: openai/gpt-5.6-sol/first, provider: openai, model: openai/gpt-5.6-sol, match: ["gpt-5.6-sol"],
     usd_per_million: {input: "4", output: "20"}}
  - {id: anthropic/claude-sonnet-5/first, provider: anthropic, model: anthropic/claude-sonnet-5, match: ["claude-sonnet-5"],
     usd_per_million: {input: "3", output: "15"}}
"""

if __name__ == "__main__":
    unittest.main()
