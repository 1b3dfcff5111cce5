import os
import signal
import stat
import subprocess
import sys

import msgspec
import pytest

from whatnext import config
from whatnext.config import ProfileLock, Settings, profile_directory
from whatnext.errors import LocalError, ProfileBusy, StoreUnwritable


def test_the_profile_is_the_directory_asked_for_made_for_its_owner_only(tmp_path):
    directory = profile_directory(tmp_path / "a" / "b")
    assert directory == tmp_path / "a" / "b"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_without_one_it_is_the_users_own_for_this_system(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    directory = profile_directory()
    assert directory.is_relative_to(tmp_path)
    assert directory.name == "whatnext"
    assert profile_directory("~/kitchen") == tmp_path / "kitchen"


def test_a_profile_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnwritable, match=r"cannot be made .*: choose another with --profile"):
        profile_directory(tmp_path / "file" / "profile")


def test_settings_are_kept_between_runs_for_the_owners_eyes(tmp_path):
    settings = Settings(tmp_path)
    assert (settings.name, settings.colour, settings.listen) == ("", None, ())
    settings.rename("Jürgen", "#00ff00")
    settings.listen_on(("/ip4/0.0.0.0/tcp/4001",))
    again = Settings(tmp_path)
    assert (again.name, again.colour, again.listen) == ("Jürgen", "#00ff00", ("/ip4/0.0.0.0/tcp/4001",))
    assert again.directory == tmp_path
    file = tmp_path / config.SETTINGS_FILE
    assert msgspec.json.decode(file.read_bytes())["name"] == "Jürgen"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == [config.SETTINGS_FILE]


@pytest.mark.parametrize("content", [b"", b"{", b'{"name": 5}', b"[]", b"\xff"])
def test_damaged_settings_are_refused_and_left_as_they_are(tmp_path, content):
    file = tmp_path / config.SETTINGS_FILE
    file.write_bytes(content)
    with pytest.raises(LocalError, match=r"is damaged .*correct it, or move it away"):
        Settings(tmp_path)
    assert file.read_bytes() == content


def test_a_disk_that_fails_leaves_the_settings_as_they_were(tmp_path, monkeypatch):
    settings = Settings(tmp_path)
    settings.rename("before", None)

    def full(_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        with pytest.raises(StoreUnwritable, match="No space left on device; it is as it was before"):
            settings.rename("after", None)
    assert settings.name == Settings(tmp_path).name == "before"
    assert os.listdir(tmp_path) == [config.SETTINGS_FILE]


def test_a_second_lock_names_the_process_that_has_the_profile(tmp_path):
    with ProfileLock(tmp_path):
        with pytest.raises(ProfileBusy, match=f"process {os.getpid()} uses the profile .*another profile"):
            ProfileLock(tmp_path).acquire()
        with ProfileLock(profile_directory(tmp_path / "other")):
            pass
    with ProfileLock(tmp_path):
        pass


def test_a_lock_without_a_directory_is_a_sentence(tmp_path):
    with pytest.raises(StoreUnwritable, match="cannot be opened"):
        ProfileLock(tmp_path / "missing").acquire()


@pytest.mark.real
def test_a_killed_process_leaves_the_profile_free(tmp_path):
    script = (
        "import sys, pathlib; from whatnext.config import ProfileLock;"
        "ProfileLock(pathlib.Path(sys.argv[1])).acquire(); print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(ProfileBusy, match=f"process {holder.pid} uses"):
        ProfileLock(tmp_path).acquire()
    holder.send_signal(signal.SIGKILL)
    holder.wait(timeout=30)
    with ProfileLock(tmp_path):
        pass


def test_the_lock_wants_nothing_that_only_unix_has(tmp_path, monkeypatch):
    for name in ("pread", "pwrite", "O_CLOEXEC"):
        monkeypatch.delattr(os, name, raising=False)
    with ProfileLock(tmp_path), pytest.raises(ProfileBusy, match=f"process {os.getpid()} uses"):
        ProfileLock(tmp_path).acquire()
    assert (tmp_path / "profile.lock").read_bytes() == b""
