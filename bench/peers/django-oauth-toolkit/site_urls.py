"""The site's addresses: django-oauth-toolkit's, the sign-in page, and something that an access token opens."""

from django.contrib.auth.views import LoginView
from django.http import JsonResponse
from django.urls import include, path
from oauth2_provider.decorators import protected_resource


@protected_resource()
def profile(request):
    owner = request.resource_owner
    return JsonResponse({"id": owner.pk, "email": owner.email})


urlpatterns = [
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("accounts/login/", LoginView.as_view()),
    path("profile/", profile),
]
