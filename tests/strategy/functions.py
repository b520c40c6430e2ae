"""Functions that the worker pool's tests have computed."""

import os
import time
from typing import Any


def double(payload: dict[str, Any]) -> dict[str, Any]:
    print("a print must not break the frames")
    return {"twice": payload["x"] * 2}


def raise_value(payload: dict[str, Any]) -> None:
    raise ValueError(f"cannot do {payload['x']}")


def hang(payload: dict[str, Any]) -> None:
    time.sleep(payload["seconds"])


def die(payload: dict[str, Any]) -> None:
    os._exit(payload["code"])


def not_json(payload: dict[str, Any]) -> object:
    return object() if payload else None


def cores(payload: dict[str, Any]) -> list[int]:
    return sorted(os.sched_getaffinity(payload["pid"]))


def environment(payload: dict[str, Any]) -> dict[str, Any]:
    return {name: os.environ.get(name) for name in payload["names"]}
