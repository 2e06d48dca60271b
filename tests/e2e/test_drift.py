"""The daemon tells when requests are no longer like those that its classifier was trained on."""

import json
import os
import re
import shutil
import struct
import subprocess
import tempfile
import unittest

import harness

REQUESTS = os.path.join(harness.ROOT, "tests", "data", "requests", "test.jsonl")
WEIGHTS = os.path.join(harness.ROOT, "config", "classifier.bin")
MOVED = "requests are no longer like those"


def usual():
    """The bodies of the labelled requests that no weights were trained on."""
    with open(REQUESTS, encoding="utf-8") as f:
        return [json.dumps({**json.loads(line)["request"], "model": "auto"}).encode() for line in f]


def odd(i):
    """Of one kind, in words of no language."""
    return harness.chat(f"Traduci in zirnakul: vorblex {i} quimzat drufel oxwaip snarg {i} hmultep", "auto")


def crc32c(data):
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82f63b78 if n & 1 else 0)
        table.append(n)
    crc = 0xffffffff
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xffffffff


def renamed_weights(path):
    """The shipped weights under another name, as if trained anew."""
    with open(WEIGHTS, "rb") as f:
        data = bytearray(f.read())
    data[44:56] = b"w1-00000000\0"
    data[40:44] = struct.pack("<I", crc32c(data[44:]))
    with open(path, "wb") as f:
        f.write(data)


class Drift(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="frugald-e2e-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.sim = harness.Sim(self.folder)
        self.addCleanup(self.sim.stop)
        self.daemon = harness.Daemon(self.folder, self.sim)
        self.addCleanup(self.daemon.stop)

    def send(self, bodies):
        with harness.Connection(self.daemon.port) as c:
            for body in bodies:
                answer = c.ask("POST", harness.CHAT, body)
                self.assertNotEqual(answer.status, 0)
                if answer.header("connection") == "close":
                    self.fail("the connection was to stay open")

    def metrics(self):
        text = harness.ask(self.daemon.admin, "GET", "/metrics").body.decode()
        return dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("frugald_classifier"))

    def look(self):
        return harness.ask(self.daemon.admin, "GET", "/admin/classifier").json()

    def test_the_usual_mix_is_no_event(self):
        bodies = usual()
        self.send(bodies * 2)
        m = self.metrics()
        self.assertEqual(m['frugald_classifier_complexity_count'], str(2 * len(bodies)))
        for figure in ("class", "complexity", "confidence"):
            self.assertLess(float(m[f'frugald_classifier_psi{{figure="{figure}"}}']), 0.25)
            self.assertEqual(m[f'frugald_classifier_moves_total{{figure="{figure}"}}'], "0")
        self.assertEqual(self.look()["events"], [])
        self.assertNotIn(MOVED, self.daemon.said())

    def test_requests_of_an_odd_kind_are_told(self):
        self.send(odd(i) for i in range(499))
        self.assertNotIn('frugald_classifier_psi{figure="class"}', self.metrics())  # too few
        self.send(odd(i) for i in range(101))
        harness.wait_for("lines in the log, though nobody looks", lambda: self.daemon.said().count(MOVED) == 3)
        m = self.metrics()
        self.assertEqual(sum(int(v) for k, v in m.items() if k.startswith("frugald_classifier_class_total{")), 600)
        self.assertGreater(float(m["frugald_classifier_unknown_words_share"]), 0.3)
        for figure in ("class", "complexity", "confidence"):
            self.assertGreater(float(m[f'frugald_classifier_psi{{figure="{figure}"}}']), 0.25)
            self.assertEqual(m[f'frugald_classifier_moved{{figure="{figure}"}}'], "1")
        self.metrics()  # an event comes once
        self.assertEqual(self.daemon.said().count(MOVED), 3)
        said = "".join(x for x in self.daemon.said().splitlines() if MOVED in x)
        self.assertRegex(said, r"PSI of confidence \d\.\d\d, above 0\.25 \(confidence 0\.\d-\d\.\d is "
                                             r"[\d.]+ % of about the last [56]\d\d requests, [\d.]+ % in the training set\)")
        got = self.look()
        self.assertEqual([f["state"] for f in got["figures"]], ["moved"] * 3)
        self.assertEqual([e["figure"] for e in got["events"]], ["confidence", "complexity", "class"])
        for figure in got["figures"]:
            for side in ("training", "now"):
                self.assertAlmostEqual(sum(b[side] for b in figure["bins"]), 1, places=2)
        self.reported()
        self.begins_anew()

    def reported(self):
        env = {**os.environ, "FRUGALD_URL": f"http://127.0.0.1:{self.daemon.admin}"}
        words = [harness.FRUGALD, "report", "--show", "classifier"]
        text = subprocess.run(words, env=env, capture_output=True, text=True, check=True).stdout
        self.assertEqual(len(re.findall(r"PSI [\d.]+: moved away", text)), 3)
        self.assertIn("translation ", text)
        self.assertIn(MOVED, text)
        raw = subprocess.run([*words, "--json"], env=env, capture_output=True, text=True, check=True).stdout
        self.assertEqual(json.loads(raw)["object"], "frugald.classifier")
        self.assertEqual(subprocess.run([*words, "--state", self.folder], capture_output=True, check=False).returncode, 2)

    def begins_anew(self):
        """With other weights what was counted before says nothing; with the same it stays."""
        before = self.look()["weights"]
        self.daemon.reload()
        self.assertEqual(self.look()["requests"], 600)
        path = os.path.join(self.folder, "other.bin")
        renamed_weights(path)
        self.daemon.write(tail=f"classifier: {path}")
        self.assertNotIn("refused", self.daemon.reload())
        got = harness.wait_for("the new weights", lambda: self.look()["weights"] != before and self.look())
        self.assertEqual((got["weights"], got["requests"]), ("w1-00000000", 0))
        self.assertEqual({f["state"] for f in got["figures"]}, {"too_few"})
        self.send(odd(i) for i in range(20))
        self.assertEqual(self.look()["requests"], 20)
        self.assertEqual(sum(b["since_start"] for b in self.look()["figures"][0]["bins"]), 620)


if __name__ == "__main__":
    unittest.main()
