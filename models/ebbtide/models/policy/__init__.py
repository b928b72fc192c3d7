"""Every number a deployment may change, with its default and source. Values only; no behaviour, no environment."""

from ebbtide.models.policy.alerting import (
    SERVICE_TIERS,
    AlertPolicy,
    FleetGuardPolicy,
    KeyPersonPolicy,
    QuietHours,
    TriagePolicy,
)
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
from ebbtide.models.policy.core import CorePolicy
from ebbtide.models.policy.fleet import FleetPolicy, LookAlikePolicy
from ebbtide.models.policy.identity import IdentityPolicy
from ebbtide.models.policy.intake import (
    Branch,
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

__all__ = [
    "SERVICE_TIERS",
    "ActivityGroupPolicy",
    "AdoptionPolicy",
    "AlertPolicy",
    "BaselinePolicy",
    "Branch",
    "CadencePolicy",
    "CampaignPolicy",
    "ChannelPolicy",
    "CorePolicy",
    "DedupePolicy",
    "DropPolicy",
    "EconomicsPolicy",
    "FleetGuardPolicy",
    "FleetPolicy",
    "FollowUpPolicy",
    "FreshnessPolicy",
    "HealthCellPolicy",
    "IdentityPolicy",
    "IntakePolicy",
    "JourneyPolicy",
    "KeyPersonPolicy",
    "LabelPolicy",
    "LeadPolicy",
    "LearnerPolicy",
    "LifecyclePolicy",
    "LookAlikePolicy",
    "LoyaltyPolicy",
    "ModulesPolicy",
    "MoneyPolicy",
    "ObservationPolicy",
    "ParetoPolicy",
    "Policy",
    "QuadrantPolicy",
    "QuietHours",
    "RelationshipPolicy",
    "RetentionPhasePolicy",
    "RfmPolicy",
    "ScorePolicy",
    "SourcesPolicy",
    "SurgePolicy",
    "TimePolicy",
    "TrainingPolicy",
    "TriagePolicy",
    "UsagePolicy",
    "VirtualEventsPolicy",
]
