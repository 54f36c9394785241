"""The server's masking rules, written by client/generate_masking.py.

`spans`, `mask`, `neutralise` and `_compiled` are what this file leaves to masking.py,
which sets them when it is imported.
"""

# mypy: ignore-errors

from __future__ import annotations

import bisect
import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

_LOOKS = 8

_MARKER = re.compile(r"\[REDACTED:[a-z0-9-]+:[0-9a-f]{8}\]")

_JSON_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)

_COLON = re.compile(r"\s*:\s*")

@dataclass(frozen=True)
class Span:
    """Where a secret lies in a text, which rule found it, and its fingerprint."""

    start: int
    end: int
    rule: str
    fingerprint: str

def mask_json_line(raw: bytes) -> str:
    """One JSON line as it may be shown; only the strings that need it are rewritten.

    Escapes hide the borders of words from a detector, so each string is decoded, looked
    at and written anew. A line that is not JSON is masked as text.
    """
    text = raw.decode("utf-8", "replace")
    try:
        json.loads(raw)
    except ValueError:
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return mask(text)
    literals = list(_JSON_STRING.finditer(text))
    shown = [_decoded(literal.group()) for literal in literals]
    glue = [
        " = " if _COLON.fullmatch(text, left.end(), right.start()) else "\n"
        for left, right in pairwise(literals)
    ]
    strings = _mask_together([neutralise(string) for string in shown], glue)
    out: list[str] = []
    done = 0
    for literal, before, after in zip(literals, shown, strings, strict=True):
        if before != after:
            out += [text[done : literal.start()], json.dumps(after, ensure_ascii=False)]
            done = literal.end()
    return neutralise("".join([*out, text[done:]]))

_SHORTEST_SECRET = 8

_VALUE = r"[A-Za-z0-9+/=_.~!@#$%^&*-]"

_NAME = (
    r"(?:secret|token|passwd|password|passphrase|api_?key|access_?key|private_?key"
    r"|auth_?key|signing_?key|encryption_?key|client_?secret|credentials?)"
)

_RULES = {
    "assigned-secret": (
        rf"(?i)[a-z0-9_-]*{_NAME}[a-z0-9_]*[\"']?\s{{0,4}}(?::=|[=:])\s{{0,4}}[\"']?"
        rf"({_VALUE}{{10,}})"
    ),
    "bearer-token": (
        r"(?i)(?:\b(?:bearer|authorization[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?:token|basic))"
        r"\s{1,4}|\bx-api-key[\"']?\s{0,4}[:=]\s{0,4}[\"']?)([a-z0-9._~+/=-]{16,})"
    ),
    "aws-access-key-id": r"\b((?:AKIA|ASIA)[A-Z2-7]{16})\b",
    "azure-key": (
        r"(?i)(?:accountkey|sharedaccesskey|azure[^\n]{0,60}key)[\"']?\s{0,4}[=:]"
        r"\s{0,4}[\"']?([a-z0-9+/]{42,86}={1,2})"
    ),
    "url-password": r"(?i)\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@\"'<>]{0,80}:([^\s/@\"'<>]{6,80})@",
    "memory-token": r"(fms_(?:ai|sync|admin|wt)_[A-Za-z0-9_-]{43,})",
}

_NEEDLE = (
    rf"(?i){_NAME}[a-z0-9_]*[\"']?\s{{0,4}}(?::=|[=:])\s{{0,4}}[\"']?{_VALUE}"
    r"|bearer\s|authorization|x-api-key|(?:akia|asia)[a-z2-7]|accountkey"
    r"|sharedaccesskey|azure[^\n]*key|://[^\s:/@\"'<>]*:[^\s/@\"'<>]+@|fms_"
)

_NOT_A_SECRET_NAME = re.compile(
    r"(?i)(?:sha\d*|hash|digest|checksum|fingerprint|tokens|token_?count|tokenizer|"
    r"_id|_ids|_name|_type|_path|_file|_url|_uri|_count|_size|_limit|_budget|_arn)[\"']?\s*[:=]*\s*[\"']?$"
)

_PLACEHOLDER = re.compile(
    r"(?i)example|placeholder|changeme|change_me|change-me|your[-_]|replace|redacted|"
    r"dummy|sample|insert|x{4,}|\*{3,}|\.{3,}|1234567890?$|^test|^fake|^<|^\$|^%|\$\{|\{\{"
)

_REFERENCE = re.compile(
    r"^[A-Za-z_][\w]*(?:[.-][A-Za-z_]\w*)+$|^[a-z]+(?:[_-][a-z]+)*$|^[A-Z]+(?:_[A-Z]+)*$"
)

_UUID = re.compile(r"(?i)^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$")

_DOCUMENTED_PASSWORDS = frozenset(
    {"password", "passwd", "secret", "postgres", "changeme"}
)

def _ruled(text: str) -> Iterator[tuple[int, int, str]]:
    _, rules = _compiled()
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    for name, pattern in rules:
        for match in pattern.finditer(text):
            start, end = match.span(1)
            if _is_secret(name, text, match.start(), start, end):
                yield start, end, name

def _is_secret(rule: str, text: str, begin: int, start: int, end: int) -> bool:
    value = text[start:end]
    if rule == "memory-token":
        return True
    if _is_placeholder(value):
        return False
    if rule == "assigned-secret":
        after = text[end : end + 1]
        return (
            not _NOT_A_SECRET_NAME.search(text[begin:start])
            and after not in {"(", "[", "{"}
            and not _REFERENCE.match(value.rstrip(".,;"))
            and not _UUID.match(value)
            and any(character.isdigit() for character in value)
            and any(character.isalpha() for character in value)
            and _entropy(value) >= 3.0
        )
    if rule == "bearer-token":
        return _entropy(value) >= 3.0 and any(c.isdigit() for c in value)
    if rule == "url-password":
        user = text[begin:start].rpartition("//")[2].removesuffix(":")
        return value != user
    return True

def _is_placeholder(value: str) -> bool:
    return (
        value.lower() in _DOCUMENTED_PASSWORDS
        or len(set(value)) < 5
        or bool(_PLACEHOLDER.search(value))
    )

def _entropy(value: str) -> float:
    counts = Counter(value).values()
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts)

def _merged(found: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Overlapping finds as one, named by the one that starts first."""
    merged: list[tuple[int, int, str]] = []
    for start, end, rule in sorted(found, key=lambda f: (f[0], -f[1], f[2])):
        if start >= end:
            continue
        if merged and start < merged[-1][1]:
            first, last, name = merged[-1]
            merged[-1] = (first, max(last, end), name)
        else:
            merged.append((start, end, rule))
    return merged

def _replaced(text: str, found: list[Span]) -> str:
    out: list[str] = []
    done = 0
    for span in found:
        out += [text[done : span.start], f"[REDACTED:{span.rule}:{span.fingerprint}]"]
        done = span.end
    return "".join([*out, text[done:]])

def _mask_together(strings: list[str], glue: list[str]) -> list[str]:
    """Mask strings that stand beside each other, so that a key gives its value away."""
    for _ in range(_LOOKS):
        starts: list[int] = []
        joined: list[str] = []
        length = 0
        for index, string in enumerate(strings):
            starts.append(length)
            joined.append(string)
            length += len(string)
            if index < len(glue):
                joined.append(glue[index])
                length += len(glue[index])
        found = spans("".join(joined))
        if not found:
            break
        inside: dict[int, list[Span]] = {}
        for span in found:
            index = bisect.bisect_right(starts, span.start) - 1
            while index < len(strings) and starts[index] < span.end:
                first = max(span.start - starts[index], 0)
                last = min(span.end - starts[index], len(strings[index]))
                if first < last:
                    part = Span(first, last, span.rule, span.fingerprint)
                    inside.setdefault(index, []).append(part)
                index += 1
        if not inside:
            break
        for index, parts in inside.items():
            strings[index] = _replaced(strings[index], parts)
    return strings

def _decoded(literal: str) -> str:
    try:
        string: str = json.loads(literal, strict=False)
    except ValueError:
        return literal[1:-1]
    return string

# The packaged detector: (name, pattern, group, least entropy, needles). One
# of the needles, in lower case, is in every text that the pattern matches.
DETECTOR = (
    ('1password-secret-key', '\\bA3-[A-Z0-9]{6}-(?:(?:[A-Z0-9]{11})|(?:[A-Z0-9]{6}-[A-Z0-9]{5}))-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}\\b', 0, 0.0, ('a3-',)),
    ('1password-service-account-token', 'ops_eyJ[a-zA-Z0-9+/]{250,}={0,3}', 0, 0.0, ('ops_eyj',)),
    ('abuseipdb-api-key', '(?i)(?:abuseipdb)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-f0-9]{80})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('abuseipdb',)),
    ('adafruit-api-key', '(?i)(?:adafruit)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9_-]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('adafruit',)),
    ('adobe-client-id', '(?i)(?:adobe)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-f0-9]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('adobe',)),
    ('adobe-client-secret', '\\b(p8e-(?i:[a-z0-9]{32}))(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('p8e-',)),
    ('age-secret-key', 'AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}', 0, 0.0, ('age-secret-key-1',)),
    ('aikido-ci-token', '\\b(AIK_CI_[A-Za-z0-9]{20,44})\\b', 1, 0.0, ('aik_ci_',)),
    ('aikido-client-secret', '\\b(AIK_SECRET_[A-Za-z0-9]{64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('aik_secret_',)),
    ('airtable-api-key', '(?i)(?:airtable)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{17})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('airtable',)),
    ('airtable-oauth-token', '(?i)(?:airtable)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Z0-9]+\\.v1\\.[A-Z0-9_-]+\\.[a-f0-9]+)(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('airtable',)),
    ('airtable-personnal-access-token', '\\b(pat[\\[:alnum:]]{14}\\.[a-f0-9]{64})\\b', 1, 0.0, ('pat',)),
    ('aiven-auth-token', '(?i:aiven)[\\s\\S]{0,32}?\\b([A-Za-z0-9/+=]{372})(?:[^A-Za-z0-9/+=]|$)', 1, 0.0, ('aiven',)),
    ('algolia-api-key', '(?i)(?:algolia)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('algolia',)),
    ('alibaba-secret-key', '(?i)(?:alibaba|aliyun|secret|key)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Za-z0-9]{30})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('alibaba', 'aliyun', 'key', 'secret')),
    ('alibaba-sts-access-key-secret', '(?i)(?:alibaba|aliyun|secret|key)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Za-z0-9]{30,64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('alibaba', 'aliyun', 'key', 'secret')),
    ('amplitude-secret-key', '(?i)\\bamplitude(?:.|[\\n\\r]){0,32}?(?:SECRET|PRIVATE|ACCESS|KEY|TOKEN|AUTHORIZATION)(?:.|[\\n\\r]){0,16}?\\b([a-f0-9]{32})\\b', 1, 0.0, ('amplitude',)),
    ('anthropic-admin-api-key', '\\b(sk-ant-admin01-[a-zA-Z0-9_\\-]{93}AA)(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('sk-ant-admin01-',)),
    ('anthropic-api-key', '\\b(sk-ant-api03-[a-zA-Z0-9_\\-]{93}AA)(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('sk-ant-api03-',)),
    ('apify-api-token', '\\b(apify_api_[A-Za-z0-9]{34,38})\\b', 1, 0.0, ('apify_api_',)),
    ('apollo-api-key', '(?i:(?:apollo)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Za-z0-9_-]{22})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('apollo',)),
    ('artifactory-api-key', '\\bAKCp[A-Za-z0-9]{68,70}\\b', 0, 0.0, ('akcp',)),
    ('artifactory-reference-token', '\\bcmVmd[A-Za-z0-9]{59}\\b', 0, 0.0, ('cmvmd',)),
    ('asaas-api-token', '(?:^|[^A-Za-z0-9_-])(\\$aact_(?:prod|hmlg)_[A-Za-z0-9_-]{20,100})(?:[^A-Za-z0-9_-]|$)', 1, 0.0, ('$aact_',)),
    ('asana-client-id', '(?i)(?:asana)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([0-9]{16})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('asana',)),
    ('asana-client-secret', '(?i)(?:asana)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('asana',)),
    ('assemblyai-api-key', '(?i)(?:assemblyai)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('assemblyai',)),
    ('atlassian-api-token', '\\b(ATAT[A-Za-z0-9_\\-=]{100,})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('atat',)),
    ('auth0-client-secret', '(?i:(?:auth0[_.-]?(?:client[_.-]?)?(?:secret|private|key|token))(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Za-z0-9_-]{64,128})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('auth0',)),
    ('authress-service-client-access-key', '(?i)\\b((?:sc|ext|scauth|authress)_[a-z0-9]{5,30}\\.[a-z0-9]{4,6}\\.acc[_-][a-z0-9-]{10,32}\\.[a-z0-9+/_=-]{30,120})\\b', 1, 0.0, ('.acc',)),
    ('aws-access-token', '\\b((?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16})\\b', 1, 0.0, ()),
    ('aws-amazon-bedrock-api-key-long-lived', '\\b(ABSK[A-Za-z0-9+/]{109,269}={0,2})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('absk',)),
    ('aws-amazon-bedrock-api-key-short-lived', 'bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t', 0, 0.0, ('bedrock-api-key-ymvkcm9jay5hbwf6b25hd3muy29t',)),
    ('aws-secret-access-key', '(?i:(?:secret|access|key|token)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Za-z0-9/+=]{40})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('access', 'key', 'secret', 'token')),
    ('aws-session-token', '(?x)\\b(?i:AWS[_-]?(?:SESSION|SECURITY)[_-]?TOKEN)\\b["\']?\\s*(?:=|:)\\s*["\']?([A-Za-z0-9/+=._-]{16,2048})(?:["\'\\s,;}]|$)', 1, 0.0, ('token',)),
    ('azure-ad-client-secret', '(?:^|[\\\\\'"\\x60\\s>=:(,)])([a-zA-Z0-9_~.]{3}\\dQ~[a-zA-Z0-9_~.-]{31,34})(?:$|[\\\\\'"\\x60\\s<),])', 1, 0.0, ()),
    ('azure-app-configuration-connection-string', '(?i)Endpoint=(?P<azure_appconfig_endpoint>https://[a-z0-9-]+\\.azconfig\\.io);Id=(?P<azure_appconfig_id>[^;\\s\'"]{4,80});Secret=([A-Za-z0-9+/]{36,100}={0,2})', 3, 0.0, ('.azconfig.io',)),
    ('azure-servicebus-connection-string', '(?i)(Endpoint=sb://[a-z0-9-]+\\.servicebus\\.windows\\.net/;SharedAccessKeyName=[^;=\\s\'"]{1,128};SharedAccessKey=[A-Za-z0-9+/]{32,100}={0,2}(?:;EntityPath=[^;\\s\'"]{1,128})?)', 1, 0.0, ('.servicebus.windows.net/;sharedaccesskeyname=',)),
    ('azure-storage-account-key', '(?i)\\b(?:AccountKey|(?:azure[_\\s.-]*)?(?:storage[_\\s.-]*)?(?:account[_\\s.-]*)?(?:access[_\\s.-]*)?key)\\b(?s:.{0,24}?)([A-Za-z0-9+/]{86}==)', 1, 0.0, ('accountkey', 'key')),
    ('beamer-api-token', '(?i)(?:beamer)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(b_[a-z0-9=_\\-]{44})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('beamer',)),
    ('bitbucket-client-id', '(?i)(?:bitbucket)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('bitbucket',)),
    ('bitbucket-client-secret', '(?i)(?:bitbucket)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9=_\\-]{64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('bitbucket',)),
    ('bitbucket-data-center-token', '\\b(BBDC-[A-Za-z0-9+/=]{32,})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('bbdc-',)),
    ('bitly-access-token', '(?i)\\bbitly(?:.|[\\n\\r]){0,32}?(?:SECRET|PRIVATE|ACCESS|KEY|TOKEN)(?:.|[\\n\\r]){0,32}?([a-f0-9]{40})\\b', 1, 0.0, ('bitly',)),
    ('bitrise-access-token', '(?i:(?:bitrise(?:[ _-]*(?:personal|workspace))?(?:[ _-]*(?:access|api))?[ _-]*token)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Za-z0-9_-]{60,120})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('bitrise',)),
    ('bittrex-access-key', '(?i)(?:bittrex)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('bittrex',)),
    ('bittrex-secret-key', '(?i)(?:bittrex)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('bittrex',)),
    ('box-api-access-token', '(?i)(?:box)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('box',)),
    ('brave-search-api-key', '\\b(BSA[A-Za-z0-9_-]{24,40})\\b', 1, 0.0, ('bsa',)),
    ('browserstack-access-key', '(?i:(?:browserstack[_.-]?(?:access[_.-]?)?(?:key|secret|token))(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Za-z0-9]{20})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('browserstack',)),
    ('buildkite-service-token', '\\b(bkaa_[A-Za-z0-9_-]{75}|bkaj_[A-Za-z0-9_-]{333}|bkar_[A-Za-z0-9_-]{73}|bkct_[A-Za-z0-9_-]{73}|bkpt_[A-Za-z0-9_-]{199}|bkpat_[A-Za-z0-9_-]{54}|bkps_[A-Za-z0-9_-]{64})(?:$|[^A-Za-z0-9_-])', 1, 0.0, ('aa_', 'aj_', 'ar_', 'ct_', 'pat_', 'ps_', 'pt_')),
    ('buildkite-user-access-token', '\\b(bkua_(?:[a-z0-9]{40}|[a-z0-9]{53}))\\b', 1, 0.0, ('bkua_',)),
    ('canadian-digital-service-notify-api-key', '(?i:\\b(ApiKey-v1\\s+gcntfy-[a-z0-9_]+-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\\b)', 1, 0.0, ('apikey-v1',)),
    ('canva-client-secret', '\\b(cnvca[a-zA-Z0-9_-]{51})\\b', 1, 0.0, ('cnvca',)),
    ('cartesia-api-key', '\\b(sk_car_[A-Za-z0-9_]{20})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('sk_car_',)),
    ('cerebras-api-key', '(?i)\\b(csk-[a-z0-9]{48})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('csk-',)),
    ('checkout-secret-key', '(?i)(?:checkout)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(sk_[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('checkout',)),
    ('circleci-personal-token', '\\b(CCIPAT_[a-zA-Z0-9]{22}_[a-z0-9]{40})', 1, 0.0, ('ccipat_',)),
    ('circleci-project-token', '(?i)(?:circleci)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-f0-9]{40})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('circleci',)),
    ('cisco-meraki-api-key', '(?i:(?:(?-i:[Mm]eraki|MERAKI))(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([0-9a-f]{40})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('eraki', 'meraki')),
    ('civo-api-key', '(?i)(?:civo)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{50})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('civo',)),
    ('clerk-secret-key', '(?i)(?:clerk)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(sk_(?:test|live)_[A-Za-z0-9]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('clerk',)),
    ('clickhouse-cloud-api-secret-key', '\\b(4b1d[A-Za-z0-9]{38})\\b', 1, 0.0, ('4b1d',)),
    ('clickup-personal-api-token', '(?i)(?:clickup)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(pk_[0-9]{8,9}_[a-z0-9]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('clickup',)),
    ('clojars-api-token', '(?i)CLOJARS_[a-z0-9]{60}', 0, 0.0, ('clojars_',)),
    ('cloudflare-api-key', '(?i)(?:cloudflare)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9_-]{40})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('cloudflare',)),
    ('cloudflare-api-key-2', '\\b(cf[ua]t_[A-Za-z0-9]{40}[a-f0-9]{8})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ()),
    ('cloudflare-global-api-key', '(?i)(?:cloudflare)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-f0-9]{37})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('cloudflare',)),
    ('cloudflare-origin-ca-key', '\\b(v1\\.0-[a-f0-9]{24}-[a-f0-9]{146})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('v1.0-',)),
    ('cloudinary-api-secret', '(?i)\\bcloudinary(?:.|[\\n\\r]){0,32}?(?:SECRET|PRIVATE|API[_\\s]?SECRET)(?:.|[\\n\\r]){0,32}?\\b([A-Za-z0-9]{32})\\b', 1, 0.0, ('cloudinary',)),
    ('cloudsmith-api-key', '\\b(csa_[a-f0-9]{30}[A-Za-z0-9]{6})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('csa_',)),
    ('cockroachlabs-cloud-api-key', '\\b(CCDB1_[A-Za-z0-9]{22}_[A-Za-z0-9]{40})\\b', 1, 0.0, ('ccdb1_',)),
    ('codecov-access-token', '(?i)(?:codecov)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Z0-9-]{36})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('codecov',)),
    ('cohere-api-token', '(?i:(?:cohere|CO_API_KEY)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-zA-Z0-9]{40})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('co_api_key', 'cohere')),
    ('coinbase-access-token', '(?i)(?:coinbase)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9_-]{64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('coinbase',)),
    ('configcat-sdk-key', '(?i)(?:configcat)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Za-z0-9_-]{22}/[A-Za-z0-9_-]{22})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('configcat',)),
    ('configcat-sdk-key-extended', '\\b(configcat-sdk-1/[A-Za-z0-9_-]{22}/[A-Za-z0-9_-]{22})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('configcat-sdk-1/',)),
    ('confluent-access-token', '(?i)(?:confluent)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{16})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('confluent',)),
    ('confluent-secret-key', '(?i)(?:confluent)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('confluent',)),
    ('contentful-delivery-api-token', '(?i)(?:contentful)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9=_\\-]{43})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('contentful',)),
    ('couchbase-capella-api-key', '(?i)\\b(?:couchbase|capella)(?:.|[\\n\\r]){0,32}?(?:api(?:.|[\\n\\r]){0,12}?(?:key|secret)|key(?:.|[\\n\\r]){0,12}?secret)(?:.|[\\n\\r]){0,32}?\\b([A-Za-z0-9+/]{60,120}={0,2})\\b', 1, 0.0, ('apella', 'ouchbase')),
    ('coveralls-personal-api-token', '(?i)(?:coveralls)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Za-z0-9-]{37})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('coveralls',)),
    ('crates-io-api-key', '(?i)(?:crates(?:[_.-]?io)?)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(cio[A-Za-z0-9]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('crates',)),
    ('curl-auth-header', '\\bcurl\\b(?:.*?|.*?(?:[\\r\\n]{1,2}.*?){1,5})[ \\t\\n\\r](?:-H|--header)(?:=|[ \\t]{0,5})(?:"(?i:(?:Authorization:[ \\t]{0,5}(?:Basic[ \\t]([a-z0-9+/]{8,}={0,3})|(?:Bearer|(?:Api-)?Token)[ \\t]([\\w=~@.+/-]{8,})|([\\w=~@.+/-]{8,}))|(?:(?:X-(?:[a-z]+-)?)?(?:Api-?)?(?:Key|Token)):[ \\t]{0,5}([\\w=~@.+/-]{8,}))"|\'(?i:(?:Authorization:[ \\t]{0,5}(?:Basic[ \\t]([a-z0-9+/]{8,}={0,3})|(?:Bearer|(?:Api-)?Token)[ \\t]([\\w=~@.+/-]{8,})|([\\w=~@.+/-]{8,}))|(?:(?:X-(?:[a-z]+-)?)?(?:Api-?)?(?:Key|Token)):[ \\t]{0,5}([\\w=~@.+/-]{8,}))\')))(?:\\B|\\s|\\Z)', 1, 0.0, ('curl',)),
    ('curl-auth-user', '\\bcurl\\b(?:.*|.*(?:[\\r\\n]{1,2}.*){1,5})[ \\t\\n\\r](?:-u|--user)(?:=|[ \\t]{0,5})("(:[^"]{3,}|[^:"]{3,}:|[^:"]{3,}:[^"]{3,})"|\'([^:\']{3,}:[^\']{3,})\'|((?:"[^"]{3,}"|\'[^\']{3,}\'|[\\w$@.-]+):(?:"[^"]{3,}"|\'[^\']{3,}\'|[\\w${}@.-]+)))(?:\\s|\\Z)', 1, 0.0, ('curl',)),
    ('cursor-api-key', '(?i)(?:cursor)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(key_[0-9a-f]{64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('cursor',)),
    ('databento-api-key', '(?i)(?:databento)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(db-[A-Za-z0-9]{29})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('databento',)),
    ('databricks-api-token', '\\b(dapi[a-f0-9]{32}(?:-\\d)?)(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('dapi',)),
    ('datadog-api-key', '(?i)(?:datadog)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('datadog',)),
    ('datadog-application-key', '(?i)(?:datadog)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Za-z0-9-]{40})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('datadog',)),
    ('datagov-api-key', '(?i)(?:data\\.gov)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{40})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('data.gov',)),
    ('datastax-astra-application-token', '\\b(AstraCS:[A-Za-z0-9]{20,})', 1, 0.0, ('astracs:',)),
    ('deepgram-api-key', '(?i)(?:deepgram)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-f0-9]{40})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('deepgram',)),
    ('deepseek-api-key', '(?:(?:\\A|(?:[\\x00-,\\./:-@\\[-\\^`\\{-\\xFF]))((?:(?:[Ss])(?:[Kk])\\-(?:[0-9A-Fa-f]){32}))(?:(?:\\\\?(?:["\'`]))|(?:[\\x09-\\x0D\\x20;])|(?:\\\\(?:[NRnr]))|\\Z))', 1, 0.0, ()),
    ('defined-networking-api-token', '(?i)(?:dnkey)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(dnkey-[a-z0-9=_\\-]{26}-[a-z0-9=_\\-]{52})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('dnkey-',)),
    ('deno-account-token', '\\b(ddp_[A-Za-z0-9]{36})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('ddp_',)),
    ('devcycle-client-sdk-key', '\\b(dvc_client_[A-Za-z0-9]{8,32})', 1, 0.0, ('dvc_client_',)),
    ('devcycle-mobile-sdk-key', '\\b(dvc_mobile_[A-Za-z0-9]{8,32})', 1, 0.0, ('dvc_mobile_',)),
    ('devcycle-server-sdk-key', '\\b(dvc_server_[A-Za-z0-9]{8,32})', 1, 0.0, ('dvc_server_',)),
    ('devin-personal-api-key', '\\b(apk_user_[A-Za-z0-9+/]{120,180}={0,2})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('apk_user_',)),
    ('devin-service-api-key', '\\b(apk_[A-Za-z0-9+/]{80,100}={0,2})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('apk_',)),
    ('devin-service-user-token', '\\b(cog_[a-z2-7]{52})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('cog_',)),
    ('digitalocean-access-token', '\\b(doo_v1_[a-f0-9]{64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('doo_v1_',)),
    ('digitalocean-pat', '\\b(dop_v1_[a-f0-9]{64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('dop_v1_',)),
    ('digitalocean-refresh-token', '(?i)\\b(dor_v1_[a-f0-9]{64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('dor_v1_',)),
    ('discord-api-token', '(?i)(?:discord)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-f0-9]{64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('discord',)),
    ('discord-client-id', '(?i)(?:discord)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([0-9]{18})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('discord',)),
    ('discord-client-secret', '(?i)(?:discord)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9=_\\-]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('discord',)),
    ('disqus-api-key', '(?i)(?:disqus)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('disqus',)),
    ('docker-swarm-join-token', '\\b(SWMTKN-1-[a-z0-9]{50,60}-[a-z0-9]{24,30})', 1, 0.0, ('swmtkn-1-',)),
    ('docker-swarm-unlock-key', '\\b(SWMKEY-1-[A-Za-z0-9+/]{40,50})', 1, 0.0, ('swmkey-1-',)),
    ('dockerhub-organization-access-token', '\\b(dckr_oat_[A-Za-z0-9_-]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('dckr_oat_',)),
    ('dockerhub-personal-access-token', '\\b(dckr_pat_[A-Za-z0-9_-]{27})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('dckr_pat_',)),
    ('doppler-api-token', 'dp\\.pt\\.(?i:[a-z0-9]{43})', 0, 0.0, ('dp.pt.',)),
    ('droneci-access-token', '(?i)(?:droneci)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('droneci',)),
    ('dropbox-api-token', '(?i)(?:dropbox)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{15})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('dropbox',)),
    ('dropbox-long-lived-api-token', '(?i)(?:dropbox)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{11}(AAAAAAAAAA)[a-z0-9\\-_=]{43})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('aaaaaaaaaa',)),
    ('dropbox-short-lived-api-token', '(?i)(?:dropbox)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(sl\\.[a-z0-9\\-=_]{135})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('dropbox',)),
    ('duffel-api-token', 'duffel_(?:test|live)_(?i:[a-z0-9_\\-=]{43})', 0, 0.0, ('duffel_',)),
    ('dynatrace-api-token', 'dt0c01\\.(?i:[a-z0-9]{24}\\.[a-z0-9]{64})', 0, 0.0, ('dt0c01.',)),
    ('easypost-api-token', '\\bEZAK(?i:[a-z0-9]{54}\\b)', 0, 0.0, ('ezak',)),
    ('easypost-test-api-token', '\\bEZTK(?i:[a-z0-9]{54}\\b)', 0, 0.0, ('eztk',)),
    ('ebay-client-secret', '(?i:(?:ebay(?:[_. -]*(?:client|api))?[_. -]*(?:secret|key))(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(PRD-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4,12})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('ebay',)),
    ('elastic-cloud-api-key', '\\b(essu_[A-Za-z0-9_\\-]{60,200}={0,2})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('essu_',)),
    ('elevenlabs-api-key', '(?i)(?:elevenlabs)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(sk_[0-9a-f]{48})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('elevenlabs',)),
    ('endorlabs-api-key', '(?i)(?:endor(?:labs)?|key)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(endr\\+[A-Za-z0-9-]{16})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('endr+',)),
    ('endorlabs-api-secret', '(?i)(?:endor(?:labs)?|secret)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(endr\\+[A-Za-z0-9-]{16})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('endr+',)),
    ('etsy-open-api-key', '(?i)(?:etsy|x-api-key)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{24}:[a-z0-9]{10,64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('etsy', 'x-api-key')),
    ('exoscale-api-key', '\\b(EXO[a-zA-Z0-9]{24,30})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('exo',)),
    ('exoscale-api-secret', '(?i)(?:exoscale)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Za-z0-9_\\-]{40,60})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('exoscale',)),
    ('facebook-access-token', '(?i)\\b(\\d{15,16}(\\||%)[0-9a-z\\-_]{27,40})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ()),
    ('facebook-page-access-token', '\\b(EAA[MC](?i:[a-z0-9]{100,}))(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('eaa',)),
    ('facebook-secret', '(?i)(?:facebook)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-f0-9]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('facebook',)),
    ('fal-api-key', '(?i:(?:falai|fal_ai|fal-ai|fal.ai|fal-api|fal_api|fal_key|fal-key)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}:[a-f0-9]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('fal',)),
    ('fastly-api-token', '(?i)(?:fastly)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9_-]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('fastly',)),
    ('figma-personal-access-header-token', '(?i)(?:x-figma-token|xfigmatoken|x_figma_token)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([0-9A-F]{4}-[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('-figma-token', '_figma_token', 'figmatoken')),
    ('figma-personal-access-token', '(?i)\\b(figd_[A-Z0-9_-]{38,42})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('figd_',)),
    ('finicity-api-token', '(?i)(?:finicity)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-f0-9]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('finicity',)),
    ('finicity-client-secret', '(?i)(?:finicity)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{20})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('finicity',)),
    ('finnhub-access-token', '(?i)(?:finnhub)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{20})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('finnhub',)),
    ('flickr-access-token', '(?i)(?:flickr)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('flickr',)),
    ('flutterwave-encryption-key', 'FLWSECK_TEST-(?i:[a-h0-9]{12})', 0, 0.0, ('flwseck_test-',)),
    ('flutterwave-public-key', 'FLWPUBK_TEST-(?i:[a-h0-9]{32}-X)', 0, 0.0, ('flwpubk_test-',)),
    ('flutterwave-secret-key', 'FLWSECK_TEST-(?i:[a-h0-9]{32}-X)', 0, 0.0, ('flwseck_test-',)),
    ('flyio-access-token', '\\b(FlyV1\\s[A-Za-z0-9=_\\-,/+]{100,})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('flyv1',)),
    ('frameio-api-token', 'fio-u-(?i:[a-z0-9\\-_=]{64})', 0, 0.0, ('fio-u-',)),
    ('freemius-secret-key', '(?i)["\']secret_key["\']\\s*=>\\s*["\'](sk_[\\S]{29})["\']', 1, 0.0, ('secret_key',)),
    ('freshbooks-access-token', '(?i)(?:freshbooks)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('freshbooks',)),
    ('fullstory-api-key', '(?i)(?:(?:fullstory|fs_api|fullstory_api))(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}((?:na1|eu1)\\.[A-Za-z0-9]{20,})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('s_api', 'ullstory', 'ullstory_api')),
    ('gcp-api-key', '\\b(AIza[\\w-]{35})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('aiza',)),
    ('gcp-application-default-credentials', '\\{[^{]+(?:(?:"client_secret"\\s*:\\s*"[^"]+"[^}]+"refresh_token"\\s*:\\s*"[^"]+")|(?:"refresh_token"\\s*:\\s*"[^"]+"[^}]+"client_secret"\\s*:\\s*"[^"]+"))[^}]+\\}', 0, 0.0, ('"client_secret"', '"refresh_token"')),
    ('gcp-gemini-api', '\\b(AQ\\.Ab8RN6[A-Za-z0-9_-]{44})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('aq.ab8rn6',)),
    ('gcp-service-account', '\\{[^{]+(?:(?:"private_key"\\s*:\\s*"-----BEGIN (?:RSA )?PRIVATE KEY-----[^}]+auth_provider_x509_cert_url)|(?:auth_provider_x509_cert_url[^}]+"private_key"\\s*:\\s*"-----BEGIN (?:RSA )?PRIVATE KEY-----))[^}]+\\}', 0, 0.0, ('auth_provider_x509_cert_url',)),
    ('generic-credential-uri', '(?i)\\b(?P<uri>(?P<scheme>https?|postgres(?:ql)?|mysql|mariadb|mongodb(?:\\+srv)?|rediss?|amqps?|ldaps?|smtps?|ftps?|ssh)://(?P<username>[^:/@\\s\'"\\x60]{0,128}):(?P<password>[^/@\\s\'"\\x60]{1,256})@(?P<host>(?:\\[[0-9a-f:.%]+\\]|[a-z0-9][a-z0-9._-]{0,252}))(?::[0-9]{1,5})?(?:,(?:\\[[0-9a-f:.%]+\\]|[a-z0-9][a-z0-9._-]{0,252})(?::[0-9]{1,5})?)*(?:[/?][a-z0-9._~!$&(*+,;=:@%/?-]*)?)(?:[\\s\'"\\x60#<>{}\\[\\],;)]|\\\\[nr]|$)', 4, 0.0, ('://',)),
    ('gitea-access-token', '(?i)(?:gitea[_.-]?(?:token|key|secret|access))(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-f0-9]{40})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('gitea',)),
    ('github-app-token', '(?:ghu|ghs)_[0-9a-zA-Z]{36}', 0, 0.0, ()),
    ('github-fine-grained-pat', 'github_pat_\\w{82}', 0, 0.0, ('github_pat_',)),
    ('github-oauth', 'gho_[0-9a-zA-Z]{36}', 0, 0.0, ('gho_',)),
    ('github-pat', 'ghp_[0-9a-zA-Z]{36}', 0, 0.0, ('ghp_',)),
    ('github-refresh-token', 'ghr_[0-9a-zA-Z]{36}', 0, 0.0, ('ghr_',)),
    ('gitlab-cicd-job-token', 'glcbt-[0-9a-zA-Z]{1,5}_[0-9a-zA-Z_-]{20}', 0, 0.0, ('glcbt-',)),
    ('gitlab-deploy-token', 'gldt-[0-9a-zA-Z_\\-]{20}', 0, 0.0, ('gldt-',)),
    ('gitlab-feature-flag-client-token', 'glffct-[0-9a-zA-Z_\\-]{20}', 0, 0.0, ('glffct-',)),
    ('gitlab-feed-token', 'glft-[0-9a-zA-Z_\\-]{20}', 0, 0.0, ('glft-',)),
    ('gitlab-incoming-mail-address-token', 'incoming\\+(?:[A-Za-z0-9._-]+-)?\\d+-([A-Za-z0-9_-]+)-(?:issue(?:-\\d+)?|merge-request)@', 1, 0.0, ('incoming+',)),
    ('gitlab-incoming-mail-token', 'glimt-[0-9a-zA-Z_\\-]{25}', 0, 0.0, ('glimt-',)),
    ('gitlab-kubernetes-agent-token', 'glagent-[0-9a-zA-Z_\\-]{50}', 0, 0.0, ('glagent-',)),
    ('gitlab-oauth-app-secret', 'gloas-[0-9a-zA-Z_\\-]{64}', 0, 0.0, ('gloas-',)),
    ('gitlab-pat', 'glpat-[\\w-]{20}', 0, 0.0, ('glpat-',)),
    ('gitlab-pat-routable', '\\bglpat-[0-9a-zA-Z_-]{27,300}\\.[0-9a-z]{2}[0-9a-z]{7}\\b', 0, 0.0, ('glpat-',)),
    ('gitlab-pat-routable-versioned', '\\bglpat-[0-9a-zA-Z_-]{27,300}\\.[0-9a-z]{2}\\.[0-9a-z]{9}\\b', 0, 0.0, ('glpat-',)),
    ('gitlab-ptt', 'glptt-[0-9a-f]{40}', 0, 0.0, ('glptt-',)),
    ('gitlab-rrt', 'GR1348941[\\w-]{20}', 0, 0.0, ('gr1348941',)),
    ('gitlab-runner-authentication-token', 'glrt-[0-9a-zA-Z_\\-]{20}', 0, 0.0, ('glrt-',)),
    ('gitlab-runner-authentication-token-routable', '\\bglrt-t\\d_[0-9a-zA-Z_\\-]{27,300}\\.[0-9a-z]{2}[0-9a-z]{7}\\b', 0, 0.0, ('glrt-t',)),
    ('gitlab-scim-token', 'glsoat-[0-9a-zA-Z_\\-]{20}', 0, 0.0, ('glsoat-',)),
    ('gitlab-session-cookie', '_gitlab_session=[0-9a-z]{32}', 0, 0.0, ('_gitlab_session=',)),
    ('gitter-access-token', '(?i)(?:gitter)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9_-]{40})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('gitter',)),
    ('gocardless-api-token', '(?i)(?:gocardless)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(live_(?i:[a-z0-9\\-_=]{40}))(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('gocardless',)),
    ('grafana-api-key', '\\b(eyJrIjoi[A-Za-z0-9+/]{40,380}={0,2})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('eyjrijoi',)),
    ('grafana-cloud-api-token', '\\b(glc_[A-Za-z0-9+/]{40,150}={0,2})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('glc_',)),
    ('grafana-service-account-token', '\\b(glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('glsa_',)),
    ('greptile-api-key', '(?i)(?:greptile)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-zA-Z0-9+/]{48})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('greptile',)),
    ('groq-api-key', '(?i)\\b(gsk_[A-Z0-9]{52})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('gsk_',)),
    ('gumroad-access-token', '(?i)(?:gumroad)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}((?:[a-f0-9]{64}|[A-Za-z0-9-]{43}))(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('gumroad',)),
    ('harness-api-key', '(?:pat|sat)\\.[a-zA-Z0-9_-]{22}\\.[0-9a-f]{24}\\.[a-zA-Z0-9]{20}', 0, 0.0, ('pat', 'sat')),
    ('hashicorp-tf-api-token', '(?i)[a-z0-9]{14}\\.(?-i:atlasv1)\\.[a-z0-9\\-_=]{60,70}', 0, 0.0, ('atlasv1',)),
    ('hashicorp-tf-password', '(?i)(?:administrator_login_password|password)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}("[a-z0-9=_\\-]{8,20}")(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('administrator_login_password', 'password')),
    ('heroku-api-key', '(?i)(?:heroku)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('heroku',)),
    ('heroku-api-key-v2', '\\b((HRKU-AA[0-9a-zA-Z_-]{58}))(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('hrku-aa',)),
    ('highnote-secret-live-key', '(?i:(?:highnote(?:[_. -]*(?:api))?[_. -]*(?:secret|key|token|sk[_. -]*live))(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(sk_live_a2V5Xz[A-Za-z0-9+/]{69}={0,2})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('sk_live_a2v5xz',)),
    ('honeycomb-api-key', '(?i)(?:honeycomb)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}((?:[a-f0-9]{32}|[a-z0-9]{22}))(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('honeycomb',)),
    ('hubspot-api-key', '(?i)(?:hubspot)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('hubspot',)),
    ('huggingface-access-token', '\\b(hf_(?i:[a-z]{34}))(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('hf_',)),
    ('huggingface-organization-api-token', '\\b(api_org_(?i:[a-z]{34}))(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('api_org_',)),
    ('hunter-api-key', '(?i:(?:hunter)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-f0-9]{40})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('hunter',)),
    ('ibm-cloud-user-api-key', '(?i)(?:ibm(?:cloud)?|bx)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9_-]{42,44})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ()),
    ('influxdb-api-token', '(?i)(?:\\binflux(?:db)?\\b(?:.|[\\n\\r]){0,64}?\\b(?:token|api[_-]?key)\\b(?:.|[\\n\\r]){0,32}?)[=:"\'\\s]{1,8}([A-Za-z0-9+/=_-]{88,})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('influx',)),
    ('infomaniak-api-token', '(?i)(?:infomaniak)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Za-z0-9_\\-]{60,100})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('infomaniak',)),
    ('infracost-api-token', '\\b(ico-[a-zA-Z0-9]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('ico-',)),
    ('instantly-api-key', '(?i:(?:instantly)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Za-z0-9+/]{66}==)(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('instantly',)),
    ('intercom-api-key', '(?i)(?:intercom)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9=_\\-]{60})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('intercom',)),
    ('intra42-client-secret', '\\b(s-s4t2(?:ud|af)-(?i:[abcdef0123456789]{64}))(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('s-s4t2',)),
    ('ionic-personal-access-token', '\\b(ion_[A-Za-z0-9]{42})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('ion_',)),
    ('jumpcloud-api-key', '(?i)(?:jumpcloud)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{40})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('jumpcloud',)),
    ('jwt', '\\b(ey[a-zA-Z0-9]{17,}\\.ey[a-zA-Z0-9\\/\\\\_-]{17,}\\.(?:[a-zA-Z0-9\\/\\\\_-]{10,}={0,2})?)(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('.ey',)),
    ('jwt-base64', '\\bZXlK(?:(?P<alg>aGJHY2lPaU)|(?P<apu>aGNIVWlPaU)|(?P<apv>aGNIWWlPaU)|(?P<aud>aGRXUWlPaU)|(?P<b64>aU5qUWlP)|(?P<crit>amNtbDBJanBi)|(?P<cty>amRIa2lPaU)|(?P<epk>bGNHc2lPbn)|(?P<enc>bGJtTWlPaU)|(?P<jku>cWEzVWlPaU)|(?P<jwk>cWQyc2lPb)|(?P<iss>cGMzTWlPaU)|(?P<iv>cGRpSTZJ)|(?P<kid>cmFXUWlP)|(?P<key_ops>clpYbGZiM0J6SWpwY)|(?P<kty>cmRIa2lPaUp)|(?P<nonce>dWIyNWpaU0k2)|(?P<p2c>d01tTWlP)|(?P<p2s>d01uTWlPaU)|(?P<ppt>d2NIUWlPaU)|(?P<sub>emRXSWlPaU)|(?P<svt>emRuUWlP)|(?P<tag>MFlXY2lPaU)|(?P<typ>MGVYQWlPaUp)|(?P<url>MWNtd2l)|(?P<use>MWMyVWlPaUp)|(?P<ver>MlpYSWlPaU)|(?P<version>MlpYSnphVzl1SWpv)|(?P<x>NElqb2)|(?P<x5c>NE5XTWlP)|(?P<x5t>NE5YUWlPaU)|(?P<x5ts256>NE5YUWpVekkxTmlJNkl)|(?P<x5u>NE5YVWlPaU)|(?P<zip>NmFYQWlPaU))[a-zA-Z0-9\\/\\\\_+\\-\\r\\n]{40,}={0,2}', 1, 0.0, ('agjhy2lpau', 'agnivwlpau', 'agniwwlpau', 'agrxuwlpau', 'amntbdbjanbi', 'amria2lpau', 'au5quwlp', 'bgjttwlpau', 'bgnhc2lpbn', 'cgmztwlpau', 'cgrpstzj', 'clpybgzim0j6swpwy', 'cmfxuwlp', 'cmria2lpaup', 'cwezvwlpau', 'cwqyc2lpb', 'd01ttwlp', 'd01utwlpau', 'd2niuwlpau', 'dwiynwpau0k2', 'emruuwlp', 'emrxswlpau', 'mflxy2lpau', 'mgvyqwlpaup', 'mlpysnphvzl1swpv', 'mlpyswlpau', 'mwmyvwlpaup', 'mwntd2l', 'ne5xtwlp', 'ne5yuwlpau', 'ne5yuwpvekkxtmljnkl', 'ne5yvwlpau', 'nelqb2', 'nmfyqwlpau')),
    ('kagi-api-key', '(?i)(?:kagi)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9_-]{11}\\.[a-z0-9_-]{43})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('kagi',)),
    ('kimi-api-key', '(?:(?:\\A|(?:[\\x00-,\\./:-@\\[-\\^`\\{-\\xFF]))((?:(?:[Ss])(?:[Kk])\\-(?:[\\-0-9A-Z_a-z]){48}))(?:(?:\\\\?(?:["\'`]))|(?:[\\x09-\\x0D\\x20;])|(?:\\\\(?:[NRnr]))|\\Z))', 1, 0.0, ()),
    ('klaviyo-api-key', '(?i)(?:klaviyo)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(pk_[a-z0-9]{34})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('klaviyo',)),
    ('kraken-access-token', '(?i)(?:kraken)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9\\/=_\\+\\-]{80,90})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('kraken',)),
    ('kubernetes-secret-yaml', '(?i)(?:\\bkind:[ \\t]*["\']?\\bsecret\\b["\']?(?s:.){0,1000}?\\bdata:(?s:.){0,100}?\\s+([\\w.-]+:(?:[ \\t]*(?:\\||>[-+]?)\\s+)?[ \\t]*(?:["\']?[a-z0-9+/]{10,}={0,3}["\']?|\\{\\{[ \\t\\w"|$:=,.-]+}}|""|\'\'))|\\bdata:(?s:.){0,100}?\\s+([\\w.-]+:(?:[ \\t]*(?:\\||>[-+]?)\\s+)?[ \\t]*(?:["\']?[a-z0-9+/]{10,}={0,3}["\']?|\\{\\{[ \\t\\w"|$:=,.-]+}}|""|\'\'))(?s:.){0,1000}?\\bkind:[ \\t]*["\']?\\bsecret\\b["\']?)', 1, 0.0, ('secret',)),
    ('kucoin-access-token', '(?i)(?:kucoin)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-f0-9]{24})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('kucoin',)),
    ('kucoin-secret-key', '(?i)(?:kucoin)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('kucoin',)),
    ('langchain-langsmith-personal-access-token', '\\b(lsv2_pt_[0-9a-fA-F]{32}_[0-9a-fA-F]{10})', 1, 0.0, ('lsv2_pt_',)),
    ('langchain-langsmith-service-key', '\\b(lsv2_sk_[0-9a-fA-F]{32}_[0-9a-fA-F]{10})', 1, 0.0, ('lsv2_sk_',)),
    ('langfuse-secret-key', '\\b(sk-lf-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('sk-lf-',)),
    ('lark-app-secret', '(?i)(?:lark|larksuite)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Za-z0-9]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('lark',)),
    ('launchdarkly-access-token', '(?i)(?:launchdarkly)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9=_\\-]{40})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('launchdarkly',)),
    ('lichess-personal-access-token', '\\b(lip_[A-Za-z0-9_]{16,60})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('lip_',)),
    ('lighton-paradigm-api-key', '(?i)(?:lighton|paradigm)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Za-z0-9_\\-]{40,80})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('lighton', 'paradigm')),
    ('linear-api-key', 'lin_api_(?i:[a-z0-9]{40})', 0, 0.0, ('lin_api_',)),
    ('linear-client-secret', '(?i)(?:linear)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-f0-9]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('linear',)),
    ('linkedin-client-id', '(?i)(?:linked[_-]?in)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{14})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('linked',)),
    ('linkedin-client-secret', '(?i)(?:linked[_-]?in)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{16})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('linked',)),
    ('llama-cloud-api-key', '\\b(llx-[A-Za-z0-9]{44,52})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('llx-',)),
    ('lob-api-key', '(?i)(?:lob)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}((live|test)_[a-f0-9]{35})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('live', 'test')),
    ('lob-pub-api-key', '(?i)(?:lob)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}((test|live)_pub_[a-f0-9]{31})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('_pub_',)),
    ('looker-client-id', '(?i)(?:looker)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{20})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('looker',)),
    ('looker-client-secret', '(?i)(?:looker)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{24})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('looker',)),
    ('mailchimp-api-key', '(?i)(?:MailchimpSDK.initialize|mailchimp)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-f0-9]{32}-us\\d\\d)(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('mailchimp', 'mailchimpsdk')),
    ('mailersend-api-token', '\\b(mlsn\\.[A-Za-z0-9]{30,100})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('mlsn.',)),
    ('mailgun-private-api-token', '(?i)(?:mailgun)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(key-[a-f0-9]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('mailgun',)),
    ('mailgun-pub-key', '(?i)(?:mailgun)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(pubkey-[a-f0-9]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('mailgun',)),
    ('mailgun-signing-key', '(?i)(?:mailgun)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-h0-9]{32}-[a-h0-9]{8}-[a-h0-9]{8})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('mailgun',)),
    ('mapbox-api-token', '(?i)(?:mapbox)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(pk\\.[a-z0-9]{60}\\.[a-z0-9]{22})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('mapbox',)),
    ('mattermost-access-token', '(?i)(?:mattermost)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{26})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('mattermost',)),
    ('maxmind-license-key', '\\b([A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk)(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('_mmk',)),
    ('mem0-api-key', '(?i:(?:mem0)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(m0-[A-Za-z0-9]{24,44})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('mem0',)),
    ('mercury-production-api-token', '\\b(mercury_production_[a-z]{3,6}_[A-Za-z0-9]{40,50}_yrucrem)(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('mercury_production_',)),
    ('mergify-application-key', '\\b(mergify_application_key_[A-Za-z0-9_-]{40,200})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('mergify_application_key_',)),
    ('messagebird-api-token', '(?i)(?:message[_-]?bird)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{25})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('message',)),
    ('messagebird-client-id', '(?i)(?:message[_-]?bird)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('message',)),
    ('microsoft-teams-webhook', 'https://[a-z0-9]+\\.webhook\\.office\\.com/webhookb2/[a-z0-9]{8}-([a-z0-9]{4}-){3}[a-z0-9]{12}@[a-z0-9]{8}-([a-z0-9]{4}-){3}[a-z0-9]{12}/IncomingWebhook/[a-z0-9]{32}/[a-z0-9]{8}-([a-z0-9]{4}-){3}[a-z0-9]{12}', 1, 0.0, ('.webhook.office.com/webhookb2/',)),
    ('midtrans-production-server-client-key', '(?i)(?:midtrans|mid[_-]?)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(Mid-(?:server|client)-[A-Za-z0-9_]{10,20})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('client', 'server')),
    ('minimax-api-key', '(?i)\\b(sk-api-[A-Za-z0-9_-]{119})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('sk-api-',)),
    ('miro-access-token', '\\b(eyJtaXJv[A-Za-z0-9-]{10,64}_[A-Za-z0-9_-]{20,64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('eyjtaxjv',)),
    ('miro-client-secret', '(?i)(?:miro)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('miro',)),
    ('mistral-api-key', '(?i)(?:mistral)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Z0-9]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('mistral',)),
    ('monday-api-token', '(?i:(?:monday)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(eyJ[A-Za-z0-9_-]{10,200}\\.eyJ[A-Za-z0-9_-]{50,1000}\\.[A-Za-z0-9_-]{20,500})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('monday',)),
    ('mongodb-atlas-service-account-secret', '\\b(mdb_sa_sk_[A-Za-z0-9_-]{40})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('mdb_sa_sk_',)),
    ('mongodb-connection-string', '\\b(mongodb(?:\\+srv)?://(?P<username>[!-9;-~]{3,50}):(?P<password>[!-?A-~]{3,88})@(?P<host>(?:[a-zA-Z0-9][\\w.-]+|\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3})(?::\\d{1,5})?(?:,(?:[a-zA-Z0-9][\\w.-]+|\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3})(?::\\d{1,5})?)*)/?(?:(?P<authdb>[\\w-]+)?(?P<options>\\?\\w+=[\\w@/.$-]+(?:&(?:amp;)?\\w+=[\\w@/.$-]+)*)?)?)(?:[\'"\\s;\\x60]|\\\\[nr]|\\b|$)', 1, 0.0, ('mongodb',)),
    ('mux-access-token-secret', '(?i:(?:mux[_.-]?(?:access[_.-]?)?token[_.-]?(?:secret|private|key))(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Za-z0-9+/]{75})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('token',)),
    ('neon-api-key', '\\b(napi_[A-Za-z0-9]{64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('napi_',)),
    ('netlify-access-token', '(?i)(?:netlify)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9=_\\-]{40,46})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('netlify',)),
    ('new-relic-browser-api-token', '(?i)(?:new-relic|newrelic|new_relic)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(NRJS-[a-f0-9]{19})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('nrjs-',)),
    ('new-relic-insert-key', '(?i)(?:new-relic|newrelic|new_relic)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(NRII-[a-z0-9-]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('nrii-',)),
    ('new-relic-user-api-id', '(?i)(?:new-relic|newrelic|new_relic)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('-relic', '_relic', 'relic')),
    ('new-relic-user-api-key', '(?i)(?:new-relic|newrelic|new_relic)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(NRAK-[a-z0-9]{27})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('nrak-',)),
    ('ngrok-api-key', '(?i:(?:ngrok[_. -]*(?:(?:api|agent)[_. -]*)?(?:secret|key|token|authtoken))(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(2[A-Za-z0-9]{26}_[0-9][A-Za-z0-9]{20})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('ngrok',)),
    ('notion-api-token', '\\b(ntn_[0-9]{11}[A-Za-z0-9]{32}[A-Za-z0-9]{3})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('ntn_',)),
    ('npm-access-token', '(?i)\\b(npm_[a-z0-9]{36})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('npm_',)),
    ('nuget-config-password', '(?i)<add key=\\"(?:(?:ClearText)?Password)\\"\\s*value=\\"(.{8,})\\"\\s*/>', 1, 0.0, ('<add key="',)),
    ('nvidia-api-key', '(?i)\\b(nvapi-[A-Z0-9_-]{60,70})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('nvapi-',)),
    ('nylas-api-key', '\\b(nyk_[A-Za-z0-9]{67})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('nyk_',)),
    ('nytimes-access-token', '(?i)(?:nytimes|new-york-times|newyorktimes)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9=_\\-]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('ew-york-times', 'ewyorktimes', 'ytimes')),
    ('octopus-deploy-api-key', '\\b(API-[A-Z0-9]{26})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('api-',)),
    ('okta-access-token', '(?i:(?:(?-i:[Oo]kta|OKTA))(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(00[\\w=\\-]{40})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('kta', 'okta')),
    ('ollama-api-key', '(?i)(?:ollama)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-f0-9]{32}\\.[a-zA-Z0-9_-]{24})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('ollama',)),
    ('onesignal-rich-authentication-token', '\\b(os_v2_(?:app|org)_[a-z2-7]{103})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('os_v2_',)),
    ('onfido-live-api-token-ca', '\\b(api_live_ca\\.[A-Za-z0-9_-]{20,80})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('api_live_ca.',)),
    ('onfido-live-api-token-eu', '\\b(api_live\\.[A-Za-z0-9_-]{20,80})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('api_live.',)),
    ('onfido-live-api-token-us', '\\b(api_live_us\\.[A-Za-z0-9_-]{20,80})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('api_live_us.',)),
    ('openai-api-key', '\\b(sk-(?:proj|svcacct|admin)-(?:[A-Za-z0-9_-]{74}|[A-Za-z0-9_-]{58}|[A-Za-z0-9_-]{20})T3BlbkFJ(?:[A-Za-z0-9_-]{74}|[A-Za-z0-9_-]{58}|[A-Za-z0-9_-]{20})\\b|sk-[a-zA-Z0-9]{20}T3BlbkFJ[a-zA-Z0-9]{20})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('t3blbkfj',)),
    ('openrouter-api-key', '(?i)\\b(sk-or-v1-[0-9a-f]{64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('sk-or-v1-',)),
    ('openshift-user-token', '\\b(sha256~[\\w-]{43})(?:[^\\w-]|\\Z)', 1, 0.0, ('sha256~',)),
    ('openweather-api-key', '(?i:(?:openweather|pyowm)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('openweather', 'pyowm')),
    ('opsgenie-api-key', '(?i)(?:opsgenie)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('opsgenie',)),
    ('ovh-application-secret', '(?i)(?:app(?:lication)?[_.-]{0,1}secret)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Za-z0-9-]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('secret',)),
    ('ovh-consumer-key', '(?i)(?:consumer[_.-]{0,1}key)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Za-z0-9-]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('consumer',)),
    ('paddle-live-api-key', '\\b(pdl_live_apikey_[a-z0-9]{26}_[A-Za-z0-9]{22}_[A-Za-z0-9]{3})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('pdl_live_apikey_',)),
    ('pagerduty-authorization-token', '(?i:(?:pagerduty)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(u\\+[A-Za-z0-9_+-]{18})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('pagerduty',)),
    ('paypal-client-secret', '(?i:(?:paypal[_.-]?(?:client[_.-]?)?(?:secret|private|access|key|token))(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Za-z0-9_.-]{78,120})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('paypal',)),
    ('perplexity-api-key', '\\b(pplx-[a-zA-Z0-9]{48})(?:[\\x60\'"\\s;]|\\\\[nr]|$|\\b)', 1, 0.0, ('pplx-',)),
    ('persona-production-api-key', '\\b(persona_production_[a-z0-9_-]{20,80})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('persona_production_',)),
    ('pinecone-api-key', '(?i:(?:pinecone(?:[_. -]*(?:api))?[_. -]*(?:secret|key|token))(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('pinecone',)),
    ('pinecone-api-key-2', '\\b(pcsk_[A-Za-z0-9]{5,6}_[A-Za-z0-9]{63})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('pcsk_',)),
    ('pinterest-access-token', '\\b(pina_[A-Za-z0-9_-]{20,200})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('pina_',)),
    ('plaid-api-token', '(?i)(?:plaid)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(access-(?:sandbox|development|production)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('access-',)),
    ('plaid-client-id', '(?i)(?:plaid)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{24})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('plaid',)),
    ('plaid-secret-key', '(?i)(?:plaid)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{30})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('plaid',)),
    ('planetscale-api-token', '\\b(pscale_tkn_(?i:[\\w=\\.-]{32,64}))(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('pscale_tkn_',)),
    ('planetscale-oauth-token', '\\b(pscale_oauth_[\\w=\\.-]{32,64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('pscale_oauth_',)),
    ('planetscale-password', '(?i)\\b(pscale_pw_(?i:[\\w=\\.-]{32,64}))(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('pscale_pw_',)),
    ('plivo-auth-token', '(?i:(?:plivo(?:[_. -]*(?:auth))?[_. -]*(?:secret|token|key))(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Za-z0-9_-]{40})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('plivo',)),
    ('polar-oauth-access-token', '\\b(polar_at_[A-Za-z0-9_-]{20,100})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('polar_at_',)),
    ('polar-organization-access-token', '\\b(polar_oat_[A-Za-z0-9_-]{20,100})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('polar_oat_',)),
    ('polar-personal-access-token', '\\b(polar_pat_[A-Za-z0-9_-]{20,100})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('polar_pat_',)),
    ('polymarket-api-key', '(?i:(?:poly.{0,20}key)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('poly',)),
    ('polymarket-api-secret', '(?i:(?:poly.{0,20}secret)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-zA-Z0-9+/]{40,}={0,2})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('secret',)),
    ('polymarket-passphrase', '(?i:(?:poly.{0,20}passphrase)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-zA-Z0-9_]{8,128})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('passphrase',)),
    ('polymarket-private-key', '(?i:(?:poly.{0,20}private.{0,20}key)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(0x[a-fA-F0-9]{64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('private',)),
    ('posthog-personal-api-key', '(?i)\\b(phx_[a-zA-Z0-9_\\-]{41,49})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('phx_',)),
    ('posthog-project-api-key', '(?i)\\b(phc_[a-zA-Z0-9_\\-]{41,44})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('phc_',)),
    ('postman-api-token', '\\b(PMAK-(?i:[a-f0-9]{24}\\-[a-f0-9]{34}))(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('pmak-',)),
    ('postmark-api-token', '(?i)(?:postmark)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('postmark',)),
    ('prefect-api-token', '\\b(pnu_[a-zA-Z0-9]{36})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('pnu_',)),
    ('private-key', '(?i)-----BEGIN[ A-Z0-9_-]{0,100}PRIVATE KEY(?: BLOCK)?-----[\\s\\S-]{64,}?KEY(?: BLOCK)?-----', 0, 0.0, ('private key',)),
    ('privateai-api-token', '(?i:(?:private[_-]?ai)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('private',)),
    ('proof-full-access-api-key', '\\b(prf_(?:cli_)?[A-Za-z0-9_-]{20,80})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('prf_',)),
    ('pulumi-api-token', '\\b(pul-[a-f0-9]{40})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('pul-',)),
    ('pypi-upload-token', 'pypi-AgEIcHlwaS5vcmc[\\w-]{50,1000}', 0, 0.0, ('pypi-ageichlwas5vcmc',)),
    ('rainforest-pay-production-api-key', '(?i:(?:rainforest(?:[_. -]*pay)?(?:[_. -]*(?:api))?[_. -]*(?:secret|key|token))(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(apikey_[a-f0-9]{64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('rainforest',)),
    ('ramp-client-secret', '\\b(ramp_sec_[A-Za-z0-9]{48})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('ramp_sec_',)),
    ('rapidapi-access-token', '(?i)(?:rapidapi)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9_-]{50})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('rapidapi',)),
    ('razorpay-key-secret', '(?i:(?:razorpay[_.-]?(?:(?:api|key)[_.-]?)?(?:secret|private|token))(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Za-z0-9]{24})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('razorpay',)),
    ('readme-api-token', '\\b(rdme_[a-z0-9]{70})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('rdme_',)),
    ('redirect-pizza-api-token', '\\b(rpa_[A-Za-z0-9]{30})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('rpa_',)),
    ('render-api-key', '\\b(rnd_[A-Za-z0-9]{28})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('rnd_',)),
    ('replicate-api-token', '(?i)\\b(r8_[A-Za-z0-9]{37})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('r8_',)),
    ('resend-api-key', '\\b(re_[1-9A-HJ-NP-Za-km-z]{8}_[1-9A-HJ-NP-Za-km-z]{24})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('re_',)),
    ('retell-api-key', '(?i:(?:retell)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(key_[a-f0-9]{28})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('retell',)),
    ('rootly-api-key', '\\b(rootly_[a-f0-9]{64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('rootly_',)),
    ('rubygems-api-token', '\\b(rubygems_[a-f0-9]{48})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('rubygems_',)),
    ('runpod-api-key', '\\b(rpa_[A-Z0-9]{40}[A-Za-z0-9]{6})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('rpa_',)),
    ('salesforce-access-token', '\\b(00[A-Za-z0-9]{13}![A-Za-z0-9._-]{80,260})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ()),
    ('samsara-api-token', '\\b(samsara_api_[A-Za-z0-9]{26,32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('samsara_api_',)),
    ('scaleway-secret-key', '(?i)(?:(?:scaleway|scw).{0,20}?(?:secret|token))(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('secret', 'token')),
    ('scalingo-api-token', '\\b(tk-us-[\\w-]{48})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('tk-us-',)),
    ('scalr-api-access-token', '(?i:(?:scalr(?:[_. -]*(?:api|access))?[_. -]*(?:secret|key|token))(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9\\.eyJpc3MiOiJ1c2VyIiwianRpIjoiYXQt[A-Za-z0-9_-]{20,40}\\.[A-Za-z0-9_-]{43})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('eyjhbgcioijiuzi1niisinr5cci6ikpxvcj9.eyjpc3mioij1c2vyiiwianrpijoiyxqt',)),
    ('segment-public-api-token', '\\b(sgp_[A-Za-z0-9]{64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('sgp_',)),
    ('sendbird-access-id', '(?i)(?:sendbird)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('sendbird',)),
    ('sendbird-access-token', '(?i)(?:sendbird)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-f0-9]{40})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('sendbird',)),
    ('sendgrid-api-token', '\\b(SG\\.(?i:[a-z0-9=_\\-\\.]{66}))(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('sg.',)),
    ('sendinblue-api-token', '\\b(xkeysib-[a-fA-F0-9]{64}-[a-zA-Z0-9]{16})\\b', 1, 0.0, ('xkeysib-',)),
    ('sentry-access-token', '(?i)(?:sentry)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-f0-9]{64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('sentry',)),
    ('sentry-org-token', '\\bsntrys_eyJpYXQiO[a-zA-Z0-9+/]{10,200}(?:LCJyZWdpb25fdXJs|InJlZ2lvbl91cmwi|cmVnaW9uX3VybCI6)[a-zA-Z0-9+/]{10,200}={0,2}_[a-zA-Z0-9+/]{43}(?:[^a-zA-Z0-9+/]|\\Z)', 0, 0.0, ('sntrys_eyjpyxqio',)),
    ('sentry-user-token', '\\b(sntryu_[a-f0-9]{64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('sntryu_',)),
    ('settlemint-application-access-token', '\\b(sm_aat_[a-zA-Z0-9]{16})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('sm_aat_',)),
    ('settlemint-personal-access-token', '\\b(sm_pat_[a-zA-Z0-9]{16})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('sm_pat_',)),
    ('settlemint-service-access-token', '\\b(sm_sat_[a-zA-Z0-9]{16})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('sm_sat_',)),
    ('shippo-api-token', '\\b(shippo_(?:live|test)_[a-fA-F0-9]{40})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('shippo_',)),
    ('shopify-access-token', 'shpat_[a-fA-F0-9]{32}', 0, 0.0, ('shpat_',)),
    ('shopify-custom-access-token', 'shpca_[a-fA-F0-9]{32}', 0, 0.0, ('shpca_',)),
    ('shopify-private-app-access-token', 'shppa_[a-fA-F0-9]{32}', 0, 0.0, ('shppa_',)),
    ('shopify-shared-secret', 'shpss_[a-fA-F0-9]{32}', 0, 0.0, ('shpss_',)),
    ('sidekiq-secret', '(?i)(?:BUNDLE_ENTERPRISE__CONTRIBSYS__COM|BUNDLE_GEMS__CONTRIBSYS__COM)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-f0-9]{8}:[a-f0-9]{8})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('enterprise__contribsys__com', 'gems__contribsys__com')),
    ('sidekiq-sensitive-url', '(?i)\\bhttps?://([a-f0-9]{8}:[a-f0-9]{8})@(?:gems.contribsys.com|enterprise.contribsys.com)(?:[\\/|\\#|\\?|:]|$)', 1, 0.0, ('contribsys', 'enterprise')),
    ('slack-app-token', '(?i)xapp-\\d-[A-Z0-9]+-\\d+-[a-z0-9]+', 0, 0.0, ('xapp-',)),
    ('slack-bot-token', 'xoxb-[0-9]{10,13}-[0-9]{10,13}[a-zA-Z0-9-]*', 0, 0.0, ('xoxb-',)),
    ('slack-config-access-token', '(?i)xoxe.xox[bp]-\\d-[A-Z0-9]{163,166}', 0, 0.0, ('xoxe',)),
    ('slack-config-refresh-token', '(?i)xoxe-\\d-[A-Z0-9]{146}', 0, 0.0, ('xoxe-',)),
    ('slack-legacy-bot-token', 'xoxb-[0-9]{8,14}-[a-zA-Z0-9]{18,26}', 0, 0.0, ('xoxb-',)),
    ('slack-legacy-token', 'xox[os]-\\d+-\\d+-\\d+-[a-fA-F\\d]+', 0, 0.0, ('xox',)),
    ('slack-legacy-workspace-token', 'xox[ar]-(?:\\d-)?[0-9a-zA-Z]{8,48}', 0, 0.0, ('xox',)),
    ('slack-session-cookie', '(xoxd-[\\w\\/\\\\+-]{100,}={0,2})(?:[^\\w\\/+=-]|\\Z)', 1, 0.0, ('xoxd-',)),
    ('slack-session-token', 'xoxc-\\d{9,15}-\\d{9,15}-\\d{9,15}-[a-f0-9]{64}\\b', 0, 0.0, ('xoxc-',)),
    ('slack-user-token', 'xox[pe](?:-[0-9]{10,13}){3}-[a-zA-Z0-9-]{28,34}', 0, 0.0, ('xox',)),
    ('slack-webhook-url', '(?:https?://)?hooks.slack.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{43,56}', 0, 0.0, ('services', 'triggers', 'workflows')),
    ('snowflake-programmatic-access-token', '(?i:(?:(?:snowflake[_. -]*(?:programmatic[_. -]*)?(?:access[_. -]*)?token|sf[_. -]*token))(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Za-z0-9_-]{100,500})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('nowflake', 'token')),
    ('snyk-api-token', '(?i)(?:snyk[_.-]?(?:(?:api|oauth)[_.-]?)?(?:key|token))(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('snyk',)),
    ('sonar-api-token', '(?i)(?:sonar[_.-]?(login|token))(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}((?:squ_|sqp_|sqa_)?[a-z0-9=_\\-]{40})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 2, 0.0, ('sonar',)),
    ('sourcegraph-access-token', '(?i)\\b(sgp_(?:[a-fA-F0-9]{16}|local)_[a-fA-F0-9]{40}|sgp_[a-fA-F0-9]{40})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('sgp_',)),
    ('square-access-token', '\\b((?:EAAA|sq0atp-)[\\w-]{22,60})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('eaaa', 'sq0atp-')),
    ('squarespace-access-token', '(?i)(?:squarespace)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('squarespace',)),
    ('sslmate-api-key', '(?i:(?:sslmate(?:[_. -]*(?:api))?[_. -]*(?:secret|key|token))(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Za-z0-9]{36})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('sslmate',)),
    ('stability-ai-api-key', '(?i)(?:stability)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(sk-[A-Za-z0-9]{48})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('stability',)),
    ('stripe-access-token', '\\b((?:sk|rk)_(?:test|live|prod)_[a-zA-Z0-9]{10,99})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('live', 'prod', 'test')),
    ('sumologic-access-id', '(?i)(?:(?-i:[Ss]umo|SUMO))(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}((?-i:su)[a-zA-Z0-9]{12})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('sumo', 'umo')),
    ('sumologic-access-token', '(?i)(?:(?-i:[Ss]umo|SUMO))(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('sumo', 'umo')),
    ('supabase-management-token', '\\b(sbp_[a-z0-9_-]{40})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('sbp_',)),
    ('supabase-project-api-key', '\\b(sb_secret_[A-Za-z0-9_-]{31})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('sb_secret_',)),
    ('tableau-personal-access-token', '(?:^|[^A-Za-z0-9+/])([A-Za-z0-9+/]{22}==:[A-Za-z0-9]{32})\\b', 1, 0.0, ('==:',)),
    ('tailscale-api-key', '\\b(tskey-api-[A-Za-z0-9_-]{20,36})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('tskey-api-',)),
    ('telegram-bot-api-token', '(?i)(?:telegr)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([0-9]{5,16}:(?-i:A)[a-z0-9_\\-]{34})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('telegr',)),
    ('telnyx-api-v2-key', '(?i:(?:telnyx(?:[_. -]*(?:api))?[_. -]*(?:secret|key|token))(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(KEY[0-9A-Za-z_-]{55})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('telnyx',)),
    ('temporal-cloud-api-key', '\\b(eyJ[A-Za-z0-9_-]{10,}\\.[A-Za-z0-9_-]*Y2NvdW50X2lk[A-Za-z0-9_-]*InRlbXBvcmFsLmlv[A-Za-z0-9_-]*(?:ICJrZXlfaWQiOi|a2V5X2lk|rZXlfaWQi)[A-Za-z0-9_-]{20,}\\.[A-Za-z0-9_-]{20,})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('inrlbxbvcmfslmlv',)),
    ('thunderstore-api-token', '\\b(tss_[A-Za-z0-9_-]{20,80})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('tss_',)),
    ('togetherai-api-key', '(?i)\\b(tgp_v1_[A-Za-z0-9_-]{43})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('tgp_v1_',)),
    ('travisci-access-token', '(?i)(?:travis)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{22})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('travis',)),
    ('twilio-api-key', 'SK[0-9a-fA-F]{32}', 0, 0.0, ()),
    ('twitch-api-token', '(?i)(?:twitch)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{30})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('twitch',)),
    ('twitter-access-secret', '(?i)(?:twitter)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{45})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('twitter',)),
    ('twitter-access-token', '(?i)(?:twitter)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([0-9]{15,25}-[a-zA-Z0-9]{20,40})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('twitter',)),
    ('twitter-api-key', '(?i)(?:twitter)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{25})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('twitter',)),
    ('twitter-api-secret', '(?i)(?:twitter)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{50})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('twitter',)),
    ('twitter-bearer-token', '(?i)(?:twitter)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(A{22}[a-zA-Z0-9%]{80,100})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('twitter',)),
    ('typeform-api-token', '(?i)(?:typeform)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(tfp_[a-z0-9\\-_\\.=]{59})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('typeform',)),
    ('unkey-root-key', '\\b(unkey_[A-Za-z0-9]{20,32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('unkey_',)),
    ('upcloud-api-token', '\\b(ucat_[0-9A-Za-z]{24,32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('ucat_',)),
    ('upstage-api-key', '(?i)(?:upstage)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Za-z0-9]{40,50})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('upstage',)),
    ('upstash-redis-rest-token', '(?i:(?:upstash)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}((?:[A-Za-z0-9]{32,48}|AYNgAS[A-Za-z0-9+/_-]{26,90}={0,2}))(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('upstash',)),
    ('val-town-api-token', '\\b(vtwn_[A-Za-z0-9_-]{20,80})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('vtwn_',)),
    ('vault-batch-token', '\\b(hvb\\.[\\w-]{138,300})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('hvb.',)),
    ('vault-service-token', '\\b((?:hvs\\.[\\w-]{90,120}|s\\.(?i:[a-z0-9]{24})))(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ()),
    ('vercel-ai-gateway-key', '(?i)\\b(vck_[A-Za-z0-9_-]{56})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('vck_',)),
    ('vercel-api-token', '(?i)(?:vercel)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Z0-9]{24})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('vercel',)),
    ('vercel-app-access-token', '(?i)\\b(vca_[A-Za-z0-9_-]{56})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('vca_',)),
    ('vercel-app-refresh-token', '(?i)\\b(vcr_[A-Za-z0-9_-]{56})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('vcr_',)),
    ('vercel-integration-token', '(?i)\\b(vci_[A-Za-z0-9_-]{56})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('vci_',)),
    ('vercel-personal-access-token', '(?i)\\b(vcp_[A-Za-z0-9_-]{56})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('vcp_',)),
    ('virustotal-api-key', '(?i)(?:virustotal)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-f0-9]{64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('virustotal',)),
    ('voyageai-api-key', '(?:(?:\\A|(?:[\\x00-,\\./:-@\\[-\\^`\\{-\\xFF]))((?:(?:(?:pa)|(?:al))\\-(?:[\\-0-9A-Z_a-z]){43}))(?:(?:\\\\?(?:["\'`]))|(?:[\\x09-\\x0D\\x20;])|(?:\\\\(?:[nr]))|\\Z))', 1, 0.0, ()),
    ('vultr-api-key', '(?i)(?:vultr)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-f0-9]{36})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('vultr',)),
    ('wakatime-api-key', '(?i:(?:waka[_. -]?time(?:[_. -]*(?:api))?[_. -]*(?:secret|key|token))(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('waka',)),
    ('wakatime-api-key-2', '(?i)\\b(waka_[a-z0-9]{36,64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('waka_',)),
    ('weatherstack-api-key', '(?i:(?:weatherstack(?:[_. -]*(?:api))?[_. -]*(?:secret|key|token))(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([0-9a-z]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('weatherstack',)),
    ('weights-and-biases-api-key', '(?i)(?:wandb|weightsandbiases)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-f0-9]{40})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('andb', 'eightsandbiases')),
    ('weights-and-biases-api-key-v1', '(?i)\\b(wandb_v1_[A-Za-z0-9_]{77})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('wandb_v1_',)),
    ('wiz-client-secret', '(?i:(?:wiz)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([A-Za-z0-9]{64})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('wiz',)),
    ('woocommerce-consumer-secret', '(?i)(?:woo)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(cs_[a-f0-9]{40})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('woo',)),
    ('workato-developer-api-token', '\\b(wrka(?:[a-z]{2})?-eyJ[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]{16,}\\.[A-Za-z0-9_-]{64,})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('wrka',)),
    ('workos-production-api-key', '(?i:(?:workos(?:[_. -]*(?:api))?[_. -]*(?:secret|key|token))(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3})(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(sk_live_a2V5Xz[A-Za-z0-9+/]{69}={0,2})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('sk_live_a2v5xz',)),
    ('xai-api-key', '(?i)\\b(xai-[A-Za-z0-9_-]{70,120})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('xai-',)),
    ('xendit-production-api-key', '\\b(xnd_production_[A-Za-z0-9]{56,72})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('xnd_production_',)),
    ('yandex-access-token', '(?i)(?:yandex)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(t1\\.[A-Z0-9a-z_-]+[=]{0,2}\\.[A-Z0-9a-z_-]{86}[=]{0,2})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('yandex',)),
    ('yandex-api-key', '(?i)(?:yandex)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(AQVN[A-Za-z0-9_\\-]{35,38})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('yandex',)),
    ('yandex-aws-access-token', '(?i)(?:yandex)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(YC[a-zA-Z0-9_\\-]{38})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('yandex',)),
    ('zai-api-key', '(?:(?:\\A|(?:[\\x00-,\\./:-@\\[-\\^`\\{-\\xFF]))((?:(?:[0-9A-Fa-f]){32}\\.(?:[0-9A-Za-z]){16}))(?:(?:\\\\?(?:["\'`]))|(?:[\\x09-\\x0D\\x20;])|(?:\\\\(?:[NRnr]))|\\Z))', 1, 0.0, ()),
    ('zendesk-secret-key', '(?i)(?:zendesk)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-z0-9]{40})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('zendesk',)),
    ('zoho-client-secret', '(?i)(?:zoho)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}([a-f0-9]{42})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('zoho',)),
    ('zoho-oauth-token', '(?i)(?:zoho)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}(1000\\.[a-f0-9]{32}\\.[a-f0-9]{32})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('1000.',)),
    ('zoho-zapi-key', '(?i)(?:zoho)(?:[ \\t\\w.-]{0,20})[\\s\'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60\'"\\s=]{0,5}((?:1001\\.[a-f0-9]{32}\\.[a-f0-9]{32}(?:-d)?|1003\\.[a-f0-9]{32,64}))(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('zoho',)),
    ('zuplo-consumer-api-key', '\\b(zpka_[a-z0-9]{32}_[0-9a-f]{8})(?:\\\\?[\'"\\x60]|[\\s;]|\\\\[nr]|$)', 1, 0.0, ('zpka_',)),
    ('bitbucketcredentials', '(?P<TOKEN>\\bhttps://(?P<GIT_USERNAME>[^:\\s]+):(?P<GIT_PASSWORD>[^\\s@]+)@bitbucket\\.org/[^\\s]+\\.git\\b)', 1, 0.0, ('@bitbucket.org/',)),
    ('bitwardenoauth2access', '(?s)"user_(?P<TOKEN_ID>[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})_token_apiKeyClientSecret"\\s*:.{0,20}?"(?P<TOKEN>[A-Za-z0-9]{10,50})"', 2, 0.0, ('_token_apikeyclientsecret"',)),
    ('circleciproject', '(CCIPRJ_[A-Za-z0-9]{22}_[0-9a-f]{40})', 1, 0.0, ('cciprj_',)),
    ('cloudflareapitoken', '(?s)(?i:["\']?\\b(?:CLOUDFLARE_API_TOKEN|CLOUDFLARE_API_KEY|CF_API_TOKEN|CF_API_KEY|CLOUDFLARE_TOKEN|CF_TOKEN|CLOUDFLARE_AUTH_KEY|CF_ACCOUNT_ID)\\b["\']?\\s*[=:].{0,20}?(\\b[A-Za-z0-9_-]{40}\\b))', 1, 0.0, ('f_account_id', 'f_api_key', 'f_api_token', 'f_token', 'loudflare_api_key', 'loudflare_api_token', 'loudflare_auth_key', 'loudflare_token')),
    ('codecatalystcredentials', '(?P<TOKEN>\\bhttps://(?P<GIT_USERNAME>[^:\\s]+):(?P<GIT_PASSWORD>[^\\s@]+)@git\\.[^/]*codecatalyst\\.aws/[^\\s]*)', 1, 0.0, ('codecatalyst.aws/',)),
    ('codecommitcredentials', '(?P<TOKEN>https://(?P<GIT_USERNAME>[^:\\s]+):(?P<GIT_PASSWORD>[^\\s@]+)@git-codecommit\\.[a-zA-Z\\-0-9]+\\.amazonaws\\.com/[^\\s]+)', 1, 0.0, ('@git-codecommit.',)),
    ('denopatorg', '(ddo_[A-Za-z0-9]{36})', 1, 0.0, ('ddo_',)),
    ('digitaloceanapikey', '(dop_v1_[abcdef0-9]{64})', 1, 0.0, ('dop_v1_',)),
    ('grokxaiapikey', '(xai-[A-Za-z0-9]{80})', 1, 0.0, ('xai-',)),
    ('hcpclientcredentials', '["\']?\\b(?:HCP_CLIENT_SECRET|hcp_client_secret)\\b["\']?\\s*[:=]\\s*["\']?([A-Za-z0-9._~\\-]{64})["\']?', 1, 0.0, ('hcp_client_secret',)),
    ('herokuplatformkey', '(\\b(HRKU-[0-9a-zA-Z_-]{60})\\b)', 1, 0.0, ('hrku-',)),
    ('npmjsaccesstoken', '(npm_[a-zA-Z0-9]{36})', 1, 0.0, ('npm_',)),
    ('openrouter', '(sk-or-v[0-9]+-[A-Za-z0-9_-]{20,})', 1, 0.0, ('sk-or-v',)),
    ('packagistorgreadtoken', '(packagist_ort_[0-9a-f]{68})', 1, 0.0, ('packagist_ort_',)),
    ('packagistorgupdatetoken', '(packagist_out_[0-9a-f]{68})', 1, 0.0, ('packagist_out_',)),
    ('packagistsecret', '(packagist_acs_[0-9a-f]{64,96})', 1, 0.0, ('packagist_acs_',)),
    ('postmanapikey', '(PMAK-[A-Fa-f0-9]{24}-[A-Fa-f0-9]{34})', 1, 0.0, ('pmak-',)),
    ('postmancollectiontoken', '(PMAT-[A-Za-z0-9]{26})', 1, 0.0, ('pmat-',)),
    ('sendgrid', '(SG\\.[A-Za-z0-9_-]{22}\\.[A-Za-z0-9_-]{43})', 1, 0.0, ('sg.',)),
    ('slackappconfigaccesstoken', '(xoxe\\.xoxp-\\d{1,10}-[a-zA-Z0-9]{166})', 1, 0.0, ('xoxe.xoxp-',)),
    ('slackappconfigrefreshtoken', '(xoxe-\\d{1,10}-[a-zA-Z0-9]{147})', 1, 0.0, ('xoxe-',)),
    ('slackappleveltoken', '(xapp-\\d{1,10}-[A-Za-z0-9]{11}-[0-9]{13}-[a-fA-F0-9]{64})', 1, 0.0, ('xapp-',)),
)
