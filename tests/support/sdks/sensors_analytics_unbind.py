"""Binds and unbinds with `SensorsAnalyticsSDK`; arguments: the collector's address and a secret key."""

import sys
import time
from urllib.parse import quote

from sensorsanalytics import BatchConsumer, DefaultConsumer, SensorsAnalytics

sdk = sys.modules[SensorsAnalytics.__module__]
Identity, LOGIN, EMAIL, PHONE = (
    sdk.SensorsAnalyticsIdentity,
    "$identity_login_id",
    "$identity_email",
    "$identity_mobile",
)

host, key = sys.argv[1:]
url = f"{host}/sa?project=default&token={quote(key)}"
jane, john = Identity(LOGIN, "U1"), Identity(LOGIN, "U2")
phone, work, mail = Identity(PHONE, "18700000001"), Identity(PHONE, "18700000002"), Identity(EMAIL, "jane@acme.example")

# Jane has two phones and an e-mail. Somebody calls from the first, and it is nobody's own doing.
client = SensorsAnalytics(BatchConsumer(url, max_size=50))
client.bind(jane, phone, mail)
client.bind(jane, work)
client.track_by_id("Called", {}, phone)
client.track_by_id("query", {}, jane)
client.flush()
time.sleep(0.005)

# Her number goes to John, in one go; she gives up the mailbox. The other number was hers after all.
client.unbind(phone)
client.bind(john, phone)
client.unbind(mail)
client.unbind(work)
client.bind(jane, work)
client.flush()

# John's second number was a mistake. Each event in a request of its own.
client = SensorsAnalytics(DefaultConsumer(url))
spare = Identity(PHONE, "18700000003")
client.bind(john, spare)
time.sleep(0.005)
client.unbind(spare)
client.track_by_id("Called", {}, spare)
client.close()
