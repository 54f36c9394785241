import base64
import json
import re
import secrets
import threading
import uuid

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from search import masking

# Put together here, so that no scanner of this repository takes them for real.
GITHUB = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
AWS_ID = "AKIA" + "QYLPMN5HHHFPZAM2"
SLACK = "xoxb-" + "123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx"
PRIVATE_KEY = (
    "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEpAIBAAKCAQEA"
    f"{base64.b64encode(bytes(range(150))).decode()}\n-----END RSA PRIVATE KEY-----"
)
OURS = "fms_ai_" + "Zx9" * 15 + "q7Bk2a"
JWT = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
    "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ."
    "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
)
SECRETS = {
    "github": (f"push with {GITHUB} please", GITHUB),
    "aws id": (f"key id {AWS_ID}.", AWS_ID),
    "slack": (f"token: {SLACK}", SLACK),
    "private key": (PRIVATE_KEY, "MIIEpAIBAAKCAQEA"),
    "own token": (f"claude mcp add --header 'X-Api-Key: {OURS}'", OURS),
    "write token": ("write_token fms_wt_" + "Zx9" * 14 + "q", "Zx9Zx9"),
    "jwt": (f"cookie {JWT}", JWT),
    "environment": ("export DB_PASSWORD=Tr0ub4dor9xyzQ1", "Tr0ub4dor9xyzQ1"),
    "json field": ('{"client_secret": "q9Zt7Lk2Vb8Xn4Wc"}', "q9Zt7Lk2Vb8Xn4Wc"),
    "bearer": ("Authorization: Bearer 9fK2mQ7xLp4Zt8Vb3Nc6", "9fK2mQ7xLp4Zt8Vb3Nc6"),
    "url": ("postgres://admin:Tr0ub4dor9x@db.internal/app", "Tr0ub4dor9x"),
    "azure": (
        "AccountKey=" + base64.b64encode(bytes(range(64))).decode(),
        base64.b64encode(bytes(range(64))).decode(),
    ),
    "encoded": (base64.b64encode(f"token {GITHUB}".encode()).decode(), "Z2hwX"),
}
INNOCENT = [
    "commit 5a8f0b313b404f72fcb55a8f0b313b404f72fcb5",
    "sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
    "token_sha256=2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
    f"request {uuid.UUID(int=0x1234567890ABCDEF1234567890ABCDEF)}",
    f"client_id={uuid.UUID(int=0x1234567890ABCDEF1234567890ABCDEF)}",
    "API_KEY=your-api-key-here",
    "password = os.environ['DB_PASSWORD']",
    "token = request.headers.get('authorization')",
    "export TOKEN=${GITHUB_TOKEN}",
    "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE",
    "max_tokens: 4096, token_count=128000",
    "postgres://postgres:postgres@localhost/app",
    '"integrity": "sha512-' + base64.b64encode(bytes(range(64))).decode() + '"',
    "Bearer authentication is described in chapter 3",
    "password: changeme",
    "the secret=PLACEHOLDER_VALUE_1 stays",
]


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_masked_and_named_by_its_rule(name):
    text, secret = SECRETS[name]

    masked = masking.mask(text)

    assert secret not in masked
    assert re.search(r"\[REDACTED:[a-z0-9-]+:[0-9a-f]{8}\]", masked)


@pytest.mark.parametrize("text", INNOCENT)
def test_what_only_looks_like_a_secret_stays(text):
    assert masking.mask(text) == text


def test_one_secret_has_one_fingerprint_wherever_it_stands():
    first, second = masking.spans(f"a {GITHUB}"), masking.spans(f"längst: {GITHUB}!")

    assert first[0].fingerprint == second[0].fingerprint
    assert first[0].fingerprint != masking.spans(f"x {SLACK} y")[0].fingerprint


def test_a_fingerprint_depends_on_the_server_key(settings):
    before = masking.fingerprint(GITHUB)
    settings.SECRET_KEY = "another key, also long enough for every check of them"

    assert masking.fingerprint(GITHUB) != before


def test_a_span_covers_the_secret_in_text_of_any_script():
    text = f"ключ 鍵 🔑 {GITHUB} конец"

    [span] = masking.spans(text)

    assert text[span.start : span.end] == GITHUB


@pytest.mark.parametrize(
    ("hidden", "shown"),
    [
        ("\u202e", "‹U+202E›"),
        ("\u200b", "‹U+200B›"),
        ("\U000e0041", "‹U+E0041›"),
        ("\x1b", "‹U+001B›"),
        ("\x00", "‹U+0000›"),
        ("\ud800", "‹U+D800›"),
        ("\ufe00\ufe01", "\ufe00‹U+FE01›"),
    ],
)
def test_invisible_characters_are_spelled_out(hidden, shown):
    assert masking.mask(f"a{hidden}b") == f"a{shown}b"


def test_pictures_and_scripts_keep_the_joiners_they_need():
    text = "👩‍💻 ❤️ می‌خواهم"

    assert masking.mask(text) == text


def test_only_the_strings_of_a_json_line_that_need_it_are_rewritten():
    raw = (
        b'{"n": 12345678901234567890.10, "a":"x\\u00e9\\n", "k": "id %s"}'
        % GITHUB.encode()
    )

    shown = masking.mask_json_line(raw)

    assert GITHUB not in shown
    assert shown.startswith(
        '{"n": 12345678901234567890.10, "a":"x\\u00e9\\n", "k": "id [RED'
    )
    assert json.loads(shown)["a"] == "xé\n"


def test_a_secret_behind_an_escape_is_found_in_a_json_line():
    raw = json.dumps({"output": f"first\n{GITHUB}\nlast"}).encode()

    assert GITHUB not in masking.mask_json_line(raw)


def test_a_key_gives_its_value_away_in_a_json_line():
    shown = masking.mask_json_line(b'{"db_password": "Tr0ub4dor9xyzQ1", "n": 1}')

    assert json.loads(shown)["db_password"].startswith("[REDACTED:")
    assert json.loads(shown)["n"] == 1


@pytest.mark.parametrize("raw", [b"not json", b"{", b"\xff\xfe\x00", b"[" * 3000, b""])
def test_a_line_that_is_not_json_is_masked_as_text(raw):
    assert "\x00" not in masking.mask_json_line(raw)
    assert GITHUB not in masking.mask_json_line(raw + b" " + GITHUB.encode())


snippets = st.lists(
    st.one_of(st.text(max_size=30), st.sampled_from([s for s, _ in SECRETS.values()])),
    max_size=5,
)


@given(snippets)
@example(["AccountKey=" + "[REDACTED:azure-key:0123abcd]"])
def test_masking_twice_changes_nothing_more(pieces):
    once = masking.mask(" ".join(pieces))

    assert masking.mask(once) == once


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=40), max_size=4))
def test_a_masked_json_line_is_json_and_stays_as_it_is(value):
    shown = masking.mask_json_line(json.dumps(value | {"s": GITHUB}).encode())

    json.loads(shown)
    assert GITHUB not in shown
    assert masking.mask_json_line(shown.encode()) == shown


def test_threads_may_mask_at_once():
    found = []

    def work():
        found.extend(masking.mask(f"{n} {GITHUB}") for n in range(50))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 200
    assert not [text for text in found if GITHUB in text]


def test_random_keys_of_many_kinds_do_not_pass():
    for _ in range(30):
        secret = "sk-ant-api03-" + secrets.token_urlsafe(80)[:93] + "AA"
        assert secret not in masking.mask(f"ANTHROPIC_API_KEY={secret}")


@given(st.sampled_from(sorted(masking._RULES)), st.data())
def test_the_quick_look_passes_whatever_a_rule_finds(rule, data):
    pattern = re.compile(masking._RULES[rule])
    around = st.text(st.sampled_from("aZ9 :/@=\n'é–"), max_size=20)
    text = "".join(data.draw(part) for part in (around, st.from_regex(pattern), around))

    found = list(masking._ruled(text))

    assert not found or masking._may_be_ruled(text.encode("utf-8", "replace"))
