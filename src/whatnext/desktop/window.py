"""The native window, a process of its own (`python -m whatnext.desktop.window`): pages in, one word out.

A process of its own because a toolkit wants the main thread, and one that cannot start does not raise: Qt aborts the
whole process. Each line on stdin is a JSON string, the address to show next; the end of stdin closes the window, so it
never outlives the desktop. `shown` is said on stdout once the first page is there. Exit status 0: the user closed it.
Addresses come on stdin because everybody on the machine can read a command line, and they sign a browser in.
The command line may name a directory where the pages' own storage is kept from one window to the next: what waits for
the node lies there.
"""

import json
import os
import sys
import threading
import time
from typing import Any

WIDTH, HEIGHT = 1120, 780
LEAST = (360, 480)
LEAVE_S = 3.0


def main() -> None:
    """Show a window until the user closes it or stdin ends."""
    import webview

    first = sys.stdin.readline()
    if not first:
        return
    # Exports are downloads; pywebview refuses those unless told.
    webview.settings["ALLOW_DOWNLOADS"] = True
    window = webview.create_window(
        "WhatNext", json.loads(first), width=WIDTH, height=HEIGHT, min_size=LEAST, text_select=True
    )
    window.events.loaded += _say_shown
    kept = sys.argv[1] if len(sys.argv) > 1 else None
    webview.start(_follow, window, private_mode=kept is None, storage_path=kept)
    # Qt writes the pages' storage when Python ends, so that is waited for. But not long: a thread of pywebview 6.2.1
    # waits for ever for the answer of a page closed while it loads, and Python would wait for that thread.
    threading.Thread(target=_leave, daemon=True).start()


def _leave() -> None:
    time.sleep(LEAVE_S)
    os._exit(0)


def _say_shown() -> None:
    sys.stdout.write("shown\n")
    sys.stdout.flush()


def _follow(window: Any) -> None:
    """Load what stdin names; runs in a thread of pywebview's. A daemon reads, as a read cannot be cancelled."""
    threading.Thread(target=_read, args=(window,), daemon=True).start()


def _read(window: Any) -> None:
    for line in sys.stdin:
        window.load_url(json.loads(line))
        window.restore()
        window.show()
    window.destroy()


if __name__ == "__main__":
    main()
