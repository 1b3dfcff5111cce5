"""Where pages are shown: what is tried in which order, and what a window that fails leaves behind."""

import sys
import webbrowser

import pytest

from whatnext.desktop import surfaces
from whatnext.desktop.surfaces import Browser, Terminal, Window, candidates, why_no_display, why_no_window
from whatnext.errors import LocalError, UserError

DISPLAY = {"DISPLAY": ":0"}


@pytest.fixture
def with_toolkit(monkeypatch):
    monkeypatch.setattr(surfaces, "why_no_window", lambda _: None)


@pytest.fixture
def without_toolkit(monkeypatch):
    monkeypatch.setattr(surfaces, "why_no_window", lambda _: "no toolkit")


def kinds(asked, environment=DISPLAY):
    return [surface.where for surface in candidates(asked, print, environment)]


def test_a_window_is_tried_first_then_the_browser_then_the_terminal(with_toolkit):
    assert kinds(None) == ["window", "browser", "terminal"]
    assert kinds("window") == ["window", "browser", "terminal"]
    assert kinds("browser") == ["browser", "terminal"]
    assert kinds("terminal") == ["terminal"]


def test_a_window_is_told_where_its_pages_keep_what_they_store(with_toolkit, tmp_path):
    window, *_ = candidates("window", print, DISPLAY, keep=tmp_path)
    assert window._command[-2:] == ("whatnext.desktop.window", str(tmp_path))


def test_without_a_toolkit_the_browser_is_first_and_an_asked_for_window_is_refused(without_toolkit):
    assert kinds(None) == ["browser", "terminal"]
    with pytest.raises(UserError, match="no toolkit"):
        kinds("window")


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="always has a display")
def test_without_a_display_there_is_only_the_terminal(with_toolkit):
    assert kinds(None, {}) == kinds("terminal", {}) == ["terminal"]
    with pytest.raises(UserError, match="no display here"):
        kinds("browser", {})


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_windows_and_macos_always_have_a_display(platform):
    assert why_no_display({}, platform) is None
    assert why_no_display({}, "linux") is not None
    assert why_no_display({"WAYLAND_DISPLAY": "wayland-0"}, "linux") is None


@pytest.mark.skipif(sys.platform != "linux", reason="Linux' sandbox")
def test_root_gets_no_window_as_its_engine_would_end_the_process(monkeypatch):
    monkeypatch.setattr(surfaces.importlib.util, "find_spec", lambda _: object())
    assert "root" in why_no_window({}, uid=0)
    assert why_no_window({"QTWEBENGINE_DISABLE_SANDBOX": "1"}, uid=0) is None
    assert why_no_window({}, uid=1000) is None
    monkeypatch.setattr(surfaces.importlib.util, "find_spec", lambda _: None)
    assert "whatnext[desktop]" in why_no_window({}, uid=1000)


async def test_a_browser_that_does_not_open_is_said(monkeypatch):
    asked = []
    monkeypatch.setattr(webbrowser, "open", lambda url: bool(asked.append(url)))
    with pytest.raises(LocalError, match="no browser"):
        await Browser().show("http://127.0.0.1/")
    assert asked == ["http://127.0.0.1/"]


async def test_a_terminal_prints_the_link():
    printed = []
    await Terminal(printed.append).show("http://127.0.0.1/")
    assert printed == ["http://127.0.0.1/"]


ECHO = """
import sys
with open(sys.argv[1], "w") as file:
    for line in sys.stdin:
        file.write(line); file.flush(); print("shown", flush=True)
"""


@pytest.mark.real
async def test_a_window_gets_pages_over_its_stdin_and_closes_with_it(tmp_path):
    window = Window((sys.executable, "-c", ECHO, str(tmp_path / "got")))
    await window.show("http://127.0.0.1/1")
    await window.show("http://127.0.0.1/2")
    await window.close()
    await window.wait_closed()
    assert (tmp_path / "got").read_text() == '"http://127.0.0.1/1"\n"http://127.0.0.1/2"\n'
    with pytest.raises(LocalError, match="closed"):
        await window.show("http://127.0.0.1/3")


@pytest.mark.real
@pytest.mark.parametrize(
    "code", ["import sys; sys.exit(7)", "import os; os.abort()", "input(); raise SystemExit(7)"]
)
async def test_a_toolkit_that_cannot_start_is_an_error_and_no_end_of_ours(code):
    window = Window((sys.executable, "-c", code))
    with pytest.raises(LocalError, match=r"no window could be opened .*status (7|-6)"):
        await window.show("http://127.0.0.1/")
    await window.close()
