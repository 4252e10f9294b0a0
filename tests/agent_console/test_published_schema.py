"""The published description says what is accepted: fuzzed, and both always agree."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from agent_console.api.endpoint import Endpoint, parameters
from agent_console.api.routes import ENDPOINTS, V1, document
from tests.agent_console.conftest import Program
from tests.agent_console.office import Office, a_call

DOCUMENT: dict[str, Any] = json.loads(document())
# What no schema can say and the words beside it do.
IN_WORDS = (
    "has no letter that can be read",
    "must not be empty",
    "is no telephone number",
    "is not spoken here",
    "is no date and time",
    "is unknown",
    "is no cursor of ours",
)
WRITING = [each for each in ENDPOINTS if each.body is not None]
READING = [each for each in ENDPOINTS if each.query is not None]


KNOWN = {"anyOf", "discriminator", "type", "enum", "minLength", "maxLength", "pattern", "minimum"}
KNOWN |= {"maximum", "properties", "required", "additionalProperties", "title", "description"}
KNOWN |= {"default", "examples", "format"}


def fits(schema: dict[str, Any], value: Any) -> bool:
    """Whether JSON Schema (as far as we use it) accepts a value."""
    if "$ref" in schema:
        return fits(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]], value)
    assert schema.keys() <= KNOWN, schema
    if "anyOf" in schema:
        return any(fits(each, value) for each in schema["anyOf"])
    if "enum" in schema:
        return value in schema["enum"]
    checks = {"string": _fits_text, "integer": _fits_whole, "object": _fits_object}
    if schema["type"] in checks:
        return checks[schema["type"]](schema, value)
    return isinstance(value, {"boolean": bool, "null": type(None)}[schema["type"]])


def _fits_object(schema: dict[str, Any], value: Any) -> bool:
    assert schema["additionalProperties"] is False, "an unknown field would be taken for a wish"
    properties = schema["properties"]
    return (
        isinstance(value, dict)
        and set(schema.get("required", ())) <= value.keys() <= properties.keys()
        and all(fits(properties[name], each) for name, each in value.items())
    )


def _fits_whole(schema: dict[str, Any], value: Any) -> bool:
    """The words beside it say so: written without a fraction, which 1.0 is not."""
    if isinstance(value, bool) or not isinstance(value, int):
        return False
    return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))


def _fits_text(schema: dict[str, Any], value: Any) -> bool:
    return (
        isinstance(value, str)
        and schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10**6)
        and re.search(schema.get("pattern", ""), value) is not None
    )


def body_schema(endpoint: Endpoint) -> dict[str, Any]:
    operation = DOCUMENT["paths"][endpoint.path][endpoint.method.lower()]
    schema: dict[str, Any] = operation["requestBody"]["content"]["application/json"]["schema"]
    return schema


# fmt: off
SAMPLES = (
    "", " ", "\u200b", "ava", "ava\n", "AVA", "C-2026-000001", "c-2026-1", "C-9999-1", "１", "0",
    "C-2026-1\n", "a@b.c", "a@b", "a.b@example.org", "a@example.org\n", "ä@example.org", "phone",
    "email", "open", "waiting", "merged", "high", "person", "en", "zh", "fr", "EN", "call_back",
    "2030-01-01T10:00:00Z", "2030-01-01T10:00Z", "2030-02-30T10:00:00+01:00", "2030-01-01", "q-1",
    "1", "1930-01-01T10:00:00Z", "2030-01-01T10:00:00", "2030-01-01T24:00:00Z", "tomorrow", "a b",
    "+49 30 901820", "x" * 121, "x" * 41, "n" * 10_001,
)
# fmt: on
TEXTS = st.one_of(st.text(max_size=20), st.sampled_from(SAMPLES))
VALUES = st.one_of(
    TEXTS,
    st.integers(-2, 5),
    st.sampled_from([2**53, 2**53 - 1, 2**63, 10**30, 1.0, 1.5, True, False, None]),
    st.just([]),
    st.just({}),
)


@st.composite
def bodies(draw: st.DrawFn, schema: dict[str, Any]) -> Any:
    """Something like what is described, rarely something else."""
    shapes = schema.get("anyOf", schema.get("oneOf", [schema]))
    shape = draw(st.sampled_from(shapes))
    while "$ref" in shape:
        shape = DOCUMENT["components"]["schemas"][shape["$ref"].rpartition("/")[2]]
        shape = draw(st.sampled_from(shape.get("anyOf", [shape])))
    names = [*shape["properties"], "colour"]
    wanted = set(draw(st.lists(st.sampled_from(names), max_size=4))) | set(
        shape.get("required", ()) if draw(st.integers(0, 9)) else ()
    )
    return {name: draw(_like(shape["properties"].get(name, {}))) for name in sorted(wanted)}


def _like(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Three times of four what fits: else the whole body hardly ever would."""
    enums = [each for part in schema.get("anyOf", [schema]) for each in part.get("enum", ())]
    good = [each for each in (*SAMPLES, 1, True, None, *enums) if schema and fits(schema, each)]
    return st.integers(0, 3).flatmap(lambda n: st.sampled_from(good) if n and good else VALUES)


@pytest.mark.parametrize("endpoint", WRITING, ids=lambda each: f"{each.method} {each.path}")
@given(data=st.data())
def test_a_body_is_accepted_exactly_if_its_schema_says_so(
    endpoint: Endpoint, data: st.DataObject
) -> None:
    schema = body_schema(endpoint)
    body = data.draw(bodies(schema))
    try:
        msgspec.json.decode(json.dumps(body).encode(), type=endpoint.body)
        accepted = True
    except msgspec.ValidationError:
        accepted = False
    event("accepted" if accepted else "refused")
    assert accepted is fits(schema, body), body


@pytest.mark.parametrize("endpoint", READING, ids=lambda each: each.path)
@given(data=st.data())
def test_a_parameter_is_accepted_exactly_if_its_schema_says_so(
    endpoint: Endpoint, data: st.DataObject
) -> None:
    """Numbers and booleans are text in an address; so they are compared as what they say."""
    operation = DOCUMENT["paths"][endpoint.path]["get"]
    parameter = data.draw(
        st.sampled_from([each for each in operation["parameters"] if each["in"] == "query"])
    )
    text = data.draw(TEXTS.map(str))
    schema = parameter["schema"]
    kinds = {each.get("type") for each in schema.get("anyOf", [schema])}
    if kinds & {"integer", "boolean"}:
        text = data.draw(st.sampled_from(["0", "1", "200", "201", "x", "", "1.5", "９", "-1"]))
        value: Any = int(text) if re.fullmatch("-?[0-9]+", text) else text
        if "boolean" in kinds:
            value = {"0": False, "1": True}.get(text, text)
    else:
        value = text
    assert endpoint.query is not None
    try:
        parameters({parameter["name"]: text}, endpoint.query)
        accepted = True
    except msgspec.ValidationError:
        accepted = False
    assert accepted is fits(schema, value), (parameter["name"], text)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/customers/0", 400),
        ("GET", "/customers/１", 400),
        ("GET", "/customers/1%0A", 400),
        ("GET", "/customers/9007199254740992", 400),
        ("GET", "/customers/9007199254740991", 404),
        ("GET", "/cases/C-9999-1", 404),
        ("GET", "/cases/C-9999-000001", 404),
        ("GET", "/cases/C-2026", 400),
        ("GET", "/cases/1;2", 400),
        ("GET", "/conversations/%22", 400),
        ("GET", "/conversations/unknown", 404),
        ("POST", "/follow-ups/-1/kept", 400),
    ],
)
async def test_an_address_is_as_described(
    office: Office, program: Program, method: str, path: str, status: int
) -> None:
    await office.take(*a_call())
    await program.ask(method, path, expect=status)


def test_every_hole_in_an_address_is_described() -> None:
    for endpoint in ENDPOINTS:
        for each in DOCUMENT["paths"][endpoint.path][endpoint.method.lower()]["parameters"]:
            assert each["in"] == "query" or each["schema"].keys() & {"pattern", "maximum"}, each


TRIED = [
    ("POST", "/customers", {"name": "Li Na", "phone": "+49 30 1234567", "email": "a@example.org"}),
    ("POST", "/customers", {"name": "\u3164"}),
    ("POST", "/customers", {"name": "Li Na", "language": "fr"}),
    ("POST", "/customers", {"name": "Li Na", "phone": "call me"}),
    ("POST", "/customers/1/contact-points", {"kind": "email", "value": "b@example.org"}),
    ("POST", "/customers/1/contact-points", {"kind": "phone", "value": "12"}),
    ("POST", "/cases/1/notes", {"text": "\u200b"}),
    ("POST", "/cases/1/notes", {"text": "x"}),
    ("POST", "/cases/1/follow-ups", {"text": "call", "due_at": "2030-02-30T10:00:00Z"}),
    ("POST", "/cases/1/follow-ups", {"text": "call", "due_at": "2030-02-28T10:00+08:00"}),
    ("PATCH", "/cases/1", {"disposition": "nothing"}),
    ("PATCH", "/customers/1", {"city": "..."}),
]


@pytest.mark.parametrize(("method", "path", "body"), TRIED)
async def test_what_is_refused_beyond_the_schema_is_said_in_its_words(
    office: Office, program: Program, method: str, path: str, body: Any
) -> None:
    await office.take(*a_call())
    answer = await program.browser.client.request(
        method, V1 + path, headers=program.headers, json=body
    )
    said = await answer.json()
    assert answer.status in {200, 201, 400}, said
    if answer.status == 400:
        assert any(words in said["error"]["message"] for words in IN_WORDS), said


DEEP = b'{"id": 1, "do": "ping", "x": ' + b"[" * 20_000 + b"]" * 20_000 + b"}"


async def test_a_body_that_is_nested_without_end_is_refused(program: Program) -> None:
    headers = {**program.headers, "Content-Type": "application/json"}
    answer = await program.browser.client.post(f"{V1}/customers", data=DEEP, headers=headers)
    assert answer.status == 400
    assert (await answer.json())["error"]["message"]


async def test_what_is_not_allowed_says_what_is(program: Program) -> None:
    for path, allowed in ((f"{V1}/cases", "GET,HEAD"), ("/sign-out", "POST")):
        answer = await program.browser.client.delete(path, headers=program.headers)
        assert (answer.status, answer.headers["Allow"]) == (405, allowed)


@pytest.mark.parametrize("text", ["null", "NULL"])
def test_a_text_that_says_nothing_is_no_parameter(text: str) -> None:
    """Numbers, times and words out of a list; what may be any text may be this one."""
    refused = []
    for endpoint in READING:
        for parameter in DOCUMENT["paths"][endpoint.path]["get"]["parameters"]:
            kinds = parameter["schema"].get("anyOf", [])
            if parameter["in"] != "query" or not kinds or {"type": "string"} in kinds:
                continue
            assert endpoint.query is not None
            try:
                said = parameters({parameter["name"]: text}, endpoint.query)
            except msgspec.ValidationError:
                refused.append(parameter["name"])
            else:
                assert getattr(said, parameter["name"]) is not None
    assert {"status", "customer_id"} <= set(refused)
