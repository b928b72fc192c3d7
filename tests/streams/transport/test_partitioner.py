"""Keys go where Java's producer puts them."""

import pytest

from ebbtide.streams.transport.partitioner import hash_key, partition_of

# org.apache.kafka.common.utils.UtilsTest.testMurmur2
JAVA = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("key", "signed"), JAVA.items())
def test_hash_is_that_of_java(key: bytes, signed: int) -> None:
    assert hash_key(key) == signed & 0x7FFFFFFF
    assert partition_of(key, 12) == (signed & 0x7FFFFFFF) % 12
