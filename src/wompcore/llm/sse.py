"""Server-sent events, taken apart as the bytes arrive. Pure.

Source: WHATWG HTML Living Standard, section 9.2.6, "Interpreting an event stream".
"""

from __future__ import annotations

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class EventParser:
    """Turns bytes, cut anywhere, into the data of whole events.

    Lines may end in CR, LF or CRLF. Comments, which servers send to keep a connection alive, and all
    fields but ``data`` are skipped. An event counts as soon as its empty line is there.
    """

    def __init__(self) -> None:
        self._line: list[bytes] = []  # pieces of the line that is not ended yet
        self._data: list[bytes] = []  # the data lines of the event that is not ended yet
        self._after_cr = False
        self._first_line = True

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the data of the events that these bytes complete, in order.

        Args:
            chunk: The next bytes; any number of them.
        """
        if self._after_cr and chunk.startswith(b"\n"):  # the second half of a CRLF
            self._after_cr, chunk = False, chunk[1:]
        if not chunk:
            return []
        self._after_cr = chunk.endswith(b"\r")
        whole = chunk.endswith((b"\n", b"\r"))
        lines = chunk.splitlines()
        if len(lines) == 1 and not whole:
            self._line.append(chunk)
            return []
        if self._line:
            lines[0] = b"".join([*self._line, lines[0]])
        self._line = [] if whole else [lines.pop()]
        return self._events(lines)

    def close(self) -> list[bytes]:
        """Return the data of the event that the stream's end left without its empty line, if any.

        The standard drops it; some servers end their last event this way.
        """
        return self._events([b"".join(self._line), b""])

    def _events(self, lines: list[bytes]) -> list[bytes]:
        events: list[bytes] = []
        for line in lines:
            if self._first_line:
                line, self._first_line = line.removeprefix(_BYTE_ORDER_MARK), False
            if line.startswith(b"data:"):
                self._data.append(line[6:] if line.startswith(b"data: ") else line[5:])
            elif line == b"data":
                self._data.append(b"")
            elif not line and self._data:
                data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
                self._data.clear()
                if data:
                    events.append(data)
        return events
