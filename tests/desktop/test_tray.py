"""What the tray's icon and menu answer to calls on the bus; no bus here."""

import pytest

jeepney = pytest.importorskip("jeepney", reason="jeepney comes with WhatNext on Linux")

from jeepney.low_level import Parser  # noqa: E402

from whatnext.desktop import tray, tray_icon, tray_menu  # noqa: E402
from whatnext.desktop.tray_menu import Look  # noqa: E402

PROPERTIES = "org.freedesktop.DBus.Properties"


def ask(
    path: str, interface: str, method: str, *body, signature: str | None = None, look: Look | None = None
):
    """The answer's body as it arrives over the wire, and which acts were asked for."""
    acts = []
    address = jeepney.DBusAddress(path, "com.example.X", interface)
    call = jeepney.new_method_call(address, method, signature, body)
    call.header.fields[jeepney.HeaderFields.sender] = ":1.7"
    call.header.serial = 5
    parser = Parser()
    parser.add_data(tray.answer(call, look or Look(), 3, acts.append).serialise(serial=9))
    reply = parser.get_next_message()
    if reply.header.message_type is jeepney.MessageType.error:
        return reply.header.fields[jeepney.HeaderFields.error_name], acts
    return reply.body, acts


def item(method: str, *body, **more):
    return ask(tray.ITEM_PATH, tray.ITEM, method, *body, **more)


def menu(method: str, *body, **more):
    return ask(tray.MENU_PATH, tray.MENU, method, *body, **more)


def labels(look: Look) -> list[str]:
    (_, (_, _, children)), _ = menu("GetLayout", 0, -1, [], signature="iias", look=look)
    return [child[1][1].get("label", ("s", "-"))[1] for child in children]


def test_the_icon_says_what_it_is_and_where_its_menu_is():
    (told,), _ = ask(tray.ITEM_PATH, PROPERTIES, "GetAll", tray.ITEM, signature="s", look=Look(around=2))
    assert told["Status"] == ("s", "Active")
    assert told["Menu"] == ("o", tray.MENU_PATH)
    assert told["ToolTip"][1][2:] == ("WhatNext", "2 friends are connected")
    (one,), _ = ask(tray.ITEM_PATH, PROPERTIES, "Get", tray.ITEM, "Id", signature="ss")
    assert one == ("s", "whatnext")


def test_the_icon_is_drawn_round_blue_and_with_a_white_mark():
    for width, height, pixels in tray_icon.pixmaps():
        assert len(pixels) == 4 * width * height

        def at(x: float, y: float, pixels=pixels, width=width) -> tuple[int, ...]:
            start = 4 * (int(y * width / 32) * width + int(x * width / 32))
            return tuple(pixels[start : start + 4])

        assert at(0, 0)[0] == 0  # its corner is round
        assert at(16, 30) == (255, 0x3B, 0x4F, 0x8F)
        assert at(21.2, 20.6) == (255, 255, 255, 255)


def test_the_menu_opens_tells_who_is_there_and_quits():
    assert labels(Look(around=1)) == [
        "Open WhatNext",
        "1 friend is connected",
        "-",
        "Tell me what friends do",
        "-",
        "Quit WhatNext",
    ]
    (groups,), _ = menu("GetGroupProperties", [], [], signature="aias")
    told = dict(groups)
    assert told[2]["enabled"] == ("b", False)
    assert told[4]["toggle-state"] == ("i", 1)
    (off,), _ = menu("GetProperty", 4, "toggle-state", signature="is", look=Look(notify=False))
    assert off == ("i", 0)


@pytest.mark.parametrize(
    ("number", "look", "act"),
    [
        (1, Look(), "open"),
        (6, Look(), "quit"),
        (4, Look(notify=True), "hush"),
        (4, Look(notify=False), "notify"),
    ],
)
def test_a_click_is_an_act_and_nothing_else_is(number, look, act):
    assert menu("Event", number, "clicked", ("i", 0), 0, signature="isvu", look=look) == ((), [act])
    assert menu("Event", number, "hovered", ("i", 0), 0, signature="isvu", look=look) == ((), [])
    clicks = [(number, "clicked", ("i", 0), 0), (2, "clicked", ("i", 0), 0), (99, "clicked", ("i", 0), 0)]
    assert menu("EventGroup", clicks, signature="a(isvu)", look=look) == (([],), [act])


def test_a_click_on_the_icon_opens_the_page():
    assert item("Activate", 1, 1, signature="ii") == ((), ["open"])
    assert item("Scroll", 1, "vertical", signature="is") == ((), [])
    assert menu("AboutToShow", 0, signature="i") == ((False,), [])


@pytest.mark.parametrize(
    ("path", "interface", "method", "body"),
    [
        ("/", tray.ITEM, "Activate", (1, 1)),
        (tray.ITEM_PATH, tray.ITEM, "Explode", ()),
        (tray.ITEM_PATH, tray.ITEM, "Activate", (1,)),
        (tray.ITEM_PATH, PROPERTIES, "Get", (1, 2)),
        (tray.MENU_PATH, "com.example.Other", "Event", ()),
    ],
)
def test_whatever_else_is_called_is_an_error_and_no_act(path, interface, method, body):
    signature = "i" * len(body) or None
    assert ask(path, interface, method, *body, signature=signature) == (
        "org.freedesktop.DBus.Error.UnknownMethod",
        [],
    )


@pytest.mark.parametrize(
    ("method", "signature", "body"),
    [
        ("GetLayout", "sis", ("x", 1, "y")),
        ("GetLayout", "uis", (2**32 - 1, 1, "y")),
        ("GetGroupProperties", "adas", ([1.0], [])),
        ("Event", "dsvu", (6.0, "clicked", ("i", 0), 0)),
    ],
)
def test_a_call_with_arguments_of_another_type_is_an_error_and_no_act(method, signature, body):
    assert menu(method, *body, signature=signature) == ("org.freedesktop.DBus.Error.UnknownMethod", [])


def test_a_tray_that_asks_what_there_is_hears_it():
    (text,), _ = ask(tray.ITEM_PATH, "org.freedesktop.DBus.Introspectable", "Introspect")
    assert tray.ITEM in text


def test_an_underline_in_a_label_is_no_key(monkeypatch):
    monkeypatch.setattr(tray_menu.words, "OPEN", "Open_it")
    assert tray_menu.properties(Look(), 1)["label"] == ("s", "Open__it")
