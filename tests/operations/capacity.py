#!/usr/bin/env python3
"""The table of tools/capacity: its rows, their sizes, and the document that is made of them; what ends tools/capacity,
tools/beside and tools/soak with an error. Prints TAP."""

import argparse
import contextlib
import importlib.machinery
import importlib.util
import io
import os
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(sys.argv[1], "tools", "load"))
import capacity_document as document  # noqa: E402
import capacity_rows as rows  # noqa: E402
import pair  # noqa: E402

CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def report(percent, group="sip"):
    """What switchroom-load tells of a load that took @percent of the core."""
    window = {"cpu_percent": percent, "rss_kb": 30000, "anon_kb": 20000}
    flows = {"flows": 4, "up": 4, "lost": 0, "missing": 0, "reported_lost": 0, "expected": 100, "sent": 100, "mute": 0}
    flows["delay_ms"] = {"n": 10, "p50": 1.0, "p99": 2.0}
    return {
        "gateway": {**window, "idle_percent": 0.5, "idle_rss_kb": 25000, "idle_anon_kb": 15000, "windows": [window] * 3},
        "groups": {group: flows},
        "setup": {"failed": 0, "participants": 4},
        "generator": {"lateness_max_ms": 1.0, "packets_skipped": 0},
        "load_average": 1.0,
    }


def with_failed(percent, failed=1):
    return {**report(percent), "setup": {"failed": failed, "participants": 4}}


def tool(name):
    """The script @name of tools/ as a module."""
    loader = importlib.machinery.SourceFileLoader(name, os.path.join(sys.argv[1], "tools", name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


def row_of(identity):
    return next(row for row in rows.all_rows() if row["id"] == identity)


@check
def every_row_has_a_name_of_its_own():
    names = [row["id"] for row in rows.all_rows()]
    assert len(names) == len(set(names)), names


@check
def what_a_reader_looks_for_is_there():
    names = {row["id"] for row in rows.all_rows()}
    wanted = {f"forward-{codec}" for codec in ("PCMU", "G722", "opus")}
    wanted |= {f"srtp-{phone}-{browser}" for phone in ("none", "gcm", "cm") for browser in ("gcm", "cm")} - {"srtp-gcm-cm"}
    wanted |= {f"transcode-{codec}-{n}" for codec in ("PCMU", "G722", "opus", "rooms") for n in (0, 5, 10)}
    wanted |= {f"load-{kind}" for kind in ("forward", "transcode", "mixed", "mixed-opus")}
    wanted |= {f"room-{kind}-{size}-1" for kind in ("phones", "browsers") for size in (2, 3, 10, 100, 500)}
    wanted |= {f"room-{kind}-{size}-6" for kind in ("phones", "browsers") for size in (10, 100, 500)}
    wanted |= {f"{kind}-{n}" for kind in ("scale", "relay") for n in (1, 10, 100, 500, 1000)}
    wanted |= {f"pair-scale-{n}" for n in (1, 10, 100, 300)}
    wanted |= {f"pair-{kind}" for kind in ("forward", "asymmetric", "transcode")}
    assert wanted <= names, wanted - names


@check
def a_load_is_sized_by_what_its_calls_took():
    row = row_of("load-mixed")
    assert rows.resolved(row, {}) is None
    sized = rows.resolved(row, {"room-phones-500-3": {"runs": [report(35)]}})
    assert sized["n"] == 1000 and sized["load"][:4] == ["--sip", "1000", "--rooms", "100"], sized
    assert rows.corrected(sized, report(73)) is None
    assert rows.corrected(sized, report(100))["load"][:4] == ["--sip", "700", "--rooms", "70"]
    assert rows.corrected(sized, report(1))["n"] == 2000, "twice as many at most"
    assert rows.corrected(row_of("scale-100"), report(5)) is None, "a row of a fixed size"
    assert rows.sized_as(row, ["--sip", "700"])["n"] == 700
    assert rows.corrected(sized, with_failed(35)) is None, "what it took is of fewer than asked for"
    browsers = rows.resolved(row_of("load-mixed-opus"), {"room-browsers-10-3": {"runs": [report(12)]}})
    assert browsers["n"] == 350 and browsers["load"][:4] == ["--webrtc", "350", "--rooms", "35"], browsers


@check
def a_load_has_a_port_for_each():
    mixed = rows.resolved(row_of("load-mixed"), {"room-phones-500-3": {"runs": [report(1)]}})
    assert mixed["n"] == 3000 and mixed["load"][:4] == ["--sip", "3000", "--rooms", "300"], mixed
    assert rows.corrected(mixed, report(20)) is None, "there are no ports for more"
    assert rows.resolved(row_of("load-mixed-opus"), {"room-browsers-10-3": {"runs": [report(0.1)]}})["n"] == 4000
    assert rows.resolved(row_of("load-forward"), {"scale-500": {"runs": [report(1)]}})["n"] == 3000


@check
def phones_and_browsers_share_rooms_of_three():
    load = row_of("transcode-rooms-5")["load"]
    words = dict(zip(load, load[1:]))
    assert (words["--sip"], words["--webrtc"], words["--rooms"], words["--webrtc-codec"]) == ("14", "28", "14", "opus"), load
    assert row_of("transcode-rooms-5")["n"] == 42


def kept(**runs):
    """Results of rows by what each took of the core; of a pair, the relay and the gateway in each round."""
    results = {}
    for name, percents in runs.items():
        identity = name.replace("_", "-")
        rounds = [{"relay": report(relay), "ours": report(ours)} for relay, ours in percents] if isinstance(percents, list) else None
        run = {"pair": rounds, "load_average": 1.0} if rounds else report(percents)
        results[identity] = {"mode": "quick", "at": "2026-01-01", "load": row_of(identity)["load"], "runs": [run]}
    return results


@check
def the_relay_has_the_load_of_the_row():
    def relay(identity):
        row = rows.relay_row(row_of(identity))
        return row["n"], row["relay"], row["load"]

    assert relay("pair-scale-300") == (300, [], ["--relay", "300", "--rate", rows.RATE])
    assert relay("pair-asymmetric") == (100, ["--opus-in"], ["--relay", "100", "--relay-opus", "--rate", rows.RATE])
    assert relay("pair-transcode") == (40, ["--opus", "5"], ["--relay", "40", "--relay-opus", "--rate", rows.RATE])
    listens = ["--relay", "200", "--relay-listen", "--muted", "--rate", rows.RATE]
    assert relay("pair-listen-phones-400") == (200, ["--fan-out", "plain"], listens)
    slow = listens[:3] + ["--relay-srtp", "--muted", "--rate", rows.SLOW_RATE]
    assert relay("pair-listen-browsers-400") == (200, ["--fan-out", "srtp"], slow), "they come as fast"


@check
def the_document_tells_cost_and_a_late_load():
    results = kept(scale_100=20.5)
    results["scale-100"]["runs"][0]["generator"]["lateness_max_ms"] = 11
    text = document.write(results)
    assert "| 100 calls | 100 | 20.5 % | 0.200 % (0.200–0.200) | 500 | 1.0 / 2.0 * | 0 | 50 |" in text, text


@check
def the_document_tells_what_the_relay_takes_at_the_same_time():
    text = document.write(kept(pair_forward=[(10.5, 15.5), (10.5, 12.5)]))
    assert "| phone ↔ browser, G.711 | 100 | 0.100 % | 0.135 % | 1.34 (1.20–1.50) | 0 |" in text, text
    full = document.write(kept(pair_forward=[(50, 45)]))
    assert "| phone ↔ browser, G.711 | 100 | – | – | – | the core is full" in full, full


@check
def the_document_tells_what_a_further_listener_takes():
    results = kept(
        listen_phones_100=2.5, listen_phones_400=8.5, pair_listen_phones_100=[(2.5, 3.5)], pair_listen_phones_400=[(8.5, 12.5)]
    )
    text = document.write(results)
    assert "A further listener takes 0.020 % of a core among phones, alone on it; 0.030 % beside the relay, which takes 0.020 %: 1.50 times." in text, text


@check
def the_document_tells_how_cost_goes_with_the_number_of_calls():
    text = document.write(kept(scale_100=10.5, scale_1000=80.5, relay_100=8.5, relay_1000=60.5))
    assert "the gateway's at 1000: -20 %; the relay's at 1000: -25 %" in text, text
    assert "1000 calls, for which a core is too small twice, cost 1.33 times the relay's" in text, text


@check
def the_document_tells_what_is_missing_by_the_clock():
    run = report(10)
    run["groups"]["sip"].update(missing=40, lost=6, reported_lost=4, expected=60)
    assert document.lost([run]).startswith("50 (25.00 %)"), document.lost([run])
    del run["groups"]["sip"]["missing"]
    assert document.lost([run]).startswith("10 ("), "a result of an older load"


@check
def the_document_compares_with_janus_what_is_sound():
    def times(ours, theirs):
        results = kept(beside_PCMU_3=1, janus_PCMU_3=1)
        results["beside-PCMU-3"]["runs"] = [ours]
        results["janus-PCMU-3"]["runs"] = [theirs]
        return document.comparison(results)

    janus = {**report(30.5), "janus": report(30.5)["gateway"]}
    assert "takes 3.0 to 3.0 times" in times(report(10.5), janus), times(report(10.5), janus)
    assert times(with_failed(10.5), janus) == ""
    assert times(report(10.5), {**janus, "setup": {"failed": 2}}) == ""


@check
def the_document_tells_what_is_not_in_it():
    results = kept(scale_100=20.5)
    text = document.write(results)
    head = text[text.index("| not measured |"):].splitlines()[0]
    assert "Encryption" in head and "scale-500" in head and " scale-100," not in head and "srtp" not in head, head
    assert "left out" not in text
    all_but_janus = {row["id"]: results["scale-100"] for row in rows.all_rows() if not row.get("janus")}
    machine = {"processor": "?", "cores": 2, "memory_gb": 1, "system": "?", "kernel": "?"}
    lines = document.left_out({**all_but_janus, "machine": {**machine, "janus": False}})
    assert "not measured" not in lines and "left out | the rows of Janus" in lines, lines
    assert "janus-PCMU-3" in document.left_out({**all_but_janus, "machine": {**machine, "janus": True}})


def measured(runs, have_janus=True, only="scale-100", known=()):
    """tools/capacity with so many @runs, one after the other, instead of loads. Returns what it had too little of, how often it
    measured, and the results."""
    capacity = tool("capacity")
    left = list(runs)
    capacity.measure = lambda *_: left.pop(0) if left else None
    capacity.log = lambda _: None
    options = argparse.Namespace(full=False, realtime=False, only=[only], again=False, build="")
    with tempfile.TemporaryDirectory() as directory:
        results = capacity.Results(os.path.join(directory, "results"), "build")
        results.all.update({name: {"runs": [report(20)]} for name in known})
        without = capacity.measure_rows(options, None, results, have_janus)
    return without, len(runs) - len(left), results


@check
def a_row_that_could_not_be_measured_is_an_error():
    assert measured([report(10)], only="scale-phones-100")[:2] == (["scale-phones-1000"], 1)
    assert measured([], only="transcode-PCMU-0")[:2] == (["transcode-PCMU-0"], 0)
    assert measured([], only="janus-opus-3", have_janus=False)[:2] == ([], 0), "there is none"
    assert measured([], only="load-forward")[0] == ["load-forward"], "nothing says how many calls"
    assert measured([report(70)], only="load-forward", known=["scale-500"])[:2] == ([], 1)


@check
def a_row_is_measured_again_unless_all_came_up():
    without, count, results = measured([with_failed(10), report(12)], only="transcode-PCMU-0")
    assert (without, count) == ([], 2)
    assert results.all["transcode-PCMU-0"]["runs"][0]["gateway"]["cpu_percent"] == 12
    _, count, results = measured([with_failed(10, 1), with_failed(12, 3)], only="transcode-PCMU-0")
    assert count == 2 and results.all["transcode-PCMU-0"]["runs"][0]["setup"]["failed"] == 1, "the better one"
    sound = {"pair": [{"relay": report(10), "ours": report(10)}]}
    half = {"pair": [{"relay": report(10), "ours": with_failed(10)}]}
    assert measured([half, sound], only="pair-transcode")[1] == 2
    assert measured([sound], only="pair-transcode")[1] == 1


def fails(function, *arguments):
    try:
        function(*arguments)
    except pair.NotMeasured as error:
        return str(error)
    return None


@check
def two_programs_are_compared_when_both_had_the_load():
    assert abs(pair.ratio(report(10.5), report(20.5)) - 2) < 1e-9
    assert fails(pair.ratio, with_failed(10), report(10)) == "1 of 4 did not come up at the first"
    assert fails(pair.ratio, report(10), with_failed(10)) == "1 of 4 did not come up at the second"
    assert fails(pair.ratio, report(0.5), report(10)) == "the first took nothing"


class FakeSide:
    """A side of a pair whose load tells what it is given."""

    told = []

    def __init__(self, *_):
        self.report = FakeSide.told.pop(0)
        self.profile = None
        self.program = argparse.Namespace(ended=lambda: None)

    def measure(self, *_):
        pass

    def stop(self):
        pass


def round_of(*reports):
    """A round of a pair with so many reports instead of programs."""
    real, pair.Side = pair.Side, FakeSide
    FakeSide.told = list(reports)
    try:
        return pair.measure(None, ["relay", "build"], row_of("scale-100"), "build")
    finally:
        pair.Side = real


@check
def a_round_without_a_report_of_both_is_none():
    assert len(round_of(report(10), report(20))) == 2
    without = {key: value for key, value in report(10).items() if key != "gateway"}
    assert fails(round_of, report(10), without) == "build: its load had no report of it"
    assert fails(round_of, None, report(10)) == "relay: its load had no report of it"


@check
def beside_ends_with_an_error_when_not_all_came_up():
    beside = tool("beside")
    with tempfile.TemporaryDirectory() as build:
        os.mkdir(os.path.join(build, "gateway"))
        open(os.path.join(build, "gateway", "switchroom"), "w", encoding="utf-8").close()
        words, sys.argv = sys.argv, ["beside", "--rounds", "1", "relay", build]
        real, pair.Side = pair.Side, FakeSide
        try:
            with contextlib.redirect_stdout(io.StringIO()) as said:
                FakeSide.told = [report(10.5), report(20.5)]
                assert beside.main() == 0 and "2.000 times" in said.getvalue(), said.getvalue()
                FakeSide.told = [report(10.5), with_failed(20.5)]
                beside.main()
            assert False, "no error"
        except SystemExit as error:
            assert error.code == "beside: 1 of 4 did not come up at the second", error.code
        finally:
            sys.argv, pair.Side = words, real


@check
def a_core_that_others_had_is_told():
    busy = report(10)
    busy["gateway"]["windows"] = [{**busy["gateway"]["windows"][0], "waited_percent": 90}]
    assert document.waited([busy]) and not document.waited([report(10)])
    assert not document.waited([{**busy, "janus": busy["gateway"]}])
    assert "other programs had the core" in document.lost([busy])


@check
def a_soak_tells_of_a_gateway_that_ended_at_once():
    soak = tool("soak")
    ended = {key: value for key, value in report(10).items() if key != "gateway"}
    assert soak.windows_of(ended) == []
    assert len(soak.windows_of(report(10))) == 3


def soaked(limits=False, name="forwarded", failed=0, delay=None, **flows):
    """What tools/soak finds wrong with a report whose group has @flows."""
    run = with_failed(10, failed)
    run["groups"]["sip"].update(flows)
    if delay is not None:
        run["groups"]["sip"]["delay_ms"] = delay
    return tool("soak").faults(argparse.Namespace(limits=limits), name, run)


@check
def a_soak_fails_for_what_is_lost():
    for limits in (False, True):
        assert soaked(limits) == []
        assert soaked(limits, lost=1) == ["forwarded, to sip: 1 packets lost"]
        assert soaked(limits, reported_lost=2) == ["forwarded, to sip: 2 packets lost on the way to the gateway"]
        assert soaked(limits, missing=3) == ["forwarded, to sip: 3 packets missing by the clock"]
        assert soaked(limits, mute=4) == ["forwarded, to sip: 4 heard too little"]
        assert soaked(limits, name="transcoded", missing=3) == ["transcoded, to sip: 3 packets missing by the clock"]


@check
def a_soak_fails_when_nobody_was_there():
    for flows in ({"up": 0}, {"expected": 0}):
        assert "transcoded, to sip: nobody was up, or heard anything" in soaked(True, name="transcoded", **flows)
    empty = {**report(10), "groups": {}}
    assert tool("soak").faults(argparse.Namespace(limits=True), "transcoded", empty) == ["transcoded: nobody was there"]


@check
def a_soak_past_the_limits_fails_when_running_calls_suffer():
    assert soaked(True, up=3) == ["forwarded, to sip: 1 of 4 ended, or did not come up"]
    assert soaked(True, name="transcoded", up=3, failed=1) == [], "those may be refused"
    assert soaked(failed=1) == ["forwarded: 1 did not come up"]
    assert soaked(True, delay={"n": 9, "p99": 5.0}) == ["forwarded, to sip: a delay of 5.0 ms (p99)"]
    assert soaked(True, delay={"n": 9, "p99": 4.9}) == []
    assert soaked(True, delay={"n": 0}) == ["forwarded, to sip: no delay was measured"]
    assert soaked(delay={"n": 9, "p99": 50.0}) == [], "only while others are refused"


@check
def a_soak_of_hours_has_longer_windows():
    soak = tool("soak")
    assert soak.windows(10) == (10, 60)
    assert soak.windows(100) == (100, 60)
    assert soak.windows(250) == (100, 150)


def main():
    print(f"TAP version 13\n1..{len(CHECKS)}")
    failed = False
    for number, function in enumerate(CHECKS, 1):
        name = function.__name__.replace("_", " ")
        try:
            function()
            print(f"ok {number} - {name}")
        except AssertionError as error:
            failed = True
            print(f"not ok {number} - {name}")
            print("# " + str(error).replace("\n", "\n# "))
    return failed


sys.exit(main())
