"""Where the addresses of the pages about documents lead."""

from django.urls import path

from . import compare, listing, portal, write
from . import read as read
from . import revision as revision

urlpatterns = [
    path("documents/to-read/", listing.to_read, name="documents-to-read"),
    path("documents/readers/", listing.readers, name="document-readers"),
    path("documents/<str:ref>/revisions", listing.revisions, name="document-revisions"),
    path("documents/<str:ref>/begin", write.begin, name="document-begin"),
    path("documents/<str:ref>/write", write.write, name="document-write"),
    path("documents/<str:ref>/preview", write.preview, name="document-preview"),
    path("documents/<str:ref>/compare", compare.compare, name="document-compare"),
    path("documents/<str:ref>/acknowledge", read.acknowledge, name="document-acknowledge"),
    path("documents/<str:ref>/file", read.download, name="document-file"),
    path("portal/documents/", portal.documents, name="portal-documents"),
    path("portal/documents/<str:ref>/", portal.document, name="portal-document"),
]
