"""The rows of docs/CAPACITY.md: what is loaded with what. For tools/capacity.

A row: id, section, title, load (arguments of switchroom-load), n (what its cost is divided by), and maybe settings (of
`media` in the gateway's configuration), janus (a Janus is loaded instead), pair (the bare relay has the same load at the same
time on the same core). A row of the bare relay has `relay`, its arguments, instead.
"""

import programs

SIP_SETTLE_S = 1.5
WEBRTC_SETTLE_S = 2
RATE = "150"
SLOW_RATE = "80"  # of many browsers at once: their handshakes alone fill a core
PAIR_MOST = 300  # calls of which a core carries twice as many, also of a slow machine
MOST = {  # who have a port of the gateway
    "--sip": (programs.RTP_PORTS[1] - programs.RTP_PORTS[0] + 1) // 2,
    "--webrtc": programs.RTC_PORTS[1] - programs.RTC_PORTS[0] + 1,
}
COMPLEXITY_5 = {"opus_complexity": 5, "opus_complexity_min": 5}  # as the relay, also where the core is nearly full


def pairs(n, *more):
    """n calls, each a phone and a browser in a room of their own."""
    return ["--sip", str(n), "--webrtc", str(n), "--rooms", str(n), "--rate", RATE, *more]


def phones(n, rooms, *more):
    return ["--sip", str(n), "--rooms", str(rooms), "--rate", RATE, *more]


def browsers(n, rooms, *more):
    return ["--webrtc", str(n), "--rooms", str(rooms), "--rate", SLOW_RATE if n > 200 else RATE, *more]


def forwarded():
    for codec, name in (("PCMU", "G.711"), ("G722", "G.722"), ("opus", "Opus")):
        yield {
            "id": f"forward-{codec}",
            "title": f"phone ↔ browser, {name}",
            "n": 100,
            "load": pairs(100, "--sip-codec", codec, "--webrtc-codec", codec),
        }
    yield {
        "id": "forward-asymmetric",
        "title": "phone ↔ browser that speaks Opus and hears G.711 (one decoder)",
        "n": 100,
        "load": pairs(100, "--webrtc-codec", "opus,PCMU"),
    }


def bound():
    for identity, title, n, codec in (
        ("forward", "phone ↔ browser, G.711", 100, "PCMU"),
        ("asymmetric", "phone ↔ browser that speaks Opus and hears G.711 (one decoder)", 100, "opus,PCMU"),
        ("transcode", "phone with G.711 ↔ browser with Opus, 8 kHz, complexity 5", 40, "opus"),
    ):
        yield {
            "id": f"pair-{identity}",
            "title": title,
            "n": n,
            "load": pairs(n, "--webrtc-codec", codec),
            "settings": COMPLEXITY_5 if identity == "transcode" else {},
            "pair": True,
        }


def encryption():
    for sdes, webrtc, title in (
        (None, None, "phone ↔ phone, plain RTP"),
        ("gcm", None, "phone ↔ phone, SRTP with AES-GCM"),
        ("cm", None, "phone ↔ phone, SRTP with AES-CM and SHA-1"),
        ("none", "gcm", "phone, plain ↔ browser, AES-GCM"),
        ("none", "cm", "phone, plain ↔ browser, AES-CM and SHA-1"),
        ("gcm", "gcm", "phone ↔ browser, both AES-GCM"),
        ("cm", "gcm", "phone, AES-CM and SHA-1 ↔ browser, AES-GCM"),
        ("cm", "cm", "phone ↔ browser, both AES-CM and SHA-1"),
    ):
        keys = ["--sdes", sdes or "none"]
        load = (
            pairs(100, "--webrtc-codec", "PCMU", "--webrtc-srtp", webrtc, *keys) if webrtc else phones(200, 100, *keys)
        )
        yield {"id": f"srtp-{sdes}-{webrtc}", "title": title, "n": 100, "load": load}


def transcoded():
    for complexity in (0, 5, 10):
        settings = {"opus_complexity": complexity, "opus_complexity_min": complexity}
        for codec, name in (("PCMU", "phone with G.711 ↔ browser with Opus, 8 kHz"), ("G722", "G.722 ↔ Opus, 16 kHz")):
            yield {
                "id": f"transcode-{codec}-{complexity}",
                "title": f"{name}, complexity {complexity}",
                "n": 40,
                "load": pairs(40, "--sip-codec", codec, "--webrtc-codec", "opus"),
                "settings": settings,
            }
        yield {
            "id": f"transcode-opus-{complexity}",
            "title": f"Opus at 48 kHz in rooms of three, each one mixed and encoded, complexity {complexity}; per participant",
            "n": 42,
            "load": browsers(42, 14, "--webrtc-codec", "opus"),
            "settings": settings,
        }
        yield {
            "id": f"transcode-rooms-{complexity}",
            "title": "phones with G.711 and browsers with Opus at 48 kHz in rooms of three: one phone and two browsers, each one "
            f"mixed and encoded, complexity {complexity}; per participant",
            "n": 42,
            "load": ["--sip", "14", *browsers(28, 14, "--webrtc-codec", "opus")],
            "settings": settings,
        }


def rooms():
    for size, counts in ((2, (1, 2)), (3, (1, 3)), (10, (1, 3, 6)), (100, (1, 3, 6)), (500, (1, 3, 6))):
        n_rooms = max(1, 100 // size)
        for talkers in counts:
            yield {
                "id": f"room-phones-{size}-{talkers}",
                "title": f"phones, G.711: {size} in a room, {talkers} of them talking",
                "n": n_rooms * size,
                "load": phones(n_rooms * size, n_rooms, "--talkers", str(talkers)),
            }
    for size, counts in ((2, (1, 2)), (3, (1, 3)), (10, (1, 3, 6)), (100, (1, 3, 6)), (500, (1, 3, 6))):
        n_rooms = max(1, 60 // size)
        for talkers in counts:
            yield {
                "id": f"room-browsers-{size}-{talkers}",
                "title": f"browsers, Opus: {size} in a room, {talkers} of them talking",
                "n": n_rooms * size,
                "load": browsers(n_rooms * size, n_rooms, "--webrtc-codec", "opus", "--talkers", str(talkers)),
            }


def listeners():
    for kind, codec, name in (("phones", "PCMU", "phones, G.711"), ("browsers", "opus", "browsers, Opus")):
        for n in (100, 400):
            everybody = phones(n, 1) if kind == "phones" else browsers(n, 1, "--webrtc-codec", codec)
            row = {
                "id": f"listen-{kind}-{n}",
                "title": f"{name}: {n} in a room, 3 of them talking",
                "n": n,
                "load": [*everybody, "--talkers", "3", "--muted"],
            }
            yield row
            yield {**row, "id": f"pair-{row['id']}", "pair": True}


def scale_row(n):
    title = f"{n} call{'s' if n > 1 else ''}"
    return {"id": f"scale-{n}", "title": title, "n": n, "load": pairs(n, "--webrtc-codec", "PCMU")}


def scale():
    for n in (1, 10, 100, 500, 1000):
        row = scale_row(n)
        yield {**relay_row(row), "id": f"relay-{n}", "title": f"{row['title']} through the bare relay", "n": n}
        yield row
    for n in (1, 10, 100, PAIR_MOST):
        row = scale_row(n)
        yield {**row, "id": f"pair-{row['id']}", "pair": True}
    for n in (100, 1000):
        yield {
            "id": f"scale-phones-{n}",
            "title": f"{n} calls between phones, plain RTP",
            "n": n,
            "load": phones(2 * n, n),
        }


def relay_row(row):
    """The same calls as @row's through the bare relay, or the same packets to listeners."""
    load, n = row["load"], row["n"]
    rate = load[load.index("--rate") + 1]
    if "--muted" in load:
        more, sides = (["--relay-srtp"], "srtp") if "--webrtc" in load else ([], "plain")
        load = ["--relay", str(n // 2), "--relay-listen", *more, "--muted", "--rate", rate]
        return {"n": n // 2, "relay": ["--fan-out", sides], "load": load}
    spoken = load[load.index("--webrtc-codec") + 1] if "--webrtc-codec" in load else ""
    relay = {"opus": ["--opus", "5"], "opus,PCMU": ["--opus-in"]}.get(spoken, [])
    return {"n": n, "relay": relay, "load": ["--relay", str(n), *(["--relay-opus"] if relay else []), "--rate", rate]}


LOAD_PERCENT = 70


def at_load():
    """So many as take 70 % of the core, by what the rows before have shown, and then by what that many took."""
    yield {
        "id": "load-forward",
        "title": "forwarded, phone ↔ browser, G.711",
        "by": "scale-500",
        "make": lambda n: pairs(n, "--webrtc-codec", "PCMU"),
    }
    yield {
        "id": "load-transcode",
        "title": "transcoded, phone with G.711 ↔ browser with Opus",
        "by": "transcode-PCMU-5",
        "make": lambda n: pairs(n, "--webrtc-codec", "opus"),
        "settings": COMPLEXITY_5,
    }
    yield {
        "id": "load-mixed",
        "title": "mixed, phones with G.711 in rooms of ten, three talking; per participant",
        "by": "room-phones-500-3",
        "step": 10,
        "make": lambda n: phones(n, n // 10, "--talkers", "3"),
    }
    yield {
        "id": "load-mixed-opus",
        "title": "mixed, browsers with Opus in rooms of ten, three talking; per participant",
        "by": "room-browsers-10-3",
        "step": 10,
        "make": lambda n: browsers(n, n // 10, "--webrtc-codec", "opus", "--talkers", "3"),
    }


def beside_janus():
    for codec, rate, name in (("PCMU", 8000, "G.711"), ("opus", 16000, "Opus")):
        for size, talkers in ((3, 3), (20, 3)):
            n, n_rooms = 60, 60 // size
            arguments = ["--rooms", str(n_rooms), "--rate", "50", "--talkers", str(talkers)]
            what = f"{name}, {size} in a room, {talkers} talking"
            yield {
                "id": f"janus-{codec}-{size}",
                "title": f"Janus AudioBridge, {what}",
                "n": n,
                "janus": True,
                "load": ["--janus-participants", str(n), "--janus-codec", codec, "--janus-rate", str(rate), *arguments],
            }
            yield {
                "id": f"beside-{codec}-{size}",
                "title": f"Switchroom, {what}",
                "n": n,
                "load": ["--sip", str(n), "--sip-codec", codec, "--playback-rate", str(rate), *arguments],
            }


SECTIONS = (
    ("forward", forwarded),
    ("bound", bound),
    ("srtp", encryption),
    ("transcode", transcoded),
    ("room", rooms),
    ("listen", listeners),
    ("scale", scale),
    ("load", at_load),
    ("janus", beside_janus),
)


def all_rows():
    for section, make in SECTIONS:
        for row in make():
            yield {**row, "section": section}


def settle(row):
    return WEBRTC_SETTLE_S if "--webrtc" in row["load"] else SIP_SETTLE_S


def resolved(row, results):
    """A row whose size depends on another one gets it; None when that one was not measured."""
    if "by" not in row:
        return row
    kept = results.get(row["by"])
    if not kept:
        return None
    cost = kept["runs"][0]["gateway"]["cpu_percent"] / run_size(row["by"])
    return sized(row, LOAD_PERCENT / cost)


def sized(row, n):
    """@row for @n, but for no more than there are ports for."""
    step = row.get("step", 1)
    most = min(MOST[word] for word in row["make"](step) if word in MOST)
    n = min(max(10, round(n)), most) // step * step
    return {**row, "n": n, "load": row["make"](n)}


def sized_as(row, load):
    """@row as it was measured before, with the arguments @load."""
    return {**row, "n": int(load[1]), "load": load}


def corrected(row, report):
    """@row with as many as the load would have needed by its own @report; None when it was near enough, when there are no ports
    for more, or when not all came up. What a call costs differs with their number and with the machine's day."""
    if "by" not in row or report["setup"]["failed"]:
        return None
    percent = report["gateway"]["cpu_percent"] if report.get("gateway") else LOAD_PERCENT
    if abs(percent - LOAD_PERCENT) <= 5 or percent <= 0:
        return None
    other = sized(row, row["n"] * min(LOAD_PERCENT / percent, 2))
    return other if other["n"] != row["n"] else None


def run_size(identity):
    return next(row["n"] for row in all_rows() if row["id"] == identity)
