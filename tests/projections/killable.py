"""A database of a test's own, to be killed and set back as the shared one must not be."""

import shutil
from pathlib import Path
from typing import Any, cast

from deploy.servers.mongo.server import Mongo
from tests.support.private import Private


class KillableMongo(Private):
    """The local stack's MongoDB-wire server, whichever that is."""

    def __init__(self, folder: Path) -> None:
        super().__init__(cast("Any", Mongo()), folder)
        self._data, self._copy = folder / "mongo", folder / "copy"

    def kill(self) -> None:
        """As a crash would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def remember(self) -> None:
        """Keep a copy of the data, for which it is restarted."""
        self.stop()
        shutil.rmtree(self._copy, ignore_errors=True)
        shutil.copytree(self._data, self._copy)
        self.start()

    def forget(self) -> None:
        """Crash, and come back with the data as remembered: all that was written since is lost."""
        self.kill()
        shutil.rmtree(self._data)
        shutil.copytree(self._copy, self._data)
        self.start()
