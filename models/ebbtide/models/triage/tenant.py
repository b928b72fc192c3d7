"""What becomes of a tenant's alerts: told, held back for a reason, told after all, escalated, closed (signals §7).

Everything is decided at a moment: a grid instant, once all partitions have said what holds at it, or the very moment of
what does not wait. Of what begins at one moment the most important come first, whatever the order in which it came.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator
from operator import itemgetter

from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.policy import TriagePolicy
from ebbtide.models.triage.budget import Budget
from ebbtide.models.triage.desk import GRAVITY, NEVER, Case, Desk, Dismissal, Votes, subject
from ebbtide.models.triage.digest import digest, line
from ebbtide.models.triage.fleet import FleetWatch
from ebbtide.models.triage.quiet import deliver_at
from ebbtide.models.triage.rank import confidence, order, priority
from ebbtide.models.triage.stories import is_covered, lead, others
from ebbtide.schemas.alert import (
    Alert,
    AlertCandidate,
    AlertDigest,
    AlertKind,
    AlertState,
    AlertType,
    DismissReason,
    Response,
    Severity,
    Suppressed,
    SuppressionReason,
)
from ebbtide.schemas.base import DAY_MS, to_ms
from ebbtide.schemas.feedback import Feedback, FeedbackAction

Told = tuple[Alert | AlertDigest, int | None]
"""What is told, and when the input that caused it was appended to Kafka."""

Waits = dict[AlertType, AlertCandidate | None]
"""Alerts of a customer that begin at a moment, with what caused it; None where nothing was heard."""

Begun = dict[str, Waits]

DISMISSED = "dismissed"
"""Why an alert is over that somebody dismissed."""


class TenantTriage:
    """The desks of a tenant under a policy."""

    def __init__(self, tenant: str, policy: TriagePolicy, fleet: FleetWatch, desks: Iterable[Desk] = ()) -> None:
        self.tenant = tenant
        self.fleet = fleet
        self._policy = policy
        self.desks = {desk.customer_id: desk for desk in desks}
        self.changed: dict[str, None] = {}
        self._told: list[Told] = []
        self._budget = Budget(policy)
        self._votes: defaultdict[AlertType, Votes] = defaultdict(Votes)
        self._due: list[tuple[int, str, AlertType]] = []
        # What is held back for the fleet's sake.
        self._held: dict[tuple[str, AlertType], None] = {}
        # The day as of which that was asked last, and the last day of the fleet that was known then.
        self._asked: tuple[int, int | None] | None = None
        for customer_id, desk in self.desks.items():
            self._restore(customer_id, desk)

    def _restore(self, customer_id: str, desk: Desk) -> None:
        for mark in desk.marks:
            self._budget.count((customer_id, mark.type), mark.day, mark.owner, told=mark.told)
        for name, votes in desk.votes.items():
            self._votes[name].useful += votes.useful
            self._votes[name].wrong += votes.wrong
        for name, case in desk.cases.items():
            self._watch(customer_id, name, case)
            if case.suppressed is SuppressionReason.FLEET_DROP:
                self._held[customer_id, name] = None

    def take(self, candidates: Iterable[AlertCandidate], at_ms: int) -> int:
        """Decide about everything that began, changed or ended at one moment; returns how many were no news."""
        repeats = 0
        begun: Begun = {}
        for candidate in candidates:
            repeats += not self._note(candidate, begun)
        day = at_ms // DAY_MS
        # What is held back is so all day: in a fleet that mostly fell silent each moment would go through all of it.
        asked = day, self.fleet.judged_day
        held = [] if asked == self._asked else list(self._held)
        self._asked = asked
        for customer_id, name in held:
            if not self.fleet.holds(self.desks[customer_id].cases[name].alert, day):
                # The dip lies behind it, and it still holds: it begins now.
                begun.setdefault(customer_id, {}).setdefault(name, None)
        self._begin(begun, at_ms)
        return repeats

    def _note(self, candidate: AlertCandidate, begun: Begun) -> bool:
        alert = candidate.alert
        desk = self._desk(subject(alert))
        if alert.version <= desk.heard:
            return False
        desk.heard = alert.version
        case = desk.cases.get(alert.type)
        waits = begun.setdefault(desk.customer_id, {})
        if alert.state is AlertState.RESOLVED:
            if case is not None:
                waits.pop(alert.type, None)
                self._end(desk, case, candidate, waits)
        elif case is None or alert.state is AlertState.OPEN:
            desk.cases[alert.type] = Case(alert, candidate.worth)
            waits[alert.type] = candidate
        else:
            graver = GRAVITY[alert.severity] > GRAVITY[case.alert.severity]
            case.alert, case.worth = alert, candidate.worth
            if alert.type in waits or (
                case.suppressed is not None and graver and case.suppressed is not SuppressionReason.SNOOZED
            ):
                waits[alert.type] = candidate
            elif not case.closed:
                if case.is_told:
                    self._await_response(desk, case, to_ms(alert.occurred_at))
                self._tell(desk, case, AlertState.UPDATED, to_ms(alert.occurred_at), candidate.caused_ms)
        return True

    def _end(self, desk: Desk, case: Case, candidate: AlertCandidate, waits: Waits) -> None:
        alert = candidate.alert
        case.alert = alert
        if not (case.closed or case.is_new):
            self._tell(desk, case, AlertState.RESOLVED, to_ms(alert.occurred_at), candidate.caused_ms)
        del desk.cases[alert.type]
        self._held.pop((desk.customer_id, alert.type), None)
        for name in others(alert.type):
            covered = desk.cases.get(name)
            if (
                covered is not None
                and covered.suppressed is SuppressionReason.COVERED
                and not is_covered(desk, covered.alert)
            ):
                waits[name] = None

    def _begin(self, begun: Begun, at_ms: int) -> None:
        """Tell of what began, or hold it back."""
        ranked: list[tuple[tuple[float, int, str, str], Desk, Case, AlertCandidate | None]] = []
        for customer_id in sorted(begun):
            desk = self.desks[customer_id]
            waits = begun[customer_id]
            alerts = [desk.cases[name].alert for name in sorted(waits)]
            leads = lead([alert for alert in alerts if not is_covered(desk, alert)])
            for alert in alerts:
                case, cause = desk.cases[alert.type], waits[alert.type]
                reason = SuppressionReason.COVERED if alert not in leads else self._against(desk, alert, at_ms)
                if reason is not None:
                    self._hold(desk, case, reason, at_ms, cause)
                elif alert.kind is AlertKind.OPS:
                    self._open(desk, case, at_ms, cause)
                else:
                    ranked.append((order(alert, self._priority(alert, case)), desk, case, cause))
        for _, desk, case, cause in sorted(ranked, key=itemgetter(0)):
            alert = case.alert
            owner, day = alert.owner or "", at_ms // DAY_MS
            told = self._budget.has_left(day, owner)
            desk.mark(at_ms, owner, alert.type, told=told)
            self._budget.count((desk.customer_id, alert.type), day, owner, told=told)
            if told:
                self._open(desk, case, at_ms, cause)
            else:
                self._hold(desk, case, SuppressionReason.BUDGET, at_ms, cause)

    def _against(self, desk: Desk, alert: Alert, at_ms: int) -> SuppressionReason | None:
        """What speaks against telling of it, whatever its place among others."""
        if self.fleet.holds(alert, at_ms // DAY_MS):
            return SuppressionReason.FLEET_DROP
        dismissal = desk.dismissed.get(alert.type)
        if dismissal is None or at_ms >= dismissal.until_ms:
            return None
        return SuppressionReason.DISMISSED if GRAVITY[alert.severity] <= GRAVITY[dismissal.severity] else None

    def _open(self, desk: Desk, case: Case, at_ms: int, cause: AlertCandidate | None) -> None:
        case.suppressed, case.closed = None, False
        self._held.pop((desk.customer_id, case.alert.type), None)
        if case.told_ms == NEVER:
            case.told_ms = at_ms
        self._await_response(desk, case, at_ms)
        self._tell(desk, case, AlertState.OPEN, _when(case, at_ms, cause), _caused(cause))

    def _hold(
        self, desk: Desk, case: Case, reason: SuppressionReason, at_ms: int, cause: AlertCandidate | None
    ) -> None:
        was, case.suppressed, case.closed = case.suppressed, reason, False
        if reason is SuppressionReason.FLEET_DROP:
            self._held[desk.customer_id, case.alert.type] = None
        else:
            self._held.pop((desk.customer_id, case.alert.type), None)
        if cause is not None or was is not reason:
            self._tell(desk, case, AlertState.OPEN, _when(case, at_ms, cause), _caused(cause))

    def _await_response(self, desk: Desk, case: Case, at_ms: int) -> None:
        """From now on somebody should respond; each severity has its time."""
        alert = case.alert
        days = self._policy.escalate_after_days.get(alert.severity)
        if days is None or alert.kind is not AlertKind.RISK or case.response is not None or case.escalated_ms != NEVER:
            return
        if case.escalate_ms == NEVER:
            case.escalate_ms = at_ms + days * DAY_MS
            self._watch(desk.customer_id, alert.type, case)

    def _watch(self, customer_id: str, name: AlertType, case: Case) -> None:
        """Note when something is to be done about the case although nothing is heard of it."""
        for ms in (case.snoozed_until_ms, case.escalate_ms):
            if ms != NEVER:
                heapq.heappush(self._due, (ms, customer_id, name))

    def pass_time(self, at_ms: int) -> None:
        """What is due by a grid instant: snoozed alerts come back, what nobody responded to is escalated."""
        due: set[tuple[str, AlertType]] = set()
        while self._due and self._due[0][0] <= at_ms:
            _, customer_id, name = heapq.heappop(self._due)
            due.add((customer_id, name))
        for customer_id, name in sorted(due):
            desk = self.desks[customer_id]
            case = desk.cases.get(name)
            if case is not None:
                self._look_at(desk, case, at_ms)

    def _look_at(self, desk: Desk, case: Case, at_ms: int) -> None:
        self.changed[desk.customer_id] = None
        if case.snoozed_until_ms != NEVER and case.snoozed_until_ms <= at_ms:
            case.snoozed_until_ms, case.suppressed = NEVER, None
            self._tell(desk, case, AlertState.UPDATED, at_ms)
        if case.escalate_ms == NEVER or case.escalate_ms > at_ms:
            return
        case.escalate_ms = NEVER
        # Where nobody ever responds to anything, silence says nothing.
        if case.is_told and any(votes.useful for votes in self._votes.values()):
            case.escalated_ms = at_ms
            self._tell(desk, case, AlertState.UPDATED, at_ms)

    def respond(self, said: Feedback) -> str | None:
        """Take in what somebody said of an alert; returns why it changes nothing, if so."""
        assert said.alert_type is not None, "feedback on an alert names its type"
        desk = self._desk(said.customer_id)
        if not desk.is_news(said.feedback_id):
            return "repeated"
        name, at_ms = said.alert_type, to_ms(said.recorded_at)
        case = desk.cases.get(name)
        wrong = said.dismiss_reason is DismissReason.WRONG
        if said.action is FeedbackAction.DISMISS:
            self._dismiss(desk, name, case, at_ms, wrong=wrong)
        elif case is None or not case.is_open:
            return "not_open"
        if said.action is not FeedbackAction.SNOOZE:
            for votes in (desk.votes.setdefault(name, Votes()), self._votes[name]):
                votes.useful += not wrong
                votes.wrong += wrong
        if case is None or not case.is_open:
            return None
        case.response, case.escalate_ms = _response(said), NEVER
        if said.action is FeedbackAction.SNOOZE:
            assert said.until is not None, "a contract's check"
            case.snoozed_until_ms, case.suppressed = to_ms(said.until), SuppressionReason.SNOOZED
            self._watch(desk.customer_id, name, case)
        if said.action is FeedbackAction.DISMISS:
            self._tell(desk, case, AlertState.RESOLVED, at_ms, resolved_reason=DISMISSED)
            case.closed, case.suppressed, case.snoozed_until_ms = True, SuppressionReason.DISMISSED, NEVER
        else:
            self._tell(desk, case, AlertState.UPDATED, at_ms)
        return None

    def _dismiss(self, desk: Desk, name: AlertType, case: Case | None, at_ms: int, *, wrong: bool) -> None:
        policy, known = self._policy, desk.dismissed.get(name)
        times = (0 if known is None else known.wrong) + wrong
        days = policy.known_days
        if wrong:
            days = min(policy.wrong_days * 2 ** (times - 1), policy.wrong_most_days)
        severity = Severity.WARNING if case is None else case.alert.severity
        until_ms = max(at_ms + days * DAY_MS, 0 if known is None else known.until_ms)
        if known is not None and GRAVITY[known.severity] > GRAVITY[severity]:
            severity = known.severity
        desk.dismissed[name] = Dismissal(until_ms, severity, times)

    def digests(self, day: int) -> Iterator[AlertDigest]:
        """What owners were not told one by one on a day that is over."""
        for owner, told, wanting in self._budget.wanting(day):
            lines = []
            for customer_id, name in wanting:
                case = self.desks[customer_id].cases.get(name)
                if case is not None and case.suppressed is SuppressionReason.BUDGET:
                    alert = case.alert
                    found = self._priority(alert, case)
                    lines.append((order(alert, found), line(alert, found)))
            if lines:
                yield digest(self.tenant, owner, day, told, [each for _, each in sorted(lines, key=itemgetter(0))])

    def close_day(self, day: int) -> None:
        """Tell the digests of a day that is over, and forget whom the days before it cost a place."""
        self._told += [(told, None) for told in self.digests(day)]
        self._budget.forget(day)

    def take_told(self) -> list[Told]:
        """Alerts and digests since the last time, in their order."""
        told, self._told = self._told, []
        return told

    def _desk(self, customer_id: str) -> Desk:
        """The customer's desk, which is about to change."""
        self.changed[customer_id] = None
        desk = self.desks.get(customer_id)
        if desk is None:
            desk = self.desks[customer_id] = Desk(self.tenant, customer_id)
        return desk

    def _priority(self, alert: Alert, case: Case) -> float:
        return priority(alert, case.worth, alert.confidence * confidence(self._votes[alert.type]))

    def _tell(
        self,
        desk: Desk,
        case: Case,
        state: AlertState,
        at_ms: int,
        caused_ms: int | None = None,
        *,
        resolved_reason: str | None = None,
    ) -> None:
        self.changed[desk.customer_id] = None
        desk.version += 1
        alert = case.alert
        occurred_at = from_ms(at_ms)
        route = alert.route if case.escalated_ms == NEVER else self._policy.escalation_route
        told = {
            "version": desk.version,
            "state": state,
            "occurred_at": occurred_at,
            "route": route,
            "suppressed": None if case.suppressed is None else Suppressed(reason=case.suppressed),
            "resolved_reason": (resolved_reason or alert.resolved_reason) if state is AlertState.RESOLVED else None,
            "priority": self._priority(alert, case),
            "deliver_at": deliver_at(occurred_at, alert.severity, self._policy.quiet_hours.get(route)),
            "escalated_at": None if case.escalated_ms == NEVER else from_ms(case.escalated_ms),
            "response": case.response,
        }
        self._told.append((Alert.unchecked(**{**alert.__dict__, **told}), caused_ms))


def _when(case: Case, at_ms: int, cause: AlertCandidate | None) -> int:
    """When it happened; of what begins although nothing is heard of it, now."""
    return at_ms if cause is None else to_ms(case.alert.occurred_at)


def _caused(cause: AlertCandidate | None) -> int | None:
    return None if cause is None else cause.caused_ms


def _response(said: Feedback) -> Response:
    return Response(
        action=said.action.value, by=said.by, at=said.recorded_at, reason=said.dismiss_reason, until=said.until
    )
