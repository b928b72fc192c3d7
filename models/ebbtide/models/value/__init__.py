"""What a customer is worth, what customers cost, and where they come from (signals §5)."""
