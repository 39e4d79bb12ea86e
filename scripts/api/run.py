"""Runs schemathesis on the committed OpenAPI document against a demo server of its own.

Usage: run.py NMC DOCUMENT SECONDS, with the nmc program, the document, and how long all actors together may take.
The server keeps its data in a directory that is removed at the end; numbers come from its stand-in for Twilio.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.request
from pathlib import Path

BUSINESS = "Joe's Plumbing"
PASSWORD = "correct horse battery staple"
HERE = Path(__file__).resolve().parent


class Server:
    """`nmc up --demo` on a data directory of its own."""

    def __init__(self, nmc, home):
        self.nmc, self.home, self.said = nmc, home, []
        # Settings of the shell are not the server's.
        self.env = {name: value for name, value in os.environ.items() if not re.match("NMC_|TWILIO_|DATABASE_URL|PG", name)}
        if "NMC_PG_BIN" in os.environ:
            self.env["NMC_PG_BIN"] = os.environ["NMC_PG_BIN"]
        command = [nmc, "up", "--demo", "--bind", "127.0.0.1:0", "--data-dir", home]
        self.process = subprocess.Popen(
            command, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL
        )
        self.ready = threading.Event()
        threading.Thread(target=self.listen, daemon=True).start()
        if not self.ready.wait(60) or self.process.poll() is not None:
            self.stop()
            sys.exit("the server did not start:\n" + "".join(self.said))
        self.url = re.search(r"listening on (http://\S+)", "".join(self.said)).group(1)

    def listen(self):
        for line in self.process.stderr:
            self.said.append(line)
            if "stops everything" in line:
                self.ready.set()
        self.ready.set()

    def run(self, *args):
        command = [self.nmc, *args, "--data-dir", self.home, "--tenant", BUSINESS, "--format", "json"]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            sys.exit(f"nmc {' '.join(args)}: {done.stderr}")
        return json.loads(done.stdout)

    def post(self, path, body, bearer=None):
        headers = {"Content-Type": "application/json"}
        if bearer:
            headers["Authorization"] = f"Bearer {bearer}"
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def person(self, name, role):
        """Somebody with an account: their e-mail."""
        email = f"{name}@example.com"
        names = ("--first-name", name.title(), "--last-name", "Doe")
        invited = self.run("user", "invite", "--email", email, *names, "--role", role)
        self.post("/v1/invitations/acceptance", {"invitation": invited["invitation"], "password": PASSWORD})
        return email

    def log_in(self, email):
        return self.post("/v1/sessions", {"email": email, "password": PASSWORD})["access_token"]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            sys.exit("the server did not stop within 20 seconds")


def scopes(document):
    """What an API key may have at the most: every permission that a route names."""
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    return sorted({operation["x-nmc-access"].get("permission") for operation in operations} - {None})


def main():
    nmc, document, seconds = str(Path(sys.argv[1]).resolve()), str(Path(sys.argv[2]).resolve()), int(sys.argv[3])
    home = tempfile.mkdtemp(prefix="nmc-api-")
    server = Server(nmc, home)
    try:
        server.person("stays", "owner")
        actors = {name: {"email": server.person(name, name)} for name in ("owner", "viewer")}
        key = [part for scope in scopes(json.loads(Path(document).read_text())) for part in ("--scope", scope)]
        actors["key"] = {"token": server.run("apikey", "create", "--service", "--name", "api test", *key)["key"]}
        failed = [name for name, actor in actors.items() if test(server, name, actor, document, seconds // len(actors))]
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)
    if failed:
        sys.exit(f"failed as {', '.join(failed)}")


def test(server, name, actor, document, seconds):
    print(f"as {name}:", flush=True)
    env = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", SCHEMATHESIS_HOOKS="hooks", PYTHONPATH=str(HERE), API_URL=server.url, API_ACTOR=json.dumps(actor))
    program = Path(sys.executable).with_name("st")
    command = [program, "--config-file", str(HERE / "schemathesis.toml"), "run", document, "--url", server.url, "--checks", "all", "--exclude-checks", "positive_data_acceptance", "--max-time", str(seconds)]
    command += ["--phases", "examples,coverage,fuzzing", "--workers", "1", "--request-timeout", "30", "--no-color"]
    command += ["--continue-on-failure", "--seed", os.environ.get("API_SEED", "1"), "--warnings", "off"]
    command += os.environ.get("API_ARGS", "").split()
    return subprocess.run(command, env=env, timeout=seconds + 120, cwd=server.home).returncode != 0


if __name__ == "__main__":
    main()
