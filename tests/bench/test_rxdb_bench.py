from pathlib import Path

import javascript
import msgspec
import pytest

from whatnext.bench import main, rxdb
from whatnext.errors import UserError

ROOT = Path(__file__).parents[2]


@pytest.mark.real
@pytest.mark.skipif(
    javascript.why_not(ROOT / "clients/js") is not None, reason="Node.js or RxDB is missing: `make setup`"
)
def test_the_bench_measures_real_clients_and_deaf_ones(capsys):
    told = "--entries", "50", "--batch", "20", "--runs", "1", "--edits", "3", "--deaf", "2"
    assert main.run(["rxdb", *told]) == 0
    report = msgspec.json.decode(capsys.readouterr().out, type=rxdb.RxdbReport)
    assert report.documents == 50
    assert 0 < report.cold_s < 60
    assert 0 < report.node_p50_ms < report.client_p50_ms


def test_without_javascript_the_bench_says_what_to_do(monkeypatch):
    monkeypatch.setattr(rxdb, "command", lambda: None)
    with pytest.raises(UserError, match="make setup"):
        rxdb.measure(rxdb.Options(seed=1))
