"""Trained classifiers on disk: found again, never trusted, nobody else's."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from engine.offline import classifier_cache
from engine.offline.classifier import Class, Classifier, Vectors

pytestmark = pytest.mark.slow

CLASSES = (
    Class("tea", ("make tea", "brew a pot", "a cup please"), against=("tea towel",)),
    Class("lamp", ("lights on", "dim the lamp", "brighter")),
    Class("joke", ("tell a joke", "be funny"), yields_at=0.9),
)
MODEL = "0123456789abcdef"


class Embedder:
    """A stand-in of 16 dimensions that remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        seeds = [np.random.default_rng(list(text.encode())) for text in texts]
        rows = np.array([seed.normal(size=16) for seed in seeds], np.float32)
        unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "heads"


def shares(classifier: Classifier) -> tuple[float, ...]:
    return classifier.score(["make me some tea"])[0].probabilities


def test_a_second_start_embeds_nothing_and_says_the_same(folder: Path) -> None:
    first, again = Embedder(), Embedder()
    trained, was_kept = classifier_cache.load_or_train(CLASSES, first, folder, MODEL)
    read, is_kept = classifier_cache.load_or_train(CLASSES, again, folder, MODEL)

    assert (was_kept, is_kept) == (False, True)
    assert again.asked == []
    assert shares(read) == pytest.approx(shares(trained), abs=1e-6)


def test_only_new_phrases_are_embedded(folder: Path) -> None:
    classifier_cache.load_or_train(CLASSES, Embedder(), folder, MODEL)
    changed = (Class("tea", (*CLASSES[0].phrases, "earl grey")), *CLASSES[1:])
    embedder = Embedder()

    classifier_cache.load_or_train(changed, embedder, folder, MODEL)

    assert embedder.asked == ["earl grey"]


def test_another_model_shares_nothing(folder: Path) -> None:
    classifier_cache.load_or_train(CLASSES, Embedder(), folder, MODEL)
    embedder = Embedder()

    _, kept = classifier_cache.load_or_train(CLASSES, embedder, folder, "another-model")

    assert not kept
    assert len(embedder.asked) == 9


@pytest.mark.parametrize(
    "content",
    [b"", b"not an archive", b"PK\x03\x04 cut off"],
    ids=["empty", "foreign", "cut"],
)
def test_a_broken_file_is_made_anew(folder: Path, content: bytes) -> None:
    classifier_cache.load_or_train(CLASSES, Embedder(), folder, MODEL)
    (path,) = folder.iterdir()
    path.write_bytes(content)

    _, kept = classifier_cache.load_or_train(CLASSES, Embedder(), folder, MODEL)

    assert not kept
    assert classifier_cache.load_or_train(CLASSES, Embedder(), folder, MODEL)[1]


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("weights", np.full((8, 3), np.nan, np.float32)),
        ("weights", np.zeros((8, 2), np.float32)),
        ("known", np.array([10**6])),
        ("gain", np.array(["much"])),
        ("mean", np.array([{"a": 1}], dtype=object)),
    ],
    ids=["not a number", "other classes", "beyond the rows", "text", "an object"],
)
def test_arrays_that_do_not_fit_are_made_anew(folder: Path, name: str, array: Vectors) -> None:
    classifier_cache.load_or_train(CLASSES, Embedder(), folder, MODEL)
    (path,) = folder.iterdir()
    with np.load(path) as data:
        arrays = {key: data[key] for key in data.files} | {name: array}
    with path.open("wb") as file:
        np.savez(file, **arrays)

    _, kept = classifier_cache.load_or_train(CLASSES, Embedder(), folder, MODEL)

    assert not kept


def test_a_missing_array_is_made_anew(folder: Path) -> None:
    classifier_cache.load_or_train(CLASSES, Embedder(), folder, MODEL)
    (path,) = folder.iterdir()
    with path.open("wb") as file:
        np.savez(file, vectors=np.zeros((9, 16), np.float32))

    assert not classifier_cache.load_or_train(CLASSES, Embedder(), folder, MODEL)[1]


def test_nobody_else_reads_or_writes_them(folder: Path) -> None:
    classifier_cache.load_or_train(CLASSES, Embedder(), folder, MODEL)
    (path,) = folder.iterdir()

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_folder_that_others_may_write_is_left_alone(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)

    classifier, kept = classifier_cache.load_or_train(CLASSES, Embedder(), folder, MODEL)

    assert shares(classifier)
    assert not kept
    assert list(folder.iterdir()) == []


def test_without_a_place_to_keep_them_it_works_all_the_same(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")

    assert shares(classifier_cache.load_or_train(CLASSES, Embedder(), blocked / "heads", MODEL)[0])
    assert shares(classifier_cache.load_or_train(CLASSES, Embedder(), None, MODEL)[0])


def test_old_ones_go(folder: Path) -> None:
    for number in range(classifier_cache.KEPT + 3):
        classes = (Class("tea", (f"tea {number}", "more tea")), *CLASSES[1:])
        classifier_cache.load_or_train(classes, Embedder(), folder, MODEL)

    assert len(list(folder.iterdir())) == classifier_cache.KEPT


def test_many_phrases_are_learnt_by_some_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.offline import kernel_ridge

    classes = [
        Class(word, tuple(f"{word} {n} please" for n in range(40))) for word in ("tea", "lamp")
    ]
    exact = Classifier(classes, Embedder())
    monkeypatch.setattr(kernel_ridge, "EXACT", 30)
    monkeypatch.setattr(kernel_ridge, "LANDMARKS", 40)
    spanned = Classifier(classes, Embedder())

    for classifier in (exact, spanned):
        tea, lamp = classifier.score(["some tea 3", "the lamp 7"])
        assert tea.probabilities[0] > 0.5
        assert lamp.probabilities[1] > 0.5
    assert spanned.state["weights"].shape == (40, 2)
