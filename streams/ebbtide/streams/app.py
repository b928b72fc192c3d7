"""The worker: Faust's app with the stages that it is to run."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from typing import Any

from ebbtide.schemas.topics import Topic
from ebbtide.streams.admin import AdminServer
from ebbtide.streams.metrics import Metrics
from ebbtide.streams.settings import Settings
from ebbtide.streams.stages import customers, fleet, identity, intake, learner, profiles, triage
from ebbtide.streams.stages.context import Context
from ebbtide.streams.transport import App, Credentials, TransportConfig, build_app
from ebbtide.streams.vitals import export_vitals

AGENTS: dict[str, Callable[[App, Context], None]] = {
    intake.NAME: intake.declare,
    profiles.NAME: profiles.declare,
    identity.NAME: identity.declare,
    customers.NAME: customers.declare,
    learner.NAME: learner.declare,
    fleet.NAME: fleet.declare,
    triage.NAME: triage.declare,
}


def partition_counts(settings: Settings) -> dict[str, int]:
    """Partitions of every declared topic under these settings."""
    return {topic.topic_name: topic.spec.partitions or settings.broker.partitions for topic in Topic}


def create_app(settings: Settings, *, agents: Iterable[str] | None = None, metrics: Metrics | None = None) -> App:
    """An app that runs ``agents`` (all, if None) and serves the admin port. Raises ``ValueError`` on an unknown one."""
    names = list(AGENTS) if agents is None else list(agents)
    unknown = [name for name in names if name not in AGENTS]
    if unknown:
        raise ValueError(f"no such agent: {', '.join(unknown)}; there are {', '.join(AGENTS)}")
    metrics = Metrics() if metrics is None else metrics
    context = Context(settings, metrics, partition_counts(settings))
    app = build_app(transport_config(settings))
    for name in names:
        AGENTS[name](app, context)
    _serve_admin(app, settings, metrics)
    return app


def transport_config(settings: Settings) -> TransportConfig:
    """The transport's part of the settings."""
    broker, worker = settings.broker, settings.worker
    return TransportConfig(
        app_id=worker.app_id,
        bootstrap=broker.bootstrap,
        data_dir=worker.data_dir,
        store=worker.store,
        partitions=broker.partitions,
        replication_factor=broker.replication_factor,
        credentials=credentials(settings),
        idempotent=broker.idempotent,
        session_timeout=worker.session_timeout_seconds,
        max_poll_records=worker.max_poll_records,
        stall_seconds=worker.stall_seconds,
    )


def credentials(settings: Settings) -> Credentials | None:
    """How to log in, or None for a plain connection."""
    broker = settings.broker
    context = ssl.create_default_context(cafile=broker.ca_file) if broker.tls else None
    if broker.username is None:
        return None if context is None else Credentials(ssl_context=context)
    password = broker.password.get_secret_value() if broker.password else None
    return Credentials(context, broker.username, password, broker.mechanism)


def _serve_admin(app: App, settings: Settings, metrics: Metrics) -> None:
    server = AdminServer(
        metrics,
        not_ready=lambda: [] if app.health.ready() else [_why_not_ready(app)],
        service="worker",
        host=settings.admin.host,
        port=settings.admin.port,
    )

    async def admin() -> None:
        app.admin_port = await server.start()
        try:
            await export_vitals(app, metrics)
        finally:
            await server.stop()

    app.task(admin)


def _why_not_ready(app: Any) -> str:
    remaining = app.health.recovery_remaining()
    if remaining:
        return f"recovering: {remaining} changelog records to go"
    return "waiting for partitions: no assignment yet, or a rebalance is under way"
