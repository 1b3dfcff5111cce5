"""What each command does and prints, alike with and without a running node."""

import json

import pytest


@pytest.fixture
def mix(cli) -> str:
    """A playlist with three tracks; its id."""
    made = cli.json("playlist", "create", "Küche", "--description", "for cooking", "--tag", "food")
    cli(
        "playlist",
        "add",
        "Küche",
        "-",
        stdin="Björk - Jóga\n\n椎名林檎 – 丸の内サディスティック\nOnly a title\n".encode(),
    )
    return made["id"]


def titles(cli, playlist: str) -> list[str]:
    return [entry["title"] for entry in cli.json("playlist", "show", playlist)["entries"]]


def test_create_prints_the_id_on_stdout_and_the_next_step_on_stderr(cli):
    made = cli("playlist", "create", "Mix")
    assert made.status == 0
    assert len(made.out.strip()) == 32
    assert "whatnext playlist add" in made.stderr
    assert cli.json("playlist", "list")[0]["id"] == made.out.strip()


def test_a_track_is_added_with_all_that_is_said_of_it(cli):
    cli("playlist", "create", "Mix")
    details = ["--artist", "A", "--artist", "B", "--album", "C", "--duration", "1:03:45.5", "--note", "n"]
    details += ["--isrc", "GBAYE6800011", "--link", "https://example.org/x"]
    assert cli("playlist", "add", "Mix", "Title", *details).status == 0
    entry = cli.json("playlist", "show", "Mix")["entries"][0]
    assert entry["title"] == "Title"
    assert entry["artists"] == ["A", "B"]
    assert (entry["album"], entry["durationMs"], entry["note"]) == ("C", 3_825_500, "n")
    assert (entry["isrc"], entry["links"]) == ("GBAYE6800011", ["https://example.org/x"])


def test_lines_from_standard_input_become_tracks(cli, mix):
    entries = cli.json("playlist", "show", mix)["entries"]
    assert [(e["artists"], e["title"]) for e in entries] == [
        (["Björk"], "Jóga"),
        (["椎名林檎"], "丸の内サディスティック"),
        ([], "Only a title"),
    ]


def test_a_track_goes_first_or_behind_another(cli, mix):
    cli("playlist", "add", mix, "Opener", "--first")
    cli("playlist", "add", mix, "Second", "--after", "1")
    assert titles(cli, mix)[:3] == ["Opener", "Second", "Jóga"]


def test_edit_changes_only_what_is_named(cli, mix):
    cli("playlist", "edit", mix, "1", "--album", "Homogenic", "--duration", "5:05")
    entry = cli.json("playlist", "show", mix)["entries"][0]
    assert (entry["title"], entry["album"], entry["durationMs"]) == ("Jóga", "Homogenic", 305_000)
    cli("playlist", "edit", mix, "1", "--duration", "")
    assert cli.json("playlist", "show", mix)["entries"][0]["durationMs"] is None


def test_tracks_move_by_number_and_keep_their_order(cli, mix):
    assert cli("playlist", "move", mix, "2", "3", "--to", "1").status == 0
    assert titles(cli, mix) == ["丸の内サディスティック", "Only a title", "Jóga"]
    cli("playlist", "move", mix, "3", "--before", "1")
    assert titles(cli, mix)[0] == "Jóga"


def test_removed_tracks_come_back_by_undo(cli, mix):
    cli("playlist", "remove", mix, "1", "3")
    assert titles(cli, mix) == ["丸の内サディスティック"]
    assert cli("playlist", "undo", mix).status == 0
    assert len(titles(cli, mix)) == 3


def test_history_says_who_did_what_and_names_changes_for_undo(cli, mix):
    cli("id", "--name", "Anna")
    cli("playlist", "rename", mix, "Abendessen")
    items = cli.json("playlist", "history", mix, "--limit", "2")
    shown = cli("playlist", "history", mix)
    assert items[0]["record"][:8] in shown.out
    assert cli("playlist", "undo", mix, items[0]["record"][:12]).status == 0
    assert "undo" in shown.stderr


def test_votes_and_comments_show(cli, mix):
    cli("playlist", "vote", mix, "1")
    cli("playlist", "vote", mix, "2", "down")
    cli("playlist", "vote", mix, "3", "up")
    cli("playlist", "vote", mix, "3", "none")
    cli("playlist", "comment", mix, "lovely")
    told = cli("playlist", "comment", mix, "the bass", "--entry", "1").out.strip()
    view = cli.json("playlist", "show", mix)
    assert [entry["votes"] for entry in view["entries"]] == [1, -1, 0]
    assert {comment["text"] for comment in view["comments"]} == {"lovely", "the bass"}
    shown = cli("playlist", "show", mix).out
    assert "lovely" in shown
    assert "+1" in shown
    assert cli("playlist", "uncomment", mix, told).status == 0
    assert len(cli.json("playlist", "show", mix)["comments"]) == 1


def test_a_playlist_is_described_tagged_and_set(cli, mix):
    cli("playlist", "describe", mix, "new words")
    cli("playlist", "tag", mix, "loud", "late", "--remove", "food")
    cli("playlist", "set", mix, "--mode", "votes", "--cover", "#aabbcc")
    view = cli.json("playlist", "show", mix)
    assert (view["description"], sorted(view["tags"])) == ("new words", ["late", "loud"])
    assert (view["mode"], view["cover"]) == ("votes", "#aabbcc")


def test_search_finds_tracks_in_any_playlist(cli, mix):
    hits = cli.json("playlist", "search", "joga", "bjork")
    assert [(hit["entry"]["title"], hit["number"]) for hit in hits] == [("Jóga", 1)]
    assert "Jóga" in cli("playlist", "search", "joga").out
    nothing = cli("playlist", "search", "nowhere")
    assert (nothing.status, nothing.out) == (0, "")


def test_export_and_import_give_the_list_back(cli, mix, tmp_path):
    file = tmp_path / "mix.xspf"
    assert cli("playlist", "export", mix, str(file)).status == 0
    report = cli.json("playlist", "import", str(file), "--name", "Again")
    assert report["entries"] == 3
    assert titles(cli, "Again") == titles(cli, mix)
    text = cli("playlist", "export", mix, "--format", "m3u8")
    assert text.out.startswith("#EXTM3U")
    piped = cli("playlist", "import", "-", "--format", "m3u8", "--into", "Again", stdin=text.stdout)
    assert piped.status == 0
    assert len(titles(cli, "Again")) == 6


def test_export_never_overwrites_unasked(cli, mix, tmp_path):
    file = tmp_path / "mine.m3u8"
    file.write_text("precious")
    refused = cli("playlist", "export", mix, str(file))
    assert refused.status == 2
    assert "--force" in refused.stderr
    assert file.read_text() == "precious"
    assert cli("playlist", "export", mix, str(file), "--force").status == 0
    assert file.read_text().startswith("#EXTM3U")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_bad_file_is_refused_with_line_and_reason_and_nothing_is_kept(cli, tmp_path):
    file = tmp_path / "broken.xspf"
    file.write_text("<playlist><trackList><track></playlist>")
    refused = cli("playlist", "import", str(file))
    assert refused.status == 2
    assert "Line 1" in refused.stderr
    assert cli.json("playlist", "list") == []
    assert "cannot be read" in cli("playlist", "import", str(tmp_path / "none.m3u8")).stderr


def test_invites_are_made_listed_and_revoked(cli, mix):
    made = cli("invite", mix, "--role", "viewer", "--expires", "12h")
    assert made.out.startswith("whtnxt://join/" + mix)
    assert "whatnext join" in made.stderr
    listed = cli.json("invite", "list", mix)
    assert [(invite["role"], invite["revoked"], invite["link"]) for invite in listed] == [
        ("viewer", False, None)
    ]
    assert cli("invite", "revoke", mix, listed[0]["id"][:10]).status == 0
    assert cli.json("invite", "list", mix)[0]["revoked"] is True
    assert cli.json("invite", "create", mix, "--expires", "never")["expiresAt"] is None


def test_joining_is_noted_until_a_member_is_reached(cli, another):
    other = another("other")
    other("playlist", "create", "Theirs")
    link = other("invite", "Theirs").out.strip()
    joined = cli("join", link, "--name", "Ben")
    assert joined.status == 0
    assert cli.json("playlist", "list")[0]["state"] == "joining"
    assert cli.json("id")["name"] == "Ben"
    early = cli("playlist", "show", joined.out.strip())
    assert early.status == 3
    assert "not arrived yet" in early.stderr


def test_members_are_listed(cli, mix):
    members = cli.json("members", mix)
    assert [(member["role"], member["peer"]) for member in members] == [("owner", cli.json("id")["peer"])]
    assert cli.json("members", "list", mix) == members
    assert cli("members", "role", mix, "nobody", "viewer").status == 3


def test_id_shows_and_changes_the_name(cli):
    assert cli.json("id")["name"] == ""
    assert cli("id", "--name", "Küche").status == 0
    assert cli.json("id")["name"] == "Küche"
    assert "Küche" in cli("id").out


def test_delete_and_leave_take_a_playlist_away(cli, mix):
    assert cli("playlist", "leave", mix).status == 2
    assert cli("playlist", "delete", mix).status == 0
    assert cli("playlist", "show", mix).status == 3


def test_json_is_the_canonical_document(cli, mix):
    twice = [cli("playlist", "show", name, "--json").stdout for name in (mix, "küche")]
    assert twice[0] == twice[1]
    keys = list(json.loads(twice[0]))
    assert keys[:2] == ["id", "name"]
    assert "role" not in keys


def test_the_global_options_may_stand_anywhere(cli, mix):
    assert cli("--json", "playlist", "show", mix).stdout == cli("playlist", "--json", "show", mix).stdout


def test_changing_nothing_is_no_error_and_is_said(cli, mix):
    again = cli("playlist", "rename", mix, "Küche")
    assert again.status == 0
    assert "so already" in again.stderr
    assert cli.json("playlist", "rename", mix, "Küche")["record"] is None


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("playlist", "show", "nowhere"), 3, "whatnext playlist list"),
        (("playlist", "add", "nowhere", "Title"), 3, "nowhere"),
        (("playlist", "add", "Küche", "Title", "--duration", "soon"), 2, "3:45"),
        (("playlist", "add", "Küche", "-"), 2, "Artist - Title"),
        (("playlist", "add", "Küche", "-", "--album", "x"), 2, "standard input"),
        (("playlist", "create", ""), 2, "name"),
        (("playlist", "create", "x" * 501), 2, "500"),
        (("playlist", "move", "Küche", "1"), 2, ""),
        (("playlist", "move", "Küche", "9", "--to", "1"), 3, ""),
        (("playlist", "export", "Küche", "--format", "mp3"), 2, "m3u8"),
        (("playlist", "vote", "Küche", "1", "sideways"), 2, "up"),
        (("invite", "Küche", "--expires", "soon"), 2, "7d"),
        (("join", "whtnxt://nonsense"), 2, ""),
        (("playlist", "shwo", "Küche"), 2, "show"),
        (("plylist",), 2, "playlist"),
        (("playlist", "show"), 2, ""),
        (("playlist", "show", "Küche", "--lmit", "3"), 2, "--lmit"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence_with_its_exit_status(cli, mix, arguments, status, said):
    refused = cli(*arguments)
    assert refused.status == status, refused.stderr
    assert refused.out == ""
    assert refused.stderr.startswith("whatnext: ")
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr


def test_both_backends_say_the_same_words(direct, running_node):
    cli = direct
    cli("playlist", "create", "Mix")
    wrong = [
        ("playlist", "show", "nowhere"),
        ("playlist", "edit", "Mix", "4", "--title", "x"),
        ("playlist", "leave", "Mix"),
        ("join", "whtnxt://join/x"),
        ("members", "remove", "Mix", "nobody"),
    ]
    directly = [cli(*arguments) for arguments in wrong]
    with running_node(cli.profile):
        assert [cli(*arguments) for arguments in wrong] == directly
    assert all(result.status for result in directly)
