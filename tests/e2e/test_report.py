"""What people and machines see: the request log, the admin plane, costs, records, models, metrics."""

import hashlib
import http.client
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
from decimal import Decimal

import harness
from harness import FRUGALD

TOKEN = "admin-s3cret"
USAGE = {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050,
         "prompt_tokens_details": {"cached_tokens": 200}}
# 800 x $0.20/M + 200 x $0.02/M + 50 x $1.20/M, less 12 %
COST = Decimal("0.000197120000")

POLICY = """
version: 1
listen: 127.0.0.1:{listen}
state: {dir}/state
keys_file: {dir}/keys.yaml
log: {dir}/log
workers: 2
admin: {{listen: "127.0.0.1:{admin}", token: "file:{dir}/token"}}
providers:
  openai: {{api: openai, url: "http://127.0.0.1:{upstream}/v1", region: us, allow_private: true, discount: 12%}}
models:
  sol: {{is: openai/gpt-5.6-sol, at: [openai]}}
  luna: {{is: openai/gpt-5.6-luna, at: [openai]}}
routes:
  auto: {{mode: live, candidates: [luna, sol], baseline: sol}}
  dear: {{mode: live, candidates: [sol], baseline: sol}}
aliases: {{gpt-4o: auto}}
tags: {{app: rollup, run: index}}
budgets: [{{scope: daemon, usd: 90000}}]
teams:
  payments: {{may_use: all, cost_centre: CC-4711, budget: {{usd: 4000, per: month}}}}
  search: {{may_use: [luna]}}
"""


class Upstream(http.server.BaseHTTPRequestHandler):
    """Answers every chat completion with the same usage."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        answer = json.dumps({"id": "c1", "object": "chat.completion", "model": body["model"], "usage": USAGE, "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


@unittest.skipUnless(os.path.exists(FRUGALD), "FRUGALD names no program")
class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="frugald-report-")
        cls.addClassCleanup(shutil.rmtree, cls.dir)
        cls.upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
        threading.Thread(target=cls.upstream.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.upstream.shutdown)
        cls.listen, cls.admin = harness.free_ports(2)
        cls.write("token", TOKEN + "\n")
        cls.write("keys.yaml", "version: 1\nkeys:\n" + "".join(
            f"  - {{name: {name}, sha256: {hashlib.sha256(name.encode()).hexdigest()}, hint: x, team: {team}}}\n"
            for name, team in (("pay-1", "payments"), ("pay-2", "payments"), ("find", "search"))))
        cls.write("policy.yaml", POLICY.format(dir=cls.dir, listen=cls.listen, admin=cls.admin,
                                               upstream=cls.upstream.server_address[1]))
        cls.errors = open(os.path.join(cls.dir, "stderr"), "wb")
        cls.addClassCleanup(cls.errors.close)
        cls.process = subprocess.Popen([FRUGALD, "serve", "--config", os.path.join(cls.dir, "policy.yaml")],
                                       stderr=cls.errors, cwd=cls.dir)
        cls.addClassCleanup(cls.stop)
        harness.wait_for("readiness", cls.ready)

    @classmethod
    def write(cls, name, text):
        path = os.path.join(cls.dir, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, 0o600)

    @classmethod
    def read(cls, name):
        with open(os.path.join(cls.dir, name), encoding="utf-8") as f:
            return f.read()

    @classmethod
    def ready(cls):
        if cls.process.poll() is not None:
            raise AssertionError(cls.read("stderr"))
        try:
            return cls.call(cls.admin, "GET", "/readyz", {})[0] == 200
        except OSError:
            return False

    @classmethod
    def stop(cls):
        cls.process.send_signal(signal.SIGTERM)
        code = cls.process.wait(20)
        if code != 0:
            raise AssertionError(f"exit {code}: {cls.read('stderr')}")

    @classmethod
    def call(cls, port, method, path, headers, body=None):
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            c.request(method, path, body, headers)
            r = c.getresponse()
            return r.status, dict((k.lower(), v) for k, v in r.getheaders()), r.read().decode()
        finally:
            c.close()

    def ask_admin(self, path, method="GET", body=None, status=200, **headers):
        headers.setdefault("Authorization", "Bearer " + TOKEN)
        got = self.call(self.admin, method, path, headers, body)
        self.assertEqual(got[0], status, got)
        return json.loads(got[2]) if got[1]["content-type"] == "application/json" else got[2]

    def ask(self, path, key, status=200):
        got = self.call(self.listen, "GET", path, {"Authorization": "Bearer " + key})
        self.assertEqual(got[0], status, got)
        return json.loads(got[2]) if got[1]["content-type"] == "application/json" else got[2]

    def chat(self, key, tags="", model="gpt-4o"):
        """The id of a request that was served."""
        headers = {"Authorization": "Bearer " + key, "Content-Type": "application/json"}
        if tags:
            headers["x-frugald-tags"] = tags
        got = self.call(self.listen, "POST", "/v1/chat/completions", headers, json.dumps(
            {"model": model, "messages": [{"role": "user", "content": "A secret prompt"}]}))
        self.assertEqual(got[0], 200, got)
        return got[1]["x-request-id"]

    # -- the admin plane --

    def test_health_is_open_the_rest_wants_the_token(self):
        for path in ("/healthz", "/readyz"):
            self.assertEqual(self.call(self.admin, "GET", path, {})[0], 200)
        for path in ("/metrics", "/admin/status", "/v1/costs/summary", "/nowhere"):
            got = self.call(self.admin, "GET", path, {"Authorization": "Bearer wrong"})
            self.assertEqual((got[0], got[1]["www-authenticate"]), (401, "Bearer"), path)
        self.ask_admin("/admin/reload", "POST", status=403, Origin="http://evil.example")
        self.ask_admin("/nowhere", status=404)
        self.ask_admin("/admin/reload", status=405)

    def test_policy_fleet_status(self):
        self.assertIn("listen: 127.0.0.1", self.ask_admin("/admin/policy"))
        self.assertIn("provider openai", [h["name"] for h in self.ask_admin("/admin/fleet")["health"]])
        status = self.ask_admin("/admin/status")
        self.assertEqual((status["workers"], status["ready"], status["ledger"]["accepts"]), (2, True, True))

    def test_bypass_acts_at_once_and_is_lifted(self):
        on = {"route": "auto", "for_s": 3600, "reason": "a look at sol"}
        rows = self.ask_admin("/admin/bypass", "POST", json.dumps(on))["bypass"]
        self.assertEqual([(b["route"], b["reason"]) for b in rows], [("auto", "a look at sol")])
        record = self.ask("/v1/requests/" + self.chat("pay-2"), "pay-2")
        self.assertEqual((record["mode"], record["attempts"][0]["model"]), ("bypass", "sol"))
        off = {"route": "auto", "for_s": 0}
        self.assertEqual(self.ask_admin("/admin/bypass", "POST", json.dumps(off))["bypass"], [])
        for wrong in ("[]", "{", '{"route":1,"for_s":1,"reason":"x"}', '{"route":"auto","reason":"x"}',
                      '{"route":"auto","for_s":5}', '{"route":"auto","for_s":99999999,"reason":"x"}'):
            self.ask_admin("/admin/bypass", "POST", wrong, status=400)
        self.ask_admin("/admin/bypass", "POST", '{"route":"nix","for_s":5,"reason":"x"}', status=404)
        self.ask_admin("/admin/bypass", "POST", " " * 100000, status=413)

    @unittest.skipUnless(shutil.which("promtool"), "promtool is not installed (package prometheus)")
    def test_metrics_please_promtool(self):
        self.chat("pay-1")
        text = harness.wait_for("the counters", lambda: self.counted(1))
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))
        values = dict(v.rsplit(" ", 1) for v in text.splitlines() if not v.startswith("#"))
        self.assertGreaterEqual(Decimal(values['frugald_cost_usd_total{tier="small"}']), COST)
        self.assertGreaterEqual(int(values["frugald_added_seconds_count"]), 1)
        self.assertGreaterEqual(int(values["frugald_request_seconds_count"]), 1)

    def counted(self, least):
        """The metrics, when so many requests were served."""
        text = self.ask_admin("/metrics")
        line = [v for v in text.splitlines() if v.startswith('frugald_request_outcomes_total{outcome="served"')]
        return int(line[0].split()[-1]) >= least and text

    # -- costs --

    def test_costs_add_up_in_every_scope(self):
        for n in range(3):
            self.chat("pay-1", f"app=sums,run={n}")
        last = self.chat("find", "app=sums,run=9", "luna")
        self.ask("/v1/requests/" + last, "find")  # it is in the ledger, so are those before it
        query = "/v1/costs/summary?since=1h&tag.app=sums"
        whole = harness.wait_for("four rows in the ledger", lambda: self.summary(query, 4))
        self.assertEqual(Decimal(whole["total"]["cost_usd"]), 4 * COST)
        for by in ("model", "key", "team", "route", "class", "session", "hour", "day", "tag.run", "tier,provider"):
            parts = self.ask_admin(query + "&group_by=" + by)
            self.assertEqual(sum(Decimal(r["cost_usd"]) for r in parts["rows"]), 4 * COST, by)
        self.assertEqual({r["tag.run"] for r in self.ask_admin(query + "&group_by=tag.run")["rows"]}, set("0129"))
        # A key sees its own rows and its team's.
        self.assertEqual(self.ask(query, "pay-2")["total"]["requests"], 3)
        self.assertEqual(self.ask(query, "find")["scope"], {"key": "find", "team": "search"})
        self.assertEqual(self.ask(query, "find")["total"]["requests"], 1)

    def test_what_another_model_would_have_cost(self):
        """gateways.md 4.9 no. 58: a named model, the prices of the day, and a loss is one."""
        for _ in range(3):
            self.chat("pay-1", "app=yard")
        self.chat("pay-1", "app=yard", "dear")
        query = "/v1/costs/summary?since=1h&tag.app=yard"
        own = harness.wait_for("four rows in the ledger", lambda: self.summary(query, 4))["total"]
        sol = self.ask_admin(query + "&baseline=sol")["total"]
        # sol is the baseline of both routes: its cost is reckoned anew from the rows, and is the same.
        self.assertEqual((own["baseline"]["name"], sol["baseline"]["name"]), (None, "sol"))
        for figure in ("usd", "low", "high", "compared_usd"):
            self.assertAlmostEqual(float(own["baseline"][figure]), float(sol["baseline"][figure]), delta=2e-6, msg=figure)
        self.assertLess(Decimal(sol["saved"]["low"]), Decimal(sol["saved"]["usd"]))
        self.assertLess(Decimal(sol["saved"]["usd"]), Decimal(sol["saved"]["high"]))
        # What luna has answered itself is what was paid; what sol has answered was dearer.
        luna = self.ask_admin(query + "&baseline=luna&group_by=model")
        self.assertEqual((luna["total"]["baseline"]["requests"], luna["total"]["baseline"]["left_out"]), (4, 0))
        rows = {r["model"]: Decimal(r["saved_usd"]) for r in luna["rows"]}
        self.assertEqual(rows["luna"], 0)
        self.assertLess(rows["sol"], 0)
        self.assertLess(Decimal(luna["total"]["saved"]["usd"]), 0)
        self.assertEqual(self.ask_admin(query + "&baseline=nix", status=400)["error"]["param"], "baseline")

    def test_what_stands_beside_the_sums(self):
        self.chat("pay-1", "app=beside")
        self.chat("find", "app=beside", "luna")
        query = "/v1/costs/summary?since=1h&tag.app=beside"
        whole = harness.wait_for("two rows in the ledger", lambda: self.summary(query, 2))
        self.assertEqual(whole["trust"]["cost_with_required_tags_share"], 1)
        self.assertEqual(whole["rows"][0]["served"], ["gpt-5.6-luna"])
        self.assertEqual(len(whole["provenance"]["policies"][0]), 7)
        self.assertEqual(whole["provenance"]["rows"], "2 of 2")
        teams = self.ask_admin(query + "&group_by=team")["rows"]
        self.assertEqual({r["team"]: r["cost_centre"] for r in teams}, {"payments": "CC-4711", "search": None})

    def test_budgets_of_whoever_asks(self):
        daemon, team = sorted(self.ask_admin("/v1/costs/summary")["budgets"], key=lambda b: b["scope"])
        self.assertEqual((daemon["scope"], daemon["per"], daemon["resets_at"]), ("daemon", "all", None))
        self.assertEqual((team["scope"], team["per"], Decimal(team["cap_usd"])), ("team:payments", "month", 4000))
        for b in (daemon, team):
            left = Decimal(b["cap_usd"]) - Decimal(b["spent_usd"]) - Decimal(b["held_usd"])
            self.assertEqual(Decimal(b["left_usd"]), left)
        self.assertEqual([b["scope"] for b in self.ask("/v1/costs/summary", "pay-2")["budgets"]], ["team:payments"])
        self.assertEqual(self.ask("/v1/costs/summary", "find")["budgets"], [])
        self.assertEqual(self.ask_admin("/v1/costs/summary?team=search")["budgets"], [])

    def test_budgets_of_a_folder(self):
        """What was spent is in the ledger, the cap in the policy that is kept there; what is held nobody tells."""
        self.chat("pay-1", "app=folder")
        harness.wait_for("it is booked", lambda: self.summary("/v1/costs/summary?since=1h&tag.app=folder", 1))

        def offline():
            out = subprocess.run([FRUGALD, "report", "--state", os.path.join(self.dir, "state"), "--json"], capture_output=True,
                                 text=True, check=True, timeout=20).stdout
            return {b["scope"]: b for b in json.loads(out)["budgets"]}
        live = {b["scope"]: b for b in self.ask_admin("/v1/costs/summary")["budgets"]}
        kept = harness.wait_for("the same sums", lambda: (k := offline()) and k["team:payments"]["spent_usd"] ==
                                live["team:payments"]["spent_usd"] and k)
        self.assertGreater(Decimal(kept["team:payments"]["spent_usd"]), 0)
        self.assertEqual(kept["team:payments"]["cap_usd"], live["team:payments"]["cap_usd"])
        self.assertEqual((kept["daemon"]["held_usd"], kept["daemon"]["refused"]), (None, None))

    def summary(self, query, requests):
        got = self.ask_admin(query)
        return got["total"]["requests"] == requests and got

    def test_mistakes_say_what_would_do(self):
        error = self.ask("/v1/costs/summary?colour=red", "pay-1", 400)["error"]
        self.assertEqual(error["param"], "colour")
        self.assertIn("known are from, to, since, group_by", error["message"])
        error = self.ask("/v1/costs/summary?from=2026-02-30", "pay-1", 400)["error"]
        self.assertIn("write 2026-11-01", error["message"])

    # -- one request --

    def test_a_finished_request_is_found_at_once(self):
        for _ in range(5):
            name = self.chat("pay-1", "app=shop,run=7")
            start = time.monotonic()
            record = self.ask("/v1/requests/" + name, "pay-1")
            self.assertLess(time.monotonic() - start, 1.4)
            self.assertEqual((record["id"], Decimal(record["cost_usd"])), (name, COST))
            self.assertEqual(record["tags"], {"app": "shop", "run": "7"})
            self.assertEqual(record["plan"]["candidates"][0]["provider"], "openai")
        text = self.ask("/v1/requests/" + name + "?format=text", "pay-2")  # of the same team
        self.assertIn("served by luna @ openai", text)
        self.assertIn("paid   $0.000 197 120 000", text)
        self.assertEqual(self.ask("/t/app=other/requests/" + name, "pay-1")["id"], name)
        self.ask("/v1/requests/" + name, "find", 404)
        self.ask("/v1/requests/req_" + "0" * 26, "pay-1", 404)
        self.assertEqual(self.ask_admin("/v1/requests/" + name)["key"], "pay-1")

    def test_a_client_that_leaves_while_the_report_is_made(self):
        name = "req_" + self.chat("pay-1")[4:-1] + "0"  # begun just now, so it is waited for
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", self.listen)) as s:
                s.sendall(f"GET /v1/requests/{name} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer pay-1\r\n\r\n".encode())
        harness.wait_for("no request under way", lambda: "\nfrugald_requests_in_flight 0\n" in self.ask_admin("/metrics")
                         or self.chat("pay-1") == "")
        self.chat("pay-1")

    # -- models --

    def test_models_of_a_key(self):
        names = [m["id"] for m in self.ask("/v1/models", "pay-1")["data"]]
        self.assertEqual(names, ["auto", "dear", "sol", "luna", "gpt-4o"])
        self.assertEqual([m["id"] for m in self.ask("/v1/models", "find")["data"]], ["luna"])
        self.assertEqual(self.ask("/v1/models/gpt-4o", "pay-1")["alias_of"], "auto")
        self.assertEqual(self.ask("/v1/models/sol", "find", 404)["error"]["code"], "model_not_found")

    # -- the log --

    def test_one_line_for_each_request_and_nothing_secret(self):
        name = self.chat("pay-1", "app=shop")
        line = harness.wait_for("the line in the log", lambda: [v for v in self.read("log").splitlines() if name in v])
        self.assertEqual(len(line), 1)
        line = json.loads(line[0])
        self.assertEqual((line["key"], line["team"], line["model"], line["outcome"], Decimal(line["cost_usd"])),
                         ("pay-1", "payments", "luna", "served", COST))
        self.assertEqual(line["tokens"], {"input_uncached": 800, "cache_read": 200, "output": 50})
        self.assertGreater(line["added_us"], 0)
        self.assertNotIn("secret prompt", self.read("log"))

    def test_the_log_can_be_rotated(self):
        first = self.chat("pay-1")
        harness.wait_for("the first line", lambda: first in self.read("log"))
        os.rename(os.path.join(self.dir, "log"), os.path.join(self.dir, "log.1"))
        self.ask_admin("/admin/reload", "POST")
        harness.wait_for("the new file", lambda: os.path.exists(os.path.join(self.dir, "log")))
        second = self.chat("pay-1")
        harness.wait_for("the second line", lambda: second in self.read("log"))
        self.assertNotIn(second, self.read("log.1"))


if __name__ == "__main__":
    unittest.main()
