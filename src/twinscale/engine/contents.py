"""What an ONNX file asks for: known before any runtime is given it, since a file may come from anywhere.

Tensors can be stored in other files, which a runtime would read from wherever the file says; operators can belong to
domains that stand for code outside ONNX; and those that hold graphs of their own are loops, which may never end, and
branches, of which no network for pictures has any. This follows the few fields of ``onnx.proto3`` that can say so.
"""

from collections.abc import Iterator

from twinscale.errors import ModelError

# Of each kind of message: the numbers of the fields that hold other messages, and of which kind.
_HELD = {
    "model": {7: "graph", 8: "operators", 20: "training", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "inner", 10: "tensor", 11: "inner", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
_REFUSED = {
    "training": "instructions for training: export it for inference",
    "function": "functions of its own: export it with the operators of ONNX itself",
    "inner": "loops or branches: export it without",
}
_DOMAIN = {"operators": 1, "node": 7}
_OWN_DOMAINS = (b"", b"ai.onnx")
_EXTERNAL = {"tensor": 13}  # where in another file the tensor is
_MOST_FIELDS = 100_000  # a deep network has a third of them; a runtime takes seconds for so many


def check_contents(model: bytes, *, name: str) -> None:
    """Check that an ONNX file is one plain graph that needs nothing but itself.

    Args:
        model: the file's contents.
        name: what errors call the network.

    Raises:
        ModelError: it keeps tensors in other files, has operators that are not ONNX's own, loops, branches or more
            parts than any network, or is no ONNX file.
    """
    messages = [("model", memoryview(model))]
    count = 0
    try:
        while messages:
            kind, message = messages.pop()
            for field, value in _fields(message):
                count += 1
                if count > _MOST_FIELDS:
                    raise ModelError(f"model {name} has more than {_MOST_FIELDS} parts: export a smaller network")
                if field == _EXTERNAL.get(kind):
                    raise ModelError(f"model {name} keeps weights in another file: export it as one file")
                if field == _DOMAIN.get(kind) and bytes(value) not in _OWN_DOMAINS:
                    raise ModelError(
                        f"model {name} has operators of {bytes(value)[:100].decode(errors='replace')!r}: export it "
                        "with the operators of ONNX itself"
                    )
                if held := _HELD.get(kind, {}).get(field):
                    if held in _REFUSED:
                        raise ModelError(f"model {name} has {_REFUSED[held]}")
                    messages.append((held, value))
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
