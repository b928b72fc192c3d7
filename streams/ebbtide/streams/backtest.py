"""`ebbtide backtest`: one log under two settings files, and what differs."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import queue
import signal
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import BaseModel

from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.evaluation.alerts import JudgedAlerts, judge
from ebbtide.streams.evaluation.alerts import summary as alert_summary
from ebbtide.streams.evaluation.customers import Customers
from ebbtide.streams.evaluation.difference import difference
from ebbtide.streams.evaluation.fates import EventLog, Fates, TruthFile
from ebbtide.streams.evaluation.planted import planted
from ebbtide.streams.ndjson import STDIN
from ebbtide.streams.replay import replay
from ebbtide.streams.settings import Settings, SettingsError, load_settings

SIDES = ("a", "b")
_POLL_SECONDS = 0.2
_Messages = Any
"""A queue of (side, kind, value): ``read`` a count, ``done`` a summary, ``failed`` a message."""


def policies(paths: Sequence[Path]) -> dict[str, Settings]:
    """The settings of both sides. Raises :class:`SettingsError` that names the file, with every fault of it."""
    found = {}
    for side, path in zip(SIDES, paths, strict=True):
        try:
            found[side] = load_settings(path)
        except SettingsError as error:
            raise SettingsError(f"policy {side.upper()}, {path}: {error}") from None
    return found


def changed_settings(first: Settings, second: Settings) -> list[dict[str, Any]]:
    """The settings of the core that differ, by name, with both values."""
    ours, theirs = _flat(first.core), _flat(second.core)
    names = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    return [{"name": name, "a": ours.get(name), "b": theirs.get(name)} for name in names]


def _flat(model: BaseModel) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def add(path: str, value: Any) -> None:
        if isinstance(value, Mapping) and value:
            for name, inner in value.items():
                add(f"{path}.{name}" if path else str(name), inner)
        else:
            found[path] = value

    add("", model.model_dump(mode="json"))
    return found


def backtest(
    files: Sequence[str],
    paths: Sequence[Path],
    *,
    truth: Path | None = None,
    events: Path | None = None,
    out: Path | None = None,
    horizon_days: int | None = None,
    tolerance: timedelta,
    progress: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Replay ``files`` under the two settings files ``paths`` and compare the alerts. JSON-ready.

    ``out``: where the two replays are kept, as ``a`` and ``b``. Outcomes come from ``truth`` or ``events``, else from
    the labels of the first replay; the horizon is ``horizon_days``, else that of the first policy's labels.

    Raises :class:`SettingsError`, :class:`EbbtideError` or :class:`EvaluationError`.
    """
    if STDIN in files:
        raise EbbtideError("a backtest reads its files twice, and standard input can be read once: give a file")
    settings = policies(paths)
    with TemporaryDirectory(prefix="ebbtide-backtest-") as scratch:
        base = out or Path(scratch)
        try:
            base.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EbbtideError(f"cannot write to {base}: {error.strerror}") from None
        summaries = _replayed(files, base, settings, progress)
        horizon = timedelta(days=horizon_days or settings["a"].label.horizon_days)
        judged = {side: _judged(base / side, truth, events, horizon) for side in SIDES}
        first, second = judged["a"], judged["b"]
        if truth is None and events is None:
            # One book has one fate: labels of another policy may have another horizon.
            second = dataclasses.replace(second, outcomes=first.outcomes)
        return {
            "files": list(files),
            "horizon_days": horizon.days,
            "settings": changed_settings(settings["a"], settings["b"]),
            **{
                side: {"policy": str(path), "replay": summaries[side], "alerts": alert_summary(one, None)}
                for side, path, one in zip(SIDES, paths, (first, second), strict=True)
            },
            "difference": difference(first, second, tolerance),
        }


def _judged(directory: Path, truth: Path | None, events: Path | None, horizon: timedelta) -> JudgedAlerts:
    fates: Fates | None = None
    sown = None
    if truth is not None:
        customers = Customers(directory)
        fates, sown = TruthFile(truth, customers), planted(truth, customers)
    elif events is not None:
        fates = EventLog(events, Customers(directory))
    found = judge(directory, fates, sown, horizon)
    if found is None:  # a replay always writes the file
        raise EbbtideError(f"{directory} holds no alerts")
    return found


def _replayed(
    files: Sequence[str], base: Path, settings: Mapping[str, Settings], progress: Callable[[int], None] | None
) -> dict[str, Any]:
    """Both replays, at once where there are two cores, each in a process of its own; their summaries by side."""
    context = multiprocessing.get_context("spawn")
    messages = context.Queue()
    waiting = [
        (side, context.Process(target=_work, args=(side, list(files), base / side, settings[side], messages)))
        for side in SIDES
    ]
    running: dict[str, Any] = {}
    done: dict[str, Any] = {}
    try:
        while len(done) < len(SIDES):
            while waiting and len(running) < _cores():
                side, process = waiting.pop(0)
                process.start()
                running[side] = process
            try:
                side, kind, value = messages.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                _check_alive(running)
                continue
            if kind == "failed":
                raise EbbtideError(f"policy {side.upper()}: {value}")
            if kind == "done":
                done[side] = value
                running.pop(side).join()
            elif progress is not None:
                progress(value)
    finally:
        for process in running.values():
            process.terminate()
            process.join()
    return done


def _cores() -> int:
    return min(len(SIDES), len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def _check_alive(running: Mapping[str, Any]) -> None:
    for side, process in running.items():
        if process.exitcode:
            raise EbbtideError(
                f"policy {side.upper()}: the replay ended with exit code {process.exitcode}; was memory short?"
            )


def _work(side: str, files: list[str], out: Path, settings: Settings, messages: _Messages) -> None:
    """One replay in a process of its own. Whoever interrupts the command interrupts its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        summary = replay(files, out, settings, progress=lambda count: messages.put((side, "read", count)))
    except (EbbtideError, ValueError) as error:
        messages.put((side, "failed", str(error)))
    except Exception as error:  # one place turns every failure into one line
        messages.put((side, "failed", f"{type(error).__name__}: {error}"))
    else:
        messages.put((side, "done", summary.as_dict()))
