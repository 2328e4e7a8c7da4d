"""A small Hugging Face Hub: as much of its HTTP API as is asked for here, by the real client.

Repositories with commits, pull requests, large files behind another host, tokens with roles. It
remembers every request, and lies where it is told to.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

WRITER, READER = "hf_WriterWriterWriter0123456789", "hf_ReaderReaderReader0123456789"
ANSWER = tuple[int, dict[str, str], bytes]


@dataclass
class Repository:
    private: bool = False
    gated: bool = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    large: set[str] = field(default_factory=set)

    def commit(self, files: dict[str, bytes], ref: str = "main") -> str:
        """Adds files to a branch; gives the new commit."""
        whole = {**self.commits.get(self.refs.get(ref, ""), {}), **files}
        sha = hashlib.sha1(repr((ref, len(self.commits), sorted(whole))).encode()).hexdigest()
        self.commits[sha] = whole
        self.refs[ref] = sha
        return sha

    def at(self, revision: str) -> str | None:
        revision = unquote(revision)
        return revision if revision in self.commits else self.refs.get(revision)


class FakeHub:
    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.blobs: dict[str, bytes] = {}
        self.accounts = {WRITER: ("ada", "write", ["lab"]), READER: ("bob", "read", [])}
        self.requests: list[tuple[str, str, str]] = []
        self.elsewhere: list[tuple[str, str, str]] = []
        self.large_from = 200
        self.fault: Callable[[str, str], ANSWER | None] = lambda method, path: None
        self.send: Callable[[str, bytes], bytes] = lambda name, data: data
        self._servers = [ThreadingHTTPServer(("127.0.0.1", 0), self._handler(k)) for k in (0, 1)]
        for server in self._servers:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        self.endpoint, self.storage = (
            f"http://127.0.0.1:{server.server_address[1]}" for server in self._servers
        )

    def close(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def add(self, name: str, kind: str = "model", **files: bytes) -> Repository:
        repository = self.repositories.setdefault((kind, name), Repository())
        repository.commit(files)
        return repository

    def _handler(self, number: int) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: Any) -> None:
                pass

            def _go(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                if self.headers.get("Transfer-Encoding") == "chunked":
                    while size := int(self.rfile.readline(), 16):
                        body += self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                token = self.headers.get("Authorization", "").removeprefix("Bearer ")
                log = (hub.requests, hub.elsewhere)[number]
                log.append((self.command, self.path, token))
                given = hub.fault(self.command, self.path) or (
                    hub.store(self.command, self.path, body)
                    if number
                    else hub.answer(self.command, self.path, body, token)
                )
                status, headers, data = given
                whole = len(data)
                start = self.headers.get("Range", "").removeprefix("bytes=").partition("-")[0]
                if status == 200 and self.command == "GET" and start.isdigit():
                    data, status = data[int(start) :], 206
                    headers["Content-Range"] = f"bytes {start}-{whole - 1}/{whole}"
                    headers["Content-Length"] = str(len(data))
                self.send_response(status)
                for key, value in {"Content-Length": str(len(data)), **headers}.items():
                    self.send_header(key, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)
                if int(headers.get("Content-Length", len(data))) != len(data):
                    self.close_connection = True

            do_GET = do_HEAD = do_POST = do_PUT = _go  # noqa: N815

        return Handler

    def store(self, method: str, path: str, body: bytes) -> ANSWER:
        """The other host, which holds large files."""
        sha = path.rpartition("/")[2]
        if method == "PUT":
            self.blobs[sha] = body
            return 200, {}, b""
        data = self.send(sha, self.blobs[sha])
        return 200, {"Content-Length": str(len(self.blobs[sha])), "Accept-Ranges": "bytes"}, data

    def answer(self, method: str, path: str, body: bytes, token: str) -> ANSWER:
        address = urlsplit(path)
        parts = [unquote(part) for part in address.path.strip("/").split("/")]
        query = {key: values[0] for key, values in parse_qs(address.query).items()}
        if parts[:2] == ["api", "whoami-v2"]:
            return self._whoami(token)
        if token and token not in self.accounts:
            return told(401, "Invalid credentials in Authorization header")
        if parts[:2] == ["api", "validate-yaml"]:
            return as_json({"errors": [], "warnings": []})
        if parts[:3] == ["api", "repos", "create"]:
            return self._create(json.loads(body), token)
        kind = "dataset" if "datasets" in parts[:2] else "model"
        api = parts[0] == "api"
        rest = parts[2:] if api else parts[1:] if kind == "dataset" else parts
        name, rest = "/".join(rest[:2]).removesuffix(".git"), rest[2:]
        repository = self.repositories.get((kind, name))
        if repository is None or (repository.private and not token):
            return told(401 if not token else 404, "Repository not found", "RepoNotFound")
        if repository.gated:
            return told(403, "Access to it is restricted", "GatedRepo")
        if method in ("POST", "PUT") and not self._writes(token, name, query, rest):
            return told(403, "You don't have the rights to write here")
        if rest[:1] == ["resolve"]:
            return self._resolve(repository, rest[1], "/".join(rest[2:]))
        if rest[:1] == ["preupload"]:
            held = repository.commits[repository.refs["main"]]
            files = [
                {
                    "path": one["path"],
                    "oid": self._digest(held.get(one["path"])),
                    "uploadMode": "lfs" if one["size"] >= self.large_from else "regular",
                    "shouldIgnore": False,
                }
                for one in json.loads(body)["files"]
            ]
            return as_json({"files": files})
        if rest[-1:] == ["batch"]:
            return self._batch(json.loads(body))
        if rest[:1] == ["commit"]:
            return self._commit(repository, (kind, name), rest[1], body, query, token)
        if rest[:1] == ["paths-info"]:
            return self._paths(repository, rest[1], parse_qs(body.decode()).get("paths", []))
        if rest[:1] == ["discussions"]:
            found = repository.pulls
            return as_json({"count": len(found), "start": 0, "discussions": found})
        return self._info(repository, name, rest[1] if rest[:1] == ["revision"] else "main")

    def _whoami(self, token: str) -> ANSWER:
        if token not in self.accounts:
            return told(401, "Invalid username or password.")
        name, role, orgs = self.accounts[token]
        return as_json(
            {
                "type": "user",
                "name": name,
                "orgs": [{"name": org, "roleInOrg": "write"} for org in orgs],
                "auth": {"type": "access_token", "accessToken": {"role": role}},
            }
        )

    def _writes(self, token: str, name: str, query: dict[str, str], rest: list[str]) -> bool:
        if rest[:1] == ["paths-info"]:
            return True
        owner, role, orgs = self.accounts.get(token, ("", "read", []))
        may = name.partition("/")[0] in (owner, *orgs) or "create_pr" in query
        return role == "write" and (may or rest[-1:] == ["batch"])

    def _create(self, wanted: dict[str, Any], token: str) -> ANSWER:
        owner, role, orgs = self.accounts.get(token, ("", "read", []))
        where = wanted.get("organization") or owner
        if role != "write" or where not in (owner, *orgs):
            return told(403, f"You don't have the rights to create in {where}")
        key = wanted.get("type", "model"), f"{where}/{wanted['name']}"
        if key in self.repositories:
            return told(409, "You already created this repo")
        hidden = wanted.get("visibility") == "private" or bool(wanted.get("private"))
        made = self.repositories[key] = Repository(private=hidden)
        made.commit({".gitattributes": b""})
        return as_json({"url": f"{self.endpoint}/{key[1]}"})

    def _info(self, repository: Repository, name: str, revision: str) -> ANSWER:
        sha = repository.at(revision)
        if sha is None:
            return told(404, "Invalid rev id", "RevisionNotFound")
        siblings = []
        for file, data in repository.commits[sha].items():
            entry: dict[str, Any] = {"rfilename": file, "size": len(data), "blobId": git(data)}
            if self._is_large(file, data):
                lfs = {"size": len(data), "sha256": sha256(data), "pointerSize": 130}
                entry |= {"lfs": lfs, "blobId": git(sha256(data).encode())}
            siblings.append(entry)
        about = {"id": name, "sha": sha, "private": repository.private, "siblings": siblings}
        return as_json({**about, "tags": [], "downloads": 0, "likes": 0})

    def _is_large(self, name: str, data: bytes) -> bool:
        return len(data) >= self.large_from

    def _digest(self, data: bytes | None) -> str | None:
        if data is None:
            return None
        return sha256(data) if len(data) >= self.large_from else git(data)

    def _resolve(self, repository: Repository, revision: str, name: str) -> ANSWER:
        sha = repository.at(revision)
        if sha is None:
            return told(404, "Invalid rev id", "RevisionNotFound")
        data = repository.commits[sha].get(name)
        if data is None:
            return told(404, "Entry not found", "EntryNotFound", {"X-Repo-Commit": sha})
        headers = {"X-Repo-Commit": sha, "Accept-Ranges": "bytes"}
        if self._is_large(name, data):
            self.blobs[sha256(data)] = data
            return (
                302,
                {
                    **headers,
                    "Location": f"{self.storage}/blobs/{sha256(data)}",
                    "X-Linked-Etag": f'"{sha256(data)}"',
                    "X-Linked-Size": str(len(data)),
                },
                b"",
            )
        etag = {"ETag": f'"{git(data)}"', "Content-Length": str(len(data))}
        return 200, {**headers, **etag}, self.send(name, data)

    def _batch(self, wanted: dict[str, Any]) -> ANSWER:
        objects = []
        for one in wanted["objects"]:
            upload = {"href": f"{self.storage}/blobs/{one['oid']}", "header": {}}
            held = one["oid"] in self.blobs
            objects.append({**one, **({} if held else {"actions": {"upload": upload}})})
        return as_json({"transfer": "basic", "objects": objects})

    def _paths(self, repository: Repository, revision: str, paths: list[str]) -> ANSWER:
        sha = repository.at(revision)
        if sha is None:
            return told(404, "Invalid rev id", "RevisionNotFound")
        files = repository.commits[sha]
        entries = []
        for path in (path for path in paths if path in files):
            data = files[path]
            entry = {"type": "file", "path": path, "size": len(data), "oid": git(data)}
            if self._is_large(path, data):
                entry["lfs"] = {"size": len(data), "oid": sha256(data), "pointerSize": 130}
            entries.append(entry)
        return as_json(entries)

    def _commit(
        self,
        repository: Repository,
        key: tuple[str, str],
        branch: str,
        body: bytes,
        query: dict[str, str],
        token: str,
    ) -> ANSWER:
        lines = [json.loads(line) for line in body.splitlines()]
        head = lines[0]["value"]
        if head.get("parentCommit") not in (None, repository.refs.get(branch)):
            return told(412, "A commit has happened since")
        files = {}
        for line in lines[1:]:
            value = line["value"]
            large = line["key"] == "lfsFile"
            files[value["path"]] = (
                self.blobs[value["oid"]] if large else base64.b64decode(value["content"])
            )
        page = f"{self.endpoint}/{'datasets/' if key[0] == 'dataset' else ''}{key[1]}"
        answer: dict[str, Any] = {}
        if "create_pr" in query:
            number = len(repository.pulls) + 1
            ref = f"refs/pr/{number}"
            repository.refs[ref] = repository.refs[branch]
            branch = ref
            repository.pulls.append(
                {
                    "num": number,
                    "title": head["summary"],
                    "author": {"name": self.accounts[token][0]},
                    "createdAt": "2026-01-01T00:00:00.000Z",
                    "status": "open",
                    "repo": {"name": key[1], "type": key[0]},
                    "isPullRequest": True,
                }
            )
            answer["pullRequestUrl"] = f"{page}/discussions/{number}"
        sha = repository.commit(files, branch)
        return as_json({"commitUrl": f"{page}/commit/{sha}", "commitOid": sha, **answer})


def as_json(value: Any) -> ANSWER:
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()


def told(status: int, message: str, code: str = "", more: dict[str, str] | None = None) -> ANSWER:
    """An error as the Hub tells it."""
    headers = {"Content-Type": "application/json", "X-Error-Message": message, **(more or {})}
    if code:
        headers["X-Error-Code"] = code
    return status, headers, json.dumps({"error": message}).encode()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def git(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
