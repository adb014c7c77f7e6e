"""The Voila server: preheated kernels that are bounded in number and never older than the data.

Voila renders the page in a kernel before anybody asks for it, which makes the first byte a
matter of milliseconds, but would show last month's figures after a run. Here the published
results are compared with what the pool was heated with, at every visit and every few seconds.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.ioloop import IOLoop, PeriodicCallback
from traitlets import Float, Integer, Unicode
from voila.app import Voila
from voila.tornado.handler import TornadoVoilaHandler

from .published import fingerprint

Handler = tuple[Any, ...]


class BoundedKernels(AsyncMappingKernelManager):
    """Kernels of which those in the pool are not culled: they idle because they wait."""

    _pools: dict[str, list[asyncio.Task[dict[str, Any]]]]  # Voila, which mixes this class in

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """Cull a kernel that nobody looks at, unless it waits in the pool."""
        if kernel_id not in pooled(self):
            await super().cull_kernel_if_idle(kernel_id)  # type: ignore[no-untyped-call]

    async def settled(self) -> None:
        """Wait until no kernel is half started or half ended; such a one cannot be ended."""
        heating = [task for pool in self._pools.values() for task in pool]
        await asyncio.gather(*heating, return_exceptions=True)
        await asyncio.gather(*self._pending_kernels.values(), return_exceptions=True)


def pooled(kernels: Any) -> set[str]:
    """Ids of the kernels that are heated and wait for a visitor."""
    tasks = [task for pool in kernels._pools.values() for task in pool]
    heated = [task for task in tasks if task.done() and not has_failed(task)]
    return {str(task.result()["kernel_id"]) for task in heated}


def has_failed(task: asyncio.Task[Any]) -> bool:
    """Whether a kernel could not be heated."""
    return task.done() and (task.cancelled() or task.exception() is not None)


def is_forgotten(kernels: Any, kernel_id: str) -> bool:
    """Whether a kernel is idle, no page is connected to it, and it does not wait in the pool."""
    is_idle = getattr(kernels._kernels[kernel_id], "execution_state", "") == "idle"
    is_connected = bool(kernels._kernel_connections.get(kernel_id, 0))
    return is_idle and not is_connected and kernel_id not in pooled(kernels)


class FreshPage(TornadoVoilaHandler):  # type: ignore[misc]
    """The dashboard's page; looks for new results before it answers."""

    async def get(self, path: str | None = None) -> None:
        """Answer with a page that was heated with the published results."""
        server: FreshVoila = self.settings["voila"]
        self.xsrf_token  # noqa: B018 - sets the cookie without which a closed page cannot end its kernel
        if not path:
            server.refresh()
            if not await server.make_room():
                self.set_status(503)
                self.set_header("Retry-After", "60")
                self.finish(self.render_template("busy.html", language=server.language))
                return
        await super().get(path)


class FreshVoila(Voila):  # type: ignore[misc]
    """Voila with one notebook, a bounded number of kernels, and a pool that follows the data.

    Attributes:
        reports: The profile's folder of results, watched.
        most_kernels: Kernels at once, the pool's included; each holds about 200 MB.
        look_every: Seconds between two looks at the results when nobody visits.
        language: Language of the pages that have no kernel.
        announce: Called once the server listens.
    """

    reports = Unicode(config=True)
    most_kernels = Integer(24, config=True)
    look_every = Float(2.0, config=True)
    language = Unicode("zh", config=True)
    announce: Callable[[], None] = staticmethod(lambda: None)

    def init_settings(self) -> dict[str, Any]:
        """Voila's settings, with the host header checked while it serves this machine only."""
        self._heated_with = fingerprint(Path(self.reports), with_states=True)
        self._ending: set[asyncio.Future[None]] = set()
        settings: dict[str, Any] = super().init_settings()
        settings["allow_remote_access"] = not is_loopback(self.ip)
        settings["jinja2_env"] = settings["voila_jinja2_env"]  # our login and error pages
        return settings

    def init_handlers(self) -> list[Handler]:
        """Voila's handlers, with our page in place of its own."""
        handlers: list[Handler] = super().init_handlers()
        return [
            (rule[0], FreshPage, *rule[2:]) if rule[1] is TornadoVoilaHandler else rule
            for rule in handlers
        ]

    def listen(self) -> None:
        """Listen until stopped, looking for new results all the while."""
        self._watch = PeriodicCallback(self.refresh, self.look_every * 1000)
        self._watch.start()
        IOLoop.current().add_callback(self.announce)
        super().listen()

    def stop(self) -> None:
        """End all kernels, also one that is only just being started, and start no other."""
        self._watch.stop()
        self.ioloop.run_sync(self.kernel_manager.settled)
        super().stop()

    def refresh(self) -> None:
        """Heat the pool anew if results were published since it was heated; else keep it full."""
        now = fingerprint(Path(self.reports), with_states=True)
        pool = self.kernel_manager._pools.setdefault(self.kernel_manager.notebook_path, [])
        stale = [task for task in pool if now != self._heated_with or has_failed(task)]
        pool[:] = [task for task in pool if task not in stale]
        self._heated_with = now
        for task in stale:
            self._ending.add(ending := asyncio.ensure_future(self._retire(task)))
            ending.add_done_callback(self._ending.discard)
        self.kernel_manager.fill_if_needed(delay=0, notebook_name=self.kernel_manager.notebook_path)

    async def make_room(self) -> bool:
        """Whether one more page can be opened; ends the longest forgotten one if need be."""
        kernels = self.kernel_manager
        if len(kernels.list_kernel_ids()) < self.most_kernels:
            return True
        forgotten = [i for i in kernels.list_kernel_ids() if is_forgotten(kernels, i)]
        if forgotten:
            oldest = min(forgotten, key=lambda i: kernels._kernels[i].last_activity)
            await kernels.shutdown_kernel(oldest)
        return bool(forgotten)

    async def _retire(self, task: asyncio.Task[dict[str, Any]]) -> None:
        try:
            kernel_id = (await task)["kernel_id"]
            await self.kernel_manager.shutdown_kernel(kernel_id)
        except Exception as fault:  # noqa: BLE001 - a kernel that cannot end must not end the server
            self.log.warning("A kernel of the old pool could not be ended: %s", fault)


def is_loopback(host: str) -> bool:
    """Whether an address is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
