"""Which records a sample holds: plain rules that any language can follow, and how many to take.

The population is put in order first: by the letters before the last hyphen of a reference, then by
the number behind it. Its hash is the SHA-256 of the references in that order, each followed by a
line feed.

* **random**: for each reference take the SHA-256 of `seed:reference` in hexadecimal; the smallest
  ones are drawn.
* **systematic**: number the ordered population from 0. Take the SHA-256 of the seed as a whole
  number, modulo the size of the population N: that is where to begin. The items are
  (begin + floor(i × N / n)) mod N, for i from 0 to n - 1.
* **stratified**: each stratum gets its share of n in proportion to its size; what is left over goes
  one each to those with the largest remainders, the stratum whose name comes first where they are
  alike. Within a stratum the draw is random, as above.
* **judgement**: the auditor names the references; nothing is drawn.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

LARGEST = 50_000
"""References in one population; of more than that, narrow the list first."""


def sort_key(ref: str) -> tuple[str, int, str]:
    head, _hyphen, number = ref.rpartition("-")
    return head, int(number) if number.isdecimal() else 0, ref


def in_order(refs: Iterable[str]) -> list[str]:
    return sorted(set(refs), key=sort_key)


def population_hash(refs: Iterable[str]) -> str:
    return _digest("".join(f"{ref}\n" for ref in in_order(refs)))


def at_random(refs: Iterable[str], *, seed: str, size: int) -> list[str]:
    return sorted(set(refs), key=lambda ref: _digest(f"{seed}:{ref}"))[:size]


def systematically(refs: Iterable[str], *, seed: str, size: int) -> list[str]:
    ordered = in_order(refs)
    many = len(ordered)
    size = min(size, many)
    if not size:
        return []
    begin = int(_digest(seed), 16) % many
    return [ordered[(begin + i * many // size) % many] for i in range(size)]


def by_strata(strata: Mapping[str, Sequence[str]], *, seed: str, size: int) -> list[str]:
    """Strata by name, each with its references."""
    drawn: list[str] = []
    for name, share in shares({n: len(refs) for n, refs in strata.items()}, size).items():
        drawn += at_random(strata[name], seed=seed, size=share)
    return drawn


def shares(sizes: Mapping[str, int], size: int) -> dict[str, int]:
    """How many each stratum gives, in proportion to its size."""
    whole = sum(sizes.values())
    if not whole:
        return {}
    size = min(size, whole)
    exact = {name: Fraction(number * size, whole) for name, number in sizes.items()}
    given = {name: math.floor(share) for name, share in exact.items()}
    left = size - sum(given.values())
    by_remainder = sorted(exact, key=lambda name: (given[name] - exact[name], name))
    for name in by_remainder[:left]:
        given[name] += 1
    return {name: given[name] for name in sorted(given)}


def suggested_size(
    population: int,
    *,
    share: Fraction = Fraction(1, 10),
    confidence: Fraction = Fraction(95, 100),
) -> int:
    """How many to look at, so that if a tenth or more deviate, one is met with 95 % confidence.

    Exact for a draw without putting back, so that a small population is looked at whole.
    """
    deviating = math.ceil(population * share)
    good = population - deviating
    missed = Fraction(1)
    for size in range(1, population + 1):
        # The chance that this one, too, is good, given that all before were.
        missed *= Fraction(max(good - size + 1, 0), population - size + 1)
        if missed <= 1 - confidence:
            return size
    return population


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
