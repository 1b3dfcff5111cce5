"""Who opens a clicked link: written for one user, said truly, and taken back without a trace."""

import os
import plistlib
import subprocess
import sys
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatnext.desktop import mime_defaults, registration
from whatnext.desktop.freedesktop import ENTRY, MIME, Freedesktop, entry_text, quoted
from whatnext.desktop.macos import MacOs, info_plist
from whatnext.desktop.registration import app_command
from whatnext.desktop.windows_registry import COMMAND, KEY, WindowsRegistry
from whatnext.errors import LocalError

COMMAND_WORDS = ["/usr/bin/whatnext", "open", "--app"]
names = st.text("abc-.", min_size=1, max_size=8).filter(lambda name: name != ENTRY)
mime_files = st.lists(
    st.sampled_from(
        [
            "",
            "# by hand",
            "[Default Applications]",
            "[Added Associations]",
            "text/html=firefox.desktop;",
            f"{MIME}=other.desktop;third.desktop;",
            "odd line",
        ]
    ),
    max_size=8,
).map(lambda lines: "".join(f"{line}\n" for line in lines))


@given(mime_files)
def test_the_default_is_set_once_and_taken_back_to_what_it_was(text):
    before = mime_defaults.defaults(text, MIME)
    ours = mime_defaults.with_default(text, MIME, ENTRY)
    assert mime_defaults.defaults(ours, MIME) == [ENTRY, *before]
    assert mime_defaults.with_default(ours, MIME, ENTRY) == ours
    back = mime_defaults.without_default(ours, MIME, ENTRY)
    assert mime_defaults.defaults(back, MIME) == before
    assert mime_defaults.without_default(back, MIME, ENTRY) == back
    kept = [line for line in text.splitlines() if line]
    assert [line for line in back.splitlines() if line and line != mime_defaults.DEFAULTS] == [
        line for line in kept if line != mime_defaults.DEFAULTS
    ]


@given(st.lists(names, max_size=3))
def test_no_line_of_another_type_or_group_is_ours(entries):
    text = f"[Added Associations]\n{MIME}={';'.join(entries)};\n[Default Applications]\ntext/html=a.desktop\n"
    assert mime_defaults.defaults(text, MIME) == []
    assert mime_defaults.without_default(text, MIME, ENTRY) == text


@pytest.fixture
def home(tmp_path):
    return {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}


def everything(directory) -> dict[str, bytes]:
    return {
        str(p.relative_to(directory)): p.read_bytes() for p in sorted(directory.rglob("*")) if p.is_file()
    }


def test_registering_twice_is_registering_once_and_unregistering_leaves_nothing(home, tmp_path):
    links = Freedesktop(COMMAND_WORDS, home)
    assert links.status().registered is False
    assert links.register().registered is True
    once = everything(tmp_path)
    assert links.register() == links.status()
    assert everything(tmp_path) == once
    assert {".config/mimeapps.list", ".local/share/applications/whatnext.desktop"} < set(once)
    assert links.unregister().registered is False
    assert links.unregister().detail == "nothing opens them"
    left = everything(tmp_path)
    assert set(left) <= {".config/mimeapps.list", ".local/share/applications/mimeinfo.cache"}
    assert MIME not in b"".join(left.values()).decode()


def test_another_opener_is_set_back_in_its_place(home, tmp_path):
    defaults = tmp_path / ".config" / "mimeapps.list"
    defaults.parent.mkdir()
    defaults.write_text(f"[Default Applications]\n{MIME}=other.desktop;\n")
    before = everything(tmp_path)
    links = Freedesktop(COMMAND_WORDS, home)
    assert links.status().detail == "other.desktop opens them"
    links.register()
    assert links.unregister().detail == "other.desktop opens them"
    assert everything(tmp_path)[".config/mimeapps.list"] == before[".config/mimeapps.list"]


def test_another_installation_or_profile_is_told_from_this_one(home):
    Freedesktop(COMMAND_WORDS, home).register()
    other = Freedesktop([*COMMAND_WORDS, "--profile", "/elsewhere"], home).status()
    assert not other.registered
    assert other.detail.startswith("another WhatNext opens them")


def test_the_users_own_directories_are_respected(tmp_path):
    links = Freedesktop(
        COMMAND_WORDS,
        {"HOME": "/nowhere", "XDG_DATA_HOME": f"{tmp_path}/d", "XDG_CONFIG_HOME": f"{tmp_path}/c"},
    )
    assert links.register().registered
    assert (tmp_path / "c" / "mimeapps.list").exists()
    assert (tmp_path / "d" / "applications" / ENTRY).exists()


def test_a_linked_mimeapps_list_stays_a_link(home, tmp_path):
    (tmp_path / "dotfiles").write_text("")
    (tmp_path / ".config").mkdir()
    (tmp_path / ".config" / "mimeapps.list").symlink_to(tmp_path / "dotfiles")
    Freedesktop(COMMAND_WORDS, home).register()
    assert (tmp_path / ".config" / "mimeapps.list").is_symlink()
    assert MIME in (tmp_path / "dotfiles").read_text()


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / ".config").write_text("a file where a directory should be")
    with pytest.raises(LocalError, match="nothing was changed"):
        Freedesktop(COMMAND_WORDS, {"HOME": str(tmp_path)}).register()
    assert [file.name for file in tmp_path.iterdir()] == [".config"]


def exec_words(value: str) -> list[str]:
    """Read `Exec=` back as the specification says: string escapes, then quoting, then field codes."""
    string, words, word, inside, escaped = value.replace("\\\\", "\\"), [], None, False, False
    for char in string:
        if escaped:
            word, escaped = word + char, False
        elif inside and char == "\\":
            escaped = True
        elif char == '"':
            inside, word = not inside, word or ""
        elif char == " " and not inside:
            words, word = [*words, word], None
        else:
            word = (word or "") + char
    return [each.replace("%%", "%") for each in [*words, word]]


@given(st.lists(st.text("ab /%$`\"'\\;&é", min_size=1, max_size=10), min_size=1, max_size=4))
def test_every_word_of_the_command_survives_the_file(words):
    value = " ".join(map(quoted, words))
    assert exec_words(value) == words


def test_a_line_break_in_the_command_is_refused():
    with pytest.raises(LocalError, match="line break"):
        quoted("a\nExec=evil")


def test_the_entry_is_in_the_menu_unless_asked_otherwise():
    assert "NoDisplay=true\n" in entry_text(COMMAND_WORDS, in_menu=False)
    assert "NoDisplay" not in entry_text(COMMAND_WORDS)
    assert "Exec=/usr/bin/whatnext open --app -- %u\n" in entry_text(COMMAND_WORDS)


def test_the_app_opens_on_the_profile_it_was_registered_for(tmp_path):
    assert app_command(None)[-2:] == ["open", "--app"]
    assert app_command(tmp_path)[-4:] == ["--profile", str(tmp_path), "open", "--app"]


class Registry:
    """As much of `winreg` as is used, with its rules: no key is deleted that holds keys."""

    HKEY_CURRENT_USER, REG_SZ = "HKCU", 1

    def __init__(self) -> None:
        self.keys: dict[str, dict[str, str]] = {}

    def CreateKey(self, root, path):  # noqa: N802
        assert root == self.HKEY_CURRENT_USER
        parts = path.split("\\")
        for depth in range(1, len(parts) + 1):
            self.keys.setdefault("\\".join(parts[:depth]), {})
        return self.OpenKey(root, path)

    def OpenKey(self, root, path):  # noqa: N802
        if path not in self.keys:
            raise FileNotFoundError(path)
        return Handle(path)

    def SetValueEx(self, key, name, reserved, kind, value):  # noqa: N802
        assert (reserved, kind) == (0, self.REG_SZ)
        self.keys[key.path][name] = value

    def QueryValueEx(self, key, name):  # noqa: N802
        return self.keys[key.path][name], self.REG_SZ

    def DeleteKey(self, root, path):  # noqa: N802
        if path not in self.keys:
            raise FileNotFoundError(path)
        if any(other.startswith(path + "\\") for other in self.keys):
            raise PermissionError(path)
        del self.keys[path]


class Handle(SimpleNamespace):
    def __init__(self, path: str) -> None:
        super().__init__(path=path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


def test_windows_gets_the_users_own_keys_and_loses_them_again():
    registry = Registry()
    registry.CreateKey(registry.HKEY_CURRENT_USER, r"Software\Classes")
    before = dict(registry.keys)
    links = WindowsRegistry(
        [r"C:\Program Files\Python\python.exe", "-m", "whatnext", "open", "--app"], registry
    )
    assert links.status().detail == "nothing opens them"
    assert links.register() == links.register()
    assert links.status().registered
    assert registry.keys[COMMAND][""] == (
        r'"C:\Program Files\Python\python.exe" -m whatnext open --app -- "%1"'
    )
    assert registry.keys[KEY]["URL Protocol"] == ""
    assert not WindowsRegistry(["other.exe"], registry).status().registered
    assert links.unregister() == links.unregister()
    assert registry.keys == before


def test_macos_says_what_a_bundle_needs():
    with pytest.raises(LocalError, match="application bundles only"):
        MacOs().register()
    assert not MacOs().unregister().registered
    claimed = plistlib.loads(info_plist().encode())["CFBundleURLTypes"][0]
    assert claimed["CFBundleURLSchemes"] == ["whtnxt"]


@pytest.mark.real
@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux' own files")
def test_the_commands_register_for_the_user_who_asks(tmp_path):
    source = registration.__file__.rpartition("/whatnext/")[0]
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONPATH": source}

    def links(word: str, *more: str) -> str:
        command = [sys.executable, "-m", "whatnext", "--profile", str(tmp_path / "p"), "links", word, *more]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=True
        )
        return done.stdout

    assert links("status") == "not registered\n"
    assert links("register", "--no-menu") == "registered\n"
    assert "NoDisplay=true" in (tmp_path / ".local/share/applications" / ENTRY).read_text()
    assert '"registered":true' in links("status", "--json")
    assert links("unregister") == "not registered\n"
    assert not (tmp_path / "p").exists()  # asking who opens links makes no profile
