"""Where the addresses under /proof/ lead."""

from django.urls import path

from . import erasing, record, seal

urlpatterns = [
    path("", seal.index, name="proof"),
    path("seal/", seal.seal_now, name="proof-seal"),
    path("checkpoint/<int:number>.txt", seal.checkpoint, name="proof-checkpoint"),
    path("pack/", seal.pack, name="proof-pack"),
    path("record/", record.check, name="proof-record"),
    path("person/<int:number>/", erasing.person, name="proof-erase"),
]
