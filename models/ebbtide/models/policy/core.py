"""All of them together."""

from __future__ import annotations

from ebbtide.models.policy.alerting import AlertPolicy, FleetGuardPolicy, KeyPersonPolicy, TriagePolicy
from ebbtide.models.policy.base import Policy
from ebbtide.models.policy.behaviour import (
    ActivityGroupPolicy,
    AdoptionPolicy,
    BaselinePolicy,
    CadencePolicy,
    CampaignPolicy,
    DropPolicy,
    RetentionPhasePolicy,
    SurgePolicy,
    UsagePolicy,
)
from ebbtide.models.policy.fleet import FleetPolicy, LookAlikePolicy
from ebbtide.models.policy.identity import IdentityPolicy
from ebbtide.models.policy.intake import (
    DedupePolicy,
    IntakePolicy,
    ModulesPolicy,
    SourcesPolicy,
    TimePolicy,
    VirtualEventsPolicy,
)
from ebbtide.models.policy.scoring import LabelPolicy, LearnerPolicy, ObservationPolicy, ScorePolicy
from ebbtide.models.policy.standing import (
    FreshnessPolicy,
    HealthCellPolicy,
    JourneyPolicy,
    LifecyclePolicy,
    RelationshipPolicy,
)
from ebbtide.models.policy.value import (
    ChannelPolicy,
    EconomicsPolicy,
    FollowUpPolicy,
    LeadPolicy,
    LoyaltyPolicy,
    MoneyPolicy,
    ParetoPolicy,
    QuadrantPolicy,
    RfmPolicy,
    TrainingPolicy,
)


class CorePolicy(Policy):
    """All of the core's settings."""

    intake: IntakePolicy = IntakePolicy()
    virtual_events: VirtualEventsPolicy = VirtualEventsPolicy()
    money: MoneyPolicy = MoneyPolicy()
    modules: ModulesPolicy = ModulesPolicy()
    time: TimePolicy = TimePolicy()
    identity: IdentityPolicy = IdentityPolicy()
    dedupe: DedupePolicy = DedupePolicy()
    cadence: CadencePolicy = CadencePolicy()
    baseline: BaselinePolicy = BaselinePolicy()
    drop: DropPolicy = DropPolicy()
    surge: SurgePolicy = SurgePolicy()
    adoption: AdoptionPolicy = AdoptionPolicy()
    campaign: CampaignPolicy = CampaignPolicy()
    rfm: RfmPolicy = RfmPolicy()
    loyalty: LoyaltyPolicy = LoyaltyPolicy()
    quadrant: QuadrantPolicy = QuadrantPolicy()
    pareto: ParetoPolicy = ParetoPolicy()
    economics: EconomicsPolicy = EconomicsPolicy()
    channel: ChannelPolicy = ChannelPolicy()
    training: TrainingPolicy = TrainingPolicy()
    lead: LeadPolicy = LeadPolicy()
    follow_up: FollowUpPolicy = FollowUpPolicy()
    freshness: FreshnessPolicy = FreshnessPolicy()
    label: LabelPolicy = LabelPolicy()
    learner: LearnerPolicy = LearnerPolicy()
    observation: ObservationPolicy = ObservationPolicy()
    score: ScorePolicy = ScorePolicy()
    alert: AlertPolicy = AlertPolicy()
    triage: TriagePolicy = TriagePolicy()
    key_person: KeyPersonPolicy = KeyPersonPolicy()
    fleet_guard: FleetGuardPolicy = FleetGuardPolicy()
    lifecycle: LifecyclePolicy = LifecyclePolicy()
    retention_phase: RetentionPhasePolicy = RetentionPhasePolicy()
    activity_group: ActivityGroupPolicy = ActivityGroupPolicy()
    usage: UsagePolicy = UsagePolicy()
    relationship: RelationshipPolicy = RelationshipPolicy()
    health_cell: HealthCellPolicy = HealthCellPolicy()
    journey: JourneyPolicy = JourneyPolicy()
    fleet: FleetPolicy = FleetPolicy()
    look_alike: LookAlikePolicy = LookAlikePolicy()
    sources: SourcesPolicy = SourcesPolicy()
