"""Who is slow at this hour is avoided where a route says how slow is too slow; that is learned, and outlives a restart."""

import json
import os
import subprocess
import unittest

import harness

POLICY = harness.POLICY.replace("tags:", """\
  hasty: {{candidates: [luna, spare], baseline: luna, keep_quality: 50%, max_ttft_ms: 150}}
  brisk: {{candidates: [luna, spare], baseline: luna, keep_quality: 50%, min_tokens_per_s: 200}}
tags:""")
# luna begins late and drips, spare does neither.
SLOW = "[[sim port=0 ttft_ms=250 events=40 gap_ms=15]] "
SESSION = {"x-frugald-session": "one"}  # of 64 sessions one is let by: not this one


class LearnedPace(harness.Case):
    POLICY_PARTS = {"policy": POLICY, "workers": 1}

    def plan(self, route, **headers):
        """Who serves, and why the others do not; too short an answer to teach how fast they come."""
        answer = self.ask_chat("[[sim tokens=4]] Explain how a heat pump works.", {**SESSION, "x-frugald-explain": "1", **headers}, model=route)
        self.assertEqual(answer.status, 200, answer)
        plan = json.loads(answer.header("x-frugald-explain"))
        return answer.header("x-frugald-model"), {c["model"]: c["reason"] for c in plan["candidates"]}

    def restart(self):
        cls = type(self)
        self.assertEqual(cls.daemon.stop(), 0, cls.daemon.said())
        cls.daemon = harness.Daemon(cls.folder, cls.sim, cls.ENV, **cls.POLICY_PARTS)

    def outlook(self, *more):
        env = {**os.environ, "FRUGALD_URL": f"http://127.0.0.1:{self.daemon.admin}"}
        done = subprocess.run([harness.FRUGALD, "report", "--show", "outlook", "--json", *more], env=env, capture_output=True, check=True)
        return json.loads(done.stdout)

    def test_slow_at_this_hour(self):
        for route in ("hasty", "brisk", "pair"):
            self.assertEqual(self.plan(route)[0], "luna", "nothing is known: the first")
        for i in range(12):
            for model in ("luna", "spare"):
                answer = self.ask_chat(f"{SLOW} Tell me everything about bees, at length. {i}", model=model, stream=True)
                self.assertEqual(answer.status, 200, answer)
        harness.wait_for("the dripping one to be avoided", lambda: self.plan("brisk")[1]["luna"] == "out_slow")
        harness.wait_for("the late one to be avoided", lambda: self.plan("hasty")[0] == "spare")
        self.assertEqual(self.plan("pair")[0], "luna", "the route has no limit")
        def pace_of(outlook):
            return {p["model_at"]: p for p in outlook["paces"] if p["hour"] is None}["luna at openai"]
        harness.wait_for("all answers to be in the books", lambda: pace_of(self.outlook())["answers"] == 12)
        live = self.outlook()
        pace = pace_of(live)
        self.assertLess(abs(pace["ttft_p50_ms"]["expected"] - pace["ttft_p50_ms"]["seen"]), 40, pace)
        self.assertGreater(pace["ttft_p50_ms"]["expected"], 240)
        self.assertTrue(any(v["catalogue"] for v in live["lengths"]), live)
        self.restart()
        files = self.outlook("--state", self.daemon.state)
        self.assertEqual([v["catalogue"] for v in files["lengths"]], [v["catalogue"] for v in self.outlook()["lengths"]])
        self.assertEqual({p["model_at"]: p for p in files["paces"] if p["hour"] is None}["luna at openai"]["answers"], 12)
        # An answer that was judged flawed taught as much as the others.
        flawed = self.daemon.rewritten("UPDATE attempt SET outcome=? WHERE request=(SELECT MAX(a.request) FROM attempt a JOIN name n ON"
                                       " n.id=a.model WHERE n.text='luna' AND a.output>=32)", harness.OUTCOMES.index("escalated"))
        again = self.outlook("--state", flawed)
        self.assertEqual(again["paces"], files["paces"])
        # Times of late are forgotten, those of this hour are not.
        model, why = self.plan("hasty")
        self.assertEqual((model, why["luna"]), ("spare", "out_latency"))
        model, why = self.plan("brisk")
        self.assertEqual((model, why["luna"]), ("spare", "out_slow"))
        # luna takes a second and a half or more.
        model, why = self.plan("pair", **{"x-frugald-deadline": "1.2"})
        self.assertEqual((model, why["luna"]), ("spare", "out_deadline"))
        self.assertEqual(self.plan("pair", **{"x-frugald-deadline": "60"})[1]["luna"], "next", "there is time for it")


if __name__ == "__main__":
    unittest.main()
