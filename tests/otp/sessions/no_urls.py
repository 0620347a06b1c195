"""A URLconf without the admin."""

urlpatterns: list[object] = []
