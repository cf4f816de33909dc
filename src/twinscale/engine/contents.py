"""What an ONNX file needs besides itself: known before any runtime is given it, since a file may come from anywhere.

Tensors can be stored in other files, which a runtime would read from wherever the file says, and operators can belong
to domains that stand for code outside ONNX. This follows the few fields of ``onnx.proto3`` that can say so.
"""

from collections.abc import Iterator

from twinscale.errors import ModelError

# Of each kind of message: the numbers of the fields that hold other messages, and of which kind.
_HELD = {
    "model": {7: "graph", 8: "operators", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 9: "operators", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
_DOMAIN = {"operators": 1, "node": 7}
_OWN_DOMAINS = (b"", b"ai.onnx")
_EXTERNAL = {"tensor": 13}  # where in another file the tensor is


def check_contents(model: bytes, *, name: str) -> None:
    """Check that an ONNX file needs nothing but itself.

    Args:
        model: the file's contents.
        name: what errors call the network.

    Raises:
        ModelError: it keeps tensors in other files or has operators that are not ONNX's own, or is no ONNX file.
    """
    messages = [("model", memoryview(model))]
    try:
        while messages:
            kind, message = messages.pop()
            for field, value in _fields(message):
                if field == _EXTERNAL.get(kind):
                    raise ModelError(f"model {name} keeps weights in another file: export it as one file")
                if field == _DOMAIN.get(kind) and bytes(value) not in _OWN_DOMAINS:
                    raise ModelError(
                        f"model {name} has operators of {bytes(value).decode(errors='replace')!r}: export it with the "
                        "operators of ONNX itself"
                    )
                if field in _HELD.get(kind, ()):
                    messages.append((_HELD[kind][field], value))
    except (IndexError, ValueError):
        raise ModelError(f"model {name} cannot be loaded: it is not an ONNX file") from None


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield the numbers of a message's fields and their bytes; numbers have none."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        length = 0
        match key & 7:
            case 0:
                _, position = _varint(message, position)
            case 1:
                position += 8
            case 2:
                length, position = _varint(message, position)
            case 5:
                position += 4
            case other:
                raise ValueError(other)
        if position + length > len(message):
            raise ValueError(length)
        yield key >> 3, message[position : position + length]
        position += length


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """Return the number that begins at a position, seven bits in a byte, and the position after it."""
    number = 0
    for shift in range(0, 70, 7):
        byte = message[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
    raise ValueError(number)
