"""Spans for OpenTelemetry: requests, tools, legs of search, jobs.

Off, and then next to nothing, unless OTEL_EXPORTER_OTLP_ENDPOINT names a collector and
requirements-otel.txt is installed. Attributes are ids, names and numbers, never what
people wrote; an error is told by its type alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any

from telemetry import context

SERVICE = "federated-memory"


def is_on() -> bool:
    return bool(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))


def span(
    name: str, *, headers: Mapping[str, str] | None = None, **attributes: Any
) -> Any:
    """A context manager around a piece of work; `headers` may name a parent.

    It gives an object whose `set_attribute` adds what is known only at the end.
    """
    if not is_on():
        return _NOTHING
    return _spanning(name, headers or {}, attributes)


@contextmanager
def _spanning(
    name: str, headers: Mapping[str, str], attributes: Mapping[str, Any]
) -> Iterator[Any]:
    from opentelemetry.propagate import extract
    from opentelemetry.trace import Status, StatusCode

    parent = extract(dict(headers)) if headers else None
    tracer = _provider(os.getpid()).get_tracer(SERVICE)
    with tracer.start_as_current_span(
        name,
        context=parent,
        attributes={**attributes, **_belonging()},
        # Both would write the error's own words.
        record_exception=False,
        set_status_on_exception=False,
    ) as made:
        try:
            yield made
        except BaseException as error:
            made.set_attribute("error.type", type(error).__qualname__)
            made.set_status(Status(StatusCode.ERROR))
            raise


def flush() -> None:
    """Send now what waits to be sent."""
    _provider(os.getpid()).force_flush()


@cache
def _provider(process_id: int) -> Any:
    """One for each process: a forked one needs a sender of its own."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    told = {"service.name": os.environ.get("OTEL_SERVICE_NAME") or SERVICE}
    provider = TracerProvider(
        resource=Resource.create({**told, "process.pid": process_id})
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def _belonging() -> dict[str, Any]:
    told = {
        "memory.request_id": context.request_id.get(),
        "memory.job_id": context.job_id.get(),
    }
    return {name: value for name, value in told.items() if value}


class _Nothing:
    """What a span is while tracing is off."""

    def set_attribute(self, name: str, value: Any) -> None:
        pass


_NOTHING = nullcontext(_Nothing())
