"""Level: twin. Every named stream, at every kind of address, against plain Philox."""

import pytest

from sim.rng import STREAMS, Draws
from tests import naive

ADDRESSES = [(0, 0), (1, 41_322), (2**64 - 1, 2**32 - 1), (0x1234567890ABCDEF, 10**12)]


@pytest.mark.parametrize(("seed", "first"), ADDRESSES)
def test_words_of_patients_and_of_other_units(seed, first):
    draws = Draws(seed, first, m=2, n=3)
    for stream in STREAMS:
        expected = [[naive.word(seed, first + i, j, stream) for j in range(3)] for i in range(2)]
        assert draws.word(stream).tolist() == expected
        assert draws.next_unit(stream).tolist() == [naive.word(seed, first + i, 3, stream) for i in range(2)]
        assert draws.blocks(stream, 65_536, 2).tolist() == [
            [naive.word(seed, first + i, 65_536 + j, stream) for j in range(2)] for i in range(2)
        ]


def test_no_two_streams_share_a_word():
    assert len(set(STREAMS.values())) == len(STREAMS)
    assert all(0 <= place < 4 and call >= 0 for call, place in STREAMS.values())
