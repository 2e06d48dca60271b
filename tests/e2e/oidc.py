"""A small OIDC issuer: a key pair, a server under TLS with the two documents, and tokens, good ones and bad ones. Keys,
certificate and signatures are made by the openssl command."""

import base64
import http.server
import json
import os
import ssl
import subprocess
import threading
import time


def openssl(*words, stdin=b""):
    return subprocess.run(["openssl", *words], input=stdin, check=True, capture_output=True, timeout=60).stdout


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def raw_ecdsa(der):
    """r and s of a DER signature, 32 bytes each."""
    out, at = b"", 2
    for _ in range(2):
        length = der[at + 1]
        out += int.from_bytes(der[at + 2:at + 2 + length], "big").to_bytes(32, "big")
        at += 2 + length
    return out


class Key:
    """RS256 or ES256."""

    def __init__(self, folder, kid, alg="RS256"):
        self.kid, self.alg, self.path = kid, alg, os.path.join(folder, f"{kid}.pem")
        make = ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048") if alg == "RS256" else \
               ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        openssl("genpkey", *make, "-out", self.path)

    def jwk(self):
        if self.alg == "RS256":
            modulus = openssl("rsa", "-in", self.path, "-noout", "-modulus").decode().strip().split("=")[1]
            return {"kty": "RSA", "kid": self.kid, "use": "sig", "alg": "RS256", "n": b64(bytes.fromhex(modulus)), "e": "AQAB"}
        point = openssl("ec", "-in", self.path, "-pubout", "-outform", "DER")[-64:]
        return {"kty": "EC", "kid": self.kid, "crv": "P-256", "use": "sig", "x": b64(point[:32]), "y": b64(point[32:])}

    def sign(self, claims, **head):
        head = {"alg": self.alg, "typ": "JWT", "kid": self.kid, **head}
        text = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(claims).encode())}"
        signature = openssl("dgst", "-sha256", "-sign", self.path, stdin=text.encode())
        return f"{text}.{b64(signature if self.alg == 'RS256' else raw_ecdsa(signature))}"


class Issuer:
    """Serves at https://localhost:PORT. `documents` may be changed; `asked` are the paths that were asked for."""

    def __init__(self, folder):
        self.key, self.cert = os.path.join(folder, "issuer.pem"), os.path.join(folder, "issuer.crt")
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-out", self.cert, "-days", "2",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
        self.asked, self.status, self.headers = [], 200, {}
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.asked.append(self.path)
                body = json.dumps(issuer.documents.get(self.path, {})).encode()
                self.send_response(issuer.status if self.path in issuer.documents else 404)
                for name, value in issuer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    pass  # who asked has had enough

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, self.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_address[1]}"
        self.documents = {"/.well-known/openid-configuration": {"issuer": self.url, "jwks_uri": self.url + "/keys"},
                          "/keys": {"keys": []}}
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def has(self, *keys):
        self.documents["/keys"] = {"keys": [k.jwk() for k in keys]}

    def claims(self, **more):
        now = int(time.time())
        return {"iss": self.url, "aud": "frugald", "iat": now, "nbf": now - 5, "exp": now + 300, "sub": "repo:acme/shop",
                "repository_owner": "acme", "run_id": "184", "workflow": "Build & test", "sha": "0a1b2c", **more}

    def close(self):
        self.server.shutdown()
        self.server.server_close()
