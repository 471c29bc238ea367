"""What holds for every test: how hypothesis looks for examples."""

from hypothesis import settings

# The same examples every time, so that a red test stays red; no verdict depends on a clock.
settings.register_profile("farm", deadline=None, derandomize=True, database=None)
settings.load_profile("farm")
