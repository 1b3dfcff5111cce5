"""`whatnext music`: the folder that pages play from."""


def test_a_folder_is_chosen_shown_and_given_up(direct, running_node, tmp_path):
    folder = tmp_path / "my music"
    folder.mkdir()
    with running_node(direct.profile):
        assert direct("music").out == ""
        assert direct("music", str(folder)).out == f"{folder}\n"
        assert direct.json("music")["folder"] == str(folder)
        assert direct("music", str(folder), "--none").status == 2
        assert direct("music", "--none").status == 0
        assert direct.json("music")["folder"] is None


def test_what_is_no_folder_is_refused_and_the_chosen_one_stays(direct, running_node, tmp_path):
    with running_node(direct.profile):
        direct("music", str(tmp_path))
        refused = direct("music", str(tmp_path / "nowhere"))
        assert refused.status == 2
        assert "is no folder on this device" in refused.stderr
        assert direct.json("music")["folder"] == str(tmp_path)


def test_without_a_node_it_says_that_one_is_needed(direct):
    assert direct("music").status == 6
