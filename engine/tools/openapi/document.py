"""An OpenAPI document from a file or URL: fetched, parsed to plain JSON data, references followed.

References are resolved by `referencing` (https://referencing.readthedocs.io).
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import httpx2
from referencing import Registry, Resource, Specification
from referencing.exceptions import NoSuchResource, Unresolvable

from engine.tools.openapi.parsing import parse
from engine.tools.openapi.swagger import converted
from engine.tools.source import SourceError

# The largest document in the public collections (Microsoft Graph, 22,000 operations) has 32 MB.
MAX_BYTES = 64 * 2**20
MAX_FILES = 500
MAX_HOPS = 20
# Of one fetch as a whole, however slowly its bytes come, and of all that a document refers to.
FETCH_LIMIT_S = 20.0
REFERENCES_LIMIT_S = 40.0
MAX_REDIRECTS = 5


def locate(document: str, folder: Path) -> str:
    """The document's address: `document` if it is a URL, else the file's, relative to `folder`.

    Raises `SourceError` for a URL that is none.
    """
    if document.startswith(("http://", "https://")):
        if origin(document) is None:
            raise SourceError(f"{document} is not a valid address")
        return document
    return (folder / Path(document).expanduser()).resolve().as_uri()


def origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of an http(s) address; None: it is no such address."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", url):
        return None
    return parts.scheme, parts.hostname.casefold(), port


def joined(base: str, relative: str) -> str:
    """`urljoin`, but "" where there is no telling what is meant."""
    try:
        return urljoin(base, relative)
    except ValueError:
        return ""


def read_bytes(uri: str) -> bytes:
    """The bytes behind a `file:` or `http(s):` address. Raises `SourceError`."""
    if not uri.startswith("file:"):
        return _fetch(uri)
    path = Path(unquote(urlsplit(uri).path))
    try:
        # Opened at once even if it is a pipe that nobody writes to, which is then refused.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise SourceError(f"{path} cannot be read: it is not a regular file")
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise SourceError(f"{path} cannot be read: {error}") from None
    if len(data) > MAX_BYTES:
        raise SourceError(f"{path} is larger than {MAX_BYTES >> 20} MiB")
    return data


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _fetch(url: str) -> bytes:
    """A document over HTTP, within `FETCH_LIMIT_S`. Raises `SourceError`.

    The limits of the HTTP library are for each read: a server that sends a byte now and then would
    never reach them. So it works on a thread that is left to itself when time is up.
    """
    done: Future[bytes] = Future()

    def work() -> None:
        try:
            done.set_result(_fetched(url, client))
        except BaseException as error:
            done.set_exception(error)

    with httpx2.Client(timeout=FETCH_LIMIT_S) as client:
        threading.Thread(target=work, name="fetch", daemon=True).start()
        try:
            return done.result(FETCH_LIMIT_S)
        except TimeoutError:
            limit = f"{FETCH_LIMIT_S:g} seconds"
            raise SourceError(f"{url} did not come within {limit}", unreachable=True) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            # A malformed address, or one that it redirects to, is a ValueError of several kinds.
            raise SourceError(
                f"{url} cannot be fetched: {error or type(error).__name__}",
                unreachable=isinstance(error, httpx2.TransportError),
            ) from None


def _fetched(url: str, client: httpx2.Client) -> bytes:
    for _ in range(MAX_REDIRECTS):
        with client.stream("GET", url) as response:
            if response.is_redirect:
                url = _same_origin(url, response.headers.get("location", ""))
                continue
            if not response.is_success:
                raise SourceError(f"{url} answers {response.status_code}")
            data = bytearray()
            for part in response.iter_bytes():
                data += part
                if len(data) > MAX_BYTES:
                    raise SourceError(f"{url} is larger than {MAX_BYTES >> 20} MiB")
            return bytes(data)
    raise SourceError(f"{url} redirects without end")


def _same_origin(url: str, location: str) -> str:
    target = joined(url, location)
    if origin(target) != origin(url):
        raise SourceError(f"{url} has moved to {target or location}: name that address instead")
    return target


class References:
    """Follows `$ref` through one document and the files beside it.

    A document from a file may refer to files in its own folder and below, one from a URL to its
    own origin. `beside` has the digest of each other file, "" where it could not be read.
    """

    def __init__(self, root: Any, uri: str) -> None:
        self.uri = uri
        self.beside: dict[str, str] = {}
        self._until = time.monotonic() + REFERENCES_LIMIT_S
        self._files: dict[str, Resource[Any]] = {uri: _opaque(root)}
        self._found: dict[str, Any] = {}
        registry: Registry[Any] = Registry(retrieve=self._retrieve)  # type: ignore[call-arg]
        self._resolver = registry.with_resource(uri, self._files[uri]).resolver(uri)

    def follow(self, ref: str, base: str) -> tuple[Any, str, str]:
        """What `ref`, seen in the file `base`, points to, the file that has it, and its address.

        References to references are followed. Raises `Unresolvable`.
        """
        for _ in range(MAX_HOPS):
            address = base + ref if ref.startswith("#") else joined(base, ref)
            if not address or ref.startswith(("/", "file:")):
                raise Unresolvable(ref)
            base = urldefrag(address)[0]
            if address not in self._found:
                try:
                    self._found[address] = self._resolver.lookup(address).contents
                except (TypeError, KeyError, IndexError, ValueError, AttributeError):
                    raise Unresolvable(ref) from None
            found = self._found[address]
            if not (isinstance(found, dict) and isinstance(found.get("$ref"), str)):
                return found, base, address
            if len(found) > 1:  # siblings of a reference, which a schema may have
                return found, base, address
            ref = found["$ref"]
        raise Unresolvable(ref)

    def _retrieve(self, uri: str) -> Resource[Any]:
        if uri not in self._files:
            if not self._allowed(uri) or len(self._files) > MAX_FILES:
                raise NoSuchResource(uri)
            if time.monotonic() > self._until:
                raise NoSuchResource(uri)
            try:
                data = read_bytes(uri)
            except SourceError:
                self.beside[uri] = ""
                raise NoSuchResource(uri) from None
            self.beside[uri] = digest(data)
            try:
                self._files[uri] = _opaque(parse(data))
            except ValueError:
                raise NoSuchResource(uri) from None
        return self._files[uri]

    def _allowed(self, uri: str) -> bool:
        if not self.uri.startswith("file:"):
            return origin(uri) == origin(self.uri)
        if not uri.startswith("file:///"):
            return False
        here = Path(unquote(urlsplit(self.uri).path)).parent
        # Resolved, so that neither `..` nor a link leads elsewhere.
        return Path(unquote(urlsplit(uri).path)).resolve().is_relative_to(here)


def _opaque(contents: Any) -> Resource[Any]:
    return Specification.OPAQUE.create_resource(contents)


def from_bytes(data: bytes, uri: str) -> tuple[dict[str, Any], References]:
    """The document of `data`, checked for what it says it is. Raises `SourceError`."""
    name = shown(uri)
    try:
        root = parse(data)
    except ValueError as error:
        raise SourceError(f"{name} {error}") from None
    if not isinstance(root, dict) or not ("openapi" in root or "swagger" in root):
        raise SourceError(f"{name} is no OpenAPI document: it has no 'openapi' version")
    version = str(root.get("openapi") or root.get("swagger"))
    if version.startswith("2.") and "openapi" not in root:
        root, version = converted(root), "3.0"
    if not re.match(r"3\.[0-2](?:\.|$)", version):
        raise SourceError(f"{name} is of OpenAPI {version}; this program reads 2.0, 3.0 and 3.1")
    if not isinstance(root.get("paths", {}), dict):
        raise SourceError(f"{name}: paths should be an object")
    return root, References(root, uri)


def shown(uri: str) -> str:
    """The address for people: a file's path, a URL without user, password and query."""
    url = urlsplit(uri)
    if url.scheme == "file":
        return unquote(url.path)
    return f"{url.scheme}://{url.netloc.rpartition('@')[2]}{url.path}"
