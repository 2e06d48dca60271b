"""TLS towards providers: checked against the CA, resumed on further connections, the same bytes inside."""

import os
import shutil
import subprocess
import unittest

import harness
from harness import CHAT, OPENAI, chat

EXT = "basicConstraints=CA:TRUE\nsubjectAltName={san}\n"


@unittest.skipUnless(shutil.which("openssl"), "no openssl command here")
class UpstreamTls(harness.Case):
    SAN, TRUSTED = "IP:127.0.0.1", True

    @classmethod
    def make_certificate(cls, name, san):
        path = lambda end: os.path.join(cls.folder, name + end)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", path(".key"), "-out", path(".pem"), "-days", "2", "-subj", "/CN=simulated",
                        "-addext", "subjectAltName=" + san], check=True, capture_output=True, timeout=60)
        return path(".pem"), path(".key")

    @classmethod
    def prepare(cls):
        cls.sim.stop()
        own, key = cls.make_certificate("own", cls.SAN)
        other, _ = cls.make_certificate("other", cls.SAN)
        cls.sim = harness.Sim(cls.folder, "--tls", f"{own},{key}",
                              dialects="openai+tls,anthropic+tls,openai,openai")
        policy = harness.POLICY
        for name in ("openai", "anthropic"):
            policy = policy.replace(f'url: "http://127.0.0.1:{{{name}}}', f'url: "https://127.0.0.1:{{{name}}}')
        more = f", ca_file: {own if cls.TRUSTED else other}"
        cls.POLICY_PARTS = {"policy": policy, "workers": 1, "openai_more": more, "anthropic_more": more}

    def test_served(self):
        answer = self.ask_chat("[[sim events=5]] x", stream=True)
        self.assertEqual((answer.status, answer.events()[-1].data), (200, b"[DONE]"), answer)
        self.assertEqual(self.ask_message("x").status, 200)

    def test_resumed(self):
        """Connections opened together do one whole handshake at most; the others resume its session."""
        self.ask_chat("warm")
        self.sim.reset()
        streams = [self.open(CHAT, chat(f"[[sim events=4 gate=2]] {i}", stream=True)) for i in range(12)]
        self.sim.wait_gated(12)
        self.sim.release()
        for s in streams:
            self.assertEqual(s.read_until(lambda a: a.end).events()[-1].data, b"[DONE]")
            s.close()
        stats = self.sim.port_stats(OPENAI)
        self.assertGreater(stats["handshakes"], 8)
        self.assertGreaterEqual(stats["resumed"], stats["handshakes"] - 1, stats)

    def test_large_answers(self):
        answer = self.ask_chat("[[sim events=512 bytes=4096]] x", stream=True)
        self.assertEqual(sum(len(e.data) > 3000 for e in answer.events()), 512)
        self.assertEqual(answer.events()[-1].data, b"[DONE]")
        answer = self.ask_chat("word " * 100000)
        self.assertEqual(answer.status, 200, answer)

    def test_cut(self):
        answer = self.ask_chat("[[sim events=9 fault=cut_after:3]] x", stream=True)
        self.assertNotIn(b"[DONE]", answer.body)
        self.assertEqual(self.row_of(answer)["attempt"][0]["outcome"], "cut")


class NotTrusted(UpstreamTls):
    """A certificate that does not hold: nothing is sent."""
    TRUSTED = False
    test_served = test_resumed = test_large_answers = test_cut = None

    def test_refused(self):
        for answer in (self.ask_chat("secret"), self.ask_message("secret")):
            self.assertEqual(answer.status, 502, answer)
            attempt = self.row_of(answer)["attempt"][0]
            self.assertEqual((attempt["outcome"], attempt["basis"], attempt["amount_pusd"]), ("refused_connect", "none", 0))
        self.assertEqual(self.sim.records(), [])


class AnotherName(NotTrusted):
    """A good certificate of somebody else."""
    TRUSTED, SAN = True, "DNS:somebody.example"


if __name__ == "__main__":
    unittest.main()
