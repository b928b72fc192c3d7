"""Plays the stories with `posthog`; arguments: the collector's address and a write key."""

import sys
import time

from posthog import Posthog

host, key = sys.argv[1:]
faults: list[str] = []
client = Posthog(
    key,
    host=host,
    gzip=True,
    max_retries=3,
    on_error=lambda error, batch: faults.append(repr(error)),
    disable_geoip=True,
)
VISITOR = {"$process_person_profile": False}

# Somebody looks around, signs up, and is told apart from the visitor that he was elsewhere.
client.capture("Looked", distinct_id="A1", properties=VISITOR)
client.capture("Looked", distinct_id="A1", properties=VISITOR)
client.capture("$identify", distinct_id="U1", properties={"$anon_distinct_id": "A1"})
client.set(distinct_id="U1", properties={"email": "jane@acme.example", "name": "Jane"})
client.group_identify("company", "acme", {"name": "Acme Ltd", "plan": "pro"})
client.capture("query", distinct_id="U1", properties={"rows": 3}, groups={"company": "acme"})
client.alias("old-visitor", "U1")
client.capture("$pageview", distinct_id="U1", properties={"$pathname": "Reports"})
# Two people on one computer, and nobody logs out.
client.capture("Looked", distinct_id="B1", properties=VISITOR)
client.capture("$identify", distinct_id="V1", properties={"$anon_distinct_id": "B1"})
time.sleep(0.005)  # who was first must show in milliseconds
client.capture("$identify", distinct_id="V2", properties={"$anon_distinct_id": "B1"})
client.capture("query", distinct_id="V2", properties={"$device_id": "B1"})

client.flush()
client.join()
sys.exit("\n".join(faults) or None)
