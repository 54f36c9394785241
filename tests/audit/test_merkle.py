"""The tree of RFC 6962, by the values that its authors' implementations agree on."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import merkle

# The leaves and roots of the reference implementation of Certificate Transparency.
ENTRIES = [
    bytes.fromhex(each)
    for each in (
        *("", "00", "10", "2021", "3031", "40414243", "5051525354555657"),
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def split_from_the_top(entries: list[bytes]) -> bytes:
    """Section 2.1 word for word."""
    if not entries:
        return hashlib.sha256().digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    k = 1
    while 2 * k < len(entries):
        k *= 2
    left, right = split_from_the_top(entries[:k]), split_from_the_top(entries[k:])
    return hashlib.sha256(b"\1" + left + right).digest()


def leaves(entries: list[bytes]) -> list[bytes]:
    return [merkle.leaf(each) for each in entries]


def test_roots_are_those_of_the_reference_implementation():
    found = [merkle.root(leaves(ENTRIES[:n])).hex() for n in range(9)]

    assert found == ROOTS


def test_the_paths_of_the_rfcs_seven_leaves():
    """Section 2.1.3 names them after its picture."""
    of = dict(zip("abcdefj", leaves(ENTRIES[:7]), strict=True))

    def node(one: bytes, other: bytes) -> bytes:
        return hashlib.sha256(b"\1" + one + other).digest()

    g, h, i = node(of["a"], of["b"]), node(of["c"], of["d"]), node(of["e"], of["f"])
    k, last = node(g, h), node(i, of["j"])
    whole = list(of.values())

    assert merkle.path(whole, 0) == [of["b"], h, last]
    assert merkle.path(whole, 3) == [of["c"], g, last]
    assert merkle.path(whole, 4) == [of["f"], of["j"], k]
    assert merkle.path(whole, 6) == [i, k]


@given(st.lists(st.binary(max_size=3), min_size=1, max_size=70), st.data())
def test_every_leaf_is_proved_and_no_other(entries, data):
    hashes = leaves(entries)
    root, size = merkle.root(hashes), len(entries)
    index = data.draw(st.integers(0, size - 1))
    path = merkle.path(hashes, index)

    assert root == split_from_the_top(entries)
    proved = merkle.root_of_path(hashes[index], index=index, size=size, path=path)
    assert proved == root
    other = merkle.leaf(b"what was never there")
    assert merkle.root_of_path(other, index=index, size=size, path=path) != root
    longer = [*path, other]
    assert (
        merkle.root_of_path(hashes[index], index=index, size=size, path=longer) is None
    )
    if path:
        cut = merkle.root_of_path(hashes[index], index=index, size=size, path=path[:-1])
        assert cut is None


def test_a_leaf_that_is_not_there_has_no_path():
    with pytest.raises(IndexError):
        merkle.path(leaves(ENTRIES), 8)
    assert merkle.root_of_path(b"", index=1, size=1, path=[]) is None
