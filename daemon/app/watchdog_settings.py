"""The sections of a configuration file about the watchdog (`pitwire watchdog`)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from daemon.app.market_settings import TlsSettings
from daemon.app.settings import CredentialReference, Name, Port, Positive, Section, Text

# The turn says that it lives at least once a second, also when nothing happens.
HANG_MS_MIN = 1_200


class WatchdogSession(Section, frozen=True, kw_only=True):
    """[[watchdog.session]]: a FIX session of its own that may cancel another session's orders."""

    name: Name
    covers: Name  # the [[session]] whose orders they are
    # OnBehalfOfCompID of its requests; none: the covered session's sender_comp_id.
    on_behalf_of: Text | None = None
    # Whether the venue takes an OrderMassCancelRequest; none: in FIX 4.4, which has one.
    mass_cancel: bool | None = None
    begin_string: Literal["FIX.4.2", "FIX.4.4"] = "FIX.4.4"
    sender_comp_id: Text
    target_comp_id: Text
    host: Text
    port: Port
    tls: TlsSettings | None = None
    username: CredentialReference | None = None
    password: CredentialReference | None = None
    heart_bt_int_seconds: Annotated[int, Meta(ge=1, le=3600)] = 10
    reconnect_ms_max: Positive = 1_000

    def __post_init__(self) -> None:
        if self.mass_cancel and self.begin_string == "FIX.4.2":
            raise ValueError("mass_cancel: FIX 4.2 has no OrderMassCancelRequest")


class WatchdogSettings(Section, frozen=True, kw_only=True):
    """[watchdog]: when the daemon counts as hung or dead, and what is done then."""

    # No turn for so long while the process is there: longer than any handler may take.
    hang_after_ms: Annotated[int, Meta(ge=HANG_MS_MIN, le=3_600_000)] = 2_000
    # From the end of the process to READY again.
    restart_within_ms: Annotated[int, Meta(ge=100, le=3_600_000)] = 5_000
    # A hung process is ended when its orders are gone, so that a supervisor starts it again.
    end_hung_process: bool = True
    # Run at an incident, and again where orders are left after 5 s; its last argument is the file.
    alarm_command: tuple[Text, ...] = ()
    incident_folder: Text | None = None  # none: "incidents" in [log] folder
    session: tuple[WatchdogSession, ...] = ()
