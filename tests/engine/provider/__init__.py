"""A stand-in for the AWS provider: it keeps an account's state and refuses what AWS refuses.

It speaks Pulumi's provider protocol, so the real engine drives it, and it never talks to AWS.
Three layers, each of them usable alone:

* ``checks`` and ``rows``: what the provider itself decides (names, shapes, replacements);
* ``account`` and ``refusals``: what AWS decides (what exists, what is in use);
* ``server``: the protocol.

It deliberately measures neither CPU nor memory: whether a layout fits is the planner's
law. It answers another question: does the order in which the engine creates, updates and deletes
ever meet a refusal, and which running tasks does an update disturb.
"""
