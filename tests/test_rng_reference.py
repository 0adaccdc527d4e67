"""Level: reference. Philox 4x32-10 against the known-answer vectors of Random123 (Salmon et al. 2011), fast and plain."""

import numpy as np
import pytest

from sim.kernels.philox import fill_words
from tests import naive

VECTORS = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "answer"), VECTORS)
def test_known_answers(counter, key, answer):
    assert naive.philox(counter, key) == answer
    out = np.empty((4, 1, 1), dtype=np.uint32)
    replicate = np.uint64(counter[0] | counter[1] << 32).astype(np.int64)
    fill_words(np.uint64(key[0] | key[1] << 32), replicate, np.uint32(counter[2]), np.uint32(counter[3]), out)
    assert tuple(out[:, 0, 0].tolist()) == answer
