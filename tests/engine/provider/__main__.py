"""``python -m tests.engine.provider``: what the engine starts as the ``aws`` provider."""

from tests.engine.provider.server import serve

serve()
