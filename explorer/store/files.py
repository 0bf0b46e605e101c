"""Whole files at an fsspec URL: each is there in full or not at all."""

from __future__ import annotations

import errno
import os
import posixpath
import secrets
from contextlib import suppress
from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem

from explorer.errors import RunError
from explorer.words import N_

ASIDE = ".part"  # the end of a name that is still being written


class Files:
    """Files below one URL. Names are relative, with forward slashes."""

    def __init__(self, url: str) -> None:
        """Raises RunError when there is no file system for the URL."""
        try:
            self._fs, root = fsspec.core.url_to_fs(os.path.expanduser(url))
        except (ValueError, ImportError) as error:
            raise RunError(N_("The store “{url}” cannot be opened ({reason}): give a folder, or a "
                              "URL that fsspec knows."), url=url, reason=str(error)) from error
        self._root = root.rstrip("/")
        self._local = isinstance(self._fs, LocalFileSystem)
        self.url = url

    def read(self, name: str) -> bytes:
        """All of a file. Raises FileNotFoundError."""
        with suppress(NotADirectoryError, IsADirectoryError):
            data: bytes = self._fs.cat_file(self._path(name))
            return data
        raise FileNotFoundError(name)

    def write(self, name: str, data: bytes) -> None:
        """Put a file in place: written aside, then renamed, so that a kill leaves the old one or
        the new one. Raises RunError when the disk is full or the store cannot be written."""
        path = self._path(name)
        aside = f"{path}.{secrets.token_hex(4)}{ASIDE}"
        try:
            self._fs.makedirs(posixpath.dirname(path), exist_ok=True)
            try:
                self._put(aside, path, data)
            except BaseException:
                with suppress(OSError):
                    self._fs.rm_file(aside)
                raise
        except OSError as error:
            raise _refused(error, self.url) from error

    def _put(self, aside: str, path: str, data: bytes) -> None:
        if self._local:
            Path(aside).write_bytes(data)
            os.replace(aside, path)
        else:
            self._fs.pipe_file(aside, data)
            self._fs.mv(aside, path)

    def list(self, folder: str) -> dict[str, int]:
        """The names in a folder and their sizes in bytes (0 for a folder); empty if there is no
        such folder. What is still being written is left out."""
        self._fs.invalidate_cache()
        try:
            entries = self._fs.ls(self._path(folder), detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        found = {posixpath.basename(entry["name"].rstrip("/")): int(entry.get("size") or 0)
                 if entry["type"] == "file" else 0 for entry in entries}
        return {name: size for name, size in sorted(found.items()) if not name.endswith(ASIDE)}

    def exists(self, name: str) -> bool:
        self._fs.invalidate_cache()
        return bool(self._fs.exists(self._path(name)))

    def remove(self, name: str) -> None:
        """Remove a file, or a folder with all in it; nothing happens if there is none."""
        try:
            self._fs.rm(self._path(name), recursive=True)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise _refused(error, self.url) from error

    def sweep(self, folder: str) -> None:
        """Remove what a killed writer left half written in a folder."""
        for path in self._fs.glob(f"{self._path(folder)}/*{ASIDE}"):
            with suppress(FileNotFoundError):
                self._fs.rm_file(path)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"


def _refused(error: OSError, url: str) -> RunError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RunError(
            N_("The disk of the store “{url}” is full. All that was written before is kept: free "
               "some space or delete some runs, then train again to go on."), url=url)
    return RunError(
        N_("The store “{url}” cannot be written ({reason}): check that the folder may be written, "
           "or choose another one with --store."), url=url, reason=str(error))
