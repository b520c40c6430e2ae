"""ClOrdIDs: `start number << 32 | counter`, 16 hexadecimal digits on the wire."""

from typing import NewType

ClOrdId = NewType("ClOrdId", int)
"""An order's first ClOrdID; it stays the order's name through every replace. 0 is none."""

TEXT_LENGTH = 16
COUNTER_BITS = 32
_COUNTER_MAX = (1 << COUNTER_BITS) - 1


def make_cl_ord_id(start_number: int, counter: int) -> ClOrdId:
    """The id of an epoch's `counter`-th request. ValueError when either is not a u32."""
    if not (0 <= start_number <= _COUNTER_MAX and 0 < counter <= _COUNTER_MAX):
        raise ValueError(f"no ClOrdID from start number {start_number} and counter {counter}")
    return ClOrdId(start_number << COUNTER_BITS | counter)


def cl_ord_id_text(cl_ord_id: int) -> str:
    """Exactly 16 upper-case hexadecimal digits, as sent in FIX tag 11."""
    if not 0 < cl_ord_id < 1 << 64:
        raise ValueError(f"ClOrdID {cl_ord_id} is not between 1 and 2^64 - 1")
    return f"{cl_ord_id:016X}"


def parse_cl_ord_id(text: str) -> ClOrdId | None:
    """The id that a text names, None when the text is not one of ours."""
    if len(text) != TEXT_LENGTH or any(c not in "0123456789ABCDEF" for c in text):
        return None
    return ClOrdId(int(text, 16)) if text != "0" * TEXT_LENGTH else None
