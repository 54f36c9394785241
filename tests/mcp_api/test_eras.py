"""Which era a request is of, and the stateless era's headers held against its body."""

import base64

import pytest

from mcp_api import eras
from mcp_api.eras import Era
from mcp_api.wire import ProtocolError

NEW = "2026-07-28"


def message(method="tools/list", version=NEW, **params):
    meta = {
        eras.META + "protocolVersion": version,
        eras.META + "clientCapabilities": {},
    }
    return {
        "jsonrpc": "2.0",
        "id": 1,
        "method": method,
        "params": {"_meta": meta, **params},
    }


def headers(method="tools/list", version=NEW, **more):
    return {"mcp-protocol-version": version, "mcp-method": method, **more}


@pytest.mark.parametrize("version", eras.INITIALIZE_VERSIONS)
def test_an_old_version_header_means_the_initialize_era(version):
    assert eras.era_of({}, {"mcp-protocol-version": version}) is Era.INITIALIZE


def test_the_new_version_means_the_stateless_era():
    assert eras.era_of({}, {"mcp-protocol-version": NEW}) is Era.STATELESS
    assert eras.era_of(message(), {}) is Era.STATELESS


def test_neither_header_nor_meta_means_the_initialize_era():
    assert eras.era_of({"method": "ping"}, {}) is Era.INITIALIZE
    assert eras.era_of([], {}) is Era.INITIALIZE


def test_agreeing_headers_pass():
    assert eras.check_stateless(message(), headers()) == NEW
    call = message("tools/call", name="get_overview")
    named = headers("tools/call", **{"mcp-name": "get_overview"})
    assert eras.check_stateless(call, named) == NEW


def test_a_name_may_come_in_base64():
    name = "prüfen"
    wrapped = f"=?base64?{base64.b64encode(name.encode()).decode()}?="
    call = message("tools/call", name=name)

    assert eras.check_stateless(call, headers("tools/call", **{"mcp-name": wrapped}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"mcp-protocol-version": "2025-06-18"},
        {"mcp-method": "tools/list"},
        {"mcp-name": "list_workspaces"},
        {"mcp-name": "=?base64?!!?="},
        {"mcp-name": "=?base64?Z2V0X292ZXJ2aWV3Cg=?="},
    ],
)
def test_a_header_that_differs_from_the_body_is_a_mismatch(wrong):
    call = message("tools/call", name="get_overview")
    sent = {**headers("tools/call", **{"mcp-name": "get_overview"}), **wrong}

    with pytest.raises(ProtocolError) as refused:
        eras.check_stateless(call, sent)

    assert (refused.value.code, refused.value.status) == (-32020, 400)


@pytest.mark.parametrize("missing", ["mcp-method", "mcp-name", "mcp-protocol-version"])
def test_a_missing_header_is_a_mismatch(missing):
    call = message("tools/call", name="get_overview")
    sent = headers("tools/call", **{"mcp-name": "get_overview"})
    del sent[missing]

    with pytest.raises(ProtocolError) as refused:
        eras.check_stateless(call, sent)

    assert refused.value.code == -32020


def test_an_unknown_version_is_told_the_known_ones():
    with pytest.raises(ProtocolError) as refused:
        eras.check_stateless(
            message(version="2099-01-01"), headers(version="2099-01-01")
        )

    assert refused.value.code == -32022
    assert refused.value.data["requested"] == "2099-01-01"
    assert NEW in refused.value.data["supported"]
    assert refused.value.status == 400


def test_an_unknown_version_header_without_meta_is_told_the_known_ones():
    with pytest.raises(ProtocolError) as refused:
        eras.check_stateless(
            {"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
            {"mcp-protocol-version": "1.0"},
        )

    assert refused.value.code == -32022


def test_meta_must_name_version_and_capabilities():
    for key in ("protocolVersion", "clientCapabilities"):
        broken = message()
        del broken["params"]["_meta"][eras.META + key]
        with pytest.raises(ProtocolError) as refused:
            eras.check_stateless(broken, headers())
        assert refused.value.code == -32602


def test_marked_parameters_must_come_as_headers_too():
    schema = {"properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}

    eras.check_parameter_headers(schema, {"region": "eu"}, {"mcp-param-region": "eu"})
    eras.check_parameter_headers(schema, {}, {})
    for arguments, sent in (
        ({"region": "eu"}, {"mcp-param-region": "us"}),
        ({"region": "eu"}, {}),
        ({}, {"mcp-param-region": "eu"}),
        ({}, {"mcp-param-region": "=?base64?!?="}),
    ):
        with pytest.raises(ProtocolError) as refused:
            eras.check_parameter_headers(schema, arguments, sent)
        assert refused.value.code == -32020


def test_methods_of_another_version_are_unknown():
    for method, version in (("ping", NEW), ("server/discover", "2025-11-25")):
        with pytest.raises(ProtocolError) as refused:
            eras.check_params(method, version, {})
        assert (refused.value.code, refused.value.status) == (-32601, 404)


def test_wrong_params_are_named_without_their_value():
    with pytest.raises(ProtocolError) as refused:
        eras.check_params("tools/call", "2025-11-25", {"name": {"secret": "hunter2"}})

    assert refused.value.code == -32602
    assert "name" in refused.value.message
    assert "hunter2" not in str(refused.value.data)
