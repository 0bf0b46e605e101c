"""A store of its own for each test, and one finished run to copy from."""

import shutil
from pathlib import Path

import pytest

from explorer.store import Store
from explorer.work import work
from tests.training.small import small


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"), pretrained="")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    work(Store(str(folder), pretrained=""), small())
    return folder


@pytest.fixture
def finished(store: Store, trained: Path) -> Store:
    """A store in which `small()` is finished."""
    shutil.copytree(trained, store.url)
    return store
