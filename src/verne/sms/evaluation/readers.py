"""Who may look at audits and what came of them: everybody who answers for a part of the system."""

from verne.engine.rights import READ

READERS = dict.fromkeys(
    (
        "top_management",
        "sms_manager",
        "service_owner",
        "process_owner",
        "service_level_manager",
        "incident_manager",
        "problem_manager",
        "configuration_manager",
        "improvement_manager",
        "internal_auditor",
        "audit_manager",
        "reader",
    ),
    READ,
)
