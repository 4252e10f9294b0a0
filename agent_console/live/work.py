"""pending"""


async def drafts(session):
    return {}


async def _x(session, command):
    return {}


choose_customer = new_customer = note = disposition = status = priority = follow_up = file_under = (
    resolve
) = offer_outcome = draft = _x
