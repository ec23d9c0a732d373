"""docs/CAPACITY.md out of the results of tools/capacity."""

import statistics

import capacity_rows as rows
from pair import FULL_PERCENT

WAITED_PERCENT = 10  # of the time, beyond what the program ran itself
PAIR = ("relay", "ours")
LATE_MS = 10  # a load that was later itself measured its own delay

HEAD = """# Capacity

What calls cost, measured by `tools/capacity`, which writes this file. The gateway has one media worker and is pinned
to one core with all its threads (SIP, HTTP, media), `tools/load` to another one: it makes the calls, speaks four seconds
of a voice over and over, and measures what it hears. A *call* is a phone and a browser in a room of their own, both
talking all the time; packets of 20 ms; the browser has DTLS-SRTP with AES-GCM and the phone plain RTP, where nothing
else is said.

- **CPU** is that of the whole process over the measuring, by the kernel's clock, in per cent of a core; **per call** is
  without what the idle gateway takes, as the median of the windows with the smallest and the largest.
- **Calls per core** is 100 % by that: room for everything else a machine does is not taken off.
- **Delay** is what the gateway adds, from mark to mark in the audio (median and 99th percentile, the slower direction);
  the look-ahead of the speaker's codec is taken off, that of an encoder in the gateway is not. It ends when
  the kernel has the packet for the load's socket. Marks are found to half a millisecond, in G.722 to two. A star: the load
  itself was late by more than {late} ms, and sent in bursts what it had missed.
- **kB per call** is what the process has more of than before the load, without pages of files (code that runs for the
  first time), and without the SIP messages that are kept for `call.trace`, at most 64 kB a call: `capture.enabled` is off.
  With it a call of a few messages takes 6 kB more for each of its phones.
- **Lost** counts packets that did not come out of the gateway (gaps in the sequence, and by the clock, as a mix that is left
  out leaves no gap), or did not reach it. The latter are told by the gateway's own reports, which come every 2.5 to 7.5 s:
  what was lost in a row's last seconds is not in it.

| | |
|---|---|
| machine | {processor}, {cores} cores, {memory_gb} GB |
| system | {system}, Linux {kernel} |
| measured | {dates}{builds}, {mode} mode, load average of the machine {load_low:.1f} to {load_high:.1f} |{left_out}
"""

TEXTS = {
    "forward": (
        "Forwarded calls",
        "The packets go through with another header; nothing is decoded. In the last row the browser negotiated Opus and "
        "PCMU, speaks Opus and is sent the phone's PCMU.",
    ),
    "bound": (
        "Beside the bound",
        "`switchroom-relay` is a relay that does nothing but what each call needs: two sockets, SRTP on one side, and the "
        "codecs; no jitter buffer, no RTCP, no ICE, no rooms. It and the gateway have the same load at the same time on one core, "
        "so that whatever else keeps the machine busy meets both; in the second of two rounds the gateway begins. They share the "
        "core's caches, and a call takes more than in the other tables.",
    ),
    "srtp": ("Encryption", "100 calls with G.711, forwarded."),
    "transcode": (
        "Transcoded calls",
        "Between two: 40 calls, each with a decoder and an encoder each way. In rooms of three: 42 participants who all talk, each "
        "with a decoder, and with a mix of the other two and an encoder of its own; a *call* is a participant there.",
    ),
    "room": (
        "Rooms",
        "Everybody sends all the time, listeners silence. A *call* here is a participant. Each talker hears a mix of its own; "
        "all listeners with the same codec hear the same one, which is encoded once.",
    ),
    "listen": (
        "Listeners",
        "As above, but who does not talk sends nothing, as a muted browser or a phone with silence suppression. "
        "The bare relay sends one talker's packets to all others, those of browsers with SRTP, and does nothing else.",
    ),
    "scale": ("From one call to a thousand", "Calls with G.711, forwarded, and through the bare relay."),
    "load": (
        "Delay at 70 % of a core",
        "As many as take about 70 % of the core, by the rows above. What is encoded is later by the look-ahead of the gateway's "
        "encoder, which is in these delays, as is the wait of what is mixed for the next 20 ms.",
    ),
    "janus": (
        "Beside Janus",
        "Janus 1.1.2 of Debian with its AudioBridge and plain RTP participants, and the same participants as plain SIP "
        "calls of the gateway, on the same core one after the other, each with its default settings. Per participant.",
    ),
}

PAIR_COLUMNS = (
    "| at the same time on one core | calls | bare relay, per call | Switchroom, per call | times | lost |\n|---|---|---|---|---|---|\n"
)
COLUMNS = "| | calls | CPU | per call | calls per core | delay, ms | lost | kB per call |\n|---|---|---|---|---|---|---|---|\n"


def target(run):
    return run.get("janus") or run.get("gateway")


def costs(row, runs):
    """Per call, of each window, in per cent of a core."""
    found = []
    for run in runs:
        measured = target(run)
        idle = max(measured["idle_percent"], 0)
        found += [max(window["cpu_percent"] - idle, 0) / row["n"] for window in measured["windows"]]
    return found


def delay(runs):
    groups = [group["delay_ms"] for run in runs for group in run["groups"].values() if group["delay_ms"]["n"] > 0]
    if not groups:
        return "–"
    late = max(run["generator"]["lateness_max_ms"] for run in runs) > LATE_MS
    return f"{max(g['p50'] for g in groups):.1f} / {max(g['p99'] for g in groups):.1f}{' *' if late else ''}"


def lost(runs, shared=False):
    """@shared: another program has the same core."""
    groups = [group for run in runs for group in run["groups"].values()]
    missing = sum(group.get("missing", 0) for group in groups)  # an older result has none
    n = missing + sum(group["lost"] + group["reported_lost"] for group in groups)
    percent = 100 * n / max(1, missing + sum(group["expected"] + group["sent"] for group in groups))
    words = [f"{n} ({percent:.2f} %)" if n else "0"]
    failed = sum(run["setup"]["failed"] for run in runs)
    mute = sum(group["mute"] for group in groups)
    skipped = sum(run["generator"]["packets_skipped"] for run in runs)
    if failed:
        words.append(f"{failed} not up")
    if mute:
        words.append(f"{mute} hear too little")
    if max(target(run)["cpu_percent"] for run in runs) > FULL_PERCENT:
        words.append("the core is full")
    if not shared and waited(runs):
        words.append("other programs had the core")
    if skipped:
        words.append("the load could not keep up")
    return ", ".join(words)


def waited(runs):
    """Whether others had the core in some window: threads of one process wait for each other, but not longer than they run;
    those of Janus, one or two for each participant, do."""
    windows = [window for run in runs if run.get("gateway") and not run.get("janus") for window in run["gateway"]["windows"]]
    return any(window.get("waited_percent", 0) > WAITED_PERCENT + window["cpu_percent"] for window in windows)


def flaws(run):
    """Why a run is done once more; none: it need not be. @run: a report, those of a pair, or None."""
    if run is None:
        return ["nothing was measured"]
    failed = not_up(run)
    words = [f"{failed} did not come up"] if failed else []
    return words + (["other programs had the core"] if "pair" not in run and waited([run]) else [])


def not_up(run):
    reports = [each[who] for each in run["pair"] for who in PAIR] if "pair" in run else [run]
    return sum(report["setup"]["failed"] for report in reports)


def better(first, second):
    """The run of the two that tells more."""
    return min(first, second, key=lambda run: (run is None, run and not_up(run), len(flaws(run))))


def is_sound(runs):
    """Everybody was there and served, so that a cost by their number says something."""
    return all(run["setup"]["failed"] == 0 and target(run)["cpu_percent"] <= FULL_PERCENT for run in runs)


def cells(row, runs):
    values = costs(row, runs)
    middle = statistics.median(values)
    cpu = statistics.median(target(run)["cpu_percent"] for run in runs)
    memory = statistics.median(memory_kb(target(run)) for run in runs) / row["n"]
    return [
        str(row["n"]),
        f"{cpu:.1f} %",
        f"{middle:.3f} % ({min(values):.3f}–{max(values):.3f})" if is_sound(runs) else "–",
        f"{100 / middle:.0f}" if middle > 0 and is_sound(runs) else "–",
        delay(runs),
        lost(runs),
        f"{memory:.0f}" if is_sound(runs) else "–",
    ]


def memory_kb(measured):
    """That the load took; of a result that has no better, with pages of files."""
    name = "anon_kb" if "anon_kb" in measured else "rss_kb"
    return measured[name] - measured[f"idle_{name}"]


def one_line(row, runs):
    if row.get("pair"):
        return "  ".join(pair_cells(row, runs))
    return "  ".join(cells(row, runs)) if target(runs[0]) else "nothing was measured"


def table(section, results):
    lines = []
    for row in rows.all_rows():
        kept = results.get(row["id"])
        if row["section"] != section or row.get("pair") or not kept or not target(kept["runs"][0]):
            continue
        if "by" in row:
            row = rows.sized_as(row, kept["load"])
        lines.append(f"| {row['title']} | " + " | ".join(cells(row, kept["runs"])) + " |\n")
    return COLUMNS + "".join(lines) if lines else ""


def rounds_of(runs):
    """Of a pair, those in which the core was enough for both and everybody was there."""
    rounds = [each for run in runs for each in run["pair"]]
    return [each for each in rounds if sum(target(each[who])["cpu_percent"] for who in PAIR) <= FULL_PERCENT
            and all(each[who]["setup"]["failed"] == 0 for who in PAIR)]


def pair_costs(row, rounds, who):
    """Per call, of each round, in per cent of a core."""
    return [statistics.mean(costs(row, [each[who]])) for each in rounds]


def pair_cells(row, runs):
    rounds = rounds_of(runs)
    if not rounds:
        return [str(row["n"]), "–", "–", "–", "the core is full, or not all were up"]
    relay, ours = (pair_costs(row, rounds, who) for who in PAIR)
    ratios = [mine / theirs for theirs, mine in zip(relay, ours) if theirs > 0]
    spread = f" ({min(ratios):.2f}–{max(ratios):.2f})" if len(ratios) > 1 else ""
    return [
        str(row["n"]),
        f"{statistics.mean(relay):.3f} %",
        f"{statistics.mean(ours):.3f} %",
        f"{statistics.geometric_mean(ratios):.2f}{spread}" if ratios else "–",
        lost([each[who] for each in rounds for who in PAIR], shared=True),
    ]


def pair_table(section, results):
    chosen = [row for row in rows.all_rows() if row["section"] == section and row.get("pair") and row["id"] in results]
    lines = [f"| {row['title']} | " + " | ".join(pair_cells(row, results[row["id"]]["runs"])) + " |\n" for row in chosen]
    return PAIR_COLUMNS + "".join(lines) if lines else ""


def scale_costs(results, kind):
    """The cost of a call by how many there were, where nothing was too much."""
    found = {}
    for row in rows.all_rows():
        if row["section"] == "scale" and row["id"] == f"{kind}-{row['n']}" and row["id"] in results:
            run = results[row["id"]]["runs"]
            if target(run[0]) and is_sound(run):
                found[row["n"]] = statistics.median(costs(row, run))
    return found


def flatness(results):
    """How far the cost per call is from that of 100 calls, of ours and of the relay's."""
    words = []
    for kind, whose in (("scale", "the gateway's"), ("relay", "the relay's")):
        found = scale_costs(results, kind)
        if 100 in found and len(found) > 1:
            off = ", ".join(f"{n}: {100 * value / found[100] - 100:+.0f} %" for n, value in found.items() if n != 100)
            words.append(f"{whose} at {off}")
    text = f"\nThe cost of a call beside that at 100 calls, {'; '.join(words)}. " if words else ""
    if words:
        text += "Few calls leave the thread asleep between two packets, and waking it costs what a packet does.\n"
    ours, relay = scale_costs(results, "scale"), scale_costs(results, "relay")
    most = max((n for n in ours if relay.get(n)), default=0)
    if most > rows.PAIR_MOST:
        text += f"\n{most} calls, for which a core is too small twice, cost {ours[most] / relay[most]:.2f} times the relay's, "
        text += "one after the other.\n"
    return text


def further_listener(results):
    """What one more costs, by two rows that differ in nothing else: alone, and beside the relay."""
    words = []
    for kind in ("phones", "browsers"):
        few, many = (row for row in rows.all_rows() if row["id"] in (f"listen-{kind}-100", f"listen-{kind}-400"))
        further = many["n"] - few["n"]
        alone = [results[row["id"]]["runs"] for row in (few, many) if row["id"] in results]
        if len(alone) == 2 and all(map(is_sound, alone)):
            less, more = (statistics.median(costs({"n": 1}, runs)) for runs in alone)
            words.append(f"{(more - less) / further:.3f} % of a core among {kind}, alone on it")
        both = [rounds_of(results[f"pair-{row['id']}"]["runs"]) for row in (few, many) if f"pair-{row['id']}" in results]
        if len(both) == 2 and all(both):
            relay, ours = (
                statistics.mean(pair_costs({"n": further}, both[1], who)) - statistics.mean(pair_costs({"n": further}, both[0], who))
                for who in PAIR
            )
            words.append(f"{ours:.3f} % beside the relay, which takes {relay:.3f} %: {ours / relay:.2f} times")
    return f"\nA further listener takes {'; '.join(words)}.\n" if words else ""


def comparison(results):
    """What a participant costs there, in those of ours."""
    ratios = []
    found = {row["id"]: row for row in rows.all_rows() if row["section"] == "janus"}
    for identity, row in found.items():
        ours = "beside-" + identity[len("janus-"):]
        if not identity.startswith("janus-") or identity not in results or ours not in results:
            continue
        if not is_sound(results[identity]["runs"]) or not is_sound(results[ours]["runs"]):
            continue
        theirs = statistics.median(costs(row, results[identity]["runs"]))
        mine = statistics.median(costs(found[ours], results[ours]["runs"]))
        if mine > 0:
            ratios.append(theirs / mine)
    if not ratios:
        return ""
    return f"\nA participant of Janus takes {min(ratios):.1f} to {max(ratios):.1f} times the CPU time of one of ours.\n"


def left_out(results):
    """Lines of the head: the rows that have no result, whole sections by their title."""
    have_janus = results.get("machine", {}).get("janus", True)
    words = []
    for section, _ in rows.SECTIONS:
        of_it = [row for row in rows.all_rows() if row["section"] == section and (have_janus or not row.get("janus"))]
        without = [row["id"] for row in of_it if row["id"] not in results]
        words += [TEXTS[section][0]] if len(without) == len(of_it) else without
    lines = f"\n| not measured | {', '.join(words)} |" if words else ""
    if not have_janus and not any(row.get("janus") and row["id"] in results for row in rows.all_rows()):
        lines += "\n| left out | the rows of Janus: there is none on this machine |"
    return lines


def write(results):
    kept = {key: value for key, value in results.items() if key != "machine"}
    if not kept:
        raise SystemExit("capacity: there are no results yet")
    averages = [run.get("load_average", 0) for value in kept.values() for run in value["runs"]]
    dates = sorted({value["at"] for value in kept.values()})
    machine = results.get("machine", {"processor": "?", "cores": 0, "memory_gb": 0, "system": "?", "kernel": "?"})
    text = HEAD.format(
        **machine,
        late=LATE_MS,
        dates=dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}",
        mode=" and ".join(sorted({value["mode"] for value in kept.values()})),
        load_low=min(averages),
        load_high=max(averages),
        left_out=left_out(results),
        builds=" by different builds" if len({value.get("build") for value in kept.values()}) > 1 else "",
    )
    for section, _ in rows.SECTIONS:
        title, about = TEXTS[section]
        tables = [lines for lines in (table(section, results), pair_table(section, results)) if lines]
        if not tables:
            continue
        text += f"\n## {title}\n\n{about}\n\n" + "\n".join(tables)
        text += {"scale": flatness, "listen": further_listener, "janus": comparison}.get(section, lambda _: "")(results)
    return text
