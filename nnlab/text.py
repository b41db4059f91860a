"""Characters as whole numbers: what stands between a string and a network that reads or writes text.

Three numbers are kept for marks that no text contains: padding, which makes texts of one batch equally long, and the
start and the end of a text.
"""

import numpy as np


class Vocabulary:
    """The characters a network knows, numbered from 3 in the order of their code points; 0 pads, 1 starts, 2 ends.

    characters: a string (or strings, joined) in which each of them occurs at least once.
    Raises ValueError if there are none.

    >>> letters = Vocabulary("banana")
    >>> letters.encode(["ban", "a"], marks=True)
    array([[1, 4, 3, 5, 2],
           [1, 3, 2, 0, 0]])
    >>> letters.decode([[1, 3, 5, 2, 0]]), len(letters)
    (['an'], 6)
    """

    pad, start, end = 0, 1, 2

    def __init__(self, characters):
        self.characters = "".join(sorted(set("".join(characters))))
        if not self.characters:
            raise ValueError("a Vocabulary needs at least one character.")
        self._number = {c: i for i, c in enumerate(self.characters, 3)}

    def __len__(self):
        return 3 + len(self.characters)

    def __repr__(self):
        return f"Vocabulary({self.characters!r})"

    def encode(self, texts, length=None, *, marks=False):
        """Numbers of characters: a string -> (T,), a list of N strings -> (N, T), int64, padded with 0 on the right.

        length: T; by default the longest text's. marks: put start before and end behind each text, which T includes.
        The mask of what is no padding is `ids != Vocabulary.pad`. Raises ValueError for a character that is not in the
        vocabulary and for a text longer than `length`; nothing is dropped or cut in silence.
        """
        if isinstance(texts, str):
            return self.encode([texts], length, marks=marks)[0]
        rows = [[self.start, *self._numbers(t), self.end] if marks else self._numbers(t) for t in texts]
        longest = max(map(len, rows), default=0)
        if length is not None and longest > length:
            raise ValueError(f"the longest text takes {longest} places{' with its marks' * marks}, more than "
                             f"length={length}.")
        ids = np.full((len(rows), longest if length is None else length), self.pad, np.int64)
        for i, row in enumerate(rows):
            ids[i, :len(row)] = row
        return ids

    def _numbers(self, text):
        try:
            return [self._number[c] for c in text]
        except KeyError as error:
            c = error.args[0]
            raise ValueError(f"{c!r} at position {text.index(c)} of {text!r} is not in the vocabulary, which has "
                             f"{self.characters!r}.") from None

    def decode(self, ids):
        """The text of (T,) numbers, or a list of N texts of (N, T): up to the first end; padding and start are dropped.

        Raises ValueError for a number outside 0 ... len - 1, TypeError for what is not whole.
        """
        ids = np.asarray(ids)
        if ids.size and ids.dtype.kind not in "iu":
            raise TypeError(f"decode takes whole numbers; got {ids.dtype}.")
        if ids.size and not 0 <= ids.min() <= ids.max() < len(self):
            raise ValueError(f"the numbers of this vocabulary are 0 ... {len(self) - 1}; got {ids.min()} to "
                             f"{ids.max()}.")
        if ids.ndim == 2:
            return [self.decode(row) for row in ids]
        row = ids.tolist()
        row = row[:row.index(self.end)] if self.end in row else row
        return "".join(self.characters[i - 3] for i in row if i > self.end)
