"""What a shrunk picture says about how it was made."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tag:
    """How a picture was shrunk."""

    model: str
    """Name of the pair."""
    digest: str
    """SHA-256 that identifies its weights."""
    scale: int
    width: int
    """Width of the original in pixels."""
    height: int

    @property
    def small_size(self) -> tuple[int, int]:
        """``(height, width)`` of the shrunk picture in pixels."""
        return -(-self.height // self.scale), -(-self.width // self.scale)  # integers: exact at any size
