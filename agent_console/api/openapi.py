"""The API's description (OpenAPI 3.1), made out of the route table and the structs it names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from agent_console.api.endpoint import Endpoint
from agent_console.api.shapes import PATH, Problem

REF = "#/components/schemas/{name}"
ERRORS = {
    "400": "What was sent is not as described (schema, or the words beside it)",
    "401": "The bearer token is missing, wrong or revoked",
    "403": "The token's role may not do this",
    "404": "There is no such thing",
    "409": "It is not possible from where it is",
    "503": "The database or the telephone did not answer in time",
}


def describe(endpoints: Sequence[Endpoint], version: str) -> dict[str, Any]:
    """The whole document."""
    kinds = {Problem: None, **{e.answer: None for e in endpoints}}
    kinds |= {e.body: None for e in endpoints if e.body is not None}
    refs, components = msgspec.json.schema_components(tuple(kinds), ref_template=REF)
    schema = dict(zip(kinds, refs, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        operation = _operation(endpoint, schema)
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ringdesk", "version": version},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "made by `ringdesk token create`",
                }
            },
        },
    }


def _operation(endpoint: Endpoint, schema: dict[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _name(endpoint),
        "summary": endpoint.summary,
        "tags": [endpoint.tag],
        "x-permission": str(endpoint.permission),
        "parameters": [*_path_parameters(endpoint.path), *_query_parameters(endpoint.query)],
        "responses": {
            str(endpoint.status): _content("As asked", schema[endpoint.answer]),
            **{code: _content(words, schema[Problem]) for code, words in ERRORS.items()},
        },
    }
    if endpoint.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema[endpoint.body]}},
        }
    return operation


def _name(endpoint: Endpoint) -> str:
    words = re.sub(r"[^a-z0-9]+", "_", endpoint.path.removeprefix("/api/v1/").lower()).strip("_")
    return f"{endpoint.method.lower()}_{words}"


def _content(description: str, schema: Any) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": msgspec.json.schema(PATH[name])}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(kind: type[Any] | None) -> list[dict[str, Any]]:
    if kind is None:
        return []
    (_, components) = msgspec.json.schema_components((kind,), ref_template=REF)
    properties = components[kind.__name__]["properties"]
    return [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in properties.items()
    ]
