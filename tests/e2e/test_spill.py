"""A machine of one's own answers while it has room; when its queue gets long, the next candidate does, and it comes back."""

import http.client
import http.server
import json
import os
import threading
import unittest

import harness
from harness import RACK

EASY = "What is the capital of France?"
LONG = 40000  # so many wait that however fast it answers, it takes too long


def threads(pid):
    """The names of a process's threads."""
    names = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/comm", encoding="utf-8") as f:
            names.append(f.read().strip())
    return names


class Spill(harness.Case):
    POLICY_PARTS = {"workers": 2, "rack_more": ", max_inflight: 2", "policy": harness.POLICY.replace("tags:", """\
  desk: {{candidates: [qwen, luna, sol], baseline: sol, goal: cheapest, keep_quality: 80%, max_wait_ms: 100, switch: any_turn}}
tags:""")}

    def ask(self, text=EASY, headers=()):
        return self.ask_chat(text, model="desk", headers=headers)

    def served(self, headers=()):
        answer = self.ask(headers=headers)
        self.assertEqual(answer.status, 200, answer)
        return answer.header("x-frugald-model")

    def slow_answers(self, count, ms):
        """So many at once, each of which takes that long: that is what the machine is known by."""
        return [threading.Thread(target=self.ask, args=(f"[[sim ttft_ms={ms}]] {EASY}",)) for _ in range(count)]

    def inflight(self):
        return self.sim.port_stats(RACK)["inflight"]

    def machine(self, name):
        """One number of /metrics; only local machines have such."""
        metrics = harness.ask(self.daemon.admin, "GET", "/metrics").body.decode()
        lines = [line for line in metrics.splitlines() if line.startswith(f"frugald_machine_{name}{{")]
        self.assertEqual([line.split()[0] for line in lines], [f'frugald_machine_{name}{{provider="rack"}}'])
        return float(lines[0].split()[1])

    def test_nobody_to_ask(self):
        self.assertNotIn("poller", threads(self.daemon.pid))

    def test_spills_and_comes_back(self):
        self.assertEqual(self.served(), "qwen")
        for t in self.slow_answers(1, 600):  # now an answer is known to take a while
            t.start()
            t.join()
        self.sim.script("gate=head", port=RACK, times=2)
        held = self.slow_answers(2, 0)
        for t in held:
            t.start()
        self.sim.wait_gated(2)
        self.assertEqual(self.inflight(), 2)
        explained = self.ask(headers={"x-frugald-explain": "1"})
        self.assertEqual(explained.header("x-frugald-model"), "luna")
        self.assertIn('"spilled":{"model":"qwen","provider":"rack"', explained.header("x-frugald-explain"))
        self.assertEqual(self.sim.port_stats(RACK)["max_inflight"], 2)
        self.assertEqual(self.machine("requests_in_flight"), 2)
        self.assertGreaterEqual(self.machine("wait_seconds"), 0.1)
        self.assertGreaterEqual(self.machine("wait_high_seconds"), self.machine("wait_seconds"))
        self.assertGreater(self.machine("answer_seconds"), 0)
        self.assertGreater(self.machine("utilisation"), 0)
        self.sim.release()
        for t in held:
            t.join()
        harness.wait_for("the machine to be asked again", lambda: self.served() == "qwen")
        metrics = harness.ask(self.daemon.admin, "GET", "/metrics").body.decode()
        self.assertRegex(metrics, r"frugald_spilled_total [1-9]")

    def test_what_may_not_leave_waits(self):
        """Behind a wall nobody else may serve: the request waits at the machine or is told that it is busy."""
        before = sum(self.sim.port_stats(p)["requests"] for p in (harness.OPENAI, harness.BACKUP))
        for t in self.slow_answers(1, 600):
            t.start()
            t.join()
        before_rack = self.sim.port_stats(RACK)["requests"]
        self.sim.script("gate=head", port=RACK, times=1)
        wall = {"x-frugald-data": "confidential"}
        first = threading.Thread(target=self.ask, args=(EASY, wall))
        first.start()
        self.sim.wait_gated(1)
        self.assertEqual(self.served(wall), "qwen")
        self.sim.release()
        first.join()
        after = sum(self.sim.port_stats(p)["requests"] for p in (harness.OPENAI, harness.BACKUP))
        self.assertEqual(after, before)
        self.assertEqual(self.sim.port_stats(RACK)["requests"], before_rack + 2)


class Machine(http.server.ThreadingHTTPServer):
    """What stands before the simulator's rack: it tells of itself on pages of its own, the rest it passes on."""

    daemon_threads = True

    def __init__(self, behind):
        super().__init__(("127.0.0.1", 0), Pages)
        self.behind, self.pages, self.asked = behind, {}, []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        """Whoever asks may leave."""

    def vllm(self, running, waiting, kv=0.5):
        self.pages = {"/metrics": (200, f"""# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{{engine="0",model_name="qwen"}} {running}.0
vllm:num_requests_waiting{{engine="0",model_name="qwen"}} {waiting}.0
vllm:kv_cache_usage_perc{{engine="0",model_name="qwen"}} {kv}
""".encode())}


class Pages(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, kind, body, headers=()):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        status, body = self.server.pages.get(self.path, (404, b"no such page"))
        self.server.asked.append((self.path, self.headers.get("authorization")))
        if status == 0:  # it hangs up
            self.close_connection = True
            return
        self.reply(status, "text/plain", body, {"location": "/elsewhere"} if status == 302 else {})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        behind = http.client.HTTPConnection("127.0.0.1", self.server.behind, timeout=harness.PATIENCE)
        behind.request("POST", self.path, body, {"content-type": "application/json"})
        answer = behind.getresponse()
        self.reply(answer.status, answer.getheader("content-type"), answer.read())
        behind.close()


class Poll(harness.Case):
    """The machine is asked for its queue, as others use it, too."""

    ENV = {"RACK_KEY": "rack-secret"}
    VLLM = ", key: env:RACK_KEY, poll: vllm, poll_every: 100ms"
    POLICY_PARTS = {"workers": 2, "rack_more": VLLM, "policy": Spill.POLICY_PARTS["policy"].replace("{rack}/v1", "{front}/v1")}
    ask, served, slow_answers = Spill.ask, Spill.served, Spill.slow_answers

    @classmethod
    def prepare(cls):
        cls.server = Machine(cls.sim.ports[RACK])
        cls.addClassCleanup(cls.server.server_close)
        cls.addClassCleanup(cls.server.shutdown)
        cls.server.vllm(0, 0)
        cls.POLICY_PARTS = dict(cls.POLICY_PARTS, front=cls.server.server_port)

    def setUp(self):
        super().setUp()
        self.server.vllm(0, 0)
        self.policy(self.VLLM)
        harness.wait_for("a first poll", lambda: self.machine("requests_waiting") == 0)
        for t in self.slow_answers(1, 200):
            t.start()
            t.join()

    def policy(self, rack):
        if self.daemon.values["rack_more"] != rack:
            self.daemon.write(rack_more=rack)
            self.assertIn("reload: policy", self.daemon.reload())

    def machine(self, name, labels='provider="rack"'):
        """One number of /metrics; None where nobody tells."""
        start = f"frugald_machine_{name}{{{labels}}} "
        lines = harness.ask(self.daemon.admin, "GET", "/metrics").body.decode().splitlines()
        return next((float(line[len(start):]) for line in lines if line.startswith(start)), None)

    def wait_served(self, name):
        harness.wait_for(f"{name} to serve", lambda: self.served() == name)

    def test_others_queue(self):
        """Nothing of ours is there; still the request goes elsewhere, until the others have gone."""
        self.assertEqual(self.served(), "qwen")
        self.server.vllm(4, LONG)
        self.wait_served("luna")
        self.assertEqual(self.machine("requests_running"), 4)
        self.assertEqual(self.machine("requests_waiting"), LONG)
        self.assertEqual(self.machine("kv_cache_used"), 0.5)
        self.assertGreaterEqual(self.machine("wait_seconds"), 0.1)
        self.assertLess(self.machine("poll_age_seconds"), harness.PATIENCE)
        rack, = json.loads(harness.ask(self.daemon.admin, "GET", "/admin/fleet").body)["machines"]
        self.assertEqual((rack["provider"], rack["running"], rack["waiting"], rack["kv_share"]), ("rack", 4, LONG, 0.5))
        self.assertEqual([m["model"] for m in rack["models"]], ["qwen"])
        self.server.vllm(4, 0)
        self.wait_served("qwen")
        self.assertEqual({a for _, a in self.server.asked}, {"Bearer rack-secret"})
        self.assertEqual(threads(self.daemon.pid).count("poller"), 1)

    def test_nobody_tells_any_more(self):
        for trouble in ((0, b""), (302, b""), (500, b"vllm:num_requests_waiting 4"), (200, b"<html>"),
                        (200, b"vllm:num_requests_waiting 4\n" * 40000)):
            with self.subTest(status=trouble[0], bytes=len(trouble[1])):
                self.server.vllm(4, LONG)
                self.wait_served("luna")
                failed = self.machine("polls_failed_total")
                self.server.pages = {"/metrics": trouble}
                self.wait_served("qwen")
                self.assertGreaterEqual(self.machine("polls_failed_total"), failed + 2)
                self.assertIsNone(self.machine("requests_waiting"))
        self.assertNotIn("/elsewhere", {path for path, _ in self.server.asked})

    def test_reload_without_poll(self):
        self.server.vllm(4, LONG)
        self.wait_served("luna")
        self.policy(", key: env:RACK_KEY")
        self.wait_served("qwen")  # were it still asked, it would say no
        self.assertIsNone(self.machine("polls_total"))
        rack, = json.loads(harness.ask(self.daemon.admin, "GET", "/admin/fleet").body)["machines"]
        self.assertEqual((rack["polled"], rack["running"], rack["polls"]), (False, None, None))
        self.assertIsNotNone(self.machine("wait_seconds"))

    def test_llamacpp(self):
        self.server.pages = {"/slots": (200, b'[{"is_processing": true}, {"is_processing": true}]'),
                             "/metrics": (200, f"llamacpp:requests_deferred {LONG}\n".encode())}
        self.policy(self.VLLM.replace("vllm", "llamacpp"))
        harness.wait_for("its slots", lambda: self.machine("slots") == 2)
        self.wait_served("luna")
        self.server.pages = {"/metrics": (200, b"llamacpp:requests_processing 1\nllamacpp:requests_deferred 0\n"),
                             "/slots": (501, b"")}
        self.wait_served("qwen")
        self.assertIsNone(self.machine("slots"))

    def test_ollama(self):
        self.server.pages = {"/api/ps": (200, b'{"models": []}')}
        self.policy(self.VLLM.replace("vllm", "ollama"))
        loaded = 'provider="rack",model="qwen"'
        harness.wait_for("nothing to be loaded", lambda: self.machine("model_loaded", loaded) == 0)
        before = self.machine("cold_starts_total")
        self.assertEqual(self.served(), "qwen")
        self.assertEqual(self.machine("cold_starts_total"), before + 1)
        self.assertGreaterEqual(self.machine("cold_start_seconds"), 0)
        name = next(r["model"] for r in self.sim.records(RACK))
        self.server.pages = {"/api/ps": (200, b'{"models": [{"name": "%s:latest"}]}' % name.encode())}
        harness.wait_for("it to be loaded", lambda: self.machine("model_loaded", loaded) == 1)
        self.assertEqual(self.served(), "qwen")
        self.assertEqual(self.machine("cold_starts_total"), before + 1)


if __name__ == "__main__":
    unittest.main()
