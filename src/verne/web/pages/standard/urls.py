"""Where the addresses under /standard/ lead."""

from django.urls import path

from . import attesting, check, clause, computing, documented, obligation, tree, values

urlpatterns = [
    path("", tree.index, name="standard"),
    path("compute/", computing.compute, name="standard-compute"),
    path("keep/", computing.keep, name="standard-keep"),
    path("documented/", documented.documented, name="standard-documented"),
    path("documented/<slug:key>/begin", documented.begin, name="standard-documented-begin"),
    path("values/", values.values, name="standard-values"),
    path("values/<str:what>/<str:key>/", values.value, name="standard-value"),
    path("obligation/<str:id>/", obligation.obligation, name="standard-obligation"),
    path("obligation/<str:id>/attest/", attesting.sign, name="standard-attest"),
    path("check/<slug:key>/", check.check, name="standard-check"),
    path("check/<slug:key>/compute/", computing.compute_check, name="standard-compute-check"),
    path("<str:number>/", clause.clause, name="standard-clause"),
]
