"""Words that nearly every customer's value holds: deflate finds them here, and the value need not.

They belong to the layout: what was stored with these cannot be read with others. A new list is a new layout.
"""

from __future__ import annotations

_TEXT = """
device_id phone billing_id crm_account_id domain email crm_lead_id crm_contact_id group_id anonymous_id user_id
parent employees title trial_start lead_status keyword channel account.merged lead.upserted lead.converted
deal.lost deal.updated deal.opened deal.won stage status result reason amount deal_id invoice.overdue due_at invoice_id
invoice.paid contract_id start end value contact.left severity critical high low normal ticket_id ticket.opened
ticket.closed survey.answered nps csat score campaign id demo kickoff visit trainer feature training by call kind
touchpoint outcome churned downgraded expanded renewed renewal.closed contract.signed contract_end contract_start
contract_value currency EUR USD mrr seats region owner industry plan service_tier strategic middle small name end_user
admin key_person role person_name (other) (machine) helpdesk billing survey crm T00:00:00Z
vacant relationship is_lead not_renewed blind silence asleep left danger excellent normal tier default
customer_id tenant anchor_type anchor_value group_id score_version alert_version state_version states
acquired visited signed delivered served churned won_back expanded renewed journey low middle high relationship
acquisition decline growth maturity lifecycle lost at_risk activity_group usage quadrant yes no utilised
low-low low-middle middle-low low-high high-low middle-middle middle-high high-middle high-high health_cell pareto
none once occasional regular loyal loyalty rfm lead_priority sudden_drop surge tier_to_danger warm_return alerts
alert_id episode opened_day occurred_ms severity critical warning info evidence window_days baseline percent ratio
p_churn last_active_at returned_at cadence_days silence_days settled_day due_day scored_day sequence told champion-
"""

WORDS = b"".join(bytes([0xA0 | len(word)]) + word.encode() for word in _TEXT.split())
"""As msgpack writes short texts: the length, then the text."""
