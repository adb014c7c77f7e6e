"""How the dashboard's server is set up, bounded and kept fresh, without starting it."""

from __future__ import annotations

import asyncio
import os
import re
import socket
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from voila.exporter import VoilaExporter
from voila.paths import collect_template_paths

from analysis.dashboard import serve as serving
from analysis.dashboard.home import free_port, private_home, register_kernel
from analysis.dashboard.pool import BoundedKernels, FreshVoila, has_failed, is_loopback, pooled
from analysis.dashboard.published import fingerprint
from analysis.errors import CoverageError, ParamsError, RunError
from analysis.pipeline.kernels import environment
from small_profile import MINIMAL

TOKEN = "a-token-that-is-long-enough"


# ---- who may visit ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "ours"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("127.9.9.9", True),
     ("0.0.0.0", False), ("::", False), ("192.168.1.5", False), ("dashboard.example", False),
     ("", False)],
)  # fmt: skip
def test_only_addresses_of_this_machine_need_no_token(host: str, ours: bool) -> None:
    assert is_loopback(host) is ours
    assert (serving.token_for(host, {}) == "") is ours


def test_the_token_of_the_environment_is_taken_and_holds_on_loopback_too() -> None:
    assert serving.token_for("0.0.0.0", {"TIERLAB_TOKEN": TOKEN}) == TOKEN
    assert serving.token_for("127.0.0.1", {"TIERLAB_TOKEN": TOKEN}) == TOKEN
    assert serving.token_for("0.0.0.0", {}) != serving.token_for("0.0.0.0", {})


def test_a_short_token_is_refused() -> None:
    with pytest.raises(ParamsError, match="too short"):
        serving.token_for("0.0.0.0", {"TIERLAB_TOKEN": "1234"})


def test_the_address_can_be_opened_and_carries_the_token_only_where_there_is_one() -> None:
    assert serving.address("127.0.0.1", 8866, "") == "http://127.0.0.1:8866/"
    assert serving.address("::1", 8866, "") == "http://[::1]:8866/"
    everywhere = serving.address("0.0.0.0", 8866, TOKEN)
    assert everywhere == f"http://{socket.gethostname()}:8866/?token={TOKEN}"


# ---- where it listens ------------------------------------------------------------------------


def test_a_port_that_is_taken_is_told_and_never_swapped() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        with pytest.raises(RunError, match="cannot listen"):
            free_port("127.0.0.1", held.getsockname()[1], 8866)


def test_without_a_port_the_first_free_one_is_taken() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        first = held.getsockname()[1]
        assert first < free_port("127.0.0.1", None, first) <= first + 50


def test_serving_without_results_ends_with_one_sentence(tmp_path: Path) -> None:
    profile = tmp_path / "params" / "small.yaml"
    profile.parent.mkdir()
    profile.write_text(MINIMAL, encoding="utf-8")
    with pytest.raises(CoverageError, match="no results yet"):
        serving.serve(profile, out=tmp_path / "elsewhere")


# ---- what is served --------------------------------------------------------------------------


def test_settings_let_nothing_be_overridden_and_nothing_in_from_outside(tmp_path: Path) -> None:
    made = serving.configured(tmp_path, tmp_path / "page" / "d.ipynb", "127.0.0.1", 1, "", "zh")
    voila = made.VoilaConfiguration
    assert (voila.allow_template_override, voila.allow_theme_override) == ("NO", "NO")
    assert voila.preheat_kernel
    assert not voila.show_tracebacks
    assert "file_allowlist" not in voila, "the default: pictures only"
    assert made.FreshVoila.config_file_paths == []
    assert made.FreshVoila.root_dir == str(tmp_path / "page"), "nothing else lies there"
    assert made.MappingKernelManager.cull_idle_timeout > 0
    assert "http" not in serving.CONTENT_POLICY
    assert "unsafe-eval" not in serving.CONTENT_POLICY


def test_no_page_names_an_outside_address() -> None:
    for page in serving.PAGE.glob("*.j2"):
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"(https?:)?//[a-z]", re.sub(r"//.*?\*/", "", text)), page.name


def test_the_notebook_gets_exactly_the_parameters_it_has(tmp_path: Path) -> None:
    given = {"profile": "p.yaml", "out": "", "language": "en", "watch_seconds": 5.0}
    placed = serving.place_notebook(tmp_path, given, "Company")
    written = nbformat.read(placed, as_version=4)
    ours = nbformat.read(serving.NOTEBOOK, as_version=4)
    parameters = next(c for c in ours.cells if "parameters" in c.metadata.get("tags", ()))
    names = re.findall(r"^(\w+) = ", parameters.source, flags=re.MULTILINE)
    assert sorted(names) == sorted(given)
    assert written.cells[0].source == (
        "profile = 'p.yaml'\nout = ''\nlanguage = 'en'\nwatch_seconds = 5.0"
    )
    assert all(cell.cell_type == "code" for cell in written.cells)


def test_the_home_is_ours_alone_and_is_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_PATH", "/somewhere")
    register_kernel(tmp_path / "data")
    with environment(private_home(tmp_path)):
        specs = KernelSpecManager(ensure_native_kernel=False).get_all_specs()
        assert specs["python3"]["spec"]["display_name"] == "tierlab"
        assert specs["python3"]["resource_dir"].startswith(str(tmp_path))
    assert os.environ["JUPYTER_PATH"] == "/somewhere"


def test_a_cell_that_failed_shows_one_calm_sentence(tmp_path: Path) -> None:
    serving.place_page(tmp_path)
    fault = nbformat.v4.new_output(
        "error", ename="KeyError", evalue="secret", traceback=["Traceback of secrets"]
    )
    cell = nbformat.v4.new_code_cell("1 / 0", outputs=[fault])
    notebook = nbformat.v4.new_notebook(cells=[cell])
    with environment(private_home(tmp_path)):
        page = asyncio.run(rendered(notebook))
    assert "看板暂时无法显示" in page
    assert "The dashboard cannot be shown right now" in page
    assert "secret" not in page
    assert not re.findall(r"https?://[^\s\"'<]+", page), "the page names nobody outside"


async def rendered(notebook: nbformat.NotebookNode) -> str:
    """The page of an executed notebook, as Voila makes it."""

    async def kernel_start(_: object) -> str:
        return "kernel"

    async def cells(notebook: nbformat.NotebookNode, _: str) -> Any:
        for cell in notebook.cells:
            yield cell

    paths = collect_template_paths(["voila", "nbconvert"], serving.TEMPLATE, prune=True)
    exporter = VoilaExporter(template_paths=paths, template_name=serving.TEMPLATE, base_url="/")
    exporter.exclude_input = True
    made = exporter.generate_from_notebook_node(
        notebook,
        resources={"base_url": "/", "theme": "light", "metadata": {"name": "dashboard"}},
        extra_context={
            "frontend": "voila",
            "main_js": "voila.js",
            "kernel_start": kernel_start,
            "cell_generator": cells,
        },
        page_config={"fullStaticUrl": "/voila/static"},
    )
    return "".join([piece async for piece, _ in made])


# ---- the pool --------------------------------------------------------------------------------


class Kernels:
    """As much of Voila's kernel manager as the pool touches."""

    def __init__(self, ids: dict[str, timedelta], pool: list[Any], connected: set[str]) -> None:
        now = datetime(2026, 11, 1)
        self._kernels = {
            i: SimpleNamespace(last_activity=now - age, execution_state="idle")
            for i, age in ids.items()
        }
        self._pools = {"dashboard.ipynb": pool}
        self._kernel_connections = dict.fromkeys(connected, 1)
        self.notebook_path = "dashboard.ipynb"
        self.ended: list[str] = []
        self.filled = 0

    def list_kernel_ids(self) -> list[str]:
        return list(self._kernels)

    async def shutdown_kernel(self, kernel_id: str) -> None:
        self.ended.append(kernel_id)
        self._kernels.pop(kernel_id, None)

    def fill_if_needed(self, *, delay: float, notebook_name: str) -> None:
        self.filled += 1


async def heated(kernel_id: str) -> dict[str, str]:
    return {"kernel_id": kernel_id}


async def broken() -> dict[str, str]:
    raise RuntimeError("no kernel")


def server(kernels: Kernels, reports: Path, most: int = 3) -> Any:
    made: Any = FreshVoila()
    made.kernel_manager, made.reports, made.most_kernels = kernels, str(reports), most
    made._heated_with, made._ending = fingerprint(reports, with_states=True), set()
    return made


def test_new_results_end_the_heated_kernels_and_only_those(tmp_path: Path) -> None:
    async def scene() -> Kernels:
        waiting = asyncio.ensure_future(heated("waiting"))
        await asyncio.sleep(0)
        kernels = Kernels({"waiting": timedelta(), "open": timedelta()}, [waiting], {"open"})
        ours = server(kernels, tmp_path)
        ours.refresh()
        assert kernels._pools["dashboard.ipynb"] == [waiting]
        (tmp_path / "2026-11").mkdir()
        (tmp_path / "2026-11" / "summary.json").write_text("{}")
        ours.refresh()
        assert kernels._pools["dashboard.ipynb"] == []
        await asyncio.sleep(0.01)
        return kernels

    kernels = asyncio.run(scene())
    assert kernels.ended == ["waiting"]
    assert kernels.filled == 2


def test_a_kernel_that_could_not_be_heated_is_replaced(tmp_path: Path) -> None:
    async def scene() -> Kernels:
        failed = asyncio.ensure_future(broken())
        await asyncio.sleep(0)
        assert has_failed(failed)
        kernels = Kernels({}, [failed], set())
        server(kernels, tmp_path).refresh()
        await asyncio.sleep(0.01)
        return kernels

    kernels = asyncio.run(scene())
    assert kernels._pools["dashboard.ipynb"] == []
    assert kernels.filled == 1


def test_when_full_the_longest_forgotten_page_makes_room(tmp_path: Path) -> None:
    ages = {"new": timedelta(minutes=1), "old": timedelta(minutes=9), "seen": timedelta(hours=9)}
    kernels = Kernels(ages, [], {"seen"})
    assert asyncio.run(server(kernels, tmp_path, most=4).make_room())
    assert kernels.ended == []
    assert asyncio.run(server(kernels, tmp_path, most=3).make_room())
    assert kernels.ended == ["old"]


def test_when_everybody_is_looking_the_next_visitor_is_asked_to_wait(tmp_path: Path) -> None:
    kernels = Kernels({"a": timedelta(), "b": timedelta()}, [], {"a", "b"})
    assert not asyncio.run(server(kernels, tmp_path, most=2).make_room())
    assert kernels.ended == []


def test_kernels_that_wait_in_the_pool_are_not_culled(monkeypatch: pytest.MonkeyPatch) -> None:
    culled: list[str] = []

    async def cull(_: object, kernel_id: str) -> None:
        culled.append(kernel_id)

    base = BoundedKernels.__mro__[1]
    monkeypatch.setattr(base, "cull_kernel_if_idle", cull)

    async def ask() -> None:
        waiting = asyncio.ensure_future(heated("waiting"))
        await asyncio.sleep(0)
        manager = BoundedKernels()
        manager._pools = {"dashboard.ipynb": [waiting]}
        assert pooled(manager) == {"waiting"}
        await manager.cull_kernel_if_idle("waiting")
        await manager.cull_kernel_if_idle("forgotten")

    asyncio.run(ask())
    assert culled == ["forgotten"]


@pytest.mark.parametrize("place", ["pool", "pending"])
def test_a_kernel_that_is_being_started_is_awaited_before_all_are_ended(place: str) -> None:
    async def start(events: list[str]) -> dict[str, str]:
        await asyncio.sleep(0.01)
        events.append("started")
        return await heated("new")

    async def scene() -> list[str]:
        events: list[str] = []
        failed, starting = asyncio.ensure_future(broken()), asyncio.ensure_future(start(events))
        manager = BoundedKernels()
        manager._pools = {"dashboard.ipynb": [failed, starting] if place == "pool" else [failed]}
        manager._pending_kernels = {"new": starting} if place == "pending" else {}
        await manager.settled()
        return [*events, "settled"]

    assert asyncio.run(scene()) == ["started", "settled"]


def test_a_server_that_stops_starts_no_kernel_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []

    class Settling(Kernels):
        async def settled(self) -> None:
            events.append("settled")

    ours = server(Settling({}, [], set()), tmp_path)
    ours._watch = SimpleNamespace(stop=lambda: events.append("no longer watching"))
    ours.ioloop = SimpleNamespace(run_sync=lambda begin: asyncio.run(begin()))
    monkeypatch.setattr(FreshVoila.__mro__[1], "stop", lambda _: events.append("kernels ended"))
    ours.stop()
    assert events == ["no longer watching", "settled", "kernels ended"]
