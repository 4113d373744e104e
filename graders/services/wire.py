"""Counting what a client asks of PostgreSQL and Redis by reading their protocols as they pass.

It needs no right on the server and costs it nothing, so it works for every way to run a service.
PostgreSQL: https://www.postgresql.org/docs/16/protocol-message-formats.html (Query, Execute).
Redis: https://redis.io/docs/latest/develop/reference/protocol-spec/ (arrays of bulk strings).
"""

from dataclasses import dataclass

SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST = 80877103, 80877104, 80877102
CONNECTION_COMMANDS = frozenset({b"HELLO", b"AUTH", b"SELECT", b"CLIENT", b"PING"})


@dataclass
class Tally:
    """How many statements or commands passed, over all connections."""

    count: int = 0


class PostgresObserver:
    """Counts statements sent: simple queries and executions of prepared ones.

    ValueError: what was sent is not the protocol; the server would close the connection.
    """

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.buffer = bytearray()
        self.started = False

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the client."""
        self.buffer += chunk
        while self._take_message():
            pass

    def _take_message(self) -> bool:
        header = 5 if self.started else 4  # messages before the session starts have no type byte
        if len(self.buffer) < header:
            return False
        length = int.from_bytes(self.buffer[header - 4 : header]) + header - 4
        if length < header:
            raise ValueError("no PostgreSQL client sends a message shorter than its header")
        if len(self.buffer) < length:
            return False
        if self.started:
            self.tally.count += self.buffer[0] in b"QE"
        else:
            code = int.from_bytes(self.buffer[4:8])
            self.started = code not in (SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST)
        del self.buffer[:length]
        return True


class RedisObserver:
    """Counts commands sent, leaving out those that only open or test a connection.

    ValueError: what was sent is not the protocol; the server would close the connection.
    """

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.buffer = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the client."""
        self.buffer += chunk
        while (command := self._take_command()) is not None:
            self.tally.count += command.upper() not in CONNECTION_COMMANDS

    def _take_command(self) -> bytes | None:
        """Take one whole command off the buffer; its name, or None if it is not all here."""
        end = self.buffer.find(b"\r\n")
        if end < 0:
            return None
        if self.buffer[:1] != b"*":  # an inline command
            words = bytes(self.buffer[:end]).split()
            del self.buffer[: end + 2]
            return words[0] if words else b"PING"
        words, position = [], end + 2
        for _ in range(int(self.buffer[1:end])):
            size_end = self.buffer.find(b"\r\n", position)
            if size_end < 0:
                return None
            start, size = size_end + 2, int(self.buffer[position + 1 : size_end])
            if size < 0:
                raise ValueError("no Redis client sends a string of negative size")
            if len(self.buffer) < start + size + 2:
                return None
            words.append(bytes(self.buffer[start : start + min(size, 16)]))
            position = start + size + 2
        del self.buffer[:position]
        return words[0] if words else b"PING"
