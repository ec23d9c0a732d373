"""What a program does with its time: perf's samples of it, added up. For tools/beside --profile."""

import collections
import re
import subprocess

SAMPLES_HZ = 1999
SYSCALL = re.compile(r"__(?:x64|arm64)_sys_(\w+)")
FRAME = re.compile(r"\s+[0-9a-f]+ (.+) \((.+)\)$")


def record(pid, path, seconds):
    """Looks at the process @pid for @seconds. Returns: by name, in per cent of a core, what it did."""
    words = f"perf record --quiet --event cpu-clock --freq {SAMPLES_HZ} --call-graph fp --output {path} --pid {pid}"
    subprocess.run([*words.split(), "--", "sleep", str(seconds)], check=True, stdout=subprocess.DEVNULL)
    words = ["perf", "script", "--fields", "comm,ip,sym,dso", "--input", path]
    script = subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    counts = collections.Counter(name_of(sample) for sample in script.split("\n\n") if sample.strip())
    return {name: 100 * n / SAMPLES_HZ / seconds for name, n in counts.items()}


def name_of(sample):
    """The function it was in; in the kernel: the call that led there."""
    frames = [match.groups() for match in map(FRAME.match, sample.split("\n")) if match]
    if not frames:
        return "unknown"
    function, where = frames[0]
    if not where.startswith("["):
        return function.split("+")[0] if function != "[unknown]" else where.rsplit("/", 1)[-1]
    for name, _ in frames:
        call = SYSCALL.match(name)
        if call:
            return f"kernel: {call.group(1)}"
    return "kernel: interrupts"


def mean(profiles):
    """Of several."""
    names = set().union(*profiles)
    return {name: sum(profile.get(name, 0) for profile in profiles) / len(profiles) for name in names}


def table(first, second, share):
    """Both beside each other, as lines of Markdown: what is @share of the whole in one of them."""
    least = share * max(sum(first.values()), sum(second.values()))
    names = sorted(set(first) | set(second), key=lambda name: -max(first.get(name, 0), second.get(name, 0)))
    shown = [name for name in names if max(first.get(name, 0), second.get(name, 0)) >= least]
    rest = [sum(side.get(name, 0) for name in names if name not in shown) for side in (first, second)]
    yield "| % of the core | first | second |"
    yield "|---|---|---|"
    for name in shown:
        yield f"| {name} | {first.get(name, 0):.2f} | {second.get(name, 0):.2f} |"
    yield f"| {len(names) - len(shown)} others | {rest[0]:.2f} | {rest[1]:.2f} |"
    yield f"| all | {sum(first.values()):.2f} | {sum(second.values()):.2f} |"
