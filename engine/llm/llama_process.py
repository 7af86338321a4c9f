"""The process in which llama.cpp serves one model file, on loopback and for whoever has the key.

Standard input has one line, {"model": path, "key": text}; the answer is one line, {"ok": address}
or {"error": text}. The process ends with its standard input, so it cannot outlive its parent.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

# In tokens: of the whole window, and of one answer. What is asked here needs a few hundred.
WINDOW, LONGEST_ANSWER = 4_096, 200


def serve() -> None:
    # The protocol keeps the real standard output; what native code prints must not mix with it.
    with os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1) as out:
        os.dup2(2, 1)
        wanted = json.loads(sys.stdin.readline())
        try:
            server = _server(wanted["model"], wanted["key"])
            answer = {"ok": server.listening_address}
        except ModuleNotFoundError:
            answer = {"error": 'llama.cpp is not installed: pip install "intentbot-tui[local]"'}
        except Exception as error:  # it raises bare `RuntimeError`s
            answer = {"error": f"llama.cpp cannot load the model file: {error}"}
        out.write(json.dumps(answer) + "\n")
        out.flush()
        sys.stdin.read()
        os._exit(0)


def _server(model: str, key: str) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.hostnames, params.port, params.api_keys = ["127.0.0.1"], 0, [key]
    params.n_ctx, params.n_parallel, params.n_predict = WINDOW, 1, LONGEST_ANSWER
    params.use_jinja = True
    params.sampling.temp = 0.2  # it rewords, and invents nothing
    params.enable_reasoning = 0
    params.cpuparams.poll = 0  # its threads do not wait for each other by spinning
    params.ui = params.endpoint_props = params.endpoint_slots = False
    return xllamacpp.Server(params)


if __name__ == "__main__":
    serve()
