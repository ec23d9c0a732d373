"""Two programs that are loaded in the same way at the same time on one core. For tools/beside and tools/capacity."""

import os
import tempfile
import threading
import time

import capacity_rows as rows
import cpu_profile
import programs

RELAY = "relay"
SETTLE_S = 5
WINDOWS = 3
WINDOW_S = 3
PROFILE_S = 6  # within the windows
FULL_PERCENT = 93  # a real-time priority leaves 5 % to others


class NotMeasured(Exception):
    """A round without an answer: of one of the two there is nothing to compare."""


class Side:
    """One of the two: its program, and the load that it has."""

    def __init__(self, machine, name, build, row):
        """@name: the build directory of a gateway, or RELAY: the bare relay, of @build."""
        self.directory = tempfile.TemporaryDirectory(prefix="beside-")
        self.report = self.profile = self.program = None
        try:
            if name == RELAY:
                row = rows.relay_row(row)
                self.program, where = programs.start_relay(machine, build, self.directory.name, row)
            else:
                settings = row.get("settings", {})
                self.program, where = programs.start_gateway(machine, name, self.directory.name, settings)
        except BaseException:
            self.directory.cleanup()
            raise
        self.load = [*where, *row["load"]]

    def measure(self, machine, build, window_s):
        times = ["--settle", str(SETTLE_S), "--windows", str(WINDOWS), "--window", str(window_s)]
        self.report = programs.run_load(machine, build, [*self.load, *times])

    def look(self):
        """Has perf look at it, once all participants are there."""
        words = dict(zip(self.load, self.load[1:]))
        count = sum(int(words.get(word, 0)) for word in ("--sip", "--webrtc", "--relay"))
        time.sleep(count / float(words["--rate"]) + SETTLE_S)
        path = os.path.join(self.directory.name, "perf.data")
        self.profile = cpu_profile.record(self.program.process.pid, path, PROFILE_S)

    def stop(self):
        self.program.stop()
        self.directory.cleanup()


def measure(machine, names, row, build, window_s=WINDOW_S, profiles=False):
    """One round with the load of @build, the first of @names begins. Returns the sides in their order. NotMeasured when a program
    ended, or a load had no report of it."""
    sides = []
    try:
        for name in names:
            sides.append(Side(machine, name, build, row))
        threads = [threading.Thread(target=side.measure, args=(machine, build, window_s)) for side in sides]
        threads += [threading.Thread(target=side.look) for side in sides if profiles]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for side in sides:
            if why := side.program.ended():
                raise NotMeasured(f"a program {why}")
    finally:
        for side in sides:
            side.stop()
    for name, side in zip(names, sides):
        if not side.report or not side.report.get("gateway"):
            raise NotMeasured(f"{name}: its load had no report of it")
    return sides


def ratio(first, second):
    """What @second took in those of @first, of reports. NotMeasured when not everybody was there with both."""
    for which, report in (("first", first), ("second", second)):
        if failed := report["setup"]["failed"]:
            raise NotMeasured(f"{failed} of {report['setup']['participants']} did not come up at the {which}")
        if percent(report) <= 0:
            raise NotMeasured(f"the {which} took nothing")
        if mute := sum(group["mute"] for group in report["groups"].values()):
            raise NotMeasured(f"{mute} hear too little of the {which}")
    if (together := sum(report["gateway"]["cpu_percent"] for report in (first, second))) > FULL_PERCENT:
        raise NotMeasured(f"the core is full: {together:.0f} %")
    return percent(second) / percent(first)


def percent(report):
    """Of the core, without what it takes idle."""
    gateway = report["gateway"]
    return sum(window["cpu_percent"] for window in gateway["windows"]) / len(gateway["windows"]) - gateway["idle_percent"]
