"""All settings, from the environment (``EBBTIDE_…``, nested with ``__``), secret files (``…_FILE``) and a YAML file.

The environment wins over the file. All errors come at once, at the start.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import SettingsError as UnreadableError

from ebbtide.models.policy import CorePolicy
from ebbtide.streams.collector.settings import CollectorSettings
from ebbtide.streams.deliver.settings import DeliverSettings

PREFIX = "EBBTIDE_"
FILE_SUFFIX = "_FILE"
CONFIG_VARIABLE = "EBBTIDE_CONFIG"
CLICKHOUSE_PORT = 9000
SHORTEST_KEY = 16
"""Characters of a key that cannot be tried out."""


class SettingsError(ValueError):
    """The settings are wrong; the message lists every fault with its name."""


class Group(BaseModel):
    """Base of the groups: unknown names are errors, so that a typo does not pass in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BrokerSettings(Group):
    """Kafka."""

    url: str = Field("kafka://127.0.0.1:9092", description="Bootstrap servers, `kafka://host:port[,host:port…]`.")
    partitions: Annotated[int, Field(ge=1, le=1024)] = Field(
        4, description="Partitions of every keyed topic; cannot be changed while there is data."
    )
    replication_factor: Annotated[int, Field(ge=1)] = Field(1, description="Copies of every topic; 3 in production.")
    username: str | None = Field(None, description="SASL user name; none means no log-in.")
    password: SecretStr | None = Field(None, description="SASL password; better `EBBTIDE_BROKER__PASSWORD_FILE`.")
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="SASL mechanism."
    )
    tls: bool = Field(False, description="Encrypt the connection.")
    ca_file: Path | None = Field(None, description="Certificate authority for TLS; none takes the system's.")
    idempotent: bool = Field(
        True,
        description="Let the broker drop what a producer sends twice after a lost answer. Off only for a broker that "
        "cannot (Tansu): records keep their order and are still acknowledged, but may lie there twice.",
    )

    @property
    def bootstrap(self) -> str:
        """`host:port`, with commas between several."""
        return self.url.removeprefix("kafka://").rstrip("/")


class WorkerSettings(Group):
    """The Faust worker."""

    app_id: str = Field("ebbtide", description="Consumer group and prefix of the changelog topics.")
    data_dir: Path = Field(Path(".ebbtide/worker"), description="Local state; one directory per worker.")
    store: Literal["rocksdb", "memory"] = Field("rocksdb", description="Where tables live on the worker.")
    linger_seconds: Annotated[float, Field(ge=0, le=0.5)] = Field(
        0.05, description="Wait for more records before a flush; more per flush is cheaper, less is sooner."
    )
    max_poll_records: Annotated[int, Field(ge=1)] = Field(2_000, description="Most records of a batch.")
    session_timeout_seconds: Annotated[float, Field(ge=6)] = Field(
        15.0, description="A crashed worker's partitions are given away after this."
    )
    stall_seconds: Annotated[float, Field(ge=10)] = Field(
        120.0, description="Lag without progress for so long ends the process."
    )


class AdminSettings(Group):
    """`/metrics`, `/healthz`, `/readyz`, `/version`."""

    host: str = Field("127.0.0.1", description="Address of the admin port.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(8090, description="Admin port; 0 takes a free one.")


class ClickHouseSettings(Group):
    """The history."""

    host: str | None = Field(
        None,
        description="Host of the native protocol; none is 127.0.0.1 for a sink, and for `ebbtide up` a history of its "
        "own.",
    )
    port: Annotated[int, Field(ge=1, le=65535)] = Field(CLICKHOUSE_PORT, description="Port of the native protocol.")
    user: str = Field("default", description="User name.")
    password: SecretStr = Field(SecretStr(""), description="Password; better `EBBTIDE_CLICKHOUSE__PASSWORD_FILE`.")
    database: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")] = Field(
        "ebbtide", description="Database; created if missing."
    )
    tls: bool = Field(False, description="Encrypt the connection; the port is then mostly 9440.")
    ca_file: Path | None = Field(None, description="Certificate authority for TLS; none takes the system's.")
    embedded: Path | None = Field(
        None,
        description="Directory of a history inside the sink's own process (chDB, `pip install 'ebbtide[embedded]'`), "
        "in place of a server.",
    )
    personal_data: Literal["keep", "hash", "drop"] = Field(
        "drop",
        description="What becomes of e-mail addresses and phone numbers in the history. `hash` needs a key and still "
        "joins and counts people.",
    )
    personal_key: SecretStr | None = Field(
        None,
        description="Key of `hash`, at least 16 characters; better `EBBTIDE_CLICKHOUSE__PERSONAL_KEY_FILE`. With "
        "another key the same person gets another hash.",
    )
    batch_rows: Annotated[int, Field(ge=1, le=1_000_000)] = Field(20_000, description="Most rows of an insert.")
    batch_bytes: Annotated[int, Field(ge=1_048_576, le=1_073_741_824)] = Field(
        32 * 1024 * 1024, description="Most bytes of records of an insert; memory is about eight times that."
    )
    flush_seconds: Annotated[float, Field(gt=0, le=60)] = Field(
        1.0, description="The oldest record of an insert waits so long for others."
    )

    @model_validator(mode="after")
    def _fits(self) -> ClickHouseSettings:
        key = "" if self.personal_key is None else self.personal_key.get_secret_value()
        if self.personal_data == "hash" and len(key) < SHORTEST_KEY:
            raise ValueError(
                f"personal_data=hash needs personal_key with at least {SHORTEST_KEY} characters "
                "(EBBTIDE_CLICKHOUSE__PERSONAL_KEY_FILE)"
            )
        if self.embedded is not None and self.names_server:
            raise ValueError("embedded names a directory, and host or port a server: set one of them")
        return self

    @property
    def names_server(self) -> bool:
        """Whether somebody said which server it is."""
        return self.host is not None or self.port != CLICKHOUSE_PORT

    @property
    def server(self) -> str:
        """`host:port`."""
        return f"{self.host or '127.0.0.1'}:{self.port}"


class _SecretFiles(PydanticBaseSettingsSource):
    """`EBBTIDE_A__B_FILE=/run/secrets/b` sets `a.b` to the file's content, without its last line break."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, path in os.environ.items():
            keys = _secret_file(name)
            if not keys:
                continue
            try:
                value = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
            except OSError as error:
                raise SettingsError(f"{name}: cannot read {path}: {error.strerror}") from None
            branch = found
            for key in keys[:-1]:
                branch = branch.setdefault(key, {})
            branch[keys[-1]] = value
        return found


class Settings(CorePolicy, BaseSettings):
    """Everything a deployment can set: the groups of the core, and those below."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    tenant: str = Field("default", description="Tenant of records that name none.")
    broker: BrokerSettings = BrokerSettings()
    worker: WorkerSettings = WorkerSettings()
    admin: AdminSettings = AdminSettings()
    clickhouse: ClickHouseSettings = ClickHouseSettings()
    collector: CollectorSettings = CollectorSettings()
    deliver: DeliverSettings = DeliverSettings()

    @property
    def core(self) -> CorePolicy:
        """The settings of the pure core."""
        return CorePolicy(**{name: getattr(self, name) for name in CorePolicy.model_fields})

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then secret files, then what the YAML file said (handed in as arguments)."""
        if isinstance(env_settings, EnvSettingsSource):
            env_settings.env_vars = {
                name: value for name, value in env_settings.env_vars.items() if not _secret_file(name.upper())
            }
        return env_settings, _SecretFiles(settings_cls), init_settings


def load_settings(path: Path | None = None) -> Settings:
    """Read all sources. Raises `SettingsError` with every fault at once."""
    if path is None and (named := os.environ.get(CONFIG_VARIABLE)):
        path = Path(named)
    values = {} if path is None else _read_yaml(path)
    unknown = _unknown_variables()
    try:
        settings = Settings(**values)
    except UnreadableError as error:
        raise SettingsError("settings are wrong: " + "; ".join([_not_json(error.__cause__), *unknown])) from None
    except ValidationError as error:
        faults = [f"{'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in error.errors()]
        raise SettingsError("settings are wrong: " + "; ".join([*faults, *unknown])) from None
    if unknown:
        raise SettingsError("settings are wrong: " + "; ".join(unknown))
    return settings


def _not_json(cause: BaseException | None) -> str:
    """Which variable of a list or map cannot be read. Its value may be a secret, and is not told."""
    if not isinstance(cause, json.JSONDecodeError):
        return f"a variable of a list or map cannot be read: {cause}"
    names = sorted(name for name, value in os.environ.items() if name.startswith(PREFIX) and value == cause.doc)
    where = f"{cause.msg} at character {cause.pos + 1}"
    return f'{" or ".join(names)}: no JSON, {where}; a list is written ["a", "b"], a map {{"a": 1}}'


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read settings file {path}: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise SettingsError(f"settings file {path} is no YAML: {error}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise SettingsError(f"settings file {path} must hold names with values, not a {type(values).__name__}")
    return values


def _unknown_variables() -> list[str]:
    faults = []
    for name in sorted(os.environ):
        if not name.startswith(PREFIX) or name == CONFIG_VARIABLE:
            continue
        keys = name.removeprefix(PREFIX).lower().split("__")
        plain = [*keys[:-1], keys[-1].removesuffix(FILE_SUFFIX.lower())]
        if not (_names_field(Settings, keys) or _names_field(Settings, plain)):
            faults.append(f"{name}: no such setting; see `ebbtide config show`")
    return faults


def _secret_file(variable: str) -> list[str]:
    """The setting that a variable gives by file, as its path of names; empty for any other variable."""
    if not (variable.startswith(PREFIX) and variable.endswith(FILE_SUFFIX)):
        return []
    keys = variable.removeprefix(PREFIX).removesuffix(FILE_SUFFIX).lower().split("__")
    return keys if _names_field(Settings, keys) else []


def _names_field(model: type[BaseModel], keys: list[str]) -> bool:
    field = model.model_fields.get(keys[0])
    if field is None:
        return False
    if len(keys) == 1:
        return True
    inner = field.annotation
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        return _names_field(inner, keys[1:])
    return False
