"""Who a cookie or a bearer token stands for; the desk keeps sessions and tokens (hashed)."""


async def by_session(context, token):
    return None


async def by_api_token(context, token):
    return None
