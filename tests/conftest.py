"""Fixtures that every test may use."""

from support.brokers import kafka

__all__ = ["kafka"]
