"""Wrong inputs, and what a person is told of each: the whole of it, on standard error, with exit code 2."""

import errno
import os
import re
import socket
import ssl
import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization

from mockserver.cli import main
from tests.certificates import authority, issued

PARCEL = """\
openapi: 3.1.0
info: {title: Parcel post, version: '1'}
paths:
  /parcels:
    post:
      requestBody:
        required: true
        content:
          application/json:
            schema: {type: object, required: [to], properties: {to: {type: string}}}
      responses:
        '201':
          description: On its way.
          content:
            application/json:
              example: {id: 'P-{$mock.objectId}', to: '{$request.body#/to}'}
"""
RULE = "{name: number, key: '{$request.header.Number}', ttl: 24h}"


def parcel(words: str = "", *, old: str = "", new: str = "") -> str:
    """Return the spec with ``x-mock`` words of its operation, or with one part replaced."""
    assert old in PARCEL
    added = f"      x-mock:\n{textwrap.indent(textwrap.dedent(words), ' ' * 8)}\n" if words else ""
    return (PARCEL.replace(old, new) if old else PARCEL) + added


def told(
    arguments: list[str], folder: Path, files: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> str:
    monkeypatch.chdir(folder)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    return result.stderr


AT = "/paths/~1parcels/post"
SCHEMA = f"{AT}/requestBody/content/application~1json/schema"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        # YAML
        ("a: [", ["parcel.yaml:2: is not valid YAML: did not find expected node content (column 1)"]),
        ("a: 1\na: 2", ["parcel.yaml:2: is not valid YAML: the key 'a' stands twice (column 1)"]),
        (parcel(old="'201'", new="201"), ["parcel.yaml:12: is not valid YAML: the key '201' is not a text; put it into quotes (column 9)"]),
        ("a: !!timestamp x", ["parcel.yaml:1: is not valid YAML: a value does not fit its tag, or is nested in itself"]),
        (parcel(old="'P-{$mock.objectId}'", new="1e999"), ["parcel.yaml:16: is not valid YAML: a value does not fit its tag, or is nested in itself"]),
        ("{{a}}: 1", ["parcel.yaml:1: is not valid YAML: a key is not a text; put it into quotes (column 1)"]),
        # another document
        ("- a", ["parcel.yaml:1: must be an OpenAPI document, a mapping with openapi, info and paths"]),
        ("", ["parcel.yaml: must be an OpenAPI document, a mapping with openapi, info and paths"]),
        ("a: 1", ["parcel.yaml:1: /openapi: is missing: an OpenAPI document says openapi: 3.1.0"]),
        (parcel(old="3.1.0", new="3.0.3"), ["parcel.yaml:1: /openapi: is 3.0.3; only OpenAPI 3.1 is read, so convert the document to 3.1 first"]),
        ("swagger: '2.0'", ["parcel.yaml:1: /openapi: is 2.0; only OpenAPI 3.1 is read, so convert the document to 3.1 first"]),
        # unknown words
        (parcel(old="requestBody", new="requestbody"), [f'parcel.yaml:6: {AT}/requestbody: is not a known member. Did you mean "requestBody"?']),
        (parcel("chekcs: []"), [f'parcel.yaml:18: {AT}/x-mock/chekcs: is not a known member. Did you mean "checks"?']),
        (parcel("answers: {invald: {status: 400}}"), [f'parcel.yaml:18: {AT}/x-mock/answers/invald: is not a known member. Did you mean "invalid"?']),
        (parcel("checks: [parsing, validaton]"), [f"parcel.yaml:18: {AT}/x-mock/checks: no check or rule is named 'validaton'; there are authentication, catalogue, parsing, rate-limit, validation"]),
        (parcel(old="required: [to]", new="requird: [to]"), [f"parcel.yaml:10: {SCHEMA}/requird: the keyword 'requird' is not known; did you mean required?"]),
        (parcel(old="{type: string}", new="{type: string, format: colour}"), [f"parcel.yaml:10: {SCHEMA}/properties/to/format: the format 'colour' has no checker; there are uri, date-time, date, email, uuid, hostname"]),
        (parcel(old="$mock.objectId", new="$mock.objectid"), [f"parcel.yaml:16: {AT}/responses/201/content/application~1json/example: '$mock.objectid' is unknown; did you mean $mock.objectId?"]),
        # wrong types
        (parcel("maxBytes: many"), [f"parcel.yaml:18: {AT}/x-mock/maxBytes: must be an integer, not a string. Write a whole number, without quotes."]),
        (parcel("mediaType: maybe"), [f'parcel.yaml:18: {AT}/x-mock/mediaType: must be one of "refused", "ignored", "empty". Use one of them.']),
        (parcel(old="type: object", new="type: objekt"), [f'parcel.yaml:10: {SCHEMA}/type: "objekt" is no value for type']),
        (parcel(old="required: true", new="required: 'yes'"), [f"parcel.yaml:7: {AT}/requestBody/required: must be a boolean, not a string. Write true or false."]),
        # durations
        (parcel("latency: soon"), [f"parcel.yaml:18: {AT}/x-mock/latency: \"soon\" is not a duration; write a number and a unit: 250ms, 1s, 5m, 24h, 2d"]),
        (parcel(f"checks: [number]\ndedup: [{RULE.replace('24h', '0s')}]"), [f"parcel.yaml:19: {AT}/x-mock/dedup/0/ttl: '0s' must be longer than nothing"]),
        # JSON Pointers and references
        (parcel(old="{type: object, required: [to]", new="{$ref: '#/components/schemas/Parcel'"), [f"parcel.yaml:10: {SCHEMA}/$ref: '#/components/schemas/Parcel' leads nowhere"]),
        (parcel(old="{type: object, required: [to]", new="{$ref: 'other.yaml'"), [f"parcel.yaml:10: {SCHEMA}/$ref: 'other.yaml' leads elsewhere; a schema refers to #/components/schemas/…"]),
        (PARCEL + "x-mock: {deviations: [{id: d, at: /paths/~1parcel/post, remove: true, evidence: seen somewhere}]}\n", ["parcel.yaml:17: /paths/~1parcel/post: a deviation points here, but nothing that it could change is there"]),
        (PARCEL + "x-mock: {deviations: [{id: d, at: paths, remove: true, evidence: seen somewhere}]}\n", ["parcel.yaml:17: /x-mock/deviations/0/at: \"paths\" is not a JSON Pointer; one begins with /"]),
        (parcel("recipient: '{$request.body/to}'"), [f"parcel.yaml:18: {AT}/x-mock/recipient: '$request.body/to' needs a JSON Pointer after #, as in $request.body#/name"]),
        # missing examples, rules that are never reached, answers that are missing
        (parcel(old="example: {id: 'P-{$mock.objectId}', to: '{$request.body#/to}'}", new="schema: {type: object}"), [f"parcel.yaml:12: {AT}/responses/201: has content, but no example of it to answer with; write one under example"]),
        (parcel("success: {status: 201, example: made}"), [f"parcel.yaml:18: {AT}/x-mock/success: no response for 201 has an example named 'made'"]),
        (parcel(f"dedup: [{RULE}]"), ["parcel.yaml:1: /x-mock/checks: the rule 'number' is never reached: checks does not name it"]),
        (parcel("answers: {invalid: {status: 400}, malformed: {status: 400}, too-large: {status: 413}, rate-limited: {status: 429}}"), [f"parcel.yaml:18: {AT}/x-mock/answers: wrong-media-type has no answer, but parsing can refuse with it; add wrong-media-type: {{status: 415}}, and an example"]),
        # an answer that breaks its own contract
        (parcel(old="              example:", new="              schema: {required: [name]}\n              example:"), [f"parcel.yaml:17: {AT}/responses/201/content/application~1json/example: the example 'example' of 201 does not meet its schema: /name is required"]),
        # what would break every answer, or could never be asked for
        (parcel("success: {status: 101}"), [f"parcel.yaml:18: {AT}/x-mock/success/status: must be >= 200. Write a number >= 200."]),
        (parcel("success: {status: 201, example: example, headers: {'X Bad': v}}"), [f"parcel.yaml:18: {AT}/x-mock/success/headers: \"X Bad\" is no name of a header that an answer may set"]),
        (parcel("success: {status: 201, example: example, headers: {content-length: '3'}}"), [f"parcel.yaml:18: {AT}/x-mock/success/headers: \"content-length\" is no name of a header that an answer may set"]),
        (parcel("latency: 99999d"), [f"parcel.yaml:18: {AT}/x-mock/latency: '99999d' is longer than ten years"]),
        (parcel(old="/parcels:", new="/parcels?x=1:"), ["parcel.yaml:4: /paths/~1parcels?x=1: is not a known member. Leave it out."]),
        (parcel(old="application/json:\n            schema", new="text/plain:\n            schema"), [f"parcel.yaml:6: {AT}/requestBody: only JSON bodies are read, not text/plain"]),
        (PARCEL.partition("  /parcels")[0].replace("paths:", "paths: {}"), ["parcel.yaml:3: /paths: has no operation: a path with get, post or another method"]),
        # parameters
        (parcel(old="    post:\n", new="    post:\n      parameters: [{name: depo, in: path, schema: {}}]\n").replace("/parcels:", "/{depot}:"), ["parcel.yaml:5: /paths/~1{depot}/post: the path /{depot} has no variable 'depo'; did you mean depot?"]),
        (parcel(old="$request.body#/to", new="$request.path.depot"), [f"parcel.yaml:5: {AT}: $request.path.depot names no variable of the path /parcels"]),
        (parcel(old="    post:\n", new="    post:\n      parameters: [{name: f, in: query, style: deepObject, schema: {}}]\n"), [f"parcel.yaml:6: {AT}/parameters: the query parameter f is written in a way that is not read; use a schema, and no style"]),
        (parcel(old="    post:\n", new="    post:\n      parameters: [{name: f, in: query, schema: {type: object}}]\n"), [f"parcel.yaml:6: {AT}/parameters: the query parameter f is an object, which is not read"]),
        (parcel(old="    post:\n", new="    post:\n      parameters: [{$ref: '#/info'}]\n"), [f"parcel.yaml:6: {AT}/parameters/0/$ref: '#/info' leads nowhere; it has to be #/components/parameters/…"]),
        # circles
        (PARCEL + "components: {schemas: {A: {anyOf: [{$ref: '#/components/schemas/A'}, {}]}}}\n", ["parcel.yaml:17: /components/schemas/A: leads back to itself for the same value, which would never end"]),
        (parcel("answers: {invalid: {status: 400, finding: '{$mock.findings}'}, malformed: {status: 400}, too-large: {status: 413}, rate-limited: {status: 429}, wrong-media-type: {status: 415}}"), [f"parcel.yaml:18: {AT}/x-mock/answers/invalid/finding: $mock.findings is made of what is written here; use $item, the finding that is told"]),
        (parcel("wording: {required: '{$item.pth} is missing'}\nanswers: {invalid: {status: 400}, malformed: {status: 400}, too-large: {status: 413}, rate-limited: {status: 429}, wrong-media-type: {status: 415}}"), [f"parcel.yaml:18: {AT}/x-mock/wording/required: a finding has no member 'pth'; did you mean $item.path?"]),
        # words in the wrong place
        (PARCEL + "x-mock: {refusals: []}\n", ["parcel.yaml:17: /x-mock/refusals: belongs into the x-mock of an operation, not of the document"]),
        (parcel("title: x"), [f"parcel.yaml:18: {AT}/x-mock/title: belongs into the x-mock of the document, not of an operation"]),
        (PARCEL + "x-mocks: {}\n", ["parcel.yaml:17: /x-mocks: is not x-mock; did you mean that?"]),
        (PARCEL + "x-mock: {sdk: [{package: p, registry: PyPI, code: c, variables: [A=B]}]}\n", ['parcel.yaml:17: /x-mock/sdk/0/variables/0: "A=B" is not a name of a variable']),
        # deviations that break what is counted on
        (PARCEL + "x-mock: {deviations: [{id: d, at: /paths/~1parcels/post/x-mock, observed: {dedup: 5}, evidence: seen somewhere}]}\n", ["parcel.yaml:17: /paths/~1parcels/post/x-mock/dedup: after deviations are applied, must be an array, not a number. Wrap it into a list: [5]."]),
        (PARCEL + "x-mock:\n  deviations:\n    - id: d\n      evidence: seen somewhere\n      changes:\n        - {at: /info/title, observed: Post}\n        - {at: /paths/~1parcels/post/x-mock, observed: {latency: soon}}\n", ['parcel.yaml:23: /paths/~1parcels/post/x-mock/latency: after deviations are applied, "soon" is not a duration; write a number and a unit: 250ms, 1s, 5m, 24h, 2d']),
        (PARCEL + "x-mock: {deviations: [{id: d, at: /info/title, observed: {$published: true, a: 1}, evidence: seen somewhere}]}\n", ["parcel.yaml:17: /info/title: a deviation points here, but nothing that it could change is there"]),
        # the mock's own paths
        (parcel(old="/parcels:", new="/__admin/parcels:"), ["parcel.yaml:5: /paths/~1__admin~1parcels/post: POST /__admin/parcels is the mock's own; serve the API below a prefix"]),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_spec(
    text: str, lines: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    got = told(["check", "parcel.yaml"], tmp_path, {"parcel.yaml": text}, monkeypatch)
    assert got.splitlines() == [f"Error: {line}" for line in lines]


def test_what_is_sound_beside_faulty_words_is_looked_at_and_nothing_is_told_that_only_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = """\
        checks: [parsing, good, bad]
        dedup:
          - {name: bad, key: 5, ttl: soon}
          - {name: good, key: '{$request.header.A}', ttl: 0s}
          - {nme: worse, key: '{$request.header.B}', ttl: 1s}
        recipient: ada
        """
    got = told(["check", "parcel.yaml"], tmp_path, {"parcel.yaml": parcel(words)}, monkeypatch)
    assert [line.removeprefix("Error: parcel.yaml:").replace(AT, "") for line in got.splitlines()] == [
        '20: /x-mock/dedup/0/key: must be a string, not a number. Put it into quotes: "5".',
        '20: /x-mock/dedup/0/ttl: "soon" is not a duration; write a number and a unit: 250ms, 1s, 5m, 24h, 2d',
        "21: /x-mock/dedup/1/ttl: '0s' must be longer than nothing",
        '22: /x-mock/dedup/2/name: is required. Add the member "name".',
        '22: /x-mock/dedup/2/nme: is not a known member. Did you mean "name"?',
        "23: /x-mock/recipient: 'ada' is not an expression; write it as {$request.…} or {$mock.…}",
    ]


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = parcel("chekcs: []\nlatency: 0.5s\nrecipient: ada", old="required: [to]", new="requird: [to]")
    files = {"parcel.yaml": spec, "other.yaml": "openapi: 3.1.0"}
    got = told(["check", "parcel.yaml", "other.yaml", "none.yaml"], tmp_path, files, monkeypatch)
    assert [line.partition(": ")[2].partition(": ")[0] for line in got.splitlines()] == [
        "parcel.yaml:10", "parcel.yaml:18", "parcel.yaml:20", "other.yaml:1", "other.yaml:1", "none.yaml",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "files", "lines"),
    [
        # files
        (["--spec", "none.yaml"], {}, ["none.yaml: cannot be read: No such file or directory"]),
        (["--spec", "."], {}, [".: its name is the name of the API; use letters, digits, - and _ before the first dot"]),
        (["--config", "none.yaml"], {}, ["none.yaml: cannot be read: No such file or directory"]),
        (["--spec", "a b.yaml"], {}, ["a b.yaml: its name is the name of the API; use letters, digits, - and _ before the first dot"]),
        (["--spec", "parcel.yaml", "--spec", "./parcel.yml"], {}, ["parcel.yml: parcel.yaml is an API named 'parcel' already; rename one of the files"]),
        # APIs
        (["--api", "nova"], {}, ["--api: there is no API named 'nova'; did you mean novu?"]),
        (["--api", "x"], {}, ["--api: there is no API named 'x'; there are alloy, novu, opensend, suprsend"]),
        (["--key", "nova=k"], {}, ["--key: no API named 'nova' is served; did you mean novu?"]),
        (["--api", "alloy", "--limit", "novu=5/1s"], {}, ["--limit: no API named 'novu' is served; there are alloy"]),
        # values
        (["--port", "70000"], {}, ["--port: must be <= 65535. Write a number <= 65535."]),
        (["--port", "-1"], {}, ["--port: must be >= 0. Write a number >= 0."]),
        (["--limit", "novu"], {}, ["--limit: 'novu' must be written API=VALUE"]),
        (["--limit", "novu=5"], {}, ["--limit: '5' is not a limit; write calls per window, as in 5/1s or 100/1m"]),
        (["--limit", "novu=5/1w"], {}, ["--limit: '1w' is not a duration; write a number and a unit: 250ms, 1s, 5m, 24h, 2d"]),
        (["--limit", "novu=5/1s", "--limit", "novu=6/1s"], {}, ["--limit: novu is given twice, as 5/1s and 6/1s"]),
        (["--keep", "5,big"], {}, ["--keep: 'big' is not a size; write bytes, or a number with KiB, MiB or GiB"]),
        (["--clock", "noon"], {}, ["--clock: 'noon' is not a time; write it as 2026-11-20T12:00:00Z"]),
        (["--prefix", "novu=mock"], {}, ["--prefix: 'mock' is not a prefix; write a path without a slash at its end, as in /mocked"]),
        (["--prefix", "novu=/a/../b"], {}, ["--prefix: '/a/../b' is not a prefix; write a path without a slash at its end, as in /mocked"]),
        (["--clock", "0001-01-01"], {}, ["--clock: '0001-01-01' is not a time that a clock shows; choose one from 1970 to 9000"]),
        (["--key", "supersecret"], {}, ["--key: what was given must be written API=VALUE"]),
        (["--secret", "suprsend=supersecret"], {}, ["--secret: what was given must be written KEY:SECRET"]),
        (["--secret", "suprsend=key:one", "--secret", "suprsend=key:two"], {}, ["--secret: one key has two secrets"]),
        (["--secret", "supersecret"], {}, ["--secret: what was given must be written API=VALUE"]),
        (["--secret", "novu=key:secret"], {}, ["--secret: novu takes no signature: no security scheme of its observed contract has one"]),
        (["--secret", "suprsend=key:secret", "--profile", "published"], {}, ["--secret: suprsend takes no signature: no security scheme of its published contract has one"]),
        (["--secret", "suprsent=key:secret"], {}, ["--secret: no API named 'suprsent' is served; did you mean suprsend?"]),
        (["--api", ""], {}, ["--api: is empty; leave it out, or say what"]),
        (["--spec", ""], {}, ["--spec: is empty; leave it out, or say what"]),
        (["--keep", "5,9999999999999999"], {}, ["--keep: '9999999999999999' is not a size; write bytes, or a number with KiB, MiB or GiB"]),
        (["--spec", "x" * 300 + ".yaml"], {}, ["x" * 300 + f".yaml: cannot be read: {os.strerror(errno.ENAMETOOLONG)}"]),
        (["--journal", "a\0b"], {}, ["--journal: a\0b cannot be written: embedded null byte"]),
        (["--prefix", "novu=/__admin"], {}, ["--prefix: '/__admin' is the mock's own; choose a path that does not begin with two underscores"]),
        (["--journal", "no/such/calls.jsonl"], {}, [f"--journal: {Path('no/such/calls.jsonl')} cannot be written: No such file or directory"]),
        (["--workers", "2"], {}, ["--workers: there is one process only, since several would each have keys and a journal of their own"]),
        (["--host", "203.0.113.1"], {}, [f"cannot listen on 203.0.113.1 port 4747: {os.strerror(errno.EADDRNOTAVAIL)}; choose another with --port, 0 for any"]),
        (["--spec", "parcel.yaml", "--api", "parcel", "--key", "parcel=k"], {}, ["--key: parcel takes no credential: its spec has no security, or its checks do not look at it"]),
        (["--spec", "free.yaml", "--api", "free", "--limit", "free=1/1s"], {"free.yaml": parcel("checks: [parsing, validation]")}, ["--limit: free has no rate limit: its checks do not look at it"]),
        # the configuration
        ([], {"mockserver.yaml": "prot: 1\n"}, ['mockserver.yaml:1: /prot: is not a known member. Did you mean "port"?']),
        ([], {"mockserver.yaml": "host: a\nport: x\n"}, ["mockserver.yaml:2: /port: must be an integer, not a string. Write a whole number, without quotes."]),
        ([], {"mockserver.yaml": "limits:\n  alloy: 1/1s\n  novu: 5\n"}, ['mockserver.yaml:3: /limits/novu: must be a string, not a number. Put it into quotes: "5".']),
        ([], {"mockserver.yaml": "limits:\n  novu: 5/0s\nkeys: {nova: k}\n"}, ["mockserver.yaml:3: /keys/nova: no API named 'nova' is served; did you mean novu?", "mockserver.yaml:2: /limits/novu: '5/0s' has a window without length"]),
        ([], {"mockserver.yaml": "catalogue:\n  novu:\n    names:\n      a: {payload: {requird: [x]}}\n"}, ["mockserver.yaml:4: /catalogue/novu/names/a/payload/requird: the keyword 'requird' is not known; did you mean required?"]),
        ([], {"mockserver.yaml": "specs: [none.yaml]\n"}, ["none.yaml: cannot be read: No such file or directory"]),
        ([], {"mockserver.yaml": "apis: [nouv]\n"}, ["mockserver.yaml:1: /apis: there is no API named 'nouv'; did you mean novu?"]),
        ([], {"mockserver.yaml": "watch: yes\n"}, ["mockserver.yaml:1: /watch: must be a boolean, not a string. Write true or false."]),
        ([], {"mockserver.yaml": '"a\\nb": 1\n'}, ["mockserver.yaml:1: /a\\nb: is not a known member. Leave it out."]),
        # clashing routes
        (["--spec", "parcel.yaml", "--spec", "mine.yaml"], {"mine.yaml": PARCEL}, ["mine.yaml:5: /paths/~1parcels/post: POST /parcels is post /parcels of parcel already; serve one of them below a path: --prefix mine=/mine"]),
        (["--spec", "parcel.yaml", "--prefix", "parcel=/v1/events"], {"parcel.yaml": PARCEL.replace("/parcels", "/trigger")}, ["parcel.yaml:5: /paths/~1trigger/post: POST /v1/events/trigger is EventsController_trigger of novu already; serve one of them below a path: --prefix parcel=/parcel"]),
    ],
)  # fmt: skip
def test_what_cannot_be_served(
    options: list[str],
    files: dict[str, str],
    lines: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    got = told(["serve", *options], tmp_path, {"parcel.yaml": PARCEL, **files}, monkeypatch)
    assert got.splitlines() == [f"Error: {line}" for line in lines]


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return files for TLS by name, sound ones and others."""
    files = issued(tmp_path_factory.mktemp("pems"))
    cert, key = files.cert.read_bytes(), files.key.read_bytes()
    locked = serialization.load_pem_private_key(key, None).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    )  # fmt: skip
    return {
        "cert.pem": cert,
        "key.pem": key,
        "other.pem": authority().issue_cert("localhost").private_key_pem.bytes(),
        "locked.pem": locked,
        "old.pem": b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAA==\n-----END RSA PRIVATE KEY-----\n",
        "cert.der": ssl.PEM_cert_to_DER_cert(files.root.read_text(encoding="ascii")),
        "cut-cert.pem": cert[:200] + b"\n-----END CERTIFICATE-----\n",
        "cut-key.pem": key[:80] + b"\n-----END PRIVATE KEY-----\n",
        "parameters.pem": b"-----BEGIN DH PARAMETERS-----\nAA==\n-----END DH PARAMETERS-----\n",
        "empty.pem": b"",
    }


PAIR = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"]


@pytest.mark.parametrize(
    ("options", "files", "lines"),
    [
        # only one of the two
        (PAIR[:2], {}, ["--tls-cert: is of no use alone; give --tls-key as well"]),
        (PAIR[2:], {}, ["--tls-key: is of no use alone; give --tls-cert as well"]),
        ([], {"mockserver.yaml": "port: 1\ntls-key: key.pem\n"}, ["mockserver.yaml:2: /tls-key: is of no use alone; give tls-cert as well"]),
        (["--tls-cert", "", *PAIR[2:]], {}, ["--tls-cert: must have at least 1 characters. Mend the number of characters: at least 1."]),
        # what cannot be read
        ([*PAIR[:2], "--tls-key", "none.pem"], {}, ["--tls-key: none.pem cannot be read: No such file or directory"]),
        (["--tls-cert", ".", *PAIR[2:]], {}, ["--tls-cert: . cannot be read: it is not a regular file"]),
        (["--tls-cert", "x" * 300, *PAIR[2:]], {}, [f"--tls-cert: {'x' * 300} cannot be read: {os.strerror(errno.ENAMETOOLONG)}"]),
        (["--tls-cert", "none.pem", "--tls-key", "."], {}, ["--tls-cert: none.pem cannot be read: No such file or directory", "--tls-key: . cannot be read: it is not a regular file"]),
        ([], {"mockserver.yaml": "tls-cert: none.pem\ntls-key: key.pem\nkeys: {nova: k}\n"}, ["mockserver.yaml:3: /keys/nova: no API named 'nova' is served; did you mean novu?", "mockserver.yaml:1: /tls-cert: none.pem cannot be read: No such file or directory"]),
        # what is in the files
        (["--tls-cert", "cert.der", *PAIR[2:]], {}, ["--tls-cert: cert.der is not PEM, a text with a line -----BEGIN …-----; if it is DER, convert it: openssl x509 -inform DER -in cert.der -out converted.pem"]),
        ([*PAIR[:2], "--tls-key", "empty.pem"], {}, ["--tls-key: empty.pem is not PEM, a text with a line -----BEGIN …-----; if it is DER, convert it: openssl pkey -inform DER -in empty.pem -out converted.pem"]),
        (["--tls-cert", "key.pem", "--tls-key", "cert.pem"], {}, ["--tls-cert: key.pem has no certificate in it; it is a private key, which tls-key takes", "--tls-key: cert.pem has no private key in it; it is a certificate, which tls-cert takes"]),
        (["--tls-cert", "parameters.pem", "--tls-key", "parameters.pem"], {}, ["--tls-cert: parameters.pem has no certificate in it", "--tls-key: parameters.pem has no private key in it"]),
        ([*PAIR[:2], "--tls-key", "locked.pem"], {}, ["--tls-key: locked.pem has a pass phrase, which is not supported; take it away: openssl pkey -in locked.pem -out plain.pem"]),
        ([*PAIR[:2], "--tls-key", "old.pem"], {}, ["--tls-key: old.pem has a pass phrase, which is not supported; take it away: openssl pkey -in old.pem -out plain.pem"]),
        ([*PAIR[:2], "--tls-key", "other.pem"], {}, ["--tls-key: other.pem does not belong to the certificate cert.pem"]),
        ([], {"mockserver.yaml": "tls-cert: cert.pem\ntls-key: other.pem\n"}, ["mockserver.yaml:2: /tls-key: other.pem does not belong to the certificate cert.pem"]),
        (["--tls-cert", "cut-cert.pem", *PAIR[2:]], {}, ["--tls-cert: cut-cert.pem cannot be used: OpenSSL says …"]),
        ([*PAIR[:2], "--tls-key", "cut-key.pem"], {}, ["--tls-key: cut-key.pem cannot be used: OpenSSL says …"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("also", [[], ["--show-config"]], ids=["serve", "show"])
def test_what_is_wrong_with_a_certificate(
    options: list[str],
    also: list[str],
    files: dict[str, str],
    lines: list[str],
    pems: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, data in pems.items():
        (tmp_path / name).write_bytes(data)
    got = told(["serve", *options, *also], tmp_path, files, monkeypatch)
    assert [re.sub("(?<=OpenSSL says ).+", "…", line) for line in got.splitlines()] == [f"Error: {line}" for line in lines]  # fmt: skip


def test_a_file_that_may_not_be_read(
    pems: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    for name, data in pems.items():
        (tmp_path / name).write_bytes(data)
    monkeypatch.setattr(Path, "read_bytes", refuse)  # a test that root runs cannot be kept from reading
    got = told(["serve", *PAIR], tmp_path, {}, monkeypatch)
    why = os.strerror(errno.EACCES)
    assert got == f"Error: --tls-cert: cert.pem cannot be read: {why}\nError: --tls-key: key.pem cannot be read: {why}\n"  # fmt: skip


def test_a_variable_that_names_a_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOCKSERVER_TLS_CERT", "none.pem")
    got = told(["serve", "--tls-key", "none.pem"], tmp_path, {}, monkeypatch)
    why = "none.pem cannot be read: No such file or directory"
    assert got == f"Error: MOCKSERVER_TLS_CERT: {why}\nError: --tls-key: {why}\n"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["serve", "--colour"], "No such option"),
        (
            ["serve", "--profil", "x"],
            "No such option",
        ),
        (
            ["serve", "--log", "loud"],
            "Invalid value for '--log': 'loud' is not one of 'text', 'json', 'off'.",
        ),
        (["serve", "--port", "http"], "Invalid value for '--port': 'http' is not a valid integer."),
        (["serve", "extra"], "Got unexpected extra argument (extra)"),
        (["sevre"], "No such command 'sevre'"),
        (["spec"], "Missing argument 'API'"),
        (["schema", "novu"], "'novu' is not one of 'config', 'spec'"),
        (["completion", "tcsh"], "'tcsh' is not one of 'bash', 'zsh', 'fish'"),
        (["apis", "nova"], "Error: there is no API named 'nova'; did you mean novu?"),
        (["spec", "nova"], "Error: there is no API named 'nova'; did you mean novu?"),
    ],
)
def test_what_cannot_be_typed(
    options: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    got = told(options, tmp_path, {}, monkeypatch)
    assert sentence in got
    assert "Traceback" not in got


def test_a_port_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        got = told(["serve", "--port", str(port)], tmp_path, {}, monkeypatch)
    assert got.startswith(f"Error: cannot listen on 127.0.0.1 port {port}: ")
    assert got.endswith("; choose another with --port, 0 for any\n")


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("MOCKSERVER_PORT", "high", "MOCKSERVER_PORT: 'high' is not a whole number"),
        ("MOCKSERVER_LIMIT", "novu=5", "MOCKSERVER_LIMIT: '5' is not a limit; write calls per window, as in 5/1s or 100/1m"),
        ("MOCKSERVER_LIMIT", "nova=5/1s", "MOCKSERVER_LIMIT: no API named 'nova' is served; did you mean novu?"),
        ("MOCKSERVER_CONFIG", "none.yaml", "none.yaml: cannot be read: No such file or directory"),
        ("MOCKSERVER_ENFORCE_LIMITS", "si", "MOCKSERVER_ENFORCE_LIMITS: 'si' is neither true nor false"),
    ],
)  # fmt: skip
def test_a_variable_that_cannot_be_used(
    name: str, value: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert told(["serve"], tmp_path, {}, monkeypatch) == f"Error: {line}\n"


def test_a_variable_that_is_misspelt_is_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MOCKSERVER_PROT", "5000")
    result = CliRunner().invoke(main, ["serve", "--show-config"])
    assert result.exit_code == 0
    assert (
        result.stderr == "mockserver: warning: MOCKSERVER_PROT is not known; did you mean MOCKSERVER_PORT?\n"
    )
