"""Plays the stories with `segment-analytics-python`; arguments: the collector's address and a write key."""

import sys
import time

from segment.analytics.client import Client

host, key = sys.argv[1:]
faults: list[str] = []
client = Client(key, host=host, gzip=True, max_retries=3, on_error=lambda error, batch: faults.append(repr(error)))

# Somebody looks around, signs up, and is told apart from the visitor that he was elsewhere.
client.track(anonymous_id="A1", event="Looked")
client.track(anonymous_id="A1", event="Looked")
client.identify("U1", {"email": "jane@acme.example", "name": "Jane"}, anonymous_id="A1")
client.group("U1", "acme", {"name": "Acme Ltd", "plan": "pro"})
client.track("U1", "query", {"rows": 3}, context={"groupId": "acme"})
client.alias("old-visitor", "U1")
client.page("U1", name="Reports")
# Two people on one computer, and nobody logs out.
client.track(anonymous_id="B1", event="Looked")
client.identify("V1", {}, anonymous_id="B1")
time.sleep(0.005)  # who was first must show in milliseconds
client.identify("V2", {}, anonymous_id="B1")
client.track("V2", "query", anonymous_id="B1")

client.flush()
client.join()
sys.exit("\n".join(faults) or None)
