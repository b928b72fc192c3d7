"""The databases that these tests share."""

from support.clickhouse import clickhouse
from support.databases import database, empty_database

__all__ = ["clickhouse", "database", "empty_database"]
