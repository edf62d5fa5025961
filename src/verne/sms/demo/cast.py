"""Who works at Meridian, and whom they work for."""

from __future__ import annotations

from dataclasses import dataclass

OWN = "Meridian Managed Services"
CUSTOMERS = ("Harbour Retail", "Alder Clinics", "Sungwon Logistics")


@dataclass(frozen=True)
class Member:
    """One person: name, the roles they hold, the teams they belong to, where they work."""

    name: str
    roles: tuple[str, ...]
    teams: tuple[str, ...] = ()
    organization: str = OWN
    language: str = "en"
    zone: str = "Europe/Berlin"


TEAMS = {
    "Service desk": "First line: records, classifies and solves what it can.",
    "Network": "Lines, switches, Wi-Fi and remote access.",
    "Servers": "Servers, storage, backup and virtual machines.",
    "Applications": "Business applications and their databases.",
    "Security": "Access, certificates and information security incidents.",
    "Field service": "Shops, clinics and warehouses, on site.",
}

DESK = ("service_desk_agent",)

STAFF = (
    Member("Helena Brandt", ("top_management",)),
    Member("Tomas Lindqvist", ("sms_manager", "administrator"), ("Service desk",)),
    Member("Ines Moreau", ("incident_manager", "major_incident_manager"), ("Service desk",)),
    Member("Jonas Weber", ("problem_manager", "process_owner"), ("Servers",)),
    Member("Priya Raman", ("request_manager", "service_catalogue_manager"), ("Service desk",)),
    Member("Marta Kowalska", ("service_level_manager", "business_relationship_manager")),
    Member("Sofia Ricci", ("configuration_manager", "asset_manager"), ("Servers",)),
    Member("Daniel Okafor", ("service_portfolio_manager", "demand_manager")),
    Member("Yuna Choi", ("service_owner", "capacity_manager"), ("Network",), zone="Asia/Seoul"),
    Member("Carlos Mendes", ("service_owner", "availability_manager"), ("Servers",)),
    Member("Nadia Haddad", ("service_owner", "release_manager"), ("Applications",)),
    Member("Erik Sandberg", ("service_owner", "continuity_manager"), ("Security",)),
    Member("Laura Keller", ("internal_auditor", "audit_manager")),
    Member("Miriam Stein", ("supplier_manager", "financial_manager", "internal_auditor")),
    Member("Oscar Lund", ("change_manager", "transition_manager"), ("Applications",)),
    Member("Grace Adeyemi", ("information_security_manager", "risk_manager"), ("Security",)),
    Member("Felix Braun", ("document_controller", "knowledge_manager"), ("Service desk",)),
    Member("Anna Petrova", ("competence_manager", "reporting_manager")),
    Member("Minjun Kim", DESK, ("Service desk",), language="ko", zone="Asia/Seoul"),
    Member("Sara Nilsson", DESK, ("Service desk",)),
    Member("David Osei", DESK, ("Service desk",)),
    Member("Lucia Fernandez", DESK, ("Service desk",), language="es"),
    Member(
        "Wei Zhang", DESK, ("Service desk", "Network"), language="zh-hans", zone="Asia/Shanghai"
    ),
    Member("Paul Fischer", DESK, ("Network",)),
    Member("Hana Seo", DESK, ("Network", "Security"), language="ko", zone="Asia/Seoul"),
    Member("Ahmed Saleh", DESK, ("Servers",)),
    Member("Julia Novak", DESK, ("Servers",)),
    Member("Ben Carter", DESK, ("Applications",)),
    Member("Chiara Conti", DESK, ("Applications",)),
    Member("Tariq Aziz", DESK, ("Field service",)),
    Member("Olga Ivanova", DESK, ("Field service",)),
)

USERS = (
    Member("Minji Park", ("customer_user", "customer_manager"), organization="Harbour Retail"),
    Member("Peter Hall", ("customer_user",), organization="Harbour Retail"),
    Member("Rosa Diaz", ("customer_user",), organization="Harbour Retail", language="es"),
    Member("Dr. Emil Vogt", ("customer_user", "customer_manager"), organization="Alder Clinics"),
    Member("Karin Schulz", ("customer_user",), organization="Alder Clinics"),
    Member("Lena Hoffmann", ("customer_user",), organization="Alder Clinics"),
    Member(
        "Jisoo Han",
        ("customer_user", "customer_manager"),
        organization="Sungwon Logistics",
        language="ko",
        zone="Asia/Seoul",
    ),
    Member("Taeyang Lim", ("customer_user",), organization="Sungwon Logistics", zone="Asia/Seoul"),
    Member("Dohyun Yoo", ("customer_user",), organization="Sungwon Logistics", zone="Asia/Seoul"),
)

TO_TRY = ("Tomas Lindqvist", "Sara Nilsson", "Laura Keller", "Helena Brandt", "Minji Park")
"""The people whose passwords are told: a manager, an agent, an auditor, the top, a customer."""
