"""All customers together: sums per partition and segment, merged at each grid instant (design §2)."""
