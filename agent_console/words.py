"""The words people read for the codes the desk uses; translated where they are shown."""

from __future__ import annotations

from collections.abc import Mapping


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for "extract, translate later"
    """Mark `text` for extraction."""
    return text


WORDS: Mapping[str, Mapping[str, str]] = {
    "status": {
        "new": N_("New"),
        "open": N_("Open"),
        "waiting": N_("Waiting"),
        "resolved": N_("Resolved"),
        "merged": N_("Filed elsewhere"),
    },
    "priority": {
        "low": N_("Low"),
        "normal": N_("Normal"),
        "high": N_("High"),
        "urgent": N_("Urgent"),
    },
    "outcome": {
        "live": N_("In progress"),
        "answered": N_("Answered"),
        "abandoned": N_("Abandoned"),
        "message": N_("Left a message"),
        "menu": N_("Served by the menu"),
        "failed": N_("Failed"),
        "lost": N_("Lost track"),
    },
    # What somebody on a call did, and whose doing its end was.
    "leg": {
        "ring": N_("Rang"),
        "wait": N_("Waited"),
        "talk": N_("Talked"),
        "hold": N_("On hold"),
        "consult": N_("Consulted"),
        "wrap_up": N_("After-call work"),
    },
    "ended_by": {
        "caller": N_("the caller hung up"),
        "agent": N_("the agent hung up"),
        "external": N_("the other side hung up"),
        "system": N_("ended by the system"),
        "transferred": N_("handed on"),
        "unknown": N_("end not seen"),
    },
    # Q.850, as far as people meet them.
    "cause": {
        "1": N_("no such number"),
        "17": N_("busy"),
        "18": N_("no answer"),
        "19": N_("no answer"),
        "20": N_("not reachable"),
        "21": N_("rejected"),
        "26": N_("answered elsewhere"),
        "27": N_("not reachable"),
        "34": N_("no line free"),
        "38": N_("network out of order"),
        "41": N_("temporary failure"),
        "42": N_("overloaded"),
    },
    "direction": {
        "inbound": N_("Inbound"),
        "outbound": N_("Outbound"),
        "internal": N_("Internal"),
    },
    "party": {
        "caller": N_("Caller"),
        "agent": N_("Agent"),
        "external": N_("Outside number"),
        "service": N_("Service"),
    },
    # Who did it, when it was nobody of the staff.
    "actor": {
        "system": N_("System"),
        "caller": N_("Caller"),
        "ivr": N_("Phone menu"),
    },
    "role": {
        "agent": N_("Agent"),
        "supervisor": N_("Supervisor"),
        "administrator": N_("Administrator"),
    },
    "kind": {"person": N_("Person"), "organisation": N_("Organisation")},
    "channel": {
        "phone": N_("Phone"),
        "email": N_("E-mail"),
        "sms": N_("Text message"),
        "post": N_("Post"),
        "none": N_("No contact"),
    },
    "offer": {
        "accepted": N_("Accepted"),
        "declined": N_("Declined"),
        "later": N_("Later"),
        "not_presented": N_("Not presented"),
    },
    # A field of a form, a command or the API, where it is refused.
    "field": {
        "name": N_("Name"),
        "shown": N_("Name"),
        "label": N_("Label"),
        "text": N_("Text"),
        "note": N_("Note"),
        "subject": N_("Subject"),
        "phone": N_("Phone"),
        "email": N_("E-mail"),
        "city": N_("City"),
        "organisation": N_("Organisation"),
        "language": N_("Language"),
        "kind": N_("Kind"),
        "due": N_("Due"),
        "due_at": N_("Due"),
        "code": N_("Disposition"),
        "disposition": N_("Disposition"),
        "status": N_("Status"),
        "priority": N_("Priority"),
        "outcome": N_("Outcome"),
        "owner": N_("Owner"),
        "under": N_("Case"),
        "into": N_("Case"),
        "case_id": N_("Case"),
        "case_number": N_("Case"),
        "call_id": N_("Call"),
        "customer_id": N_("Customer"),
        "product_id": N_("Product"),
        "to": N_("To"),
        "reason": N_("Reason"),
        "password": N_("Password"),
        "role": N_("Role"),
        "value": N_("Value"),
        "cursor": N_("Page"),
        "after": N_("Page"),
    },
    # What a timeline entry is about; the desk may add kinds, shown by their own name then.
    "timeline": {
        "opened": N_("Opened"),
        "call": N_("Call"),
        "note": N_("Note"),
        "status": N_("Status"),
        "priority": N_("Priority"),
        "subject": N_("Subject"),
        "disposition": N_("Disposition"),
        "assigned": N_("Assigned"),
        "owner": N_("Assigned"),
        "follow_up": N_("Follow-up"),
        "promise": N_("Follow-up"),
        "kept": N_("Follow-up kept"),
        "resolved": N_("Resolved"),
        "offer": N_("Offer"),
        "message": N_("Message"),
        "recording": N_("Recording"),
        "filed": N_("Filed under another case"),
        "joined": N_("Joined"),
        "customer": N_("Customer"),
        "transfer": N_("Transfer"),
    },
}


def word(kind: str, code: str | None) -> str:
    """The English word for a code, or the code itself, made readable."""
    if code is None:
        return ""
    return WORDS.get(kind, {}).get(code) or code.replace("_", " ")


# What others say in English and the counter shows translated (cti/bus.py, cti/commands.py,
# service_desk/errors.py and what raises them); a test holds that none is missing.
ELSEWHERE = (
    N_("The telephone system is not connected right now."),
    N_("The telephone system is too busy. Try again in a moment."),
    N_("The telephone system did not answer in time."),
    N_("The telephone system could not do this."),
    N_("The telephone system cannot take this."),
    N_('The telephone system refused: "{why}"'),
    N_("There is nobody at this number."),
    N_("The call could not be handed on."),
    N_("The call could not be placed."),
    N_("The telephone system does not let Ringdesk do this: `ringdesk doctor` tells why."),
    N_("The telephone system does not know this queue."),
    N_("The telephone cannot do this: {wish}."),
    N_("There is no agent {agent} in the settings."),
    N_("The settings keep you in {queue} for good."),
    N_("You have no queue to sign in to."),
    N_("This is not a reason for a pause."),
    N_("You are on a call already."),
    N_("Calls to {number} are not allowed here."),
    N_("A call is ringing. Answer or reject it first."),
    N_("Sign in first."),
    N_("You are not on this call any more."),
    N_("there is no such case"),
    N_("there is no such call"),
    N_("there is no such customer"),
    N_("there is no such follow-up"),
    N_("there is no such member of staff"),
    N_("there is no such product"),
    N_("there is no such recording"),
    N_("there is no such token"),
    N_("that is no case number"),
    N_("this customer has it already"),
    N_("the name {name} is taken"),
    N_("a case that is {before} cannot become {status}"),
    N_("a call can only be filed under an open case"),
    N_("this case is another customer's: say first who is calling"),
    N_("this is the same case already"),
    N_("another bridge acts for {system} now; this one had been stopped"),
    N_("the name or the password is wrong"),
    N_("too many failed tries; come back later"),
    N_("please sign in"),
    N_("this token is unknown or revoked"),
    # Said of a field.
    N_("has no customer yet"),
    N_("must not be empty"),
    N_("must have {least} to {most} characters"),
    N_("must lie in the recordings folder"),
    N_("is too long: {length} characters, at most {most}"),
    N_("is a letter, then letters, digits, - or _; at most 32; lower case"),
    N_("is none of the choices: {value}; allowed: {allowed}"),
    N_("is not spoken here: {value}"),
    N_("is unknown"),
    N_("is unknown: {code}"),
    N_("is no cursor of ours"),
    N_("is no telephone number: {number}"),
    N_("is no e-mail address"),
    N_("is no believable date"),
    N_("needs a time zone"),
)
