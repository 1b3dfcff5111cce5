"""Every bound of `/whatnext/sync/1.0.0`, in one place: what a peer may cost us, and how long we wait for it."""

MAX_FRAME_BYTES = 1024 * 1024
"""One frame's payload: the largest record (256 KiB) in the largest batch, four times over."""
MAX_BATCH_RECORDS = 512
MAX_BATCH_BYTES = 256 * 1024
"""Records of one batch; a single record may always go, so a batch ends below twice this."""
FIRST_BATCH_BYTES = 64 * 1024
LEAST_BATCH_BYTES = 8 * 1024
"""A link begins in the middle: doubled while answers come fast, halved while they are slow."""

MAX_INTEREST = 4096
"""Playlists shared over one link; further ones wait until others are left."""
HEADS_PER_FRAME = 8_192
"""At most 100 bytes each, when every log has another author: a frame of them stays under 820 KiB."""
MAX_HEADS = 65_536
"""Heads of one playlist a peer may tell, over several frames."""

OUTBOX_BYTES = 64 * 1024
"""Answers that wait for a slow reader; beyond it we stop reading from that peer."""
PASS_BYTES = 256 * 1024
"""What one call hands to the stream besides one batch."""

HELLO_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 30.0
STALL_TIMEOUT_S = 30.0
"""Seconds without the stream taking a byte of what we send."""

FAST_ANSWER_S = 0.5
SLOW_ANSWER_S = 4.0

COST_PER_S = 4000.0
"""Input a link may cause per second, in the costs below; more is not punished, only read later."""
COST_BURST = 8000.0
FRAME_COST = 1.0
HAVE_COST = 2.0
HEADS_COST = 20.0
INTEREST_COST = 100.0
JOIN_COST = 100.0

PRESENCE_COST = 200.0

PRESENCE_PER_S = 1.0
PRESENCE_BURST = 5.0
"""What we tell of a playlist being played: skipping through tracks is not worth more."""
PRESENCE_TIMEOUT_S = 90.0
"""A word about what is played holds this long; whoever plays on says it again every third of that."""

INTEREST_PER_S = 1.0
INTEREST_BURST = 20.0
"""Changes of the list of playlists that we send; a peer may send twice as many before it is an offence."""
JOINS_PER_S = 0.2
JOINS_BURST = 20.0
