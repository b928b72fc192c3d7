"""What the record says about itself and about what to do next: completeness, freshness, follow-up (signals §6, §8)."""
