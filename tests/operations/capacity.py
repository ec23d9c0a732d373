#!/usr/bin/env python3
"""The table of tools/capacity: its rows, their sizes, and the document that is made of them; what tools/soak tells. Prints
TAP."""

import importlib.machinery
import importlib.util
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(sys.argv[1], "tools", "load"))
import capacity_document as document  # noqa: E402
import capacity_rows as rows  # noqa: E402

CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def report(percent, group="sip"):
    """What switchroom-load tells of a load that took @percent of the core."""
    window = {"cpu_percent": percent, "rss_kb": 30000, "anon_kb": 20000}
    flows = {"lost": 0, "reported_lost": 0, "expected": 100, "sent": 100, "mute": 0}
    flows["delay_ms"] = {"n": 10, "p50": 1.0, "p99": 2.0}
    return {
        "gateway": {**window, "idle_percent": 0.5, "idle_rss_kb": 25000, "idle_anon_kb": 15000, "windows": [window] * 3},
        "groups": {group: flows},
        "setup": {"failed": 0},
        "generator": {"lateness_max_ms": 1.0, "packets_skipped": 0},
        "load_average": 1.0,
    }


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
    wanted |= {f"transcode-{codec}-{n}" for codec in ("PCMU", "G722", "opus") for n in (0, 5, 10)}
    wanted |= {f"room-{kind}-{size}-1" for kind in ("phones", "browsers") for size in (2, 3, 10, 100, 500)}
    wanted |= {f"room-{kind}-{size}-6" for kind in ("phones", "browsers") for size in (10, 100, 500)}
    wanted |= {f"{kind}-{n}" for kind in ("scale", "relay") for n in (1, 10, 100, 500, 1000)}
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


@check
def the_document_tells_cost_ratio_and_a_late_load():
    runs = {"bound-forward": 10.5, "bound-ours-forward": 15.5, "scale-100": 20.5}
    results = {
        identity: {"mode": "quick", "at": "2026-01-01", "load": row_of(identity)["load"], "runs": [report(percent)]}
        for identity, percent in runs.items()
    }
    results["scale-100"]["runs"][0]["generator"]["lateness_max_ms"] = 11
    text = document.write(results)
    assert "| bare relay: phone ↔ browser, G.711 | 100 | 10.5 % | 0.100 % (0.100–0.100) | 1000 | 1.0 / 2.0 | 0 | 50 |" in text, text
    assert "forwarded 1.50" in text, text
    assert "| 100 calls | 100 | 20.5 % | 0.200 % (0.200–0.200) | 500 | 1.0 / 2.0 * |" in text, text


@check
def a_core_that_others_had_is_told():
    busy = report(10)
    busy["gateway"]["windows"] = [{**busy["gateway"]["windows"][0], "waited_percent": 90}]
    assert document.waited([busy]) and not document.waited([report(10)])
    assert not document.waited([{**busy, "janus": busy["gateway"]}])
    assert "other programs had the core" in document.lost([busy])


@check
def a_soak_tells_of_a_gateway_that_ended_at_once():
    loader = importlib.machinery.SourceFileLoader("soak", os.path.join(sys.argv[1], "tools", "soak"))
    soak = importlib.util.module_from_spec(importlib.util.spec_from_loader("soak", loader))
    loader.exec_module(soak)
    ended = {key: value for key, value in report(10).items() if key != "gateway"}
    assert soak.windows_of(ended) == []
    assert len(soak.windows_of(report(10))) == 3


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
