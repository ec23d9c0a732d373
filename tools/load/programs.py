"""The programs of a measuring, and how they are started: the gateway, Janus, the bare relay, the load. For tools/capacity,
tools/beside and tools/soak."""

import contextlib
import json
import os
import platform
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

SECRET = "secret-of-the-capacity-measurement-0"
ALLOCATOR = ("G_SLICE=always-malloc", "GLIBC_TUNABLES=glibc.malloc.tcache_count=0")  # as in the unit
RTP_PORTS = (22000, 27999)  # of the gateway: two for each phone
RTC_PORTS = (28000, 31999)  # one for each browser
JANUS_PLUGINS = ("duktape echotest lua nosip recordplay sip streaming textroom videocall videoroom voicemail").split()
JANUS_TRANSPORTS = "http mqtt nanomsg pfunix rabbitmq".split()


def log(text):
    print(text, file=sys.stderr, flush=True)


def free_port(after=0):
    """A TCP port that UDP has free as well, below those that the kernel gives out by itself, and above @after."""
    for port in range(max(12000 + os.getpid() % 1000 * 3, after + 1), 21000):
        try:
            with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
                return port
        except OSError:
            continue
    raise SystemExit("capacity: no free port")


def free_row(count, step):
    """The first of @count UDP ports that are free, @step apart."""
    for first in range(14000 + os.getpid() % 50 * 20, RTP_PORTS[0] - count * step, 250):
        with contextlib.ExitStack() as stack:
            try:
                for port in range(first, first + count * step, step):
                    stack.enter_context(socket.socket(type=socket.SOCK_DGRAM)).bind(("127.0.0.1", port))
                return first
            except OSError:
                continue
    raise SystemExit("capacity: no free ports for the relay")


class Machine:
    """How programs are started: which core, which priority."""

    def __init__(self, realtime):
        cores = sorted(os.sched_getaffinity(0))
        self.gateway_core, self.load_core = cores[0], cores[-1]
        self.realtime = realtime
        if len(cores) < 2:
            log("capacity: one core only: the load and the gateway share it, the delays are not the gateway's alone")

    def command(self, core, *words):
        priority = ["chrt", "-f", "5"] if self.realtime else []
        return [*priority, "taskset", "-c", str(core), *words]

    @staticmethod
    def describe():
        model = re.search(r"model name\s*:\s*(.*)", open("/proc/cpuinfo", encoding="utf-8").read())
        return {
            "processor": model.group(1) if model else platform.processor(),
            "cores": os.cpu_count(),
            "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
            "kernel": platform.release().split("-")[0],
            "system": re.search(r'PRETTY_NAME="(.*)"', open("/etc/os-release", encoding="utf-8").read()).group(1),
        }


class NotStarted(Exception):
    """A program of a row, which is tried again; then the row is left out."""


class Program:
    """Something that is started for a row and ended with it."""

    def __init__(self, command, directory, ready):
        self.output = open(os.path.join(directory, "output"), "wb")
        self.process = subprocess.Popen(command, cwd=directory, stdout=self.output, stderr=subprocess.STDOUT)
        for _ in range(100):
            if self.process.poll() is not None:
                break
            if ready():
                return
            time.sleep(0.1)
        why = self.ended() or "is not ready after 10 s"
        self.stop()
        raise NotStarted(f"{' '.join(command)}: {why}")

    def ended(self):
        """Why, when it ended by itself."""
        if self.process.poll() is None:
            return None
        with open(self.output.name, encoding="utf-8", errors="replace") as file:
            return f"ended with {self.process.returncode}: {file.read()[-1500:]}"

    def stop(self):
        """Ends it; what it was told last may take a moment."""
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is not None:
                break
            self.process.send_signal(number)
            try:
                self.process.wait(timeout=4)
            except subprocess.TimeoutExpired:
                pass
        self.output.close()


def answers_http(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1) as answer:
            return answer.status == 200
    except OSError:
        return False


def listens(port):
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0


def start_gateway(machine, build, directory, settings, limits=None):
    """The gateway of a row, which refuses nobody but by @limits. Returns (program, arguments for the load)."""
    http = free_port()
    sip = free_port(after=http)
    media = {"workers": 1, **settings}
    configuration = {
        "api_key": "capacity",
        "api_secret": SECRET,
        "http": {"bind": "127.0.0.1", "port": http},
        "sip_port": sip,
        "sip": {"bind": ["127.0.0.1"]},
        "rtp_port": {"start": RTP_PORTS[0], "end": RTP_PORTS[1]},
        "rtc": {"bind": ["127.0.0.1"], "port": {"start": RTC_PORTS[0], "end": RTC_PORTS[1]}},
        "media": media,
        "storage": {"path": ":memory:"},
        "capture": {"enabled": False},  # memory is told without it
        "limits": {"invites_per_second_per_source": 0, **(limits or {"max_cpu_utilization": 0, "max_tick_lateness": 0})},
        "trunks": [{"name": "load", "direction": "inbound", "allowed_addresses": ["127.0.0.1/32"]}],
        "dispatch_rules": [{"name": "load", "type": "callee"}],
    }
    with open(os.path.join(directory, "config.yaml"), "w", encoding="utf-8") as file:
        json.dump(configuration, file)  # JSON is YAML
    binary = os.path.join(build, "gateway", "switchroom")
    program = Program(
        machine.command(machine.gateway_core, "env", *ALLOCATOR, binary, "--config", "config.yaml", "--drain-timeout", "1"),
        directory,
        lambda: answers_http(http),
    )
    arguments = ["--gateway", f"127.0.0.1:{sip}", "--api", f"ws://127.0.0.1:{http}/ws", "--api-key", "capacity"]
    return program, [*arguments, "--api-secret", SECRET, "--pid", str(program.process.pid)]


def start_janus(machine, directory):
    """A Janus with its AudioBridge and its WebSocket alone. Returns (program, arguments for the load)."""
    port = free_port()
    library = next(
        (p for p in (f"/usr/lib/{platform.machine()}-linux-gnu/janus", "/usr/lib/janus") if os.path.isdir(p)), ""
    )
    disable = {
        "plugins": ",".join(f"libjanus_{name}.so" for name in JANUS_PLUGINS),
        "transports": ",".join(f"libjanus_{name}.so" for name in JANUS_TRANSPORTS),
    }
    files = {
        "janus.jcfg": f"""general: {{ configs_folder = "{directory}"
  plugins_folder = "{library}/plugins"
  transports_folder = "{library}/transports"
  events_folder = "{library}/events"
  loggers_folder = "{library}/loggers"
  debug_level = 2 }}
plugins: {{ disable = "{disable['plugins']}" }}
transports: {{ disable = "{disable['transports']}" }}
""",
        "janus.transport.websockets.jcfg": f"""general: {{ json = "compact"
  ws = true
  ws_ip = "127.0.0.1"
  ws_port = {port} }}
admin: {{ admin_ws = false }}
""",
        "janus.plugin.audiobridge.jcfg": """general: { local_ip = "127.0.0.1"
  rtp_port_range = "22000-31999" }
""",
    }
    for name, text in files.items():
        with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
            file.write(text)
    program = Program(
        machine.command(machine.gateway_core, "janus", "-F", directory, "-i", "127.0.0.1", "-o"),
        directory,
        lambda: listens(port),
    )
    return program, ["--janus", f"ws://127.0.0.1:{port}/", "--janus-pid", str(program.process.pid)]


def start_relay(machine, build, directory, row):
    """The bare relay. Returns (program, arguments for the load)."""
    port = free_row(2 * row["n"], 2)
    binary = os.path.join(build, "tools", "load", "switchroom-relay")
    words = machine.command(machine.gateway_core, binary, str(port), str(row["n"]), *row["relay"])
    program = Program(words, directory, lambda: os.path.getsize(os.path.join(directory, "output")) > 0)
    return program, ["--relay-port", str(port), "--pid", str(program.process.pid)]


def run_load(machine, build, arguments):
    """One run of tools/load. Returns its report, or None when it had none."""
    binary = os.path.join(build, "tools", "load", "switchroom-load")
    done = subprocess.run(
        machine.command(machine.load_core, binary, "--json", *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=600,
        check=False,
    )
    try:
        return json.loads(done.stdout)
    except ValueError:
        log(f"capacity: the load ended with {done.returncode}: {done.stderr.decode()[-500:]}")
        return None
