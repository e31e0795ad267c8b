"""What is built: Pulumi components that wire a plan. Nothing is decided here."""

from components.stack import build

__all__ = ["build"]
