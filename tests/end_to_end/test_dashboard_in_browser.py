"""The dashboard as a stakeholder meets it: a real server, a real browser."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from analysis.dashboard.home import free_port
from dashboard_month import publish, publish_again

pytestmark = pytest.mark.browser

SECONDS = 60
"""More than any step takes on a busy machine."""
FIRST = "分层服务与统一服务"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")


@dataclass
class Server:
    """A running dashboard."""

    process: subprocess.Popen[str]
    address: str
    folder: Path
    said: Path

    def kernels(self) -> int:
        """How many kernels it holds."""
        return len(kernels_below(self.process.pid))

    def status(self, path: str = "", host: str = "") -> int:
        """HTTP status of a request without a browser."""
        request = urllib.request.Request(self.address + path)
        if host:
            request.add_header("Host", host)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            refused.close()
            return refused.code


@dataclass
class Visit:
    """A page and what went over the wire or wrong meanwhile."""

    page: Page
    asked: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def hosts(self) -> set[str]:
        """Whom the page asked for anything."""
        return {urlsplit(url).netloc for url in self.asked if not url.startswith("data:")}

    def text(self, selector: str) -> str:
        return self.page.locator(selector).first.inner_text()

    def choose(self, label: str, option: str) -> None:
        self.page.get_by_label(label, exact=True).select_option(label=option)

    def changes(self, selector: str, before: str) -> float:
        """Wait until a part holds other words; gives the seconds it took."""
        since = time.perf_counter()
        until(lambda: self.text(selector) != before, f"{selector} stays as it was")
        return time.perf_counter() - since

    def shows(self, selector: str, words: str) -> float:
        """Wait until a part holds some words; gives the seconds it took."""
        since = time.perf_counter()
        self.page.locator(selector, has_text=words).first.wait_for(timeout=SECONDS * 1000)
        return time.perf_counter() - since


def kernels_below(pid: int) -> list[int]:
    """The process ids of a server's kernels (children that run ipykernel)."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rsplit(")", 1)[1].split()[1])
            line = status.with_name("cmdline").read_text()
        except (OSError, IndexError):
            continue
        if parent == pid and "ipykernel" in line:
            found.append(int(status.parent.name))
    return found


def until(is_so: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def started(folder: Path, home: Path, **variables: str) -> Server:
    port = free_port("127.0.0.1", None, 18866)
    profile = folder / "params" / "small.yaml"
    command = [sys.executable, "-m", "analysis", "dashboard", "--profile", str(profile)]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON"))}
    said = folder / f"said-{port}.txt"
    with said.open("wb") as errors:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            env=kept | {"HOME": str(home), "TMPDIR": str(home)} | variables,
            cwd=home,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    assert process.stdout
    address = process.stdout.readline().strip()
    assert address.startswith(f"http://127.0.0.1:{port}/"), address
    return Server(process, address.split("?")[0], folder, said)


def stopped(server: Server) -> int:
    """End a server and all it started, also while it heats a kernel; gives its exit code."""
    kernels = kernels_below(server.process.pid)
    server.process.send_signal(signal.SIGTERM)
    code = server.process.wait(SECONDS)
    assert server.process.stdout
    server.process.stdout.close()
    until(lambda: not any(Path(f"/proc/{k}").exists() for k in kernels), "kernels stayed behind")
    said = server.said.read_text()
    assert "Traceback" not in said, said
    return code


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder, home = tmp_path_factory.mktemp("company"), tmp_path_factory.mktemp("empty_home")
    publish(folder)
    running = started(folder, home)
    try:
        yield running
    finally:
        assert stopped(running) == 0
        assert not list(home.glob("*")), "something was left behind"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        opened = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def opened(server: Server, browser: Browser) -> Iterator[Visit]:
    made = visited(browser, server.address)
    yield made
    left(made.page)


@pytest.fixture
def visit(opened: Visit) -> Visit:
    """The page as it opens: in Chinese, on the latest month and the first experiment."""
    opened.page.get_by_role("button", name="中文").click()
    opened.shows("h1", "客户分层与成效")
    opened.choose("截止月份", "2026年10月")
    opened.shows(".tl-top", "2026年10月")
    opened.choose("试验", "按网点推开的分层服务")
    opened.shows(".tl-verdict", "继续试验")
    return opened


def visited(browser: Browser, address: str) -> Visit:
    made = Visit(browser.new_page(viewport={"width": 1440, "height": 900}))
    made.page.on("request", lambda request: made.asked.append(request.url))
    made.page.on("pageerror", lambda fault: made.errors.append(str(fault)))
    made.page.on(
        "console",
        lambda said: made.errors.append(said.text) if said.type == "error" else None,
    )
    made.page.goto(address, timeout=SECONDS * 1000)
    return made


def left(page: Page) -> None:
    """Leave a page as a reader does: its kernel ends with it."""
    page.goto("about:blank")
    page.close()


def test_it_is_whole_at_once_and_asks_nobody_outside(
    server: Server, visit: Visit, record_testsuite_property: Callable[[str, object], None]
) -> None:
    timing = visit.page.evaluate("performance.getEntriesByType('navigation')[0].toJSON()")
    record_testsuite_property("first_byte_ms", timing["responseStart"] - timing["requestStart"])
    for words in ("继续试验", "护栏指标", "本月概览", "按客户群查看", "本月需联系的客户"):
        visit.shows(".tl-app", words)
    assert visit.page.evaluate("document.documentElement.lang") == "zh"
    assert visit.page.title() == "小 · 客户分层与成效"
    assert visit.hosts() == {urlsplit(server.address).netloc}
    assert visit.errors == []


def test_the_language_switch_is_instant_and_whole(
    visit: Visit, record_testsuite_property: Callable[[str, object], None]
) -> None:
    visit.page.get_by_role("button", name="English").click()
    record_testsuite_property("language_switch_s", visit.shows("h1", "Tiers and their effect"))
    visit.shows(".tl-verdict", "Continue")
    assert visit.page.evaluate("document.documentElement.lang") == "en"
    assert visit.page.title() == "Small · Tiers and their effect"
    assert visit.page.get_by_role("button", name="English").get_attribute("aria-pressed") == "true"
    assert visit.page.get_by_role("button", name="中文").get_attribute("aria-pressed") == "false"


def test_choices_change_what_is_shown(
    visit: Visit, record_testsuite_property: Callable[[str, object], None]
) -> None:
    visit.choose("试验", FIRST)
    record_testsuite_property("experiment_s", visit.shows(".tl-verdict", "推广"))
    before = visit.text(".tl-effects caption")
    visit.page.get_by_label("指标", exact=True).select_option(index=1)
    record_testsuite_property("metric_s", visit.changes(".tl-effects caption", before))
    visit.choose("区域", "华东")
    record_testsuite_property("region_s", visit.shows(".tl-total", "134 家客户"))
    visit.choose("截止月份", "2026年9月")
    record_testsuite_property("month_s", visit.shows(".tl-verdict", "本月没有试验"))
    assert "2026年9月" in visit.text(".tl-top")
    assert visit.errors == []


def test_everything_can_be_reached_and_changed_from_the_keyboard(visit: Visit) -> None:
    visit.page.get_by_role("button", name="中文").focus()
    visit.page.keyboard.press("Tab")
    visit.page.keyboard.press("Enter")
    visit.shows("h1", "Tiers and their effect")
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.labels[0].innerText") == "As-of month"
    visit.page.keyboard.press("ArrowDown")
    visit.shows(".tl-top", "September 2026")


@pytest.mark.parametrize("width", [360, 820, 1440])
def test_it_fits_every_screen_and_every_reader(visit: Visit, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 900})
    found = Axe().run(visit.page).response["violations"]
    assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
    over = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert visit.page.evaluate(over) <= 0
    visit.page.get_by_role("button", name="English").click()
    visit.shows("h1", "Tiers and their effect")
    visit.shows(".tl-foot", "published monthly report")
    assert visit.page.evaluate(over) <= 0


def test_new_results_are_offered_on_open_pages_and_shown_on_new_ones(
    server: Server, visit: Visit, browser: Browser
) -> None:
    until(lambda: server.kernels() == 2, "one open, one heated")
    visit.choose("试验", FIRST)
    visit.shows(".tl-verdict", "推广")
    publish_again(server.folder, decision="stop_harm")
    other = visited(browser, server.address)
    other.choose("试验", FIRST)
    other.shows(".tl-verdict", "有损害")
    until(lambda: server.kernels() == 3, "two open, one heated")
    left(other.page)
    until(lambda: server.kernels() == 2, "a page that is closed ends its kernel")
    assert "推广" in visit.text(".tl-verdict"), "never swapped under the reader's eyes"
    visit.page.get_by_role("button", name="已有新结果发布").click(timeout=SECONDS * 1000)
    visit.choose("试验", FIRST)
    visit.shows(".tl-verdict", "有损害")


def test_another_host_name_and_files_are_refused(server: Server) -> None:
    assert server.status(host="evil.example") == 403
    assert server.status("voila/files/dashboard.ipynb") == 403


def test_a_server_that_is_ended_at_once_ends_well(server: Server, tmp_path: Path) -> None:
    assert stopped(started(server.folder, tmp_path)) == 0


def test_a_token_keeps_strangers_out(server: Server, browser: Browser, tmp_path: Path) -> None:
    token = "a-token-that-is-long-enough"
    guarded = started(server.folder, tmp_path, TIERLAB_TOKEN=token)
    try:
        stranger = visited(browser, guarded.address)
        page = stranger.page
        page.get_by_label("口令").fill("wrong")
        page.get_by_role("button").click()
        page.get_by_role("alert").wait_for(timeout=SECONDS * 1000)
        assert guarded.status("api/kernels/00000000-0000-0000-0000-000000000000") == 403
        page.get_by_label("口令").fill(token)
        page.get_by_role("button").click()
        page.locator(".tl-verdict").wait_for(timeout=SECONDS * 1000)
        assert stranger.hosts() == {urlsplit(guarded.address).netloc}
        left(page)
    finally:
        assert stopped(guarded) == 0
