"""Reading, recovering and exporting the event log: what the log says, as Python values."""

from daemon.log.reader import Batch, Frame, LogReader
from daemon.log.recover import RecoveryReport, recover
from daemon.log.schema import RECORDS, RecordSpec, describe, spec_of

__all__ = [
    "RECORDS",
    "Batch",
    "Frame",
    "LogReader",
    "RecordSpec",
    "RecoveryReport",
    "describe",
    "recover",
    "spec_of",
]
