"""A broker that wants TLS and a log-in, with a certificate of its own, and what a client needs to come to it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from ebbtide.streams.brokers.java import find_java
from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.brokers.ports import HOST, free_ports
from ebbtide.streams.brokers.properties import Listener

USER, PASSWORD = "ebbtide", "pa55-of,the=worker"
_STORE_PASSWORD = "of-the-store"
_LOGIN = "org.apache.kafka.common.security"
_ANSWER_S = 20.0


@dataclass(frozen=True)
class Secured:
    """Where the broker is; ``ca_file`` is the certificate to trust."""

    bootstrap: str
    ca_file: Path

    def environment(self, mechanism: str) -> dict[str, str]:
        """Settings of Ebbtide under which it is let in."""
        return {
            "EBBTIDE_BROKER__URL": f"kafka://{self.bootstrap}",
            "EBBTIDE_BROKER__TLS": "true",
            "EBBTIDE_BROKER__CA_FILE": str(self.ca_file),
            "EBBTIDE_BROKER__USERNAME": USER,
            "EBBTIDE_BROKER__PASSWORD": PASSWORD,
            "EBBTIDE_BROKER__MECHANISM": mechanism,
        }


@contextmanager
def secured_broker(directory: Path) -> Iterator[Secured]:
    """A running one, gone at the end. It takes PLAIN and both SCRAMs; its files are in ``directory``."""
    store, ca_file = certificate(directory, "broker")
    (port,) = free_ports(1)
    scram = f"{_LOGIN}.scram.ScramLoginModule required;"
    settings = {
        "ssl.keystore.type": "PKCS12",
        "ssl.keystore.location": str(store),
        "ssl.keystore.password": _STORE_PASSWORD,
        "ssl.key.password": _STORE_PASSWORD,
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        "plain.sasl.jaas.config": f'{_LOGIN}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";',
        "scram-sha-256.sasl.jaas.config": scram,
        "scram-sha-512.sasl.jaas.config": scram,
    }
    with KafkaBroker(further=[Listener("SECURED", "SASL_SSL", port, settings)]) as broker:
        admin = AdminClient({"bootstrap.servers": broker.bootstrap})
        # One change a call: Kafka refuses two for one user.
        for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
            change = UserScramCredentialUpsertion(USER, ScramCredentialInfo(mechanism, 4096), PASSWORD.encode())
            admin.alter_user_scram_credentials([change])[USER].result(_ANSWER_S)
        yield Secured(f"{HOST}:{port}", ca_file)


def certificate(directory: Path, name: str) -> tuple[Path, Path]:
    """A key store with a certificate of this machine's that nobody else signed, and the certificate by itself."""
    store, file = directory / f"{name}.p12", directory / f"{name}.pem"
    keytool = find_java().program.with_name("keytool")
    of = ["-alias", "broker", "-keystore", str(store), "-storepass", _STORE_PASSWORD, "-storetype", "PKCS12"]
    pair = ["-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1", "-validity", "2", "-dname", "CN=ebbtide"]
    for command in ([*pair, "-ext", f"SAN=IP:{HOST}"], ["-exportcert", "-rfc", "-file", str(file)]):
        subprocess.run([str(keytool), *command, *of], check=True, capture_output=True, timeout=60)
    return store, file
