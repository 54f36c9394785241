"""The smallest ONNX models, written by hand: each gives its token ids as numbers.

Field numbers are those of onnx.proto; values are protobuf varints and byte strings.
"""

from __future__ import annotations

_INT64, _FLOAT = 7, 1


def _varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def _field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _value(name: str, kind: int, tokens: int) -> bytes:
    """A value of shape (1, tokens); 0 tokens: as many as there are."""
    second = _field(1, tokens) if tokens else _field(2, "tokens")
    shape = _field(1, _field(1, 1)) + _field(1, second)
    tensor = _field(1, kind) + _field(2, shape)
    return _field(1, name) + _field(2, _field(1, tensor))


def identity(*, output: str, tokens: int = 0) -> bytes:
    """A model with one output that is the ids it was given, as floats."""
    to_float = _field(1, "to") + _field(3, _FLOAT) + _field(20, 2)
    node = (
        _field(1, "input_ids")
        + _field(2, output)
        + _field(4, "Cast")
        + _field(5, to_float)
    )
    graph = (
        _field(1, node)
        + _field(2, "identity")
        + _field(11, _value("input_ids", _INT64, tokens))
        + _field(12, _value(output, _FLOAT, tokens))
    )
    return _field(1, 8) + _field(7, graph) + _field(8, _field(2, 13))
