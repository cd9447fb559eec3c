"""Proofs: what to publish, where we look for it, and what follows from what was seen (DESIGN section 7, Proofs).

All of it is pure but ``checks``, which looks. Services lock, judge and store.
"""
