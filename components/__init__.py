"""Pulumi components that build a plan. They decide nothing."""

from components.stack import build

__all__ = ["build"]
