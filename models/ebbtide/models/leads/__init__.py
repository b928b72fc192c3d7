"""Leads: which to call first (signals §8)."""
