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
# service_desk/errors.py and what raises them). A text that is not here is shown as it is.
ELSEWHERE = (
    N_("The telephone system is not connected right now."),
    N_("The telephone system did not answer in time."),
    N_("The telephone system could not do this."),
    N_("You have no queue to sign in to."),
    N_("This is not a reason for a pause."),
    N_("You are on a call already."),
    N_("A call is ringing. Answer or reject it first."),
    N_("Sign in first."),
    N_("You are not on this call any more."),
    N_("there is no such case"),
    N_("there is no such call"),
    N_("there is no such customer"),
    N_("there is no such product"),
    N_("there is no such recording"),
    N_("that is no case number"),
    N_("this customer has it already"),
    N_("a call can only be filed under an open case"),
    N_("this case is another customer's: say first who is calling"),
    N_("call_id: has no customer yet"),
    N_("text: must not be empty"),
    N_("name: must not be empty"),
    N_("phone: must not be empty"),
    N_("email: is no e-mail address"),
    N_("due_at: is no believable date"),
)
