"""Staff: who may sign in, their sessions, and the API's tokens.

Passwords are kept as Argon2id; of sessions and tokens only the SHA-256 is kept, which is enough for
random secrets of 256 bits. Nothing secret is logged or audited.
"""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from functools import cache
from typing import Any, cast

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from cti.bounds import place_of
from service_desk.actions import checks
from service_desk.actions.password_work import Part, PasswordWork
from service_desk.actions.sessions import end_all, hash_token, is_current
from service_desk.actions.sign_in_tries import SIGNED_IN, forget_old, is_worth_a_line, look
from service_desk.actor import STAFF_ROLES, SYSTEM, Actor, Role
from service_desk.desk import Desk, UnitOfWork
from service_desk.errors import (
    BadValue,
    Conflict,
    NotSignedIn,
    StaffNotFound,
    TokenNotFound,
    TooManyTries,
)
from service_desk.events import StaffChanged
from service_desk.model import ApiToken, LoginAttempt, Staff, StaffSession

NAME = re.compile(r"\A[a-z][a-z0-9_-]{0,31}\Z")
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 200
SEEN_EVERY = timedelta(minutes=1)  # a session's last use is written at most so often

_hasher = PasswordHasher()
_work = PasswordWork()


class SignedIn(Struct, frozen=True, kw_only=True):
    """A session just begun. `token` goes into the cookie and is kept nowhere else."""

    token: str
    csrf: str
    actor: Actor
    shown: str
    language: str


class Session(Struct, frozen=True, kw_only=True):
    """Who sits behind a cookie."""

    actor: Actor
    shown: str
    language: str
    csrf: str


async def create_staff(
    desk: Desk,
    *,
    name: str,
    role: Role,
    by: Actor,
    shown: str = "",
    password: str | None = None,
    language: str = "en",
) -> int:
    """Make a member of staff; their id. Without a password they cannot sign in yet.

    Raises BadValue, Conflict if the name is taken.
    """
    if not NAME.match(name):
        raise BadValue("name", "is a letter, then letters, digits, - or _; at most 32; lower case")
    checks.one_of("role", role, STAFF_ROLES)
    hashed = "" if password is None else await hash_password(password)
    values = {
        "name": name,
        "shown": checks.name("shown", shown or name.capitalize(), most=120),
        "role": role,
        "language": checks.language("language", language, desk.settings.languages),
        "password_hash": hashed,
        "active": True,
    }
    try:
        async with desk.write(by=by) as uow:
            made = await uow.execute(insert(Staff), {**values, "created_at": uow.now})
            await checks.audit(uow, "staff.create", name, role=role)
            uow.tell(StaffChanged(at=uow.now, staff=name))
    except IntegrityError as error:
        raise Conflict("the name {name} is taken", name=name) from error
    key = made.inserted_primary_key
    return int(key[0]) if key else 0


async def hash_password(password: str) -> str:
    """Argon2id, off the loop. Raises BadValue for one that is too short or too long."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise BadValue(
            "password",
            "must have {least} to {most} characters",
            least=SHORTEST_PASSWORD,
            most=LONGEST_PASSWORD,
        )
    return await _work.do(lambda: _hasher.hash(password))


@cache
def _nobody() -> str:
    """Verified when the name is unknown, so that the time taken does not tell."""
    return _hasher.hash(secrets.token_hex(16))


async def set_password(desk: Desk, *, name: str, password: str, by: Actor) -> None:
    """Set a password and end all sessions of that person. Raises BadValue, StaffNotFound."""
    hashed = await hash_password(password)
    async with desk.write(by=by) as uow:
        row = (await uow.execute(select(Staff.id).where(Staff.name == name))).first()
        if row is None:
            raise StaffNotFound("there is no such member of staff")
        await uow.execute(update(Staff).where(Staff.id == row.id).values(password_hash=hashed))
        await end_all(uow, row.id, name)
        await checks.audit(uow, "staff.password", name)
        uow.tell(StaffChanged(at=uow.now, staff=name))


async def set_active(desk: Desk, *, name: str, active: bool, by: Actor) -> None:
    """Let a person in or keep them out: `change_staff`."""
    await change_staff(desk, name=name, active=active, by=by)


async def set_role(desk: Desk, *, name: str, role: Role, by: Actor) -> None:
    """What a person may do from now on: `change_staff`."""
    await change_staff(desk, name=name, role=role, by=by)


async def change_staff(
    desk: Desk, *, name: str, by: Actor, active: bool | None = None, role: Role | None = None
) -> None:
    """Change what is given, all of it or nothing.

    Out (`active` false) and another role end the person's sessions, and their telephone's. Raises
    StaffNotFound, BadValue, and Conflict for the last administrator.
    """
    if role is not None:
        checks.one_of("role", role, STAFF_ROLES)
    async with desk.write(by=by) as uow:
        chosen = select(Staff.id, Staff.role, Staff.active).where(Staff.name == name)
        row = (await uow.execute(chosen)).first()
        if row is None:
            raise StaffNotFound("there is no such member of staff")
        now_active = row.active if active is None else active
        now_role = row.role if role is None else role
        values = {"active": now_active, "role": now_role}
        await uow.execute(update(Staff).where(Staff.id == row.id).values(values))
        await _an_administrator_is_left(uow, row.role)
        if not now_active or now_role != row.role:
            await end_all(uow, row.id, name)
        if active is not None:
            await checks.audit(uow, "staff.active", name, active=active)
        if now_role != row.role:
            await checks.audit(uow, "staff.role", name, role=now_role, was=row.role)
        uow.tell(StaffChanged(at=uow.now, staff=name))


async def _an_administrator_is_left(uow: UnitOfWork, role: str) -> None:
    """Whoever had this `role` may go. Raises Conflict, and nothing is changed."""
    chosen = (Staff.role == "administrator") & Staff.active
    if (
        role == "administrator"
        and (await uow.execute(select(Staff.id).where(chosen))).first() is None
    ):
        raise Conflict("the last administrator stays")


async def set_own_language(desk: Desk, *, language: str, by: Actor) -> None:
    """The language of one's own screens. Raises BadValue."""
    checks.language("language", language, desk.settings.languages)
    async with desk.write(by=by) as uow:
        await uow.execute(update(Staff).where(Staff.name == by.name).values(language=language))


async def sign_in(desk: Desk, *, name: str, password: str, address: str) -> SignedIn:
    """Begin a session. `address` is where the request came from.

    Raises NotSignedIn (never saying whether the name exists) and TooManyTries.
    """
    claimed = checks.line("name", name.strip()[:64], most=64, least=0).lower()[:64]
    where = address[:64]
    # The try counts before the password is looked at: a hundred at once must not all find none.
    window = timedelta(minutes=desk.settings.sign_in_window_minutes)
    await desk.fetch(look, desk, claimed, where)  # who must wait does not stand in writers' way
    async with desk.write(by=SYSTEM) as uow:
        tries = await uow.run(look, desk, claimed, where)
        await uow.run(forget_old, uow.now, window)
        attempt = {"at": uow.now, "name": claimed, "address": place_of(where)}
        made = await uow.execute(insert(LoginAttempt), attempt)
        row = (await uow.execute(select(Staff).where(Staff.name == claimed))).first()
    known = row.password_hash if row is not None and row.active else ""
    try:
        right = await _verify(known, password, tries.part)
    except TooManyTries:  # nobody looked at it: it was no wrong one
        async with desk.write(by=SYSTEM) as uow:
            ours = LoginAttempt.id == (made.inserted_primary_key or [0])[0]
            await uow.execute(delete(LoginAttempt).where(ours))
        raise
    if row is None or not known or not right:
        if is_worth_a_line(tries.wrong + 1):
            async with desk.write(by=Actor(claimed, "system", address=where)) as uow:
                await checks.audit(uow, "sign_in.failed", claimed, tries=tries.wrong + 1)
        raise NotSignedIn("the name or the password is wrong")
    actor = Actor(row.name, cast(Role, row.role), row.id, where)
    rehashed = (
        await hash_password(password) if _hasher.check_needs_rehash(row.password_hash) else None
    )
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    async with desk.write(by=actor) as uow:
        await uow.execute(
            insert(StaffSession),
            {
                "token_hash": hash_token(token),
                "staff_id": row.id,
                "csrf": csrf,
                "created_at": uow.now,
                "seen_at": uow.now,
                "address": where,
            },
        )
        if rehashed is not None:
            await uow.execute(
                update(Staff).where(Staff.id == row.id).values(password_hash=rehashed)
            )
        pair = (LoginAttempt.name == claimed) & (LoginAttempt.address == place_of(where))
        await uow.execute(delete(LoginAttempt).where(pair))
        oldest = uow.now - timedelta(days=desk.settings.session_longest_days)
        await uow.execute(delete(StaffSession).where(StaffSession.created_at < oldest))
        await checks.audit(uow, SIGNED_IN, row.name)
    return SignedIn(token=token, csrf=csrf, actor=actor, shown=row.shown, language=row.language)


async def _verify(known: str, password: str, part: Part) -> bool:
    if len(password) > LONGEST_PASSWORD:
        return False

    def verify() -> bool:
        try:
            return _hasher.verify(known or _nobody(), password)
        except (VerificationError, InvalidHashError):
            return False

    return await _work.do(verify, part)


async def session_of(desk: Desk, *, token: str, address: str = "", used: bool = True) -> Session:
    """Who a cookie's token belongs to; being `used` keeps a session alive.

    Raises NotSignedIn if it is unknown, idle for too long, or too old.
    """
    hashed = hash_token(token)

    def read(connection: Connection) -> Any:
        return connection.execute(
            select(
                StaffSession.seen_at,
                StaffSession.csrf,
                Staff.id,
                Staff.name,
                Staff.shown,
                Staff.role,
                Staff.language,
            )
            .join(Staff, Staff.id == StaffSession.staff_id)
            .where(StaffSession.token_hash == hashed, is_current(desk))
        ).first()

    row = await desk.fetch(read)
    if row is None:
        raise NotSignedIn("please sign in")
    actor = Actor(row.name, row.role, row.id, address[:64])
    if used and desk.clock.now() - row.seen_at > SEEN_EVERY:
        async with desk.write(by=actor) as uow:
            await uow.execute(
                update(StaffSession)
                .where(StaffSession.token_hash == hashed)
                .values(seen_at=uow.now)
            )
    return Session(actor=actor, shown=row.shown, language=row.language, csrf=row.csrf)


async def issue_token(desk: Desk, *, label: str, role: Role, by: Actor) -> str:
    """A bearer token for the API, shown this once. Raises BadValue."""
    checks.one_of("role", role, STAFF_ROLES)
    name = checks.name("label", label, most=120)
    token = f"rd_{secrets.token_urlsafe(32)}"
    async with desk.write(by=by) as uow:
        await uow.execute(
            insert(ApiToken),
            {
                "token_hash": hash_token(token),
                "label": name,
                "role": role,
                "created_by": by.name,
                "created_at": uow.now,
            },
        )
        await checks.audit(uow, "token.issue", name, role=role)
    return token


async def revoke_token(desk: Desk, *, token_id: int, by: Actor) -> None:
    """Raises TokenNotFound."""
    async with desk.write(by=by) as uow:
        row = (await uow.execute(select(ApiToken).where(ApiToken.id == token_id))).first()
        if row is None:
            raise TokenNotFound("there is no such token")
        if row.revoked_at is None:
            await uow.execute(
                update(ApiToken).where(ApiToken.id == token_id).values(revoked_at=uow.now)
            )
            await checks.audit(uow, "token.revoke", row.label)


async def actor_of_token(desk: Desk, *, token: str, address: str = "") -> Actor:
    """Who an API token acts as: `token:<label>` with the token's role. Raises NotSignedIn."""
    hashed = hash_token(token)

    def read(connection: Connection) -> Any:
        return connection.execute(
            select(ApiToken).where(ApiToken.token_hash == hashed, ApiToken.revoked_at.is_(None))
        ).first()

    row = await desk.fetch(read)
    if row is None:
        raise NotSignedIn("this token is unknown or revoked")
    now = desk.clock.now()
    actor = Actor(f"token:{row.label}"[:64], row.role, None, address[:64])
    if row.used_at is None or now - row.used_at > SEEN_EVERY:
        async with desk.write(by=actor) as uow:
            await uow.execute(update(ApiToken).where(ApiToken.id == row.id).values(used_at=uow.now))
    return actor
