from streams.health.metrics import Reading
from streams.health.progress import Look
from streams.health.vitals import Vitals


def test_work_is_stalled_only_past_the_limit() -> None:
    vitals = Vitals(stall_limit=5)
    vitals.watch(lambda: {"toy digs": Look(0, 1)})
    for second in range(6):
        vitals.look(float(second))
    assert vitals.stalled() == {}
    vitals.look(6.0)
    assert vitals.stalled().keys() == {"toy digs"}
    assert vitals.stalled(limit=10) == {}


def test_work_that_is_no_longer_ours_is_forgotten() -> None:
    vitals, own = Vitals(stall_limit=5), {"partition 0": Look(0, 1)}
    vitals.watch(lambda: own)
    for second in range(10):
        vitals.look(float(second))
    own.clear()
    vitals.look(10.0)
    assert vitals.progress == {}
    own["partition 0"] = Look(0, 1)
    vitals.look(11.0)
    assert vitals.stalled() == {}


def test_what_is_in_flight_is_told_by_name_without_zeros() -> None:
    vitals = Vitals()
    vitals.measure(
        lambda: [Reading("tidings_in_flight", 3, ("sms",)), Reading("tidings_in_flight", 0, ("email",))],
    )
    assert vitals.in_flight() == {"sms": 3}
