"""How many bits a file spends on its picture."""


def bits_per_pixel(data: bytes, height: int, width: int) -> float:
    """Return the bits of a whole file, including headers and metadata, per pixel of a picture of this size."""
    return 8 * len(data) / (height * width)
