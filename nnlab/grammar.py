"""A language of our own, small enough that everything about it is known: what a network writes in it is right or wrong,
and no network can predict it better than its entropy says (C. Shannon, Bell System Technical Journal 27, 1948).

The verb agrees with the subject, however much stands between the two: that is what a model of it has to remember.
"""

import re
from math import log

from nnlab.rng import as_rng

RULES = {  # a symbol becomes one of its alternatives, each as likely; what is no symbol is a word
    "Sentence": ("One Where Sees Thing", "Many Where See Thing"),
    "Thing": ("One", "Many"),
    "One": ("a Noun", "the Noun", "every Noun", "my Noun"),
    "Many": ("two Nouns", "the Nouns", "all Nouns", "my Nouns"),
    "Where": ("", "", "near the Noun", "behind the Nouns"),
    "Noun": ("Big cat", "Big dog", "Big bird", "Big child", "Big robot"),
    "Nouns": ("Big cats", "Big dogs", "Big birds", "Big children", "Big robots"),
    "Big": ("", "", "", "small", "tall", "red"),
    "Sees": ("sees", "likes", "follows", "finds", "watches"),
    "See": ("see", "like", "follow", "find", "watch"),
}


def sentence(rng=None, symbol="Sentence"):
    """A random sentence, without its full stop.

    >>> sentence(rng=0)
    'all birds see a tall cat'
    """
    rng, words = as_rng(rng), []
    stack = [symbol]
    while stack:
        word = stack.pop()
        if word in RULES:
            stack += RULES[word][rng.integers(len(RULES[word]))].split()[::-1]
        else:
            words.append(word)
    return " ".join(words)


def text(sentences, rng=None):
    """That many random sentences, each with a full stop and a space behind it."""
    rng = as_rng(rng)
    return "".join(f"{sentence(rng)}. " for _ in range(sentences))


def grammatical(text):
    """Whether the rules can make this one sentence (no full stop, no space around it).

    >>> grammatical("the dogs near the tall cat like a bird"), grammatical("the dogs near the tall cat likes a bird")
    (True, False)
    """
    def expression(symbol):  # each word with a space behind it
        if symbol not in RULES:
            return symbol + " "
        alternatives = ("".join(map(expression, rule.split())) for rule in RULES[symbol])
        return f"(?:{'|'.join(alternatives)})"

    return re.fullmatch(expression("Sentence"), text + " ") is not None


def entropy():
    """The least mean loss that any model of `text` can reach, in nats per character.

    The mean of -ln(probability of a sentence) over the mean number of its characters, full stop and space included.

    >>> round(entropy(), 3)
    0.348
    """
    def means(symbol):  # nats and characters of what the symbol becomes, with a space behind each word
        if symbol not in RULES:
            return 0.0, len(symbol) + 1
        rules = RULES[symbol]
        shares = [rules.count(rule) / len(rules) for rule in dict.fromkeys(rules)]  # what stands twice is one choice
        parts = [means(part) for rule in rules for part in rule.split()]
        nats, characters = (sum(column) / len(rules) for column in zip((0, 0), *parts))
        return nats - sum(p * log(p) for p in shares), characters

    nats, characters = means("Sentence")
    return nats / (characters + 1)
