"""Retry intervals as people write them."""

from __future__ import annotations

import pytest
from chassis.settings import EXIT_CONFIGURATION, load
from webhooks.settings import DeliverySettings, retry_intervals

LIVE = (0, 60, 300, 1800, 7200)
SHORT = (0, 5, 10, 15, 20)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("", LIVE),
        ("false", LIVE),
        ("FALSE", LIVE),
        ("0", LIVE),
        ("true", SHORT),
        ("True", SHORT),
        ("1", SHORT),
        ("5,10,15,20", SHORT),
        (" 5, 10, 15, 20 ", SHORT),
        ("0,5,10,15,20", SHORT),
        ("0.5,1,1.5,2", (0, 0.5, 1, 1.5, 2)),
    ],
)
def test_what_is_written_is_meant(monkeypatch: pytest.MonkeyPatch, written: str, meant: tuple[float, ...]) -> None:
    monkeypatch.setenv("WEBHOOK_RETRY_INTERVALS_TEST", written)
    assert load(DeliverySettings).retry_intervals_s == meant


@pytest.mark.parametrize(
    "written", ["maybe", "5", "5,10,15", "1,2,3,4,5", "0,1,2,3,4,5", "-1,2,3,4", "nan,1,2,3", "inf,1,2,3", "5;10;15;20", "1,2,3,"]
)
def test_a_wrong_value_stops_the_process_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], written: str
) -> None:
    monkeypatch.setenv("WEBHOOK_RETRY_INTERVALS_TEST", written)
    with pytest.raises(SystemExit) as stopped:
        load(DeliverySettings)
    assert stopped.value.code == EXIT_CONFIGURATION
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("configuration error: WEBHOOK_RETRY_INTERVALS_TEST: must be true, false, or four intervals")


def test_a_lease_outlasts_its_delivery() -> None:
    settings = DeliverySettings(webhook_timeout_ms=5000)
    assert settings.lease_s > settings.lease_needed_s > settings.webhook_timeout_ms / 1000
    assert retry_intervals("false")[0] == 0
