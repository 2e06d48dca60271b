"""A start that cannot be: the process ends with 1, and its last line says what is wrong and what to do."""

import os
import subprocess

import harness


class Start(harness.Case):
    def refused(self, policy):
        """Starts a second frugald; what it said."""
        config = os.path.join(self.folder, "second.yaml")
        with open(config, "w", encoding="utf-8") as f:
            f.write(policy)
        run = subprocess.run([harness.FRUGALD, "serve", "-c", config], cwd=self.folder, stdin=subprocess.DEVNULL,
                             capture_output=True, text=True, timeout=harness.PATIENCE, check=False)
        self.assertEqual(run.returncode, 1, run.stderr)
        last = run.stderr.splitlines()[-1]
        self.assertIn(" error cannot start: ", last)
        return last

    def second(self, listen=None, admin=None, state=None):
        """The policy of the daemon that runs, at other ports and in another folder but for what is given."""
        free = harness.free_ports(2)
        with open(self.daemon.config, encoding="utf-8") as f:
            policy = f.read()
        for before, after in ((self.daemon.port, listen or free[0]), (self.daemon.admin, admin or free[1]),
                              (self.daemon.state, state or self.daemon.state + "-2")):
            self.assertIn(str(before), policy)
            policy = policy.replace(str(before), str(after))
        return policy

    def test_the_clients_port_is_taken(self):
        said = self.refused(self.second(listen=self.daemon.port))
        self.assertIn(f"cannot listen at 127.0.0.1 port {self.daemon.port}: Address already in use; ", said)
        self.assertIn("choose another port at `listen`", said)

    def test_the_admin_port_is_taken(self):
        said = self.refused(self.second(admin=self.daemon.admin))
        self.assertIn(f"admin.listen 127.0.0.1:{self.daemon.admin} cannot be had: another program uses that port", said)

    def test_the_ledger_is_in_use(self):
        said = self.refused(self.second(state=self.daemon.state))
        self.assertIn("another frugald is using it; stop that one, or give this one a state folder of its own", said)

    def test_the_state_folder_cannot_be_made(self):
        said = self.refused(self.second(state="/proc/nowhere/state"))
        self.assertIn("the state folder /proc/nowhere/state cannot be made: No such file or directory; ", said)
        self.assertIn("name another at `state`", said)

    def test_a_file_in_the_state_folder_cannot_be_had(self):
        state = self.daemon.state + "-3"
        os.makedirs(os.path.join(state, "sessions"))
        said = self.refused(self.second(state=state))
        self.assertIn(f"sessions in the state folder {state}: ", said)
        self.assertIn("it needs to be writable", said)

    def test_a_file_of_the_ledger_is_damaged(self):
        for name in ("ledger.db", "ledger-2026-01.db"):
            with self.subTest(name):
                state = f"{self.daemon.state}-{name}"
                os.makedirs(state)
                with open(os.path.join(state, name), "wb") as f:
                    f.write(b"no database" * 1000)
                said = self.refused(self.second(state=state))
                self.assertIn(f"{name} in {state}: ", said)
                self.assertIn("file is not a database; restore the file from a backup", said)

    def test_there_is_no_policy(self):
        run = subprocess.run([harness.FRUGALD, "serve", "-c", "nowhere.yaml"], cwd=self.folder, capture_output=True,
                             text=True, timeout=harness.PATIENCE, check=False)
        self.assertEqual(run.returncode, 1)
        self.assertIn(" error nowhere.yaml: cannot be read: No such file or directory; check the path\n", run.stderr)


if __name__ == "__main__":
    harness.unittest.main()
