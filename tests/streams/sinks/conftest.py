"""The server that these tests share."""

from support.clickhouse import clickhouse

__all__ = ["clickhouse"]
