"""A page of the node in headless Chromium: it comes through restarts and cuts, and a foreign page gets nowhere."""

import json
import select
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from rxdb_nodes import CLIENT, documents, eventually, free_port, runtime

from whatnext.bench.nodes import Node

pytestmark = pytest.mark.real

ANSWER_S = 20.0


class Browser:
    """The browser and its one page of the node; `clients/js/test/support/browser.ts` answers."""

    def __init__(self, process: "subprocess.Popen[bytes]", node: Node) -> None:
        self._process, self._node = process, node

    def ask(self, name: str, **arguments: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"id": 1, "do": name, **arguments}).encode() + b"\n")
        self._process.stdin.flush()
        assert select.select([self._process.stdout], [], [], ANSWER_S)[0], f"no answer to {name}"
        answer = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def visit(self) -> None:
        self.ask("visit", url=self._node.url, once=self._link())

    def sign_in(self) -> None:
        """As the user does who opens WhatNext again, in another tab."""
        self.ask("signIn", once=self._link())

    def call(self, name: str, *arguments: Any) -> Any:
        """Call a function of the page."""
        return self.ask("call", call=name, **{"with": arguments})

    def _link(self) -> str:
        link: str = self._node.ask("node.browse")["url"]
        return link


@pytest.fixture
def page(mortal: Node) -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is missing (Debian: apt-get install chromium)")
    mortal.stop()
    mortal.start("--api-port", str(free_port()))
    command = [*runtime(), str(CLIENT / "test/support/browser.ts"), chromium]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        try:
            browser = Browser(process, mortal)
            yield browser
            assert browser.ask("uncaught") == []
        finally:
            assert process.stdin is not None
            process.stdin.close()  # it closes the browser, which outlives a kill
            try:
                process.wait(15)
            finally:
                process.kill()


def test_a_page_comes_through_restarts_of_its_node_and_cuts_at_the_worst_moments(mortal, page):
    playlist = mortal.ask("playlist.create", name="Road trip")["id"]
    mortal.ask("playlist.add", playlist=playlist, tracks=[{"title": "Before"}])
    page.visit()
    page.call("pulled")
    assert page.call("titles") == ["Before"]

    page.call("add", playlist, "From the page")
    eventually(lambda: titles(mortal, playlist) == ["Before", "From the page"], "the node has it")

    page.call("lose", {"pulls": 1})
    page.call("resync")
    mortal.ask("playlist.add", playlist=playlist, tracks=[{"title": "Cut in a pull"}])
    eventually(lambda: "Cut in a pull" in page.call("titles"), "the page has it after the cut")

    page.call("lose", {"pushes": 1})
    page.call("add", playlist, "Cut in a push")
    eventually(lambda: "Cut in a push" in titles(mortal, playlist), "the node has it")
    eventually(lambda: "" not in page.call("versions"), "the page knows that it has")

    port = mortal.url.rpartition(":")[2]
    mortal.kill()
    page.call("add", playlist, "Without a node")
    eventually(lambda: page.call("told")["state"] != "open", "the page notices")
    mortal.start("--api-port", port)
    mortal.ask("playlist.add", playlist=playlist, tracks=[{"title": "While away"}])
    page.sign_in()
    expected = sorted(each["title"] for each in documents(mortal, "entries").values())
    eventually(lambda: len(titles(mortal, playlist)) == 6, "the node has all")
    eventually(lambda: page.call("titles") == titles(mortal, playlist), "the page has all")
    assert set(expected) >= {"Before", "From the page", "Cut in a pull", "Cut in a push", "While away"}


def test_a_page_of_another_origin_gets_403(mortal, page):
    page.visit()
    (said,) = page.ask("foreign", url=mortal.url)
    assert "403" in said


def titles(node: Node, playlist: str) -> list[str]:
    return sorted(entry["title"] for entry in node.ask("playlist.show", playlist=playlist)["entries"])
