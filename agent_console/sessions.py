"""Who a cookie or a bearer token stands for; the desk keeps sessions and tokens (hashed)."""
