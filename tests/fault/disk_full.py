"""A full disk: what cannot be recorded is not sent, what is under way ends and is booked later, and service goes
on by itself when there is room again. Needs to mount a tmpfs; skipped where that is not allowed."""

import errno
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import harness
from harness import CHAT, chat

SIZE = "24m"


class DiskFull(harness.Case):
    POLICY_PARTS = {"top": "limits: {slots: 256}"}

    @classmethod
    def prepare(cls):
        cls.state = os.path.join(cls.folder, "state")
        os.mkdir(cls.state, 0o700)
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "tmpfs", cls.state],
                               capture_output=True, text=True, check=False)
        if mount.returncode != 0:
            raise unittest.SkipTest("no tmpfs can be mounted here: " + mount.stderr.strip())

    @classmethod
    def clean_up(cls):
        for program in (cls.daemon, cls.sim):
            if program:
                program.stop()
        said = super().clean_up()
        subprocess.run(["umount", cls.state], capture_output=True, check=False)
        if os.path.isdir(cls.folder):
            harness.shutil.rmtree(cls.folder, ignore_errors=True)
        return said

    def fill(self):
        with open(os.path.join(self.state, "ballast"), "wb", buffering=0) as f:
            for piece in (1 << 20, 4096):
                try:
                    while True:
                        f.write(b"x" * piece)
                except OSError as e:
                    self.assertEqual(e.errno, errno.ENOSPC)

    def empty(self):
        os.remove(os.path.join(self.state, "ballast"))

    def accounted(self):
        """Every call that the simulator saw has a row, and no other call has one."""
        seen = len(self.sim.records())
        return seen == len(self.daemon.query("SELECT n FROM attempt")) and seen

    def test_full_and_room_again(self):
        self.assertEqual(self.ask_chat("x").status, 200)
        running = self.open(CHAT, chat("[[sim events=40 gap_ms=20]] a story", stream=True))
        self.fill()

        def refused():
            answer = self.ask_chat("x")
            self.assertIn(answer.status, (200, 503), answer)
            return answer.status == 503 and answer
        answer = harness.wait_for("the first refusal", refused)
        self.assertError(answer, 503, "cannot_record")
        before = len(self.sim.records())
        for _ in range(20):
            self.assertError(self.ask_chat("x"), 503, "cannot_record")
        self.assertEqual(len(self.sim.records()), before, "what cannot be recorded is not sent")
        running.read_until(lambda a: a.end)
        self.assertIn(b"[DONE]", running.answer.body, "what was under way ends")
        running.close()
        self.assertIn("disk is full", self.daemon.said())

        self.empty()
        harness.wait_for("service", lambda: self.ask_chat("x").status == 200, 5)
        harness.wait_for("all rows", self.accounted, 5)
        self.assertIn("can be written again", self.daemon.said())

    def test_killed_when_full(self):
        """The slots are there already; they are booked when there is room again."""
        self.assertEqual(self.ask_chat("x").status, 200)
        already = len(self.daemon.query("SELECT n FROM attempt"))
        self.fill()
        streams = [self.open(CHAT, chat("[[sim fault=stall:5]] x", stream=True)) for _ in range(4)]
        self.daemon.signal(harness.signal.SIGKILL)
        self.daemon.wait()
        self.daemon.process.stdout.close()
        for s in streams:
            s.close()
        cls = type(self)
        # What it takes to start may have room in the dead process's file, or not.
        try:
            cls.daemon = harness.Daemon(cls.folder, cls.sim, cls.ENV, **cls.POLICY_PARTS)
            self.empty()
        except AssertionError as e:
            self.assertIn("disk is full", str(e))
            self.empty()
            cls.daemon = harness.Daemon(cls.folder, cls.sim, cls.ENV, **cls.POLICY_PARTS)
        rows = self.daemon.query("SELECT outcome, basis FROM attempt ORDER BY request")[already:]
        crashed = [r for r in rows if harness.OUTCOMES[r["outcome"]] == "crashed"]
        self.assertEqual([harness.BASES[r["basis"]] for r in crashed], ["partial"] * 4)


if __name__ == "__main__":
    unittest.main()
