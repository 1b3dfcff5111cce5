"""Playing real files in a real Chromium."""

import audio_formats
import pytest

pytestmark = pytest.mark.real


def test_mp3_flac_and_opus_play_one_after_the_other_and_go_on_when_a_friend_removes_one(scene, ada, tmp_path):
    playlist = ada.ask("playlist.create", name="Silences")["id"]
    music = tmp_path / "music"
    titles = ["First", "Second", "Third", "Long", "After"]
    files = ((".mp3", 1), (".flac", 1), (".opus", 1), (".mp3", 30), (".flac", 9))
    for title, (suffix, seconds) in zip(titles, files, strict=True):
        audio_formats.write(music / f"{title}{suffix}", title, "Band", seconds)
    tracks = [{"title": title, "artists": ["Band"]} for title in titles]
    ada.ask("playlist.add", playlist=playlist, tracks=tracks)
    ada.ask("playback.folder", folder=str(music))
    link = ada.ask("node.browse")["url"]
    complaints = scene("formats", link=link, playlist=playlist, titles=titles[:3], long="Long")
    ada.ask("playback.folder", folder=None)
    assert complaints == []
