"""An OpenAPI document from a file or URL: fetched, parsed to plain JSON data, references followed.

References are resolved by `referencing` (https://referencing.readthedocs.io), YAML is read by
PyYAML's C parser with the types of JSON only: a date, `on` or `0123` stays the text it is.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import httpx2
import yaml
from referencing import Registry, Resource, Specification
from referencing.exceptions import NoSuchResource, Unresolvable

from engine.intents.source import SourceError

# The largest document in the public collections (Microsoft Graph, 22,000 operations) has 32 MB.
MAX_BYTES = 64 * 2**20
# Nesting and nodes that a YAML file may have, aliases written out: "billion laughs" has 10^9.
MAX_DEPTH = 200
MAX_NODES = 10_000_000
MAX_FILES = 500
MAX_HOPS = 20
FETCH_TIMEOUT_S = 20.0


def locate(document: str, folder: Path) -> str:
    """The document's address: `document` if it is a URL, else the file's, relative to `folder`."""
    if document.startswith(("http://", "https://")):
        return document
    return (folder / Path(document).expanduser()).resolve().as_uri()


def read_bytes(uri: str) -> bytes:
    """The bytes behind a `file:` or `http(s):` address. Raises `SourceError`."""
    if uri.startswith("file:"):
        path = Path(unquote(urlsplit(uri).path))
        try:
            if path.stat().st_size > MAX_BYTES:
                raise SourceError(f"{path} is larger than {MAX_BYTES >> 20} MiB")
            return path.read_bytes()
        except OSError as error:
            raise SourceError(f"{path} cannot be read: {error.strerror}") from None
    return _fetch(uri)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _fetch(url: str) -> bytes:
    """A document over HTTP. Redirects stay on the host, as those of calls do."""
    try:
        with httpx2.Client(timeout=FETCH_TIMEOUT_S) as client:
            for _ in range(5):
                with client.stream("GET", url) as response:
                    if response.is_redirect:
                        url = _same_host(url, response.headers.get("location", ""))
                        continue
                    if not response.is_success:
                        raise SourceError(f"{url} answers {response.status_code}")
                    data = bytearray()
                    for part in response.iter_bytes():
                        data += part
                        if len(data) > MAX_BYTES:
                            raise SourceError(f"{url} is larger than {MAX_BYTES >> 20} MiB")
                    return bytes(data)
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        # A malformed address, or one that it redirects to, is a ValueError of several kinds.
        raise SourceError(
            f"{url} cannot be fetched: {error or type(error).__name__}",
            unreachable=isinstance(error, httpx2.TransportError),
        ) from None
    raise SourceError(f"{url} redirects without end")


def _same_host(url: str, location: str) -> str:
    target = urljoin(url, location)
    old, new = urlsplit(url), urlsplit(target)
    if old.hostname != new.hostname or (old.scheme, new.scheme) == ("https", "http"):
        raise SourceError(f"{url} has moved to {target}: name that address instead")
    return target


def parse(data: bytes) -> Any:
    """JSON or YAML → plain JSON data with text for keys. Pure. Raises `ValueError`, in words."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    fault = ""
    if data.lstrip()[:1] in (b"{", b"["):
        try:
            return json.loads(data, parse_constant=_refuse)
        except RecursionError:
            raise ValueError("is nested too deeply") from None
        except ValueError as error:
            fault = f"is not valid JSON: {error}"
    try:
        _check_depth(data)
        return _plain(yaml.load(data, Loader=_Loader))
    except (yaml.YAMLError, UnicodeDecodeError, TypeError) as error:
        said = " ".join(str(error).split())[:200]
        raise ValueError(fault or f"is not valid YAML: {said}") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number")


def _check_depth(data: bytes) -> None:
    """PyYAML's C loader recurses: a file of "[[[[…" would end the process, not raise."""
    depth = 0
    for event in yaml.parse(data, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError("is nested too deeply")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Loader(yaml.CSafeLoader):
    """Scalars by the JSON schema of YAML 1.2, less what looks like a number but is an identifier
    (leading zeros)."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's own name)


def _float(loader: yaml.CSafeLoader, node: yaml.ScalarNode) -> float | str:
    number = float(node.value)
    return number if math.isfinite(number) else str(node.value)


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    (
        "float",
        r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?",
        list("-+.0123456789"),
    ),
    ("merge", "<<", ["<"]),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first
    )
_Loader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value))
_Loader.add_constructor("tag:yaml.org,2002:float", _float)


def _plain(root: Any) -> Any:
    """What YAML gave as JSON data. Raises `ValueError` where aliases make it endless or huge."""
    sizes: dict[int, int] = {}
    made: dict[int, Any] = {}
    open_: set[int] = set()

    def visit(value: Any) -> tuple[Any, int]:
        if value is None or isinstance(value, str | int | float):
            return value, 1
        if not isinstance(value, dict | list):
            return str(value), 1
        mark = id(value)
        if mark in made:
            return made[mark], sizes[mark]
        if mark in open_:
            raise ValueError("has an alias that contains itself")
        open_.add(mark)
        size = 1
        new: Any = {} if isinstance(value, dict) else []
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for name, item in pairs:
            plain, count = visit(item)
            size += count
            if isinstance(new, dict):
                new[_key(name)] = plain
            else:
                new.append(plain)
        if size > MAX_NODES:
            raise ValueError("is too large once its aliases are written out")
        open_.discard(mark)
        made[mark], sizes[mark] = new, size
        return new, size

    return visit(root)[0]


def _key(name: Any) -> str:
    if isinstance(name, bool):
        return "true" if name else "false"
    return "null" if name is None else str(name)


class References:
    """Follows `$ref` through one document and the files beside it.

    A document from a file may refer to files in its folder or the catalogue's, one from a URL to
    its own host. `beside` has the digest of each other file, "" where it could not be read.
    """

    def __init__(self, root: Any, uri: str, folder: Path) -> None:
        self.uri = uri
        self.beside: dict[str, str] = {}
        self._folders = (folder.resolve(), Path(unquote(urlsplit(uri).path)).parent)
        self._files: dict[str, Resource[Any]] = {uri: _opaque(root)}
        self._found: dict[str, Any] = {}
        registry: Registry[Any] = Registry(retrieve=self._retrieve)  # type: ignore[call-arg]
        self._resolver = registry.with_resource(uri, self._files[uri]).resolver(uri)

    def follow(self, ref: str, base: str) -> tuple[Any, str, str]:
        """What `ref`, seen in the file `base`, points to, the file that has it, and its address.

        References to references are followed. Raises `Unresolvable`.
        """
        for _ in range(MAX_HOPS):
            address = base + ref if ref.startswith("#") else urljoin(base, ref)
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
        here, there = urlsplit(self.uri), urlsplit(uri)
        if here.scheme == "file" and there.scheme == "file":
            path = Path(unquote(there.path)).resolve()
            return any(path.is_relative_to(folder) for folder in self._folders)
        return here.scheme != "file" and (here.scheme, here.netloc) == (there.scheme, there.netloc)


def _opaque(contents: Any) -> Resource[Any]:
    return Specification.OPAQUE.create_resource(contents)


def from_bytes(data: bytes, uri: str, folder: Path) -> tuple[dict[str, Any], References]:
    """The document of `data`, checked for what it says it is. Raises `SourceError`."""
    name = shown(uri)
    try:
        root = parse(data)
    except ValueError as error:
        raise SourceError(f"{name} {error}") from None
    if not isinstance(root, dict) or not ("openapi" in root or "swagger" in root):
        raise SourceError(f"{name} is no OpenAPI document: it has no 'openapi' version")
    version = str(root.get("openapi") or root.get("swagger"))
    if not re.match(r"3\.[0-2](?:\.|$)", version):
        raise SourceError(
            f"{name} is of OpenAPI {version}; this program reads 3.0 and 3.1 (convert it first)"
        )
    if not isinstance(root.get("paths", {}), dict):
        raise SourceError(f"{name}: paths should be an object")
    return root, References(root, uri, folder)


def shown(uri: str) -> str:
    """The address for people: a file's path, a URL without user, password and query."""
    url = urlsplit(uri)
    if url.scheme == "file":
        return unquote(url.path)
    return f"{url.scheme}://{url.hostname}{f':{url.port}' if url.port else ''}{url.path}"
