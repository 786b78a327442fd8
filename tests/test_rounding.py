"""The plugin that adds noise to linear algebra knows the functions by name."""

from tests.rounding import NOISY


def test_every_function_that_gets_noise_exists():
    assert all(callable(getattr(module, name, None)) for module, name, _ in NOISY)
