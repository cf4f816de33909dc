"""How much a file spends on its picture."""


def bits_per_pixel(data: bytes, height: int, width: int) -> float:
    """Bits of a whole file, headers and metadata included, per pixel of a picture of this size."""
    return 8 * len(data) / (height * width)
