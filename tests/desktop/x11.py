"""As much of a window manager as a test needs: who has a window, and a click on its cross. By way of libX11."""

import ctypes
import ctypes.util
import subprocess

_CLIENT_MESSAGE, _NO_MASK = 33, 0


class _ClientMessage(ctypes.Structure):
    """`XClientMessageEvent`, padded to the size of `XEvent`."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
        ("padding", ctypes.c_long * 12),
    )


def windows(display: str, title: str) -> list[int]:
    """Windows whose title this is; asks xdotool."""
    command = ["xdotool", "search", "--onlyvisible", "--name", f"^{title}$"]
    done = subprocess.run(command, env={"DISPLAY": display}, capture_output=True, text=True, check=False)
    return [int(line) for line in done.stdout.split()]


def click_cross(display: str, window: int) -> None:
    """Ask a window to close, as a window manager does (ICCCM 4.2.8.1, WM_DELETE_WINDOW)."""
    x11 = ctypes.CDLL(ctypes.util.find_library("X11"))
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XInternAtom.restype = ctypes.c_ulong
    x11.XInternAtom.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int)
    x11.XSendEvent.argtypes = (
        ctypes.c_void_p,
        ctypes.c_ulong,
        ctypes.c_int,
        ctypes.c_long,
        ctypes.POINTER(_ClientMessage),
    )
    x11.XCloseDisplay.argtypes = (ctypes.c_void_p,)
    connection = x11.XOpenDisplay(display.encode())
    assert connection, f"no display {display}"
    event = _ClientMessage(
        type=_CLIENT_MESSAGE,
        window=window,
        message_type=x11.XInternAtom(connection, b"WM_PROTOCOLS", 0),
        format=32,
    )
    event.data[0] = x11.XInternAtom(connection, b"WM_DELETE_WINDOW", 0)
    x11.XSendEvent(connection, window, 0, _NO_MASK, ctypes.byref(event))
    x11.XCloseDisplay(connection)  # sends what is waiting
