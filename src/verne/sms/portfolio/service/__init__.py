"""Plan the services (8.2.2): every service from the first proposal to its removal.

A service passes through the stages of `ServiceLife`; what has to be true before it goes live is
checked by guards, not remembered by people. What customers, users and we ourselves need from it
is filed as service requirements; what it stands on as dependencies between services.
"""
