"""What tests of budgets share: caps that are exactly so many requests, and what the daemon says of its accounts."""

import decimal
import os
import re
import subprocess
import sys
import threading

import harness
from harness import CHAT, chat

PUSD = 10**12
# Costs less than what is set aside for it: half of the output that it may have.
ANSWER = {"model": "luna", "max_tokens": 100, "n": 1}
SHORT = "[[sim tokens=50]] What is it?"


def usd(pusd):
    return f"{pusd // PUSD}.{pusd % PUSD:012d}"


def pusd(text):
    return int(decimal.Decimal(text) * PUSD)


def option(name, default):
    """`--name N` on the command line of a test file."""
    if name not in sys.argv:
        return default
    at = sys.argv.index(name)
    value = int(sys.argv[at + 1])
    del sys.argv[at:at + 2]
    return value


class Case(harness.Case):
    """BUDGETS is the policy's list, with {n} for what N requests of body() need in the worst case, e.g. {10}."""

    BUDGETS = "[]"
    USER = "user-0000"
    TOP = ""

    @classmethod
    def body(cls, text=SHORT, user=None, **more):
        return chat(text, **{**ANSWER, "user": user or cls.USER, **more})

    @classmethod
    def setUpClass(cls):
        """A first daemon, without budgets, tells what a request may cost; the second has them."""
        super().setUpClass()
        try:
            answer = harness.ask(cls.daemon.port, "POST", CHAT, cls.body(), cls.headers())
            assert answer.status == 200, answer
            attempt = cls.daemon.row(answer.header("x-request-id"))["attempt"][0]
            cls.most, cls.cost = attempt["at_most_pusd"], attempt["amount_pusd"]
            assert 0 < cls.cost < cls.most, attempt
            cls.restart()
        except BaseException:
            cls.clean_up()
            raise

    @classmethod
    def headers(cls):
        return {}

    @classmethod
    def caps(cls, text):
        return text.format(*(usd(cls.most * n) for n in range(101)))

    @classmethod
    def restart(cls, budgets=None):
        assert cls.daemon.stop() == 0, cls.daemon.said()
        parts = dict(cls.POLICY_PARTS)
        parts["tail"] = parts.get("tail", "") + "\nbudgets: " + cls.caps(budgets or cls.BUDGETS)
        cls.daemon = harness.Daemon(cls.folder, cls.sim, cls.ENV, **parts)

    # -- what the daemon says --

    def accounts(self):
        """scope -> {cap, spent, held, left, ...}; money as pico-dollars."""
        found = {}
        for line in harness.ask(self.daemon.admin, "GET", "/v1/costs/summary?since=1h").json()["budgets"]:
            for name in ("cap", "spent", "held", "left"):
                line[name] = pusd(line.pop(name + "_usd"))
            found[line["scope"]] = line
        return found

    def account(self, scope):
        return self.accounts().get(scope) or {"spent": 0, "held": 0, "left": None, "refused": 0, "overruns": 0}

    def spent_by_rows(self, where="1", *args):
        """Once everything has been committed."""
        self.daemon.summary()
        rows = self.daemon.query("SELECT a.amount_pusd, a.at_most_pusd FROM attempt a JOIN request r ON r.seq=a.request"
                                 f" WHERE {where}", *args)
        return sum(r["at_most_pusd"] if r["amount_pusd"] is None else r["amount_pusd"] for r in rows)

    def spent_by_user(self, user):
        return self.spent_by_rows("r.user=(SELECT id FROM name WHERE text=?)", user)

    def quiet(self, scope):
        """The account, once nothing is held there."""
        return harness.wait_for("the end of all holds", lambda: (a := self.account(scope))["held"] == 0 and a)

    # -- refusals --

    def assertRefused(self, answer, budget, status=402):
        self.assertEqual(answer.status, status, answer)
        error = answer.json()["error"]
        self.assertEqual(error["code"], "insufficient_quota", error)
        self.assertEqual(answer.header("x-should-retry"), "false")
        self.assertIsNone(answer.header("retry-after"), "an SDK would come again")
        for word in (budget, "cap", "spent", "held", "needed", "resets"):
            self.assertIn(word, error["message"])

    def race(self, count, send, most):
        """`count` requests at once, while the provider answers nobody: gives those that it has and those refused."""
        self.sim.script("gate=head", times=0)
        answers = [None] * count

        def one(i):
            answers[i] = send(i)
        pool = [threading.Thread(target=one, args=(i,)) for i in range(count)]
        for t in pool:
            t.start()
        try:
            harness.wait_for("all others to be refused", lambda: sum(a is not None for a in answers) >= count - most)
            self.sim.wait_gated(most)
            waiting = self.sim.stats()["gated"]
        finally:
            self.sim.reset()
            self.sim.release()
            for t in pool:
                t.join()
        return waiting, [a for a in answers if a.status == 200], [a for a in answers if a.status != 200]


def empty_keys(folder):
    """For prepare(), where a policy has teams."""
    with open(os.open(os.path.join(folder, "keys.yaml"), os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as f:
        f.write("version: 1\nkeys: []\n")


def add_key(daemon, name, team):
    """Gives its secret; of force after a reload or restart."""
    said = subprocess.run([harness.FRUGALD, "keys", "add", name, "--team", team, "-c", daemon.config], cwd=daemon.folder,
                          check=True, capture_output=True, text=True, timeout=60).stdout
    return re.search(r"fr-[0-9A-Za-z]{43}", said).group(0)


def verify(case):
    """`frugald ledger verify` reckons every amount and sum again, while the daemon runs; its words when it finds anything."""
    case.daemon.summary()
    done = subprocess.run([harness.FRUGALD, "ledger", "verify", "--state", case.daemon.state, "-c", case.daemon.config],
                          cwd=case.folder, capture_output=True, text=True, timeout=120)
    case.assertEqual(done.returncode, 0, done.stdout + done.stderr)
    return done.stdout
