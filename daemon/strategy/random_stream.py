"""A seeded random stream whose whole state is one integer, so that a checkpoint holds it.

SplitMix64 (Steele, Lea, Flood 2014): period 2^64, equidistributed in 64 bits; good for
strategies' jitter and simulation, not for cryptography.
"""

import math

_MASK = (1 << 64) - 1


class SeededStream:
    """The same seed gives the same numbers, for ever: they are part of the replay contract."""

    __slots__ = ("state",)

    def __init__(self, seed: int) -> None:
        self.state = seed & _MASK

    def next_u64(self) -> int:
        """Uniform over all unsigned 64-bit numbers."""
        self.state = (self.state + 0x9E3779B97F4A7C15) & _MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def random(self) -> float:
        """Uniform in [0, 1), a multiple of 2^-53."""
        return (self.next_u64() >> 11) * 2.0**-53

    def uniform(self, a: float, b: float, /) -> float:
        """Uniform between a and b."""
        return a + (b - a) * self.random()

    def gauss(self, mu: float, sigma: float, /) -> float:
        """Normal, by Box and Muller (1958); two draws each, so that there is no hidden state."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self.random()))
        return mu + sigma * radius * math.cos(2.0 * math.pi * self.random())

    def randrange(self, stop: int, /) -> int:
        """Uniform in [0, stop), without bias. ValueError unless 1 <= stop <= 2^64."""
        if not 1 <= stop <= 1 << 64:
            raise ValueError(f"stop must be in [1, 2^64], found {stop}")
        limit = (1 << 64) - (1 << 64) % stop
        draw = self.next_u64()
        while draw >= limit:
            draw = self.next_u64()
        return draw % stop
