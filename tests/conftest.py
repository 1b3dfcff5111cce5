"""What holds for every test."""

from hypothesis import settings

# How long an example takes says more about the machine than about us; time is measured by `whatnext bench`.
settings.register_profile("house", deadline=None)
settings.load_profile("house")
