"""The load, a program of its own: POSTs at a set rate, whatever the answers; what was accepted goes to a file.

    python load.py URL RATE FILE

Requests start when they are due and not when others have ended, so a service that hangs is asked on. Only a 201 counts;
whatever else comes of a request, another one is sent for it later, so that the service catches up when it is back. A
line of the file is `<unix time of the 201> <id>`. SIGTERM ends it; it prints `{"accepted", "refused", "seconds"}`,
`refused` by status or error.
"""

import asyncio
import json
import os
import signal
import sys
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp

TICK = 0.01
"""Seconds between two looks at what is due."""
CATCHING_UP = 1.3
"""How much faster than its rate it goes at most, to make up for what was refused."""
PATIENCE = 5.0
"""Seconds to wait for an answer."""
BREATH = 0.5
"""Seconds until another request is sent for one that was refused."""
TYPES = ("email", "sms", "push")


class Load:
    """What was asked for and what was answered so far."""

    def __init__(self, url: str, rate: float, accepted: Path) -> None:
        self.url, self.rate = url, rate
        self.accepted = 0
        self.refused: Counter[str] = Counter()
        self._name = uuid.uuid4().hex[:8]
        self._number = 0
        self._waiting = 0
        self._file = os.open(accepted, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o644)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, stopping: asyncio.Event) -> dict[str, Any]:
        began = before = time.monotonic()
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(PATIENCE)
        ) as session:
            while not stopping.is_set():
                now = time.monotonic()
                due = self.rate * (now - began) - self.accepted - self._waiting
                most = self.rate * CATCHING_UP * (now - before) + 1
                before = now
                for _ in range(int(min(due, most))):
                    self._send(session)
                await asyncio.sleep(TICK)
            seconds = time.monotonic() - began
            await asyncio.gather(*self._tasks)
        return {"accepted": self.accepted, "refused": dict(self.refused), "seconds": seconds}

    def _send(self, session: aiohttp.ClientSession) -> None:
        self._waiting += 1
        task = asyncio.create_task(self._post(session))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _post(self, session: aiohttp.ClientSession) -> None:
        try:
            async with session.post(self.url, json=self._body()) as response:
                answer = await response.read()
                status = response.status
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            await self._refuse(type(error).__name__)
            return
        if status != 201:
            await self._refuse(str(status))
            return
        os.write(self._file, f"{time.time():.3f} {json.loads(answer)['id']}\n".encode())
        self.accepted += 1
        self._waiting -= 1

    async def _refuse(self, why: str) -> None:
        self.refused[why] += 1
        await asyncio.sleep(BREATH)
        self._waiting -= 1

    def _body(self) -> dict[str, Any]:
        self._number += 1
        name = f"{self._name}-{self._number}"
        kind = TYPES[self._number % len(TYPES)]
        return {"type": kind, "recipient": f"{name}@example.org", "message": f"Your parcel {name} is on its way."}


async def main(url: str, rate: str, accepted: str) -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    told = await Load(url, float(rate), Path(accepted)).run(stopping)
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
