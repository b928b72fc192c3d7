"""Plays the stories with `SensorsAnalyticsSDK`; arguments: the collector's address and a write key."""

import sys
import time
from urllib.parse import quote

from sensorsanalytics import BatchConsumer, DefaultConsumer, SensorsAnalytics

sdk = sys.modules[SensorsAnalytics.__module__]
Identity, LOGIN, EMAIL = sdk.SensorsAnalyticsIdentity, "$identity_login_id", "$identity_email"

host, key = sys.argv[1:]
url = f"{host}/sa?project=default&token={quote(key)}"
client = SensorsAnalytics(BatchConsumer(url, max_size=4))

# Somebody looks around, signs up, and is told apart from the visitor that he was elsewhere.
client.track("A1", "Looked")
time.sleep(0.002)  # within a millisecond the same action is the same event
client.track("A1", "Looked")
client.track_signup("U1", "A1")
client.profile_set("U1", {"email": "jane@acme.example", "name": "Jane", "company_id": "acme"}, is_login_id=True)
client.item_set("company", "acme", {"name": "Acme Ltd", "plan": "pro"})
client.track("U1", "query", {"rows": 3, "company_id": "acme"}, is_login_id=True)
client.bind(Identity(LOGIN, "U1"), Identity("$identity_anonymous_id", "old-visitor"))
client.track("U1", "$pageview", {"$url_path": "Reports"}, is_login_id=True)
client.flush()

# Two people on one computer, and nobody logs out. Each event in a request of its own.
client = SensorsAnalytics(DefaultConsumer(url))
client.track("B1", "Looked")
client.track_signup("V1", "B1")
time.sleep(0.005)  # who was first must show in milliseconds
client.track_signup("V2", "B1")
client.track_by_id("query", {}, Identity(LOGIN, "V2"), Identity("$identity_anonymous_id", "B1"))
client.profile_increment("V2", {"visits": 1}, is_login_id=True)
client.close()
