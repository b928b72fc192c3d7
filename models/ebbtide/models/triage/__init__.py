"""Who is told of which alerts: one writer between the customers and the topic ``alerts`` (signals §7)."""
