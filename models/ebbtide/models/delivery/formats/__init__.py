"""How each kind of endpoint is spoken to."""
