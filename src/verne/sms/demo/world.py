"""What Meridian offers and runs: services, configuration items, categories, things to ask for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Offer:
    """A service: who owns it, who gets it, how critical it is, what it stands on."""

    title: str
    description: str
    owner: str
    team: str
    customers: tuple[str, ...]
    criticality: int
    depends_on: tuple[str, ...] = ()
    requirement: str = ""
    outcome: str = ""


H, A, S = "Harbour Retail", "Alder Clinics", "Sungwon Logistics"

SERVICES = (
    Offer(
        "Network and internet access",
        "Lines, Wi-Fi and switches at every site.",
        "Yuna Choi",
        "Network",
        (H, A, S),
        1,
        (),
        "Every site reaches the data centre 99.9 % of opening hours.",
        "Sites work without thinking about the line.",
    ),
    Offer(
        "Server hosting",
        "Virtual machines, storage and backup in two data centres.",
        "Carlos Mendes",
        "Servers",
        (H, A, S),
        1,
        ("Network and internet access",),
        "A machine is back within four hours of a failure.",
        "Applications run, and their data survives.",
    ),
    Offer(
        "Sign-in and identity",
        "One account for everything, with a second factor.",
        "Erik Sandberg",
        "Security",
        (H, A, S),
        1,
        ("Server hosting",),
        "Signing in takes less than five seconds.",
        "The right people get in, and nobody else.",
    ),
    Offer(
        "E-mail and calendar",
        "Mailboxes, calendars and address books for every user.",
        "Nadia Haddad",
        "Applications",
        (H, A, S),
        1,
        ("Server hosting", "Sign-in and identity"),
        "95 % of messages inside arrive within two minutes.",
        "People reach each other in writing within minutes.",
    ),
    Offer(
        "Point of sale",
        "Cash desks with card terminals in every shop.",
        "Nadia Haddad",
        "Field service",
        (H,),
        1,
        ("Network and internet access", "Sign-in and identity"),
        "A shop can sell for four hours without a line.",
        "Shops sell whenever they are open.",
    ),
    Offer(
        "Patient record",
        "The record of each patient, at every bed and desk.",
        "Nadia Haddad",
        "Applications",
        (A,),
        1,
        ("Server hosting", "Sign-in and identity"),
        "A record opens in three seconds at any hour.",
        "Doctors see what they need before they decide.",
    ),
    Offer(
        "Warehouse management",
        "Stock, picking and shipping for three warehouses.",
        "Nadia Haddad",
        "Applications",
        (S,),
        1,
        ("Server hosting", "Network and internet access"),
        "Picking lists are printed within one minute.",
        "Goods leave on the day they are ordered.",
    ),
    Offer(
        "Managed workplace",
        "Laptops and desktops, kept up to date and repaired.",
        "Carlos Mendes",
        "Field service",
        (H, A, S),
        2,
        ("Sign-in and identity",),
        "A broken device is replaced the next working day.",
        "People have a device that works.",
    ),
    Offer(
        "Printing",
        "Printers and labels at every site.",
        "Carlos Mendes",
        "Field service",
        (H, A),
        3,
        ("Network and internet access",),
        "A printer is repaired within two working days.",
        "What has to be on paper is on paper.",
    ),
    Offer(
        "File storage",
        "Shared folders with versions and a recycle bin.",
        "Carlos Mendes",
        "Servers",
        (H, A, S),
        2,
        ("Server hosting", "Sign-in and identity"),
        "A deleted file is back within one working day.",
        "Teams find their documents, and lose none.",
    ),
    Offer(
        "Remote access",
        "Work from anywhere over a protected line.",
        "Yuna Choi",
        "Network",
        (H, A, S),
        2,
        ("Network and internet access", "Sign-in and identity"),
        "500 people can work from home at the same time.",
        "People work where they are.",
    ),
)

IN_DEVELOPMENT = Offer(
    "Clinic video consultation",
    "Talk to patients at home, with the record open beside.",
    "Nadia Haddad",
    "Applications",
    (A,),
    2,
    ("Patient record",),
    "A consultation starts within ten seconds.",
    "Patients are seen without a journey.",
)

CATEGORIES = {
    "Network": ("No connection", "Slow connection", "Wi-Fi", "Remote access"),
    "Hardware": ("Laptop or desktop", "Printer", "Card terminal", "Scanner"),
    "Software": ("Error message", "Slow application", "Missing function"),
    "Access": ("Password", "Missing right", "Second factor"),
    "Data": ("Lost file", "Wrong data"),
    "Mail": ("Cannot send", "Cannot receive"),
}

ITEM_TYPES: dict[str, dict[str, object]] = {
    "Server": {
        "level_of_detail": "Each machine with its system; parts inside are not recorded.",
        "attributes": [
            {"name": "operating_system", "form": "text", "required": True},
            {"name": "memory_gb", "form": "number"},
        ],
    },
    "Virtual machine": {
        "level_of_detail": "Each machine with its system and the host it runs on.",
        "attributes": [{"name": "operating_system", "form": "text", "required": True}],
    },
    "Network device": {
        "level_of_detail": "Each switch, router and access point; ports are not recorded.",
        "attributes": [{"name": "model", "form": "text", "required": True}],
    },
    "Application": {
        "level_of_detail": "Each installed application with its release.",
        "attributes": [{"name": "release", "form": "text"}],
    },
    "Database": {
        "level_of_detail": "Each database; tables are not recorded.",
        "attributes": [{"name": "engine", "form": "text", "required": True}],
    },
    "Workplace device": {
        "level_of_detail": "Each laptop, desktop, cash desk and printer, without accessories.",
        "attributes": [{"name": "serial_number", "form": "text", "required": True}],
        "controlled": False,
    },
}

SITES = {
    H: ("Hamburg shop 1", "Hamburg shop 4", "Bremen shop", "Kiel shop", "Head office Hamburg"),
    A: ("Clinic Nord", "Clinic Süd", "Day clinic Lübeck"),
    S: ("Warehouse Incheon", "Warehouse Busan", "Office Seoul"),
}


@dataclass(frozen=True)
class Fault:
    """Something that breaks: words, service, category, urgency, how it is usually solved."""

    title: str
    service: str
    category: str
    impact: int
    urgency: int
    solution: str


FAULTS = (
    Fault(
        "No connection at {site}",
        "Network and internet access",
        "No connection",
        1,
        2,
        "The provider had cut the wrong fibre; traffic moved to the second line.",
    ),
    Fault(
        "Wi-Fi drops at {site}",
        "Network and internet access",
        "Wi-Fi",
        2,
        3,
        "Restarted the access point and moved it to another channel.",
    ),
    Fault(
        "Slow line at {site} since this morning",
        "Network and internet access",
        "Slow connection",
        2,
        2,
        "A backup ran in working hours; moved to the night.",
    ),
    Fault(
        "Mail stays in the outbox",
        "E-mail and calendar",
        "Cannot send",
        2,
        2,
        "Restarted the mail relay; waiting messages went out.",
    ),
    Fault(
        "No mail from outside since nine",
        "E-mail and calendar",
        "Cannot receive",
        1,
        2,
        "Cleared the queue of the spam filter.",
    ),
    Fault(
        "Shared calendar shows no entries",
        "E-mail and calendar",
        "Error message",
        3,
        3,
        "Renewed the permission of the calendar.",
    ),
    Fault(
        "Cannot sign in after holiday",
        "Sign-in and identity",
        "Password",
        3,
        2,
        "Set a new password after checking identity.",
    ),
    Fault(
        "Second factor is not asked for",
        "Sign-in and identity",
        "Second factor",
        2,
        2,
        "Enrolled the device again.",
    ),
    Fault(
        "Payment terminal offline at {site}",
        "Point of sale",
        "Card terminal",
        1,
        1,
        "Replaced the terminal's network adapter.",
    ),
    Fault(
        "Cash desk freezes at {site}",
        "Point of sale",
        "Slow application",
        2,
        1,
        "Removed a stuck update and restarted.",
    ),
    Fault(
        "Receipt printer jams at {site}", "Point of sale", "Printer", 3, 2, "Cleaned the cutter."
    ),
    Fault(
        "Patient record opens slowly",
        "Patient record",
        "Slow application",
        1,
        2,
        "Rebuilt an index of the database.",
    ),
    Fault(
        "Lab results are missing in the record",
        "Patient record",
        "Wrong data",
        1,
        1,
        "Restarted the interface; results arrived in order.",
    ),
    Fault(
        "Picking lists are not printed in {site}",
        "Warehouse management",
        "Printer",
        1,
        1,
        "Restarted the print queue of the warehouse.",
    ),
    Fault(
        "Scanner loses its connection in {site}",
        "Warehouse management",
        "Scanner",
        2,
        2,
        "Updated the scanner's Wi-Fi settings.",
    ),
    Fault(
        "Laptop does not start",
        "Managed workplace",
        "Laptop or desktop",
        3,
        2,
        "Replaced the device; data restored from backup.",
    ),
    Fault("Screen flickers", "Managed workplace", "Laptop or desktop", 3, 3, "Replaced the cable."),
    Fault("Printer prints stripes at {site}", "Printing", "Printer", 3, 3, "Changed the drum."),
    Fault(
        "A folder has disappeared",
        "File storage",
        "Lost file",
        2,
        2,
        "Restored from yesterday's version.",
    ),
    Fault(
        "Remote access breaks off every ten minutes",
        "Remote access",
        "Remote access",
        2,
        2,
        "Renewed the client's certificate.",
    ),
)

RECURRING = (
    Fault(
        "Mail stops on Monday at nine",
        "E-mail and calendar",
        "Cannot send",
        2,
        1,
        "Restarted the relay after the backup had finished.",
    ),
    Fault(
        "Payment terminals offline after the night update",
        "Point of sale",
        "Card terminal",
        1,
        1,
        "Rolled the update back by hand.",
    ),
)
"""Faults that come back until somebody looks for the cause."""


@dataclass(frozen=True)
class Wish:
    """Something people ask for, and the model it follows."""

    title: str
    service: str
    offer: str
    instructions: str
    priority: int
    approvals: int
    questions: tuple[str, ...] = ()


WISHES = (
    Wish(
        "Account for a new colleague",
        "Sign-in and identity",
        "An account with mailbox, ready on the first day.",
        "Create the account, add the groups of the unit, send the first password to the manager.",
        4,
        1,
        ("Name", "First day", "Unit"),
    ),
    Wish(
        "New laptop",
        "Managed workplace",
        "A laptop from the standard list.",
        "Take one from stock, install the standard image, hand it over against signature.",
        4,
        1,
        ("For whom", "Which model"),
    ),
    Wish(
        "Access to a shared folder",
        "File storage",
        "Read or write access to a folder of your organization.",
        "Ask the owner of the folder, add the person to its group, note the agreement.",
        4,
        1,
        ("Folder", "Read or write"),
    ),
    Wish(
        "Reset of the second factor",
        "Sign-in and identity",
        "A new second factor after you lost the device.",
        "Check the identity by calling back, remove the old device, send a new link.",
        3,
        0,
        (),
    ),
    Wish(
        "Move of a workplace",
        "Managed workplace",
        "Your devices move with you to another room or site.",
        "Agree a date, move and test the devices, update the configuration items.",
        5,
        0,
        ("From", "To", "When"),
    ),
    Wish(
        "Guest Wi-Fi for an event",
        "Network and internet access",
        "Wi-Fi for guests for up to three days.",
        "Create the guest network for the dates, print the cards, remove it afterwards.",
        4,
        0,
        ("Site", "Dates"),
    ),
    Wish(
        "Advice on a program",
        "Managed workplace",
        "An answer within a day.",
        "Answer, or find a colleague who can; note the answer as a draft article.",
        5,
        0,
        (),
    ),
)
