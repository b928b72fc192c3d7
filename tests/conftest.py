"""Fixtures that every test may use, and the settings of the property tests."""

from hypothesis import HealthCheck, settings

from support.brokers import kafka

__all__ = ["kafka"]

settings.register_profile("ci", deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci")
