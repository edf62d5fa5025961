"""The shell as a service desk analyst sees it."""

from __future__ import annotations

from django.utils.translation import gettext as _

from verne.web import parts as p


def shell(current: str, theme: str, language: str) -> p.Shell:
    """The shell as a service desk analyst sees it."""

    def item(label: str, url: str, count: int | None = None, late: bool = False) -> p.NavItem:
        return p.NavItem(label=label, url=url, count=count, late=late, current=label == current)

    def chapter(key: str, label: str, clause: str, *items: p.NavItem) -> p.NavChapter:
        return p.NavChapter(key=key, label=label, clause=clause, items=items)

    return p.Shell(
        name="Ana Kim",
        person_key="specimen",
        role="Service desk, incident manager",
        organization="Harbour IT",
        theme=theme if theme in ("light", "dark") else "",  # type: ignore[arg-type]
        top=[
            item("Today", "?specimen=today"),
            item("My work", "?specimen=list", 7, late=True),
            item("The standard", "?specimen=standard"),
        ],
        quarters=[
            p.NavQuarter(
                key="plan",
                label="Plan",
                clauses="4–7",
                chapters=[
                    chapter(
                        "planning", "Planning", "6", item("Risks", "#", 14), item("Objectives", "#")
                    ),
                    chapter(
                        "support", "Support", "7", item("Documents", "#"), item("Competence", "#")
                    ),
                ],
            ),
            p.NavQuarter(
                key="do",
                label="Do",
                clauses="8",
                chapters=[
                    chapter(
                        "portfolio",
                        "Service portfolio",
                        "8.2",
                        item("Services", "#", 12),
                        item("Catalogue", "#"),
                        item("Configuration", "#"),
                    ),
                    chapter(
                        "relationship",
                        "Relationship and agreement",
                        "8.3",
                        item("Customers", "#", 3),
                        item("Agreements", "#"),
                    ),
                    chapter(
                        "resolution",
                        "Resolution and fulfilment",
                        "8.6",
                        item("Incidents", "?specimen=list", 38, late=True),
                        item("Service requests", "#", 21),
                        item("Problems", "#", 9),
                    ),
                ],
            ),
            p.NavQuarter(
                key="check",
                label="Check",
                clauses="9",
                chapters=[
                    chapter(
                        "evaluation",
                        "Evaluation",
                        "9",
                        item("Audits", "#"),
                        item("Reviews", "#", 1),
                    )
                ],
            ),
            p.NavQuarter(
                key="act",
                label="Act",
                clauses="10",
                chapters=[
                    chapter("improvement", "Improvement", "10", item("Nonconformities", "#", 4))
                ],
            ),
        ],
        foot=[item("Settings", "#")],
        themes=[
            p.Choice(value="", label=_("As the device"), chosen=theme == ""),
            p.Choice(value="light", label=_("Light"), chosen=theme == "light"),
            p.Choice(value="dark", label=_("Dark"), chosen=theme == "dark"),
        ],
        languages=[
            p.Choice(value=code, label=label, language=code, chosen=language == code)
            for code, label in (
                ("en", "English"),
                ("ko", "한국어"),
                ("es", "Español"),
                ("zh-hans", "简体中文"),
            )
        ],
        portal_url="?specimen=portal",
    )
