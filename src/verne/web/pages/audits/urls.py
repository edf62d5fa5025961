"""Where the addresses of the pages about audits lead."""

from django.urls import path

from . import bench, checklist, coverage, drawing, report, room
from . import own as own

urlpatterns = [
    path("audit/coverage/", coverage.page, name="audit-coverage"),
    path("audit/draw/", drawing.page, name="audit-draw"),
    path("r/<str:ref>/checklist", checklist.page, name="audit-checklist"),
    path("r/<str:ref>/bench", bench.page, name="audit-bench"),
    path("r/<str:ref>/report", report.page, name="audit-report"),
    path("r/<str:ref>/report.pdf", report.printed, name="audit-report-pdf"),
    path("room/", room.index, name="room"),
    path("room/obligation/<str:id>/", room.obligation, name="room-obligation"),
    path("room/check/<slug:key>/", room.check, name="room-check"),
    path("room/draw/", room.draw, name="room-draw"),
    path("room/ask/", room.ask, name="room-ask"),
    path("room/note/", room.note, name="room-note"),
]
