"""On a virtual display: the system's own xdg-open starts the app or reaches it; the native window opens and closes."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psutil
import pytest

from .conftest import eventually
from .x11 import click_cross, windows

LINK = "whtnxt://connect/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"
PAGE = "#open=whtnxt%3A%2F%2F"


def missing(*programs: str) -> str | None:
    absent = [program for program in programs if shutil.which(program) is None]
    return f"not installed: {', '.join(absent)}" if absent else None


def why_no_window() -> str | None:
    if importlib.util.find_spec("webview") is None:
        return "pywebview is not installed: pip install '.[desktop]'"
    return missing("Xvfb", "xdotool")


pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(missing("Xvfb") is not None, reason="not installed: Xvfb (Debian: xvfb)"),
]


@pytest.fixture
def display() -> Iterator[str]:
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as number:
        name = f":{number.readline().strip()}"
    assert name != ":", "Xvfb did not start"
    yield name
    server.terminate()
    server.wait(10)


@pytest.fixture
def shown(desktop, display, tmp_path):
    """The desktop on the display, with a home and a browser of its own; what the browser was asked to open."""
    opened = tmp_path / "opened"
    opened.touch()
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >> {opened}\n')
    browser.chmod(0o755)
    (tmp_path / "home").mkdir()
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CURRENT_DESKTOP", "DESKTOP_SESSION"):
        desktop.environment.pop(name, None)
    desktop.environment |= {"HOME": str(tmp_path / "home"), "DISPLAY": display, "BROWSER": str(browser)}
    return lambda: opened.read_text().split()


def xdg_open(desktop, link: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["xdg-open", link], env=desktop.environment, stdin=subprocess.DEVNULL)


@pytest.mark.skipif(missing("xdg-open", "xdg-mime") is not None, reason="not installed: xdg-utils")
def test_a_clicked_link_starts_the_app_and_the_next_one_reaches_it(desktop, shown, tmp_path):
    # Where the browser is the surface, whether or not a window could be had on this machine.
    desktop.environment |= {"QTWEBENGINE_DISABLE_SANDBOX": ""}
    assert desktop.run("links", "register").stdout == "registered\n"
    entry = tmp_path / "home/.local/share/applications/whatnext.desktop"
    entry.write_text(entry.read_text().replace("--app", "--app --in browser"))
    query = ["xdg-mime", "query", "default", "x-scheme-handler/whtnxt"]
    asked = subprocess.run(query, env=desktop.environment, capture_output=True, text=True, check=True)
    assert asked.stdout.strip() == "whatnext.desktop"
    assert desktop.node() is None

    first = xdg_open(desktop, LINK)
    eventually(lambda: len(shown()) == 1, "the page with the link")
    node = desktop.ready_node()
    second = xdg_open(desktop, "whtnxt://connect/nobody")
    assert second.wait(20) == 0
    urls = shown()
    assert [url.partition("#")[2] for url in urls] == [
        PAGE[1:] + "connect%2F" + LINK.rpartition("/")[2],
        PAGE[1:] + "connect%2Fnobody",  # the page tells what is wrong with it
    ]
    assert all(url.startswith(node["url"] + "/auth?once=") for url in urls)
    assert desktop.ready_node()["pid"] == node["pid"]
    desktop.ask("node.stop")
    assert first.wait(20) == 0
    assert not psutil.pid_exists(node["pid"])
    assert desktop.run("links", "unregister").returncode == 0


@pytest.fixture
def window_desktop(desktop, shown):
    if os.getuid() == 0:
        desktop.environment |= {"QTWEBENGINE_DISABLE_SANDBOX": "1"}  # Chromium's sandbox refuses root
    return desktop


@pytest.mark.skipif(why_no_window() is not None, reason=str(why_no_window()))
@pytest.mark.parametrize("how", ["cross", "signal"])
def test_the_native_window_opens_and_its_end_is_the_end_of_everything(
    window_desktop, display, shown, how, ended
):
    app = window_desktop.start("open", "--in", "window")
    window = eventually(lambda: windows(display, "WhatNext"), "the window")[-1]
    node = window_desktop.ready_node()
    helpers = psutil.Process(app.pid).children(recursive=True)
    handed = window_desktop.run("open", "--app", "--", LINK)
    assert "its window shows the page" in handed.stderr
    if how == "cross":
        click_cross(display, window)
        assert app.wait(20) == 0
    else:
        assert ended(app, signal.SIGTERM)[0] == 0
    assert not psutil.pid_exists(node["pid"])
    _, alive = psutil.wait_procs(helpers, timeout=10)
    assert [p for p in alive if p.status() != psutil.STATUS_ZOMBIE] == []
    assert shown() == []  # no browser was asked


PAGE_THAT_KEEPS = b"""<!doctype html><title>kept</title><script>
fetch('/was/' + localStorage.getItem('waiting'))
localStorage.setItem('waiting', 'edit')
</script>"""


@pytest.mark.skipif(why_no_window() is not None, reason=str(why_no_window()))
def test_what_a_page_keeps_outlives_its_window(window_desktop, tmp_path):
    asked: list[str] = []

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(PAGE_THAT_KEEPS)

        def log_message(self, *_):
            """Say nothing."""

    command = [sys.executable, "-m", "whatnext.desktop.window", str(tmp_path / "kept")]
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for was in ("null", "edit"):
            window = subprocess.Popen(
                command, env=window_desktop.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            assert window.stdin is not None
            window.stdin.write(b'"http://127.0.0.1:%d/"\n' % server.server_port)
            window.stdin.flush()
            eventually(lambda was=was: f"/was/{was}" in asked, f"the page that finds {was}")
            window.stdin.close()  # the page is closed at once: nothing has time to be written by itself
            assert window.wait(10) == 0
        server.shutdown()


@pytest.mark.skipif(why_no_window() is not None, reason=str(why_no_window()))
def test_a_killed_desktop_takes_its_window_and_its_node_along(window_desktop, display, shown):
    app = window_desktop.start("open", "--in", "window")
    eventually(lambda: windows(display, "WhatNext"), "the window")
    node = window_desktop.ready_node()
    app.kill()
    eventually(lambda: not windows(display, "WhatNext"), "no window")
    eventually(lambda: not psutil.pid_exists(node["pid"]), "no node")
    assert shown() == []
