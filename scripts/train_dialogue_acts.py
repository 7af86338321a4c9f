"""Train the head for dialogue acts anew, after its templates or features were changed.

    python -m scripts.train_dialogue_acts

Takes three minutes of processor time: embedding, one fit for the weights, three for the margin. A
test fails while the weights are older than what they are made from.
"""

from engine.offline.dialogue_acts import head
from engine.offline.dialogue_acts.sentences import Grammar, sentences
from engine.offline.encoder import Encoder


def main() -> None:
    grammar = Grammar()
    taught = list(sentences(grammar))
    vectors = Encoder().embed([sentence.text for sentence in taught])
    head.write(head.train(taught, vectors, grammar))
    print(f"{len(taught):,} sentences, {head.WEIGHTS.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
