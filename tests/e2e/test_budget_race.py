"""Many at once against one budget: it is never overrun, and what is given back can be used again.

usage: test_budget_race.py [--rounds N] [unittest options]     6 rounds when unnamed; by hand take 50"""

import unittest

import budgets
import harness
from harness import CHAT

ROUNDS = budgets.option("--rounds", 2 if harness.QUICK else 6)
PARALLEL = 200


class OfUsers(budgets.Case):
    """gateways.md 4.1 no. 1, 3, 10, 15, 16, 17 (any-llm): charged before the call, in one step for all who ask."""
    BUDGETS = '[{{each: user, usd: "{10}"}}]'

    def ask_as(self, user):
        return self.post(CHAT, self.body(user=user))

    def test_200_parallel_requests_and_a_budget_for_10(self):
        for n in range(ROUNDS):
            user = f"user-{n + 1:04}"
            with self.subTest(round=n):
                waiting, served, refused = self.race(PARALLEL, lambda _: self.ask_as(user), 10)
                self.assertEqual((waiting, len(served), len(refused)), (10, 10, PARALLEL - 10))
                for answer in refused:
                    self.assertRefused(answer, "each user")
                account = self.quiet("user:" + user)
                self.assertEqual(account["spent"], 10 * self.cost)
                self.assertLessEqual(account["spent"], account["cap"])
                self.what_was_given_back_can_be_used(user, account)

    def what_was_given_back_can_be_used(self, user, account):
        """One after another, until what is left is less than a request may cost; not one fewer."""
        served = 0
        while self.ask_as(user).status == 200:
            served += 1
        self.assertEqual(served, (account["left"] - self.most) // self.cost + 1)
        account = self.quiet("user:" + user)
        self.assertLess(account["left"], self.most)
        self.assertEqual(account["spent"], self.spent_by_user(user))

    def test_first_requests_of_an_unknown_user_share_its_budget(self):
        """gateways.md 4.1 no. 2: there is no moment at which a user has no account yet."""
        for n in range(10):
            user = f"new--{n:04}"
            waiting, served, refused = self.race(18, lambda _: self.ask_as(user), 10)
            self.assertEqual((waiting, len(served), len(refused)), (10, 10, 8))

    def test_others_are_not_refused(self):
        """gateways.md 4.1 no. 11: who has spent nothing, or has no budget, is not told that it is exceeded."""
        while self.ask_as("user-over").status == 200:
            pass
        self.assertEqual(self.ask_as("user-free").status, 200)
        for _ in range(15):
            self.assertEqual(self.post(CHAT, harness.chat("No user at all", model="luna", max_tokens=100)).status, 200)


class WithKeys(budgets.Case):
    POLICY_PARTS = {"top": "keys_file: keys.yaml\nteams: {agents: {may_use: all}}"}
    keys = {}

    @classmethod
    def prepare(cls):
        budgets.empty_keys(cls.folder)

    @classmethod
    def headers(cls):
        """The first of them measures, the others race."""
        if not cls.keys:
            cls.keys = {}
            for name in ("measures", "one", "two", "three"):
                cls.keys[name] = {"x-api-key": budgets.add_key(cls.daemon, name, "agents")}
            cls.daemon.reload()
            harness.wait_for("the workers to have the key", lambda: all(harness.ask(
                cls.daemon.port, "GET", "/v1/models", headers=cls.keys["three"]).status == 200 for _ in range(8)))
        return cls.keys["measures"]


class OfTeams(WithKeys):
    """gateways.md 4.1 no. 15: the keys of a team share its budget."""
    BUDGETS = '[{{scope: team, value: agents, usd: "{6}"}}, {{each: key, usd: "{4}"}}]'

    def test_keys_of_one_team_at_once(self):
        def one(i):
            return self.post(CHAT, self.body(), self.keys[("one", "two", "three")[i % 3]])
        # What was measured has been paid for by the team, too; that was less than may be needed.
        waiting, served, refused = self.race(60, one, 5)
        self.assertEqual((waiting, len(served), len(refused)), (5, 5, 55))
        account = self.quiet("team:agents")
        self.assertEqual(account["spent"], 6 * self.cost)
        keys = {scope: a["spent"] for scope, a in self.accounts().items() if scope.startswith("key:")}
        self.assertEqual(sum(keys.values()), 6 * self.cost)
        self.assertEqual(account["spent"], self.spent_by_rows())


class OfKeys(WithKeys):
    """gateways.md 4.1 no. 1, 14 (bifrost#5673): a key's budget holds, and is kept."""
    BUDGETS = '[{{each: key, usd: "{4}"}}]'

    def test_one_key_at_once(self):
        waiting, served, refused = self.race(40, lambda _: self.post(CHAT, self.body(), self.keys["one"]), 4)
        self.assertEqual((waiting, len(served), len(refused)), (4, 4, 36))
        self.restart_and_ask()

    def restart_and_ask(self):
        """It is kept: nothing begins anew with the process."""
        before = self.quiet("key:one")["spent"]
        type(self).restart()
        self.assertEqual(self.account("key:one")["spent"], before)


class OfSessions(budgets.Case):
    """gateways.md 4.1 no. 17 (litellm#34732): requests of one session at the same time."""
    BUDGETS = '[{{each: session, usd: "{3}"}}]'

    def test_requests_of_one_session_at_once(self):
        waiting, served, refused = self.race(
            24, lambda _: self.post(CHAT, self.body(), {"x-frugald-session": "one"}), 3)
        self.assertEqual((waiting, len(served), len(refused)), (3, 3, 21))
        self.assertEqual(self.post(CHAT, self.body(), {"x-frugald-session": "another"}).status, 200)


class OfRuns(budgets.Case):
    """gateways.md 4.1 no. 17 (agent-os#823): sub-agents have sessions and users of their own, and one purse."""
    BUDGETS = '[{{each: tag.run, usd: "{5}"}}, {{each: session, usd: "{3}"}}, {{scope: daemon, usd: "{100}"}}]'

    def test_sub_agents_share_the_budget_of_their_run(self):
        def one(i):
            return self.post("/t/run=7" + CHAT, self.body(user=f"agent-{i % 8:03}"), {"x-frugald-session": f"agent {i % 8}"})
        waiting, served, refused = self.race(40, one, 5)
        self.assertEqual((waiting, len(served), len(refused)), (5, 5, 35))
        harness.wait_for("the end of all holds", lambda: all(a["held"] == 0 for a in self.accounts().values()))
        accounts = self.accounts()
        self.assertEqual(accounts["tag.run:7"]["spent"], 5 * self.cost)
        sessions = [a["spent"] for scope, a in accounts.items() if scope.startswith("session:")]
        # And the one that was asked before there were budgets, which the ledger has told of.
        self.assertEqual(sum(sessions), 6 * self.cost, "all of the path or none of it")
        self.assertEqual(accounts["daemon"]["spent"], 6 * self.cost)


if __name__ == "__main__":
    unittest.main()
