"""The clock jumps, by an hour, a day, over a month's end, over summer time, forth and back: a period of a budget that is over
never begins again, each begins once, and no request times out for it. With libfaketime; skipped where that is not."""

import datetime
import glob
import os
import re
import subprocess
import time
import unittest
import zoneinfo

import budgets
import harness
from harness import CHAT

FAKE = sorted(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1"))
BERLIN, UTC = zoneinfo.ZoneInfo("Europe/Berlin"), datetime.timezone.utc

# Where the clock is set to, one after another: (when, what comes to that).
JUMPS = [
    ("2027-03-27 22:59:50", "ten seconds before midnight in Berlin"),
    ("2027-03-27 23:00:05", "a new day"),
    ("2027-03-27 22:59:40", "back before it"),
    ("2027-03-28 00:30:00", "an hour on"),
    ("2027-03-27 23:30:00", "an hour back"),
    ("2027-03-28 00:59:59", "a second before summer time"),
    ("2027-03-28 01:00:01", "summer time"),
    ("2027-03-28 00:10:00", "back before it"),
    ("2027-03-29 01:00:00", "a day on"),
    ("2027-03-28 01:00:00", "a day back"),
    ("2027-03-28 22:00:01", "a new day of 23 hours"),
    ("2027-03-31 23:59:55", "five seconds before the month's end"),
    ("2027-04-01 00:00:05", "a new month"),
    ("2027-03-31 23:59:50", "back before it"),
    ("2027-10-31 00:59:59", "a second before winter time"),
    ("2027-10-31 01:00:01", "winter time"),
    ("2027-10-31 00:30:00", "back before it"),
    ("2027-10-31 23:00:01", "a new day of 25 hours"),
    ("2027-10-30 12:00:00", "a day back, and a restart"),
    ("2027-11-01 00:00:01", "on"),
]


class Fake(budgets.Case):
    """A daemon whose clock is set by a file."""

    @classmethod
    def prepare(cls):
        cls.file = os.path.join(cls.folder, "clock")
        cls.set_clock(JUMPS[0][0])
        # A sanitizer's library has to come first.
        linked = subprocess.run(["ldd", harness.FRUGALD], capture_output=True, text=True, check=True).stdout
        first = [line.split()[2] for line in linked.splitlines() if re.match(r"\s*lib[at]san\.", line)]
        cls.ENV = {**os.environ, "LD_PRELOAD": " ".join([*first, FAKE[0]]), "FAKETIME_TIMESTAMP_FILE": cls.file, "FAKETIME_NO_CACHE": "1",
                   "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    @classmethod
    def set_clock(cls, text):
        """The daemon's from now on; gives when that is."""
        at = datetime.datetime.fromisoformat(text).replace(tzinfo=UTC)
        with open(cls.file + ".new", "w", encoding="ascii") as f:
            f.write(f"{at.timestamp() - time.time():+.3f}")
        os.rename(cls.file + ".new", cls.file)
        return at


@unittest.skipUnless(FAKE, "libfaketime is not installed")
class Clock(Fake):
    BUDGETS = ('[{{each: user, usd: "{90}", per: day, time_zone: Europe/Berlin}}, {{scope: daemon, usd: "{90}", per: hour}},'
               ' {{scope: user, value: user-0000, usd: "{90}", per: month}}]')

    @staticmethod
    def labels(at):
        """Of the periods that a moment is in, by budget."""
        berlin = at.astimezone(BERLIN)
        return {"each user per day Europe/Berlin": berlin.date(), "daemon per hour": at.replace(minute=0, second=0, microsecond=0),
                "user user-0000 per month": (at.year, at.month)}

    def by_name(self):
        lines = harness.ask(self.daemon.admin, "GET", "/v1/costs/summary?since=1h").json()["budgets"]
        return {a["name"]: (budgets.pusd(a["spent_usd"]), a["held_usd"], a["resets_at"]) for a in lines}

    def test_jumps(self):
        last = datetime.datetime.fromisoformat(JUMPS[0][0]).replace(tzinfo=UTC)
        counts, ends = {label: 1 for label in self.labels(last).items()}, {}  # what was asked before there were budgets
        for text, what in JUMPS:
            with self.subTest(what):
                at = self.set_clock(text)
                if "restart" in what:
                    self.restart()
                last = max(last, at)  # budgets go on from the latest that they have seen
                answer = self.post(CHAT, self.body())
                self.assertEqual(answer.status, 200, answer)
                accounts = harness.wait_for("the end of all holds", lambda: all(
                    held == "0.000000000000" for _, held, _ in self.by_name().values()) and self.by_name())
                for name, label in self.labels(last).items():
                    counts[name, label] = counts.get((name, label), 0) + 1
                for name, label in self.labels(last).items():
                    spent, _, resets = accounts[name]
                    self.assertEqual(spent, counts[name, label] * self.cost, (name, label))
                    self.assertEqual(ends.setdefault((name, label), resets), resets, "a period has one end")
        for name in {name for name, _ in ends}:
            of = [end for (n, _), end in ends.items() if n == name]
            self.assertEqual(len(of), len(set(of)), f"two periods of '{name}' end at one time")


@unittest.skipUnless(FAKE, "libfaketime is not installed")
class Waiting(Fake):
    BUDGETS = Clock.BUDGETS

    def test_a_jump_is_no_timeout(self):
        """While a call is on its way."""
        for text, _ in JUMPS[:12]:
            self.set_clock(text)
            self.sim.script("gate=head")
            with harness.Connection(self.daemon.port) as c:
                c.send("POST", CHAT, self.body(user="user-wait"))
                self.sim.wait_gated()
                self.set_clock("2027-06-01 00:00:00" if text < "2027-03-28" else "2027-01-01 00:00:00")
                self.sim.release()
                c.read_head()
                c.read_until(lambda a: a.end)
            self.assertEqual(c.answer.status, 200, c.answer)


if __name__ == "__main__":
    unittest.main()
