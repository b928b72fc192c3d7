"""Which model of a tenant is in force, and what may take its place.

One additive model is the champion; its scores are published. When the loss of what was published rises, or those whom
it is asked about are others than before, one that begins anew learns beside it: a *rival*. The rival takes its place
where it has shown, with confidence, to foretell better; the old champion then is the rival for a time, and may come
back the same way. What is decided by hand is done at once. Whatever happens is told as an event with its reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple
from uuid import uuid5

import msgspec

from ebbtide.models.churn.contest import Contest, is_judged
from ebbtide.models.churn.drift import Drift, Level, LossWatch
from ebbtide.models.churn.features import NAMES
from ebbtide.models.churn.learner import Learner
from ebbtide.models.churn.scorer import ModelError
from ebbtide.models.churn.shadows import Shadows, Standing
from ebbtide.models.churn.shift import WATCHED, Counts, InputWatch, merged
from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.identity.identifiers import NAMESPACE
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.base import DAY_MS, to_ms
from ebbtide.schemas.learning import (
    Model,
    ModelAction,
    ModelEvent,
    ModelEventKind,
    ModelOperation,
    ModelRole,
    TrainingExample,
)

GUARD = "guard"
"""Who decides what nobody decides by hand."""

RIVAL_HORIZONS = 2
"""A rival has so many horizons to show that it is better: in the first, what matures was foretold before the change."""

RIVAL_LABELS = 1_000
"""It has longer until it has learned so many."""

RIVAL_HORIZONS_AT_MOST = 4


class Origin(StrEnum):
    """Where a rival comes from."""

    RENEWED = "renewed"
    PREVIOUS = "previous"


@dataclass(slots=True)
class Rival:
    """A challenger that may take the champion's place."""

    learner: Learner
    origin: Origin
    since_ms: int
    labels: int = 0
    contest: Contest = field(default_factory=Contest)


class StoredRival(msgspec.Struct):
    """A rival as the table keeps it; ``model`` as JSON."""

    model: bytes
    origin: Origin
    since_ms: int
    labels: int
    contest: Contest


class Stored(msgspec.Struct):
    """A tenant's models as the table keeps them, all in one value: a crash leaves either all or nothing of a step.

    ``in_force`` is the version that scores use; ``champion`` is what learns on from it; ``kept`` names the versions
    that have values of their own.
    """

    champion: bytes
    in_force: str
    kept: list[str]
    trained_ms: int | None = None
    seen_ms: int | None = None
    rival: StoredRival | None = None
    losses: bytes = b""
    loss_level: Level = msgspec.field(default_factory=Level)
    inputs: InputWatch = msgspec.field(default_factory=InputWatch)
    shadow_examples: list[bytes] = msgspec.field(default_factory=list)
    standings: dict[str, Standing] = msgspec.field(default_factory=dict)
    lines: int = 1
    sequence: int = 0
    told_challenger: str | None = None


class Dropped(NamedTuple):
    """A version that is kept no more."""

    model_version: str


Told = Model | ModelEvent | Dropped
_Sample = tuple[list[float], bool, float]


class Succession:
    """A tenant's champion, rival and challengers in shadow, and the watches over them.

    ``kept`` are the newest champions as they were published, which may be taken back, the oldest first.
    """

    def __init__(self, tenant: str, policy: CorePolicy) -> None:
        self.tenant = tenant
        self.champion = Learner()
        self.rival: Rival | None = None
        self.trained_ms: int | None = None
        self.seen_ms: int | None = None
        self.in_force = ""
        self.kept: list[Model] = []
        self.inputs = InputWatch()
        self._policy = policy.learner
        self._every_days = policy.observation.every_days
        self._horizon_days = policy.label.horizon_days
        self._losses = LossWatch(self._policy.drift_error)
        self.shadows = Shadows()
        self._lines = 1
        self._sequence = 0
        self._told_challenger: str | None = None
        self._told: list[Told] = []

    @classmethod
    def restored(cls, tenant: str, policy: CorePolicy, value: bytes, kept: Iterable[Model]) -> Succession:
        """Take up what the table kept.

        A model of other features, by another version of Ebbtide, cannot go on: a new learner begins, and says so.
        """
        stored = msgspec.msgpack.decode(value, type=Stored)
        found = cls(tenant, policy)
        found.trained_ms, found.seen_ms = stored.trained_ms, stored.seen_ms
        found.in_force = stored.in_force
        found._lines, found._sequence = stored.lines, stored.sequence
        found._told_challenger = stored.told_challenger
        try:
            found.champion = Learner.from_model(Model.from_json(stored.champion))
            rival = stored.rival
            if rival is not None:
                learner = Learner.from_model(Model.from_json(rival.model))
                found.rival = Rival(learner, rival.origin, rival.since_ms, rival.labels, rival.contest)
        except ModelError as error:
            found.champion, found.rival = Learner(), None
            found._begin_line(found.champion)
            at_ms = stored.trained_ms or 0
            found._tell(at_ms, ModelEventKind.RESTARTED, f"learning begins anew: {error}", other=stored.in_force)
            return found
        # A crash may have come after one was kept and before it was named.
        by_version = {model.model_version: model for model in kept}
        found.kept = [by_version[version] for version in stored.kept if version in by_version]
        found.inputs = stored.inputs
        found._losses = LossWatch(policy.learner.drift_error, stored.losses, stored.loss_level)
        found.shadows = Shadows(stored.shadow_examples, stored.standings or None)
        return found

    def stored(self) -> bytes:
        """Everything but ``kept``, for the table."""
        rival = self.rival
        return msgspec.msgpack.encode(
            Stored(
                champion=self.model().to_json(),
                in_force=self.in_force,
                kept=[model.model_version for model in self.kept],
                trained_ms=self.trained_ms,
                seen_ms=self.seen_ms,
                rival=None
                if rival is None
                else StoredRival(
                    self._challenger(rival).to_json(), rival.origin, rival.since_ms, rival.labels, rival.contest
                ),
                losses=bytes(self._losses.kept),
                loss_level=self._losses.level,
                inputs=self.inputs,
                shadow_examples=self.shadows.kept,
                standings=self.shadows.standings,
                lines=self._lines,
                sequence=self._sequence,
                told_challenger=self._told_challenger,
            )
        )

    def model(self) -> Model:
        """The champion as it has learned by now."""
        model = self.champion.to_model(None if self.trained_ms is None else from_ms(self.trained_ms), self.tenant)
        return model.model_copy(update={"metrics": model.metrics | self.shadows.report()})

    def _challenger(self, rival: Rival) -> Model:
        trained = None if self.trained_ms is None else from_ms(self.trained_ms)
        model = rival.learner.to_model(trained, self.tenant)
        metrics = model.metrics | {f"contest_{name}": value for name, value in _evidence(rival.contest).items()}
        return model.model_copy(update={"role": ModelRole.CHALLENGER, "metrics": metrics})

    def take_told(self) -> list[Told]:
        """Models to publish, events, and versions to drop since the last time, in their order."""
        told, self._told = self._told, []
        return told

    def observe(self, at_ms: int, parts: Iterable[tuple[int, Counts]]) -> None:
        """Take in what the model was asked at an instant, epoch ms: customers and their counts by partition."""
        self.seen_ms = at_ms
        customers, counts = 0, []
        for asked, part in parts:
            customers += asked
            counts.append(part)
        policy = self._policy
        moved = self.inputs.look(merged(counts), customers, enter=policy.shift_enter, leave=policy.shift_leave)
        if moved is None:
            return
        if not moved.is_shifted:
            reason = "those whom the model is asked about are no longer others than in the weeks before"
            self._tell(at_ms, ModelEventKind.INPUT_SETTLED, reason, evidence={"customers": moved.customers})
            return
        first = ", ".join(list(moved.indices)[:3])
        self._tell(
            at_ms,
            ModelEventKind.INPUT_SHIFT,
            f"the customer base changed: {len(moved.indices)} of {len(WATCHED)} watched features shifted, {first} most",
            evidence={"customers": moved.customers, **moved.indices},
        )
        self._challenge(at_ms)

    def learn(self, examples: Iterable[TrainingExample], through_ms: int) -> None:
        """Learn matured examples, in the given order; then decide, and tell the model of instant ``through_ms``."""
        drift: Drift | None = None
        sample: list[_Sample] = []
        for example in examples:
            features = [example.features[name] for name in NAMES]
            rival, label, days = self.rival, example.label, example.horizon_days
            was, told = example.previous_label, example.attributes
            if was is not None:
                self.champion.correct(features, label, was, example.p_churn, told, horizon_days=days)
                if rival is not None:
                    rival.learner.correct(features, label, was, example.p_churn, told, horizon_days=days)
                continue
            assert label is not None, "whoever never had a label has none that could be withdrawn"
            said = self.champion.learn(features, label, example.p_churn, told, horizon_days=days)
            drift = self._losses.add((example.p_churn - label) ** 2) or drift
            self._horizon_days = days
            observed_day = to_ms(example.observed_at) // DAY_MS
            judged = is_judged(example.customer_id, observed_day, days, self._every_days)
            if judged:
                sample.append((features, label, said))
            if rival is not None:
                other = rival.learner.learn(features, label, example.p_churn, told, horizon_days=days)
                rival.labels += 1
                if judged:
                    rival.contest.judge(said, other, label)
        self.trained_ms = through_ms
        self._shadow(sample)
        self._decide(through_ms, drift)
        self._publish(self.model())
        self._publish_challenger()

    def _shadow(self, sample: list[_Sample]) -> None:
        """Let the challengers in shadow learn a few of what is judged this time: over a horizon it is everybody."""
        count = min(self._policy.shadow_examples, len(sample))
        for number in range(count):
            self.shadows.learn(*sample[number * len(sample) // count])

    def _decide(self, at_ms: int, drift: Drift | None) -> None:
        policy, rival = self._policy, self.rival
        if drift is not None:
            self._tell(
                at_ms,
                ModelEventKind.LOSS_DRIFT,
                f"what was published fails more often: mean squared error {drift.before:.3f} before, "
                f"{drift.after:.3f} over the last {drift.labels} outcomes",
                evidence={"before": drift.before, "after": drift.after, "labels": drift.labels},
            )
            self._challenge(at_ms)
        if rival is not None:
            if rival.contest.is_won(policy.promote_error, policy.promote_labels):
                self._swap(at_ms, rival, by=GUARD, reason=_compared(rival.contest))
            elif self._is_over(rival, at_ms):
                self._retire(at_ms, rival)
        for name in self.shadows.take_better(policy.promote_error, policy.promote_labels):
            contest = self.shadows.standings[name].contest
            self._tell(
                at_ms,
                ModelEventKind.CHALLENGER_BETTER,
                f"{name} foretells better than the champion: {_compared(contest)}; it stays in shadow, for its reasons "
                "would not add up exactly",
                evidence={"challenger": name, **_evidence(contest)},
            )

    def _challenge(self, at_ms: int) -> None:
        """Let a model that begins anew learn beside the champion, unless a rival does."""
        if self.rival is not None or not self.champion.examples:
            return
        learner = self.champion.renewed(self._lines + 1)
        self._lines += 1
        self.rival = Rival(learner, Origin.RENEWED, at_ms)
        self._tell(
            at_ms,
            ModelEventKind.CHALLENGER_STARTED,
            "a model that begins anew learns beside the champion",
            other=learner.version,
        )

    def _is_over(self, rival: Rival, at_ms: int) -> bool:
        horizons = (at_ms - rival.since_ms) / (self._horizon_days * DAY_MS)
        enough = horizons >= RIVAL_HORIZONS and rival.labels >= RIVAL_LABELS
        return enough or horizons >= RIVAL_HORIZONS_AT_MOST

    def _retire(self, at_ms: int, rival: Rival) -> None:
        self.rival = None
        self._tell(
            at_ms,
            ModelEventKind.CHALLENGER_RETIRED,
            f"it did not show to foretell better: {_compared(rival.contest)}",
            other=rival.learner.version,
            evidence=_evidence(rival.contest),
        )

    def _swap(self, at_ms: int, rival: Rival, *, by: str, reason: str, operation_id: str | None = None) -> None:
        """Put the rival in the champion's place, and the champion in the rival's."""
        kind = ModelEventKind.PROMOTED if rival.origin is Origin.RENEWED else ModelEventKind.ROLLED_BACK
        previous, self.champion = self.champion, rival.learner
        self.rival = Rival(previous, Origin.PREVIOUS, at_ms)
        self.shadows.begin_contests()
        self._tell(
            at_ms,
            kind,
            reason,
            other=previous.version,
            by=by,
            operation_id=operation_id,
            evidence=_evidence(rival.contest),
            version=rival.learner.version,
        )

    def operate(self, operation: ModelOperation, at_ms: int) -> None:
        """Do what was decided by hand, as of the last instant ``at_ms``; or say why it cannot be."""
        version = operation.model_version
        refusal = None
        if version == self.in_force:
            refusal = f"{version} is in force"
        elif operation.action is ModelAction.PROMOTE:
            refusal = self._promote(operation, at_ms)
        else:
            refusal = self._roll_back(operation, at_ms)
        if refusal is not None:
            self._tell(
                at_ms,
                ModelEventKind.REFUSED,
                f"{operation.action} refused: {refusal}",
                other=version,
                by=operation.by,
                operation_id=operation.operation_id,
            )

    def _promote(self, operation: ModelOperation, at_ms: int) -> str | None:
        rival = self.rival
        if rival is None:
            return "no challenger learns beside the champion; an earlier champion is taken back by a rollback"
        if operation.model_version != rival.learner.version:
            return f"the challenger is {rival.learner.version}"
        reason = operation.reason or "decided by hand"
        self._swap(at_ms, rival, by=operation.by, reason=reason, operation_id=operation.operation_id)
        self._publish(self.model())
        self._publish_challenger()
        return None

    def _roll_back(self, operation: ModelOperation, at_ms: int) -> str | None:
        version = operation.model_version
        found = next((model for model in self.kept if model.model_version == version), None)
        if found is None:
            known = ", ".join(model.model_version for model in self.kept) or "none"
            return f"{version} is not kept; kept are {known}"
        previous = self.in_force
        self.champion, self.rival = Learner.from_model(found), None
        self.shadows.begin_contests()
        self._begin_line(self.champion)
        self._publish(found.model_copy(update={"in_force_from": from_ms(at_ms)}))
        self._publish_challenger()
        self._tell(
            at_ms,
            ModelEventKind.ROLLED_BACK,
            operation.reason or "decided by hand",
            other=previous,
            by=operation.by,
            operation_id=operation.operation_id,
        )
        return None

    def _begin_line(self, learner: Learner) -> None:
        self._lines += 1
        learner.line = self._lines

    def _publish(self, model: Model) -> None:
        self.in_force = model.model_version
        self.kept = [kept for kept in self.kept if kept.model_version != model.model_version]
        self.kept.append(model)
        self._told.append(model)
        most = self._policy.kept_models
        self._told += [Dropped(kept.model_version) for kept in self.kept[:-most]]
        del self.kept[:-most]

    def _publish_challenger(self) -> None:
        told = None if self.rival is None else self._challenger(self.rival)
        version = None if told is None else told.model_version
        kept = {model.model_version for model in self.kept}
        if self._told_challenger not in (None, version, *kept):
            assert self._told_challenger is not None
            self._told.append(Dropped(self._told_challenger))
        # What is kept as a champion is not told again in another role.
        if told is not None and version not in kept:
            self._told.append(told)
        self._told_challenger = version

    def _tell(
        self,
        at_ms: int,
        kind: ModelEventKind,
        reason: str,
        *,
        other: str | None = None,
        by: str = GUARD,
        operation_id: str | None = None,
        evidence: Mapping[str, float | str] | None = None,
        version: str | None = None,
    ) -> None:
        self._sequence += 1
        self._told.append(
            ModelEvent(
                tenant=self.tenant,
                event_id=str(uuid5(NAMESPACE, f"model-event/{self.tenant}/{self._sequence}")),
                sequence=self._sequence,
                occurred_at=from_ms(at_ms),
                kind=kind,
                model_version=version or self.in_force,
                other_version=other,
                by=by,
                operation_id=operation_id,
                reason=reason,
                evidence=dict(evidence or {}),
            )
        )


def _compared(contest: Contest) -> str:
    briers = contest.briers
    found = "nothing could be judged"
    if briers is not None:
        found = f"mean squared error {briers[1]:.4f}, champion {briers[0]:.4f}"
    return f"{found}, {contest.judged} outcomes"


def _evidence(contest: Contest) -> dict[str, float]:
    champion, challenger = contest.briers or (0.0, 0.0)
    return {
        "judged": contest.judged,
        "champion_brier": champion,
        "challenger_brier": challenger,
        "log_evidence": contest.log_evidence,
    }
