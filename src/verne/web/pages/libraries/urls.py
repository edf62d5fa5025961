"""Where the addresses under /libraries/ lead."""

from django.urls import path

from . import assessment, beside, framework, index, judging, library, loading, taking_over

urlpatterns = [
    path("", index.index, name="libraries"),
    path("ours/", loading.take_ours, name="libraries-ours"),
    path("load/", loading.upload, name="library-load"),
    path("load/<str:token>/", loading.preview, name="library-preview"),
    path("beside/<slug:target>/", beside.standard, name="library-beside"),
    path("<int:number>/", library.page, name="library"),
    path("<int:number>/compare/", library.compare, name="library-compare"),
    path("<int:number>/undo/", library.undo, name="library-undo"),
    path("<int:number>/export/", library.export, name="library-export"),
    path("frameworks/<int:number>/", framework.page, name="framework"),
    path("frameworks/<int:number>/begin/", assessment.begin, name="framework-begin"),
    path("frameworks/<int:number>/covers/<int:other>/", framework.covers, name="framework-covers"),
    path("assessments/<int:number>/", assessment.page, name="assessment"),
    path("assessments/<int:number>/change/", assessment.change, name="assessment-change"),
    path("assessments/<int:number>/finish/", assessment.finish, name="assessment-finish"),
    path("assessments/<int:number>/again/", assessment.again, name="assessment-again"),
    path("assessments/<int:number>/take-over/", taking_over.page, name="assessment-take-over"),
    path(
        "assessments/<int:number>/take-back/<int:act>/",
        taking_over.back,
        name="assessment-take-back",
    ),
    path("assessments/<int:number>/<int:node>/", judging.node, name="assessment-node"),
    path("assessments/<int:number>/<int:node>/carry/", judging.carry, name="assessment-carry"),
]
