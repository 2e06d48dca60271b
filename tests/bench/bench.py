"""What frugald costs, measured against nginx in the same run, with the same upstream and the same client.

usage: bench.py [--quick] [--json FILE] [--only NAME,...]

Client, upstream and proxy share the machine, so CPU time of the proxy's process and its instructions are the
figures; throughput is information. Scenarios run one after another, nginx and frugald in turn."""

import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ.get("FRUGALD_BUILD", ROOT / "build/bench"))
KEY = "Authorization: Bearer {secret}"
PROSE = ("The committee met on Thursday to weigh the proposals for the harbour. Three of them ask for a longer pier, two for "
         "a new crane, and one, which nobody had expected, for leaving everything as it is. ")

NGINX = """
daemon off; worker_processes 1; master_process off; pid {dir}/nginx.pid; error_log {dir}/nginx.log;
worker_rlimit_nofile 20000;
events {{ worker_connections 20000; }}
http {{
	access_log off; client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy;
	fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
	keepalive_requests 1000000000; client_max_body_size 16m;
	proxy_http_version 1.1; proxy_set_header Connection ""; proxy_read_timeout 600s;
	proxy_ssl_trusted_certificate {dir}/cert.pem; proxy_ssl_verify on; proxy_ssl_name localhost;
	upstream sim {{ server 127.0.0.1:{plain}; keepalive 1024; keepalive_requests 1000000000; }}
	upstream tls {{ server 127.0.0.1:{tls}; keepalive 1024; keepalive_requests 1000000000; }}
	server {{ listen 127.0.0.1:{whole} backlog=4096; location / {{ proxy_pass http://sim; }} }}
	server {{ listen 127.0.0.1:{stream} backlog=4096; proxy_buffering off; location / {{ proxy_pass http://sim; }} }}
	server {{ listen 127.0.0.1:{secure} backlog=4096; proxy_buffering off; location / {{ proxy_pass https://tls; }} }}
}}
"""

POLICY = """
version: 1
listen: 127.0.0.1:{front}
admin: {{listen: 127.0.0.1:{admin}}}
state: {dir}/state
keys_file: {dir}/keys.yaml
log: {dir}/requests.log
workers: 1
limits: {{connections: 12000, slots: 12000}}
providers:
  sim: {{api: openai, url: "http://127.0.0.1:{plain}/v1", region: us, allow_private: true}}
  tls: {{api: openai, url: "https://localhost:{tls}/v1", region: us, allow_private: true, ca_file: {dir}/cert.pem}}
models:
  sol:    {{is: openai/gpt-5.6-sol, at: [sim], tier: frontier}}
  luna:   {{is: openai/gpt-5.6-luna, at: [sim], tier: small}}
  secure: {{is: openai/gpt-5.6-luna, at: [tls], tier: small}}
routes:
  auto: {{candidates: [luna, sol], baseline: sol, keep_quality: 90%}}
teams:
  bench: {{may_use: all, rpm: 100000000, tpm: 100000000000, max_inflight: 20000, budget: {{usd: 1000000, per: month, warn_at: [80%]}}}}
budgets:
  - {{scope: daemon, usd: 2000000, per: day}}
  - {{each: key, usd: 1000000, per: hour}}
"""


def free_ports(n):
    socks = [socket.socket() for _ in range(n)]
    for s in socks:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in socks]
    for s in socks:
        s.close()
    return ports


def wait_port(port, process):
    for _ in range(1000):
        if process.poll() is not None:
            sys.exit(f"bench: {process.args[0]} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    sys.exit(f"bench: nothing listens on {port}")


class Process:
    """A server under measurement."""

    def __init__(self, name, argv, port, stop=signal.SIGTERM, log=None):
        self.name, self.stop_signal = name, stop
        out = open(log, "ab") if log else subprocess.DEVNULL
        self.popen = subprocess.Popen(argv, stdout=out, stderr=out)
        wait_port(port, self.popen)

    def cpu_us(self):
        """Time on a processor of all its threads."""
        total = 0
        for task in pathlib.Path(f"/proc/{self.popen.pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total / 1000

    def rss_kib(self):
        for line in pathlib.Path(f"/proc/{self.popen.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        return 0

    def stop(self):
        self.popen.send_signal(self.stop_signal)
        try:
            self.popen.wait(60)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            sys.exit(f"bench: {self.name} does not stop")


class Simulator:
    """frugald-sim: one plain port, one with TLS."""

    def __init__(self, folder):
        self.popen = subprocess.Popen(
            [BIN / "frugald-sim", "--port", "0", "--dialect", "openai,openai+tls", "--log", "0",
             "--tls", f"{folder}/cert.pem,{folder}/key.pem"], stdout=subprocess.PIPE, text=True)
        self.ports = [p["port"] for p in json.loads(self.popen.stdout.readline())["ports"]]

    def stop(self):
        self.popen.terminate()
        self.popen.wait(20)


class Bench:
    def __init__(self, quick):
        self.quick = quick
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="frugald-bench-"))
        names = ("whole", "stream", "secure", "front", "admin")
        self.ports = dict(zip(names, free_ports(len(names))))
        self.figures, self.gates = {}, []
        self.secret = ""

    # -- set-up --

    def write(self, name, text):
        (self.dir / name).write_text(text)
        return self.dir / name

    def certificate(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                        "-keyout", self.dir / "key.pem", "-out", self.dir / "cert.pem"],
                       check=True, capture_output=True)

    def body(self, name, text, model="auto", stream=False):
        return self.write(name, json.dumps({
            "model": model, "stream": stream, "temperature": 0.2, "messages": [
                {"role": "system", "content": "You answer briefly and to the point."}, {"role": "user", "content": text}]}))

    def argv(self, name, under=()):
        if name == "nginx":
            return [*under, "nginx", "-c", str(self.dir / "nginx.conf")]
        return [*under, str(BIN / "frugald"), "serve", "-c", str(self.dir / "frugald.yaml")]

    def start(self, name, under=()):
        port = self.ports["whole" if name == "nginx" else "front"]
        stop = signal.SIGQUIT if name == "nginx" else signal.SIGTERM
        return Process(name, self.argv(name, under), port, stop, self.dir / f"{name}.out")

    def prepare(self):
        self.certificate()
        self.sim = Simulator(self.dir)
        self.ports.update(zip(("plain", "tls"), self.sim.ports))
        values = dict(self.ports, dir=self.dir)
        self.write("nginx.conf", NGINX.format(**values))
        policy = self.write("frugald.yaml", POLICY.format(**values))
        self.write("keys.yaml", "version: 1\nkeys: []\n")
        (self.dir / "keys.yaml").chmod(0o600)
        out = subprocess.run([BIN / "frugald", "keys", "add", "bench", "--team", "bench", "-c", policy],
                             check=True, capture_output=True, text=True).stdout
        self.secret = next(w for w in out.split() if w.startswith("fr-"))

    # -- one run --

    def load(self, target, body, **options):
        argv = [str(BIN / "bench_load"), "--port", str(self.ports[target]), "--body", str(body),
                "--header", KEY.format(secret=self.secret)]
        for k, v in options.items():
            argv += ["--" + k, str(v)]
        run = subprocess.run(argv, capture_output=True, text=True)
        if run.returncode != 0:
            sys.exit(f"bench: {' '.join(argv)}\n{run.stdout}{run.stderr}")
        return json.loads(run.stdout)

    def measured(self, process, target, body, **options):
        before = process.cpu_us()
        result = self.load(target, body, **options)
        # What comes behind the answer (ledger, log) belongs to the request.
        time.sleep(0.3)
        result["cpu_us"] = process.cpu_us() - before
        return result

    def compare(self, name, targets, bodies, unit, **options):
        """The same load on both in turn, `unit` says what CPU is divided by."""
        rows = {}
        for who, target, body in zip(("nginx", "frugald"), targets, bodies):
            process = self.start(who)
            self.load(target, bodies[2], requests=64, connections=8)  # warm
            result = self.measured(process, target, body, **options)
            process.stop()
            result["cpu_us_each"] = result["cpu_us"] / result[unit]
            rows[who] = result
        rows["ratio"] = rows["frugald"]["cpu_us_each"] / rows["nginx"]["cpu_us_each"]
        self.figures[name] = rows
        return rows["ratio"]

    def gate(self, name, value, most):
        self.gates.append({"name": name, "value": round(value, 3), "most": most, "met": value <= most})

    # -- scenarios --

    def idle(self):
        process = self.start("frugald")
        time.sleep(6)  # until what the start has needed is given back
        self.figures["idle"] = {"rss_kib": process.rss_kib()}
        process.stop()
        self.gate("RSS idle, MiB", self.figures["idle"]["rss_kib"] / 1024, 16)

    def decision(self):
        """Classify and plan: six candidates, a prompt of 2 KB."""
        said = subprocess.run([BIN / "bench_plan"], check=True, capture_output=True, text=True).stdout.splitlines()
        words = {line.split()[0]: line.split() for line in said}
        both = words["both"]
        self.figures["decision"] = {"p50_us": int(both[2]) / 1000, "p99_us": int(both[5]) / 1000,
                                    "allocations": int(words["allocations"][1])}
        self.gate("decision, median, µs", self.figures["decision"]["p50_us"], 20)
        self.gate("decision, 99th percentile, µs", self.figures["decision"]["p99_us"], 60)
        self.gate("decision, allocations", self.figures["decision"]["allocations"], 0)

    def budgets(self):
        """Set aside and settled, with 5 budgets on the path, in 4 threads at once."""
        said = subprocess.run([BIN / "bench_budget", "4", "40000" if self.quick else "400000"],
                              check=True, capture_output=True, text=True).stdout.splitlines()
        words = {line.split()[0]: line.split() for line in said}
        self.figures["budgets"] = {"grant_us": int(words["grant"][1]) / 1000, "settle_us": int(words["settle"][1]) / 1000,
                                   "inexact": int(words["exact"][1] != "yes")}
        self.gate("budgets: CPU of a hold, µs", self.figures["budgets"]["grant_us"], 1)
        self.gate("budgets: CPU of its settlement, µs", self.figures["budgets"]["settle_us"], 1)
        self.gate("budgets: sums that are not exact", self.figures["budgets"]["inexact"], 0)

    def limits(self):
        """Let in, tokens held and settled, spend, over: of a key and its team, in one thread, and in 4 that do nothing else."""
        for threads, most in ((1, 0.4), (4, 3)):
            said = subprocess.run([BIN / "bench_limit", str(threads), "40000" if self.quick else "400000"],
                                  check=True, capture_output=True, text=True).stdout.splitlines()
            words = {line.split()[0]: line.split() for line in said}
            self.figures[f"limits_{threads}"] = {"cpu_us": int(words["cpu"][1]) / 1000, "left": int(words["left"][1])}
            self.gate(f"limits: CPU of a request, {threads} threads, µs", self.figures[f"limits_{threads}"]["cpu_us"], most)
            self.gate(f"limits: places not given back, {threads} threads", self.figures[f"limits_{threads}"]["left"], 0)

    def ledger(self):
        """Rows as real requests have them: raw usage, 5 tags, a plan of 6 candidates, a decision."""
        for keep in ("full", "slim"):
            said = subprocess.run([BIN / "bench_ledger", self.dir / f"ledger-{keep}", "20000" if self.quick else "100000", keep],
                                  check=True, capture_output=True, text=True).stdout
            self.figures[f"ledger_{keep}"] = json.loads(said)
            shutil.rmtree(self.dir / f"ledger-{keep}")
        self.gate("ledger: CPU of a request, µs (50,000 a second)", self.figures["ledger_full"]["cpu_us_per_request"], 20)
        self.gate("ledger: bytes of a request", self.figures["ledger_full"]["row_bytes_per_request"], 800)
        self.gate("ledger: the same with keep: slim", self.figures["ledger_slim"]["row_bytes_per_request"], 400)

    def summary(self):
        """A month of ten million requests by model, day and a tag of the roll-ups; one run of 200,000 rows."""
        said = subprocess.run([BIN / "bench_summary", self.dir / "summary"], check=True, capture_output=True, text=True).stdout
        self.figures["summary"] = json.loads(said)
        shutil.rmtree(self.dir / "summary")
        self.gate("summary over ten million requests, ms", self.figures["summary"]["days_ms"], 100)
        self.gate("summary of one run by its tag, ms", self.figures["summary"]["run_ms"], 20)
        self.gate("longest step of making days, ms", self.figures["summary"]["fold_longest_ms"], 50)

    def requests(self):
        body = self.body("request.json", (PROSE * 6)[:1000] + " How many proposals are there?")
        n = 2000 if self.quick else 30000
        for connections in (8, 64):
            ratio = self.compare(f"requests_{connections}", ("whole", "front"), (body, body, body), "requests",
                                 connections=connections, requests=n)
            self.gate(f"CPU per request at {connections} connections, x nginx", ratio, 3.8)

    def streams(self):
        body = self.body("stream.json", "[[sim events=64 gap_ms=20]] " + PROSE, stream=True)
        warm = self.body("warm.json", "hello")
        n = 100 if self.quick else 1000
        ratio = self.compare("streams", ("stream", "front"), (body, body, warm), "events",
                             connections=n, requests=n, ramp=2000)
        self.gate(f"CPU per SSE event at {n:,} streams, x nginx", ratio, 1.8)

    def many(self):
        body = self.body("many.json", "[[sim events=24 gap_ms=1000]] " + PROSE, stream=True)
        warm = self.body("warm.json", "hello")
        n = 500 if self.quick else 9000
        ratio = self.compare("many", ("stream", "front"), (body, body, warm), "events",
                             connections=n, requests=n, ramp=1500)
        self.gate(f"CPU per SSE event at {n:,} slow streams, x nginx", ratio, 2.2)

    def tls(self):
        n = 100 if self.quick else 1000
        text = "[[sim events=64 gap_ms=40]] " + PROSE
        body = self.body("tls.json", text, model="secure", stream=True)
        plain = self.body("plain.json", text, model="luna", stream=True)
        process = self.start("frugald")
        time.sleep(0.5)
        base = self.measured(process, "front", plain, connections=n, requests=n, ramp=500)
        process.stop()
        process = self.start("frugald")
        time.sleep(1)
        idle_kib, peak_kib = process.rss_kib(), 0
        before = process.cpu_us()
        load = subprocess.Popen([str(BIN / "bench_load"), "--port", str(self.ports["front"]), "--body", str(body),
                                 "--header", KEY.format(secret=self.secret), "--connections", str(n), "--requests", str(n),
                                 "--ramp", "500"], stdout=subprocess.PIPE, text=True)
        while load.poll() is None:
            peak_kib = max(peak_kib, process.rss_kib())
            time.sleep(0.05)
        result = json.loads(load.stdout.read())
        time.sleep(0.3)
        cpu = process.cpu_us() - before
        counters = self.metrics("frugald_tls_handshakes_total", "frugald_tls_resumed_total")
        process.stop()
        self.figures["tls"] = {
            "plain": base, "tls": dict(result, cpu_us=cpu), "handshakes": counters[0], "resumed": counters[1],
            "cpu_ms_per_connection": (cpu - base["cpu_us"]) / n / 1000, "kib_per_stream": (peak_kib - idle_kib) / n}
        self.gate("TLS upstream: CPU per new connection, ms", self.figures["tls"]["cpu_ms_per_connection"], 3)
        self.gate("TLS upstream: share not resumed", 1 - counters[1] / max(counters[0], 1), 0.1)
        self.gate("TLS upstream: KiB per live stream", self.figures["tls"]["kib_per_stream"], 128)

    def metrics(self, *names):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['admin']}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        return [sum(float(line.split()[-1]) for line in lines
                    if line.startswith(n + " ") or line.startswith(n + "{")) for n in names]

    def latency(self):
        body = self.body("latency.json", (PROSE * 6)[:1000])
        n = 1000 if self.quick else 10000
        rows = {"direct": self.load("plain", body, connections=32, requests=n, rate=1000)}
        for who, target in (("nginx", "whole"), ("frugald", "front")):
            process = self.start(who)
            self.load(target, body, requests=256, connections=32)
            rows[who] = self.measured(process, target, body, connections=32, requests=n, rate=1000)
            process.stop()
        for who in ("nginx", "frugald"):
            rows[who]["added_p50_us"] = rows[who]["p50_us"] - rows["direct"]["p50_us"]
            rows[who]["added_p99_us"] = rows[who]["p99_us"] - rows["direct"]["p99_us"]
        self.figures["latency"] = rows
        self.gate("added p99 at 1,000 requests/s, ms", rows["frugald"]["added_p99_us"] / 1000, 1)

    def collected(self, who, target, body, **options):
        """Instructions of a whole run under callgrind."""
        out = self.dir / f"{who}.callgrind"
        process = self.start(who, ("valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"))
        self.load(target, body, **options)
        process.stop()
        for line in out.read_text().splitlines():
            if line.startswith(("summary:", "totals:")):
                return int(line.split()[1])
        sys.exit("bench: callgrind counted nothing")

    def instructions(self):
        whole = self.body("request.json", (PROSE * 6)[:1000] + " How many proposals are there?")
        short = self.body("short.json", "[[sim events=16 gap_ms=0]] " + PROSE, stream=True)
        long = self.body("long.json", "[[sim events=1016 gap_ms=1]] " + PROSE, stream=True)
        rows = {}
        for who, (a, b) in {"nginx": ("whole", "stream"), "frugald": ("front", "front")}.items():
            few = self.collected(who, a, whole, requests=200, connections=8)
            more = self.collected(who, a, whole, requests=1200, connections=8)
            begin = self.collected(who, b, short, requests=8, connections=8)
            end = self.collected(who, b, long, requests=8, connections=8)
            rows[who] = {"per_request": (more - few) / 1000, "per_event": (end - begin) / 8000}
        for unit in ("per_request", "per_event"):
            rows[f"ratio_{unit}"] = rows["frugald"][unit] / rows["nginx"][unit]
        self.figures["instructions"] = rows

    def run(self, names):
        try:
            self.prepare()
            for name in names:
                print(f"-- {name}", file=sys.stderr, flush=True)
                getattr(self, name)()
            self.sim.stop()
        finally:
            self.keep_logs()

    def keep_logs(self):
        logs = ROOT / "build/bench-logs"
        logs.mkdir(parents=True, exist_ok=True)
        for f in self.dir.glob("*.out"):
            shutil.copy(f, logs)
        shutil.rmtree(self.dir, ignore_errors=True)


def table(bench):
    print(f"{'figure':58} {'measured':>10} {'at most':>8}")
    for g in bench.gates:
        print(f"{g['name']:58} {g['value']:>10} {g['most']:>8} {'' if g['met'] else '  NOT MET'}")
    for name, rows in bench.figures.items():
        for who in ("nginx", "frugald"):
            if who in rows and "cpu_us_each" in rows[who]:
                r = rows[who]
                print(f"{name:14} {who:8} {r['cpu_us_each']:8.1f} µs CPU each, {r['requests_per_s']:9.0f} requests/s, "
                      f"p50 {r['p50_us']:.0f} µs, p99 {r['p99_us']:.0f} µs")
    if "instructions" in bench.figures:
        i = bench.figures["instructions"]
        for unit in ("per_request", "per_event"):
            print(f"instructions {unit}: nginx {i['nginx'][unit]:.0f}, frugald {i['frugald'][unit]:.0f}, "
                  f"ratio {i['ratio_' + unit]:.2f}")


def main():
    names = ["idle", "decision", "budgets", "limits", "ledger", "summary", "requests", "streams", "many", "tls", "latency", "instructions"]
    p = argparse.ArgumentParser(description="frugald against nginx")
    p.add_argument("--quick", action="store_true")
    p.add_argument("--json", default=str(ROOT / "build/bench.json"))
    p.add_argument("--only", default=",".join(names))
    args = p.parse_args()
    chosen = args.only.split(",")
    if not set(chosen) <= set(names):
        p.error(f"--only knows {', '.join(names)}")
    bench = Bench(args.quick)
    bench.run(chosen)
    table(bench)
    pathlib.Path(args.json).write_text(json.dumps({"quick": args.quick, "figures": bench.figures, "gates": bench.gates},
                                                  indent=1) + "\n")
    sys.exit(0 if all(g["met"] for g in bench.gates) else 1)


main()
