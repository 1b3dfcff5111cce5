"""The log: one line an event on stderr, for people or as JSON. Nothing secret goes there: no tokens, no links."""

import logging
from typing import Literal, TextIO

import structlog
from structlog.typing import Processor


def set_up_logs(level: str, style: Literal["human", "json"], stream: TextIO) -> None:
    """Send everything that modules log through `logging` to a stream, rendered by structlog."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=stream.isatty() and _colour_is_wanted())
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("whatnext").setLevel(level.upper())


def _colour_is_wanted() -> bool:
    import os

    return "NO_COLOR" not in os.environ
