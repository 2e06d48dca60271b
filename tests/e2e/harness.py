"""What the end-to-end tests share: starts frugald-sim and `frugald serve` in a folder of their own, speaks
HTTP byte by byte, reads the ledger.

The programs come from FRUGALD and FRUGALD_SIM, else from build/dev. Everything listens on 127.0.0.1 on ports
that were free. Nothing here sleeps for a fixed time and hopes: wait_for() asks until a condition holds."""

import collections
import datetime
import json
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FRUGALD = os.environ.get("FRUGALD", os.path.join(ROOT, "build", "dev", "frugald"))
FRUGALD_SIM = os.environ.get("FRUGALD_SIM", os.path.join(ROOT, "build", "dev", "frugald-sim"))
QUICK = os.environ.get("FRUGALD_TEST_QUICK") == "1"
PATIENCE = 30.0  # seconds; a sanitizer on a busy machine is slow

# Ports of the simulator, by index.
OPENAI, ANTHROPIC, RACK, BACKUP, CONTROL = range(5)


def wait_for(what, condition, seconds=PATIENCE):
    """The first true value of condition(); fails when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds:g} s (last: {value!r})")
        time.sleep(0.005)


def free_ports(count):
    """Ports that nobody listens on now; from below the range of which the kernel takes ports for outgoing
    connections, so that none of those is in the way a moment later."""
    found = []
    while len(found) < count:
        port = random.randrange(15000, 32000)
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


# -- HTTP, byte by byte -----------------------------------------------------------------------

class Answer:
    """One answer: status, headers as they came, body as bytes (chunks taken off), how it ended.

    end: "whole" (by its length or last chunk), "eof" (the connection closed first) or "reset"."""

    def __init__(self):
        self.status, self.headers, self.body, self.end, self.head = 0, [], b"", "", b""
        self.first_byte = 0.0

    def header(self, name):
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)

    def json(self):
        return json.loads(self.body)

    def events(self):
        return parse_events(self.body)

    def __repr__(self):
        return f"<{self.status} {self.end} {self.body[-400:]!r}>"


Event = collections.namedtuple("Event", "name data raw")


def parse_events(raw):
    """Whole events of a stream of server-sent events."""
    found = []
    for block in raw.split(b"\n\n")[:-1]:
        name, data = "", []
        for line in block.split(b"\n"):
            field, _, value = line.partition(b":")
            value = value[1:] if value.startswith(b" ") else value
            if field == b"event":
                name = value.decode()
            elif field == b"data":
                data.append(value)
        if data or name:
            found.append(Event(name, b"\n".join(data), block + b"\n\n"))
    return found


class Connection:
    """A client's connection. send() and read() may be apart, so that a test can look between them."""

    def __init__(self, port, seconds=PATIENCE):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer, self.eof, self.answer, self.chunked, self.left = b"", "", None, False, None

    def close(self):
        self.socket.close()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, method, path, body=None, headers=()):
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
        given = dict(headers)
        if body is not None:
            given.setdefault("Content-Type", "application/json")
            given.setdefault("Content-Length", str(len(body)))
        lines += [f"{n}: {v}" for n, v in given.items()]
        self.socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b""))

    def fill(self):
        """More bytes; False at the end, self.eof says which."""
        if self.eof:
            return False
        try:
            piece = self.socket.recv(65536)
        except ConnectionError:
            self.eof = "reset"
            return False
        if not piece:
            self.eof = "eof"
        self.buffer += piece
        return bool(piece)

    def line(self):
        while b"\r\n" not in self.buffer:
            if not self.fill():
                return None
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line

    def read_head(self):
        self.answer = a = Answer()
        while True:
            first = self.line()
            a.first_byte = time.monotonic()
            if first is None:
                a.end = self.eof
                return a
            a.status, a.headers, lines = int(first.split()[1]), [], [first]
            while True:
                line = self.line()
                if line is None:
                    a.end = self.eof
                    return a
                if not line:
                    break
                lines.append(line)
                n, _, v = line.decode("latin-1").partition(":")
                a.headers.append((n.strip(), v.strip()))
            if a.status >= 200:
                break
        a.head = b"\r\n".join(lines)
        self.chunked = (a.header("transfer-encoding") or "").lower() == "chunked"
        length = a.header("content-length")
        self.left = int(length) if length is not None and not self.chunked else None
        return a

    def read_some(self):
        """The next piece of the body; b"" when it is over, answer.end says how."""
        a = self.answer
        if a.end:
            return b""
        if self.chunked and not self.left:
            size = self.line()
            if size is None:
                a.end = self.eof
                return b""
            self.left = int(size.split(b";")[0], 16)
            if self.left == 0:
                while self.line():
                    pass
                a.end = "whole"
                return b""
        if self.left == 0:
            a.end = "whole"
            return b""
        if not self.buffer and not self.fill():
            a.end = self.eof
            return b""
        piece = self.buffer if self.left is None else self.buffer[:self.left]
        self.buffer = self.buffer[len(piece):]
        if self.left is not None:
            self.left -= len(piece)
            if self.left == 0 and self.chunked:
                self.line()
        a.body += piece
        return piece

    def read_until(self, enough):
        """Reads until enough(answer) or the end."""
        while not enough(self.answer) and (self.read_some() or not self.answer.end):
            pass
        return self.answer

    def read(self):
        self.read_head()
        return self.read_until(lambda a: a.end)

    def ask(self, method, path, body=None, headers=()):
        self.send(method, path, body, headers)
        return self.read()


def ask(port, method, path, body=None, headers=(), seconds=PATIENCE):
    """One request on a connection of its own."""
    with Connection(port, seconds) as c:
        return c.ask(method, path, body, headers)


# -- programs -----------------------------------------------------------------------------------

class Program:
    """A child whose standard error is kept in a file."""

    def __init__(self, argv, folder, name, env=None):
        self.name, self.log = name, os.path.join(folder, name + ".err")
        with open(self.log, "wb") as err:
            self.process = subprocess.Popen(argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=err, env={**os.environ, **(env or {})})
        self.pid = self.process.pid

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def signal(self, number):
        self.process.send_signal(number)

    def alive(self):
        return self.process.poll() is None

    def wait(self, seconds=PATIENCE):
        return self.process.wait(seconds)

    def stop(self, seconds=PATIENCE):
        """SIGTERM; gives the exit code, None when it had to be killed."""
        if self.alive():
            self.signal(signal.SIGTERM)
        try:
            return self.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None
        finally:
            self.process.stdout.close()


class Sim(Program):
    """frugald-sim and what one may say to it."""

    def __init__(self, folder, *options, dialects="openai,anthropic,openai,openai"):
        super().__init__([FRUGALD_SIM, "--port", "0", "--control", "0", "--dialect", dialects, *options],
                         folder, "sim")
        self.ports = [p["port"] for p in json.loads(self.process.stdout.readline() or b'{"ports":[]}')["ports"]]
        if not self.ports:
            raise AssertionError("frugald-sim does not start: " + self.said())
        self.control = self.ports[-1]

    def call(self, method, path, body=None):
        answer = ask(self.control, method, "/__sim/" + path, None if body is None else json.dumps(body).encode())
        if answer.status != 200:
            raise AssertionError(f"/__sim/{path}: {answer}")
        return answer

    def script(self, do, port=None, model=None, times=1):
        """The next `times` requests (0: all) that fit are answered so."""
        rule = {"do": do, "times": times}
        if port is not None:
            rule["port"] = port
        if model is not None:
            rule["model"] = model
        self.call("POST", "script", rule)

    def listen(self, port, state):
        self.call("POST", "script", {"port": port, "listen": state})

    def release(self):
        self.call("POST", "release", {})

    def reset(self):
        self.call("POST", "reset", {})

    def stats(self):
        return self.call("GET", "stats").json()

    def port_stats(self, port):
        return self.stats()["ports"][port]

    def records(self, port=None, since=0):
        text = self.call("GET", f"log?since={since}" + ("" if port is None else f"&port={port}")).body
        return [json.loads(line) for line in text.splitlines()]

    def wait_gated(self, count=1):
        wait_for(f"{count} answers at the gate", lambda: self.stats()["gated"] >= count)


POLICY = """version: 1
listen: 127.0.0.1:{listen}
state: {state}
workers: {workers}
admin: {{listen: "127.0.0.1:{admin}"}}
{top}
providers:
  openai:    {{api: openai,    url: "http://127.0.0.1:{openai}/v1", region: us, allow_private: true{openai_more}}}
  anthropic: {{api: anthropic, url: "http://127.0.0.1:{anthropic}", region: us, allow_private: true{anthropic_more}}}
  rack:      {{api: openai,    url: "http://127.0.0.1:{rack}/v1", region: onprem, local: true{rack_more}}}
  backup:    {{api: openai,    url: "http://127.0.0.1:{backup}/v1", region: us, book: openai, allow_private: true{backup_more}}}
models:
  sol:    {{is: openai/gpt-5.6-sol,        at: [openai, backup], tier: frontier}}
  luna:   {{is: openai/gpt-5.6-luna,       at: [openai],    tier: small}}
  spare:  {{is: openai/gpt-5.6-luna,       at: [backup],    tier: small}}
  opus:   {{is: anthropic/claude-opus-5,   at: [anthropic], tier: frontier}}
  sonnet: {{is: anthropic/claude-sonnet-5, at: [anthropic], tier: small}}
  qwen:   {{is: qwen/qwen3-32b,            at: [rack],      tier: local{qwen_more}}}
aliases: {{gpt-4o: auto, gpt-4o-mini: luna, "claude-*": coding}}
data:
  internal:     {{regions: [us, onprem]}}
  confidential: {{regions: [onprem]}}
routes:
  auto:   {{candidates: [qwen, luna, sol], baseline: sol, goal: cheapest, keep_quality: 90%}}
  coding: {{candidates: [sonnet, opus], baseline: opus, goal: cheapest, keep_quality: 95%}}
  pair:   {{candidates: [luna, spare], baseline: luna, goal: cheapest, keep_quality: 50%}}
  wide:   {{candidates: [qwen, spare, sol], baseline: sol, goal: cheapest, keep_quality: 10%}}
tags: {{app: rollup, env: rollup, run: index}}
{tail}
"""


class Daemon(Program):
    """`frugald serve` with a policy that has all providers at one simulator."""

    def __init__(self, folder, sim, env=None, policy=POLICY, **more):
        self.folder, self.state = folder, os.path.join(folder, "state")
        self.config = os.path.join(folder, "frugald.yaml")
        self.port, self.admin = free_ports(2)
        self.sim, self.policy = sim, policy
        self.values = {"workers": 2, "top": "", "tail": "", "qwen_more": "", "openai_more": "", "anthropic_more": "",
                       "rack_more": "", "backup_more": ""}
        self.write(**more)
        super().__init__([FRUGALD, "serve", "-c", self.config], folder, "frugald", env)
        wait_for("frugald's readiness", self.ready)

    def write(self, **more):
        """The policy's text, with these parts changed."""
        self.values.update(more)
        names = ("openai", "anthropic", "rack", "backup")
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(self.policy.format(listen=self.port, admin=self.admin, state=self.state,
                                       **dict(zip(names, self.sim.ports)), **self.values))

    def ready(self):
        if not self.alive():
            raise AssertionError("frugald ended at its start:\n" + self.said())
        try:
            return ask(self.admin, "GET", "/readyz").status == 200
        except OSError:
            return False

    def reload(self):
        """Rewrites nothing; asks for a reload and gives what the log says of it."""
        before = len(self.said())
        self.signal(signal.SIGHUP)

        def answer():
            fresh = self.said()[before:]
            return fresh if " reload" in fresh and fresh.endswith("\n") else ""
        return wait_for("an answer to SIGHUP", answer)

    def log_lines(self):
        """The JSON lines of finished requests so far."""
        return [json.loads(line) for line in self.said().splitlines() if line.startswith("{")]

    def rss_kib(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as f:
            return int(next(line for line in f if line.startswith("VmRSS")).split()[1])

    def summary(self, query=""):
        """The report over all scopes as soon as everything that has ended by now is in it."""
        now = datetime.datetime.now(datetime.timezone.utc)

        def look():
            s = ask(self.admin, "GET", "/v1/costs/summary?" + query).json()
            return datetime.datetime.fromisoformat(s["complete_until"].replace("Z", "+00:00")) >= now and s
        return wait_for("a complete report", look)

    # -- the ledger --

    def months(self):
        if not os.path.isdir(self.state):
            return []
        return sorted(os.path.join(self.state, n) for n in os.listdir(self.state)
                      if n.startswith("ledger-") and n.endswith(".db"))

    def query(self, sql, *args, months=None):
        found = []
        for path in months or self.months():
            db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=PATIENCE)
            try:
                db.row_factory = sqlite3.Row
                found += [dict(r) for r in db.execute(sql, args)]
            except sqlite3.OperationalError as e:
                if "no such " not in str(e):  # table or column: the month's file is just being made
                    raise
            finally:
                db.close()
        return found

    def rewritten(self, sql, *args):
        """A copy of the state folder in whose months something was changed, which the ledger itself forbids."""
        copy = os.path.join(self.folder, "rewritten")
        shutil.copytree(self.state, copy, ignore=shutil.ignore_patterns("*lock*"))
        for path in self.months():
            db = sqlite3.connect(os.path.join(copy, os.path.basename(path)))
            for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall():
                db.execute(f"DROP TRIGGER {name}")
            db.execute(sql, args)
            db.commit()
            db.close()
        return copy

    def requests(self, more, *args):
        """Rows of requests; each says in which month's file it is, because numbers begin anew in each."""
        return [{**r, "file": path} for path in self.months()
                for r in self.query(REQUESTS + " " + more, *args, months=[path])]

    def row(self, request_id):
        """The request's row of the ledger with its attempts, as soon as it is committed."""
        key = id_bytes(request_id)

        rows = wait_for(f"the ledger's row of {request_id}", lambda: self.requests("WHERE r.id=?", key))
        return self.with_attempts(rows[0])

    def with_attempts(self, row):
        """Numbers of closed sets become their names."""
        attempts = self.query(ATTEMPTS + " WHERE a.request=? ORDER BY a.n", row["seq"], months=[row["file"]])
        for a in attempts:
            a["outcome"], a["basis"] = OUTCOMES[a["outcome"]], BASES[a["basis"]]
            if a["shape_name"] is not None:
                a["raw_usage"] = raw_usage(a["shape_name"], a["raw_usage"])
        row = {**row, "tags": row["tags"] if row["tagset_name"] is None else row["tagset_name"]}
        return {**row, "outcome": OUTCOMES[row["outcome"]], "attempt": attempts}

    def last_row(self, count):
        """The newest row, when there are `count` of them."""
        def look():
            rows = self.requests("ORDER BY r.seq")
            return len(rows) >= count and rows[-1]
        return self.with_attempts(wait_for(f"{count} rows in the ledger", look))


def set_of(name, word):
    """The names of a closed set, from its .def file in the source."""
    with open(os.path.join(ROOT, "include", "core", name + ".def"), encoding="utf-8") as f:
        return re.findall(rf"^{word}\((\w+),", f.read(), re.M)


OUTCOMES, BASES = ["unset", *set_of("outcome", "OUTCOME")], set_of("basis", "BASIS")
TOKEN_KINDS = set_of("token", "TOKEN")


def names(table, *columns):
    return ", ".join(f"(SELECT text FROM name WHERE id={table}.{c}) AS {c}_name" for c in columns)


def raw_usage(shape, numbers):
    """A raw usage as it was told, from its words and its numbers."""
    values, value, shift = [], 0, 0
    for byte in numbers:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            values.append(str(value))
            value = shift = 0
    return re.sub("[\x01\x02]", lambda m: values.pop(0)[m.group() == "\x02":], shape)


REQUESTS = "SELECT r.*, " + names("r", "key", "team", "route", "asked", "data", "baseline", "decided", "tagset", "budget") + " FROM request r"
ATTEMPTS = ("SELECT a.*, " + names("a", "model", "provider", "price", "served_model", "service_tier", "shape")
            + " FROM attempt a")

DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def id_bytes(request_id):
    """The 16 bytes of a req_… id as the ledger has them."""
    number = 0
    for c in request_id.removeprefix("req_"):
        number = number * 32 + DIGITS.index(c)
    return number.to_bytes(16, "big")


# -- requests -----------------------------------------------------------------------------------

def chat(text, model="luna", **more):
    """The body of a chat completion as bytes."""
    return json.dumps({"model": model, "messages": [{"role": "user", "content": text}], **more}).encode()


def message(text, model="sonnet", **more):
    """The body of an Anthropic message as bytes."""
    return json.dumps({"model": model, "max_tokens": more.pop("max_tokens", 256),
                       "messages": [{"role": "user", "content": text}], **more}).encode()


CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"


class Case(unittest.TestCase):
    """A test class with one simulator and one daemon for all its tests; POLICY_PARTS changes the policy."""

    POLICY_PARTS = {}
    SIM_OPTIONS = ()
    ENV = None
    EXIT_CODE = 0

    @classmethod
    def setUpClass(cls):
        for program in (FRUGALD, FRUGALD_SIM):
            if not os.path.exists(program):
                raise unittest.SkipTest(f"{os.path.basename(program)} is not built")
        cls.folder = tempfile.mkdtemp(prefix="frugald-e2e-")
        cls.sim = cls.daemon = None
        try:
            cls.sim = Sim(cls.folder, *cls.SIM_OPTIONS)
            cls.prepare()
            cls.daemon = Daemon(cls.folder, cls.sim, cls.ENV, **cls.POLICY_PARTS)
        except BaseException:
            cls.clean_up()
            raise

    @classmethod
    def prepare(cls):
        """Before the daemon starts: files that its policy names."""

    @classmethod
    def clean_up(cls):
        codes = [p and p.stop() for p in (cls.daemon, cls.sim)]
        said = "".join(f"-- {p.name}: --\n{p.said()}" for p in (cls.daemon, cls.sim) if p)
        shutil.rmtree(cls.folder, ignore_errors=True)
        return codes, said

    @classmethod
    def tearDownClass(cls):
        codes, said = cls.clean_up()
        if codes[0] != cls.EXIT_CODE or codes[1] != 0:
            raise AssertionError(f"exit codes {codes}, expected [{cls.EXIT_CODE}, 0]; they said:\n{said}")

    def setUp(self):
        self.sim.reset()
        self.mark = len(self.daemon.said())

    def run(self, result=None):
        """What the daemon said during a test is shown when it fails."""
        before = len(result.failures) + len(result.errors) if result else 0
        result = super().run(result)
        if result and len(result.failures) + len(result.errors) > before and getattr(self, "daemon", None):
            print(f"-- {self.id()}: frugald said --\n{self.daemon.said()[getattr(self, 'mark', 0):]}", flush=True)
        return result

    # -- shorthands --

    def post(self, path, body, headers=(), seconds=PATIENCE):
        return ask(self.daemon.port, "POST", path, body, headers, seconds)

    def ask_chat(self, text, headers=(), **more):
        return self.post(CHAT, chat(text, **more), headers)

    def ask_message(self, text, headers=(), **more):
        return self.post(MESSAGES, message(text, **more), headers)

    def open(self, path, body, headers=()):
        """A request whose head has been read; close the connection yourself (or use with)."""
        c = Connection(self.daemon.port)
        c.send("POST", path, body, headers)
        c.read_head()
        return c

    def row_of(self, answer):
        return self.daemon.row(answer.header("x-request-id"))

    def assertAttempts(self, answer, *expected):
        """The ledger has these (model, provider, outcome, basis) for the answer's request, in order."""
        row = self.row_of(answer)
        self.assertEqual([(a["model_name"], a["provider_name"], a["outcome"], a["basis"]) for a in row["attempt"]],
                         list(expected))
        return row

    def assertError(self, answer, status, code):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.json()["error"]["code"], code, answer)


def together(count, work):
    """Calls work(i) for each i in its own thread; gives the results in order; raises the first failure."""
    results, failures = [None] * count, []

    def one(i):
        try:
            results[i] = work(i)
        except BaseException as e:  # whatever it is, it failed
            failures.append(e)
    threads = [threading.Thread(target=one, args=(i,)) for i in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failures:
        raise failures[0]
    return results
