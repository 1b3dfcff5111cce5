"""The sentence two peers without a common version see (design §5)."""

import pytest

from whatnext.net.versions import mismatch_sentence


@pytest.mark.parametrize(
    ("ours", "theirs", "sentence"),
    [
        (
            ["/whatnext/sync/1.0.0"],
            ["/whatnext/sync/2.0.0"],
            "peer speaks /whatnext/sync/2.x, this app 1.x: update WhatNext",
        ),
        (
            ["/whatnext/sync/2.1.0", "/whatnext/sync/2.0.0"],
            ["/whatnext/sync/1.0.0", "/whatnext/sync/1.4.0"],
            "peer speaks /whatnext/sync/1.x, this app 2.x: ask your friend to update WhatNext",
        ),
        (
            ["/whatnext/rxdb/1.0.0"],
            ["/whatnext/rxdb/1.1.0"],
            "peer speaks /whatnext/rxdb/1.1.x, this app 1.0.x: update WhatNext",
        ),
        (
            ["/whatnext/sync/9.0.0"],
            ["/whatnext/sync/10.0.0"],
            "peer speaks /whatnext/sync/10.x, this app 9.x: update WhatNext",
        ),
        (
            ["/whatnext/sync/1.0.0"],
            ["/ipfs/ping/1.0.0", "/whatnext/synchro/1.0.0"],
            "peer does not speak /whatnext/sync: is it a WhatNext peer?",
        ),
        (
            ["/whatnext/sync/1.0.0"],
            ["/whatnext/sync/1.0.0"],
            "peer speaks /whatnext/sync as this app does, yet refused it: try again",
        ),
        (["/whatnext/sync/1.0.0"], [], "peer does not speak /whatnext/sync: is it a WhatNext peer?"),
        (
            ["/whatnext/sync/1.0.0"],
            ["/whatnext/sync/next"],
            "peer speaks /whatnext/sync/0, this app 1.x: ask your friend to update WhatNext",
        ),
    ],
)
def test_it_says_who_should_update(ours, theirs, sentence):
    assert mismatch_sentence(ours, theirs) == sentence
