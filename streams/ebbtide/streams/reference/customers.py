"""Pages: the customer record and the features of the churn model."""

from __future__ import annotations

from ebbtide.models.churn.features import FEATURES
from ebbtide.models.customer.fields import FIELDS
from ebbtide.streams.reference.markdown import code, table
from ebbtide.streams.reference.markdown import page as markdown_page


def record_page() -> str:
    """The page ``customer-record.md``."""
    return markdown_page(
        "Customer record",
        "Topic `customer-records`: one record per customer, compacted, for the CRM. Every field has a `value`, the "
        "time it holds for (`as_of`) and its `source`. A field from a fact has the fact's own source and time. Null "
        "means not known. Counts cover the days before `as_of`. A null value in place of a record: all that the "
        "customer did counts for others now, and it is no customer any more until a record follows.",
        "`source` here is what the field is made from. Origin: where the definition comes from, Sensors Analytics with "
        "CRM (SA), the customer-success methods KJ and FX, the CRM models (CRM).",
        table(
            ("field", "meaning", "unit or values", "window", "source", "origin"),
            ((code(f.name), f.doc, f.unit, f.window, code(f.source), f.origin) for f in FIELDS),
        ),
    )


def features_page() -> str:
    """The page ``features.md``."""
    return markdown_page(
        "Features",
        "What the churn model sees of a customer at a grid instant: the same numbers live, in a replay, in training "
        "examples and in the reasons of a score. They are computed from whole UTC days before the instant. A "
        "contribution is a feature's part of the logit, in nats; `intercept + sum(contributions) = logit`.",
        table(
            ("feature", "unit", "range", "meaning"),
            ((code(f.name), f.unit, f"{f.low:g} … {f.high:g}", f.doc) for f in FEATURES),
        ),
        "Beside these the model goes by what you tell of a customer under `attributes`, and by nothing else: see "
        "[input](input.md#crm-facts). A score lists each attribute as `attributes.<name>` after the features, with its "
        "value as it was told and its part of the logit against the average customer who tells it.",
    )
