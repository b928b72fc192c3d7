"""Page: the topics."""

from __future__ import annotations

from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.topics import Topic, TopicSpec
from ebbtide.streams.reference.markdown import code, table
from ebbtide.streams.reference.markdown import page as markdown_page


def page() -> str:
    """The page ``topics.md``."""
    rows = [
        (
            code(spec.name),
            f"[{spec.contract}](contracts.md#{spec.contract.lower()})",
            spec.key,
            "setting" if spec.partitions is None else str(spec.partitions),
            _kept(spec),
            spec.doc,
        )
        for spec in (topic.spec for topic in Topic)
    ]
    return markdown_page(
        "Topics",
        "`ebbtide topics create` makes them, `ebbtide topics check` compares them with the broker, `ebbtide topics "
        "describe` prints this table. `setting` partitions are `EBBTIDE_BROKER__PARTITIONS`. Values are UTF-8 JSON. "
        "`events`, `profile-states`, `training-examples`, `models`, `grid-summaries` and `fleet-stats` also carry "
        "[Tick](contracts.md#tick) records, which tell event time in band, under the key `@tick`; `events` and "
        "`profile-states` also [SourceHeartbeat](contracts.md#sourceheartbeat) records, under `@heartbeat`; "
        "`grid-summaries` carries [ChannelSpend](contracts.md#channelspend) and, under `@activity`, "
        "[DayActivity](contracts.md#dayactivity) too.",
        table(("topic", "contract", "key", "partitions", "kept", "holds"), rows),
        "The tables' changelogs are topics too, named `<app id>-<agent>-changelog`; the worker makes them, compacted.",
    )


def _kept(spec: TopicSpec) -> str:
    if spec.cleanup == "compact":
        return "newest per key"
    return "for ever" if spec.retention_ms < 0 else f"{spec.retention_ms // DAY_MS} days"
