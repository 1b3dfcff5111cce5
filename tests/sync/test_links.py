"""Two and three devices on a good network: joining, edits both ways, forwarding, what the user sees."""

from network import network

from whatnext.sync.events import JoinAccepted, PeerHandshaken, PlaylistInSync


async def test_a_joiner_gets_the_playlist_and_both_sides_are_in_sync(autojump_clock):
    async with network() as net:
        anna, ben = net.trio_of("anna", "ben")
        playlist = anna.create(entries=20)
        ben.join(playlist, anna.invite(playlist))
        net.connect(anna, ben)
        await net.in_sync(playlist)
        assert len(ben.titles(playlist)) == 20
        assert ben.happened(JoinAccepted)
        assert ben.happened(PeerHandshaken)
        assert anna.happened(PlaylistInSync)
        assert anna.library.standing(playlist, ben.peer) == "editor"


async def test_edits_travel_both_ways_at_once(autojump_clock):
    async with network() as net:
        anna, ben = net.trio_of("anna", "ben")
        playlist = anna.create()
        ben.join(playlist, anna.invite(playlist))
        net.connect(anna, ben)
        await net.in_sync(playlist)
        for number in range(30):
            anna.add(playlist, f"anna {number}")
            ben.add(playlist, f"ben {number}")
        await net.in_sync(playlist)
        assert len(anna.titles(playlist)) == 60


async def test_a_record_travels_through_a_middle_device(autojump_clock):
    async with network() as net:
        anna, ben, cleo = net.trio_of("anna", "ben", "cleo")
        playlist = anna.create()
        key = anna.invite(playlist)
        ben.join(playlist, key)
        cleo.join(playlist, key)
        net.connect(anna, ben)
        net.connect(ben, cleo)
        await net.in_sync(playlist)
        anna.add(playlist, "from one end")
        cleo.add(playlist, "from the other")
        await net.in_sync(playlist)
        assert anna.titles(playlist) == ["from one end", "from the other"]


async def test_a_link_tells_how_far_the_peers_clock_is_ahead(autojump_clock):
    async with network() as net:
        anna, ben = net.device("anna"), net.device("ben", skew_ms=7_000)
        playlist = anna.create()
        ben.join(playlist, anna.invite(playlist))
        net.connect(anna, ben)
        await net.in_sync(playlist)
        assert 6_000 < anna.hub.status()[0].skew_ms < 8_000
        assert -8_000 < ben.hub.status()[0].skew_ms < -6_000
