"""The size that an AV1 stream states, to which its decoder will make room (AV1 Bitstream Specification, 5.3 to 5.5)."""

from twinscale.errors import PictureError

_SEQUENCE_HEADER = 1
_MAX_UNITS = 16  # before the header, which real streams begin with


def stated_size(stream: bytes) -> tuple[int, int]:
    """Return width and height of the largest frame according to the first sequence header.

    Raises:
        PictureError, IndexError: there is none, or it ends too early.
    """
    position = 0
    for _ in range(_MAX_UNITS):
        head = stream[position]
        position += 2 if head & 4 else 1
        length = len(stream) - position
        if head & 2:
            length, position = _read_length(stream, position)
        if head >> 3 & 15 == _SEQUENCE_HEADER:
            return _read_size(_Bits(stream[position : position + length]))
        position += length
    raise PictureError("AV1 stream without its header; the file is damaged, get an intact copy")


def _read_length(stream: bytes, position: int) -> tuple[int, int]:
    """Read a number in groups of 7 bits, the lowest first; return it, and where it ends."""
    length = 0
    for group in range(8):
        length |= (stream[position + group] & 0x7F) << 7 * group
        if not stream[position + group] & 0x80:
            break
    return length, position + group + 1


class _Bits:
    """Reads fields, from the highest bit of each byte on."""

    def __init__(self, data: bytes) -> None:
        self._bits = "".join(f"{byte:08b}" for byte in data[:256])

    def take(self, count: int) -> int:
        """Read the next bits as a number."""
        if count > len(self._bits):
            raise IndexError("the sequence header ends too early")
        taken, self._bits = self._bits[:count], self._bits[count:]
        return int(taken, 2)

    def skip_number(self) -> None:
        """Skip a number that begins with as many zeros as it has bits after its first one."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        if zeros:
            self.take(zeros)


def _read_size(bits: _Bits) -> tuple[int, int]:
    """Read a sequence header up to its size."""
    bits.take(4)  # profile; whether this is a still picture
    if bits.take(1):  # with a reduced header
        bits.take(5)
    else:
        delay = 0  # bits of a decoder model's delays
        if bits.take(1):  # timing
            bits.take(64)
            if bits.take(1):
                bits.skip_number()
            if bits.take(1):
                delay = bits.take(5) + 1
                bits.take(42)
        has_display_delay = bits.take(1)
        for _ in range(bits.take(5) + 1):  # operating points
            bits.take(12)
            if bits.take(5) > 7:
                bits.take(1)
            if delay and bits.take(1):
                bits.take(2 * delay + 1)
            if has_display_delay and bits.take(1):
                bits.take(4)
    across, down = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(across) + 1, bits.take(down) + 1
