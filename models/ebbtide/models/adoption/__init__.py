"""How widely, how deeply and how lastingly a customer uses the product (signals §3)."""
