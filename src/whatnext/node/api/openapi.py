"""`GET /openapi.json`: made from the operations' own structs, so that the page cannot run ahead of the code."""

from collections.abc import Iterable
from typing import Any

import msgspec

from whatnext import __version__
from whatnext.node.api.endpoint import Endpoint
from whatnext.node.api.problems import Problem

_REF = "#/components/schemas/{name}"


def document(operations: Iterable[Endpoint], extra: Iterable[type[msgspec.Struct]] = ()) -> dict[str, Any]:
    """OpenAPI 3.1 document; `extra` are structs of `/events`, described beside the operations'."""
    listed = sorted(operations, key=lambda operation: operation.name)
    types = [t for operation in listed for t in (operation.request, operation.response)]
    events = list(extra)
    schemas, components = msgspec.json.schema_components([*types, Problem, *events], ref_template=_REF)
    paths: dict[str, Any] = {}
    for number, operation in enumerate(listed):
        paths[f"/v1/{operation.name}"] = {
            "post": _operation(operation, schemas[2 * number], schemas[2 * number + 1], schemas[len(types)])
        }
    paths["/v1/status"] = {
        "get": {"summary": "The same as POST /v1/node.status with {}", "responses": _ok({})}
    }
    paths["/metrics"] = {"get": _metrics()}
    paths["/play/{playlist}/{entry}"] = {"get": _play()}
    paths["/events"] = {"get": _events([event.__name__ for event in events])}
    return {
        "openapi": "3.1.0",
        "info": {"title": "WhatNext local API", "version": __version__},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(operation: Endpoint, request: Any, response: Any, problem: Any) -> dict[str, Any]:
    return {
        "operationId": operation.name,
        "summary": operation.summary,
        "requestBody": {"required": True, "content": {"application/json": {"schema": request}}},
        "responses": {
            **_ok(response),
            "default": {
                "description": "A problem (RFC 9457)",
                "content": {"application/problem+json": {"schema": problem}},
            },
        },
    }


def _ok(schema: Any) -> dict[str, Any]:
    return {"200": {"description": "Done", "content": {"application/json": {"schema": schema}}}}


def _metrics() -> dict[str, Any]:
    page = {"content": {"text/plain": {"schema": {"type": "string"}}}}
    return {
        "summary": "Metrics in Prometheus' text format",
        "responses": {"200": {"description": "The page", **page}},
    }


def _play() -> dict[str, Any]:
    audio = {"description": "The file", "content": {"audio/*": {}}}
    names = ("playlist", "entry")
    return {
        "summary": "The user's own file of an entry, whole or a range of it",
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
        ],
        "responses": {"200": audio, "206": {**audio, "description": "The range that was asked for"}},
    }


def _events(names: list[str]) -> dict[str, Any]:
    return {
        "summary": "Server-sent events: " + ", ".join(names) + "; `resync` means read everything anew",
        "parameters": [
            {
                "name": "feed",
                "in": "query",
                "description": "tell first what changed after this number",
                "schema": {"type": "integer"},
            }
        ],
        "responses": {"200": {"description": "Events", "content": {"text/event-stream": {}}}},
    }
