"""The one SQLite file: made private, recognised, brought up to date, connected to.

Settings are SQLite's for several programs on one file: the write-ahead log lets readers go on
while one writes, a writer asks for its lock at once and waits for it, instead of failing in
the middle of a transaction (https://www.sqlite.org/wal.html, https://www.sqlite.org/lang_transaction.html).
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl

import sqlalchemy
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlmodel import Session

from storage import migrations
from storage.errors import BUSY_S, StorageError, failed, no_room, reason

__all__ = ["Database", "StorageError"]


# Nobody can be at work on a file that may not be written, unless it has a -wal file: then SQLite
# needs its lock, https://www.sqlite.org/wal.html#readonly
_READ, _WRITE = "immutable=1", "mode=rw"
_STEPS = 10_000  # of SQLite's machine between two looks at the clock: some hundred microseconds


@dataclass(frozen=True)
class Database:
    """An open database; safe to use from several threads. To write in a `read_only` one fails."""

    path: Path
    _engine: sqlalchemy.Engine
    read_only: bool = False
    _files: tuple[tuple[int, int] | None, ...] = ()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file; create it if it is missing, migrate it if it is older.

        Its folder is made for the owner alone, the file is. Raises `StorageError`: the file
        was then left as it is.
        """
        path = path.expanduser().absolute()
        try:
            _make(path)
            _, version = _recognise(path, _WRITE)
            _make_private(path)
            if version < len(migrations.MIGRATIONS):
                migrations.migrate(path, migrations.MIGRATIONS)
            return cls(path, _engine(path))._tried()
        except OSError as error:
            raise StorageError(
                f"The history cannot be kept in {path}: {_plain(error)}; choose another file "
                "with --db."
            ) from error
        except sqlite3.Error as error:
            raise _unopened(path, error) from error

    @classmethod
    def open_to_read(cls, path: Path) -> Self:
        """Return the same for what only reads: where file or folder may not be written, as in a
        backup, or cannot be on a full disk, the file is read as it is. Raises `StorageError`.
        """
        path = path.expanduser().absolute()
        may_write = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
        if may_write or not os.access(path, os.R_OK) or path.is_dir():
            try:
                return cls.open(path)
            except StorageError as error:
                if not no_room(error.__cause__):
                    raise
        try:
            how, _ = _recognise(path, _READ)
            return cls(path, _engine(path, how), read_only=True)._tried()
        except sqlite3.Error as error:
            raise _unopened(path, error) from error

    def _tried(self) -> Self:
        """Connect once and return this: the pool keeps the connection, and so SQLite its files."""
        with self._begun(begin="BEGIN") as connection:
            connection.exec_driver_sql("SELECT 1 FROM sqlite_schema").first()
            return replace(self, _files=_files(self.path))

    def close(self) -> None:
        self._engine.dispose()

    def is_sound(self, within_s: float) -> bool | None:
        """Look for damage in the whole file; None if there was not enough time for all of it.

        It may take somewhat longer. Raises `StorageError`.
        """
        end = time.monotonic() + within_s
        with self.read() as rows:
            connection = rows.connection().connection.driver_connection
            assert isinstance(connection, sqlite3.Connection)
            connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
            try:
                return bool(connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                    return None
                raise
            finally:
                connection.set_progress_handler(None, 0)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Read in one consistent view of the database. Raises `StorageError`."""
        with self._begun(begin="BEGIN") as connection, _session(connection) as session:
            yield session

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[Session]:
        """The same as `transaction`, with mapped objects."""
        with self.transaction(durable=durable) as connection, _session(connection) as session:
            yield session

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[Connection]:
        """Write in one transaction: all of it is committed, or nothing. Raises `StorageError`.

        What is committed survives the death of this program; `durable` survives the loss of
        power as well, at the price of waiting for the disk. Other programs wait meanwhile: read
        and compute before it begins.
        """
        with self._begun(begin="BEGIN IMMEDIATE", durable=durable) as connection:
            yield connection
        self._refuse_if_moved()

    @contextmanager
    def _begun(self, **options: Any) -> Iterator[Connection]:
        try:
            with self._engine.execution_options(**options).begin() as connection:
                yield connection
        except DBAPIError as error:
            raise failed(self.path, error.orig or error) from error
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise failed(self.path, error) from error
        except UnicodeEncodeError as error:  # half a surrogate pair where an id was expected
            raise StorageError(f"{error.object!a} is not valid text.") from error

    def _refuse_if_moved(self) -> None:
        """Raise `StorageError` if the files that are open are not those at the path.

        SQLite goes on writing to a file that was deleted or replaced, and all of it is lost
        at the end (https://www.sqlite.org/howtocorrupt.html#_unlinking_or_renaming_a_database_file_while_in_use).
        """
        if not self.read_only and self._files != _files(self.path):
            raise StorageError(
                f"The history in {self.path} was deleted, moved or replaced while this program was "
                "running, so nothing can be kept: put it back, or start the program again."
            )


@contextmanager
def _session(connection: Connection) -> Iterator[Session]:
    with Session(connection, expire_on_commit=False) as session, session.begin():
        yield session


def _files(path: Path) -> tuple[tuple[int, int] | None, ...]:
    """Return which files lie at the path: the database and its write-ahead log."""

    def identity(suffix: str) -> tuple[int, int] | None:
        try:
            found = os.stat(f"{path}{suffix}")
        except OSError:
            return None
        return found.st_dev, found.st_ino

    return identity(""), identity("-wal")


def _make(path: Path) -> None:
    """Create the folder, if it is missing, and the empty file, for the owner alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError("it is a folder")
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"the folder {path.parent} is read-only")
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    if not os.access(path, os.R_OK | os.W_OK):
        raise PermissionError("the file may not be read and written")


def _make_private(path: Path) -> None:
    """Set the mode to 0600; SQLite gives the files it makes beside the database the same."""
    for suffix in ("", "-wal", "-shm"):
        # Not there, or another user's file that we may write to.
        with suppress(FileNotFoundError, PermissionError):
            file = path.with_name(path.name + suffix)
            if file.stat().st_mode & 0o777 != 0o600:
                file.chmod(0o600)


def _unopened(path: Path, error: sqlite3.Error) -> StorageError:
    return StorageError(f"The history in {path} cannot be opened: {reason(error)}.")


def _recognise(path: Path, otherwise: str) -> tuple[str, int]:
    """Return how SQLite has looked at the file, `otherwise` where nothing lies beside it; its
    version.

    Raises `StorageError` for one that is neither ours nor empty, and leaves it untouched; and
    for an older one that can only be read.
    """
    # Closing a connection that may write folds a -wal file into the database; closing one that
    # may not leaves behind the -wal file that it made. Neither is to happen to a stranger's file.
    log = path.with_name(path.name + "-wal")
    # An empty one, as a full disk leaves it, has nothing that a reader would miss.
    read_with_log = log.exists() and (otherwise == _WRITE or log.stat().st_size > 0)
    how = "mode=ro" if read_with_log else otherwise
    with closing(
        sqlite3.connect(f"{path.as_uri()}?{how}", uri=True, isolation_level=None, timeout=BUSY_S)
    ) as connection:
        connection.execute("BEGIN")  # one view, while another program may be making the tables
        owner = connection.execute("PRAGMA application_id").fetchone()[0]
        version = migrations.version_of(connection)
        empty = not migrations.has_tables(connection)
    if owner != migrations.APPLICATION_ID and not (empty and owner == 0):
        raise StorageError(
            f"{path} is a database of another program: it was left as it is; choose another file "
            "with --db."
        )
    if version > len(migrations.MIGRATIONS):
        raise StorageError(
            f"{path} was written by a newer version of this program (schema {version}, this one "
            f"knows {len(migrations.MIGRATIONS)}): update the program, or choose another file "
            "with --db."
        )
    if otherwise == _READ and version < len(migrations.MIGRATIONS):
        raise StorageError(
            f"{path} was written by an earlier version of this program and cannot be brought up to "
            "date where it is, it is read-only: copy it, and name the copy with --db."
        )
    return how, version


def _engine(path: Path, how: str = _WRITE) -> sqlalchemy.Engine:
    """Connections to the file, which is never made by them; `how` as SQLite's URI has it."""
    engine = sqlalchemy.create_engine(
        sqlalchemy.URL.create(
            "sqlite", database=path.as_uri(), query=dict(parse_qsl(how), uri="true")
        ),
        # The driver begins no transactions: `_begin` does, with the right kind.
        connect_args={"isolation_level": None, "timeout": BUSY_S},
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, record: object) -> None:
        connection.execute("PRAGMA foreign_keys=ON")
        if how == _WRITE:
            _write_ahead(connection)

    @event.listens_for(engine, "begin")
    def _begin(connection: sqlalchemy.Connection) -> None:
        options = connection.get_execution_options()
        synchronous = "FULL" if options.get("durable") else "NORMAL"
        connection.exec_driver_sql(f"PRAGMA synchronous={synchronous}")
        connection.exec_driver_sql(options.get("begin", "BEGIN"))

    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch the write-ahead log on.

    The first time this takes the whole file, and SQLite, which waits for every other lock, gives
    that one up at once where another program is doing the same.
    """
    end = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return


def _plain(error: OSError) -> str:
    return error.strerror or str(error)
