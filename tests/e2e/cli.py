"""A shell whose `aws` is a real AWS CLI v2 that speaks to emulators, as if typed by an operator.

Most of a call's time goes into the CLI's own imports. So where Debian's package has put it in reach of the system's
Python, one process imports it once and forks for each call; elsewhere each call starts it anew.
"""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

SYSTEM = "/usr/bin/python3"

# Runs under the system's Python. A caller sends its command line, environment, folder and standard files.
SERVER = """
import json, os, signal, socket, sys
import awscli.clidriver
assert awscli.__version__.startswith("2.")
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
print("ready", flush=True)
while True:
    caller, _ = server.accept()
    message, files, _, _ = socket.recv_fds(caller, 1 << 20, 3)
    if os.fork() == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for standard, file in enumerate(files):
            os.dup2(file, standard)
        sys.argv, environment, folder = json.loads(message)
        os.environ.update(environment)
        os.chdir(folder)
        try:
            code = awscli.clidriver.main()
        except SystemExit as stopped:
            code = stopped.code
        sys.stdout.flush()
        caller.send(bytes([code or 0]))
        os._exit(0)
    for file in files:
        os.close(file)
    caller.close()
"""

# Runs for each `aws`: the endpoint of the service, or of all.
CALLER = """#!{python} -ES
import json, os, socket, sys
endpoints, address = {endpoints}, {address!r}
arguments = ["--endpoint-url", endpoints.get(sys.argv[1], endpoints.get("*")), *sys.argv[1:]]
if not address:
    os.execv({cli!r}, ["aws", *arguments])
server = socket.socket(socket.AF_UNIX)
server.connect(address)
socket.send_fds(server, [json.dumps([["aws", *arguments], dict(os.environ), os.getcwd()]).encode()], [0, 1, 2])
code = server.recv(1)
sys.exit(code[0] if code else 1)
"""


def cli():
    """Where AWS CLI v2 is; another one may come first on the PATH."""
    for path in filter(None, (shutil.which("aws"), "/usr/bin/aws", "/usr/local/bin/aws")):
        version = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
        if version.stdout.startswith("aws-cli/2"):
            return path
    pytest.fail("AWS CLI v2 is missing: `make tools-aws`")


def shell(folder, endpoints, server):
    """The environment of a shell in which `aws` speaks to these endpoints, by service or `*`; commands stay as they are."""
    caller = folder / "aws"
    caller.write_text(CALLER.format(python=SYSTEM if server else sys.executable, endpoints=endpoints, address=server,
                                    cli=None if server else cli()))
    caller.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(folder), "TMPDIR": str(folder), "AWS_MAX_ATTEMPTS": "1",
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_EC2_METADATA_DISABLED": "true"}


@pytest.fixture(scope="session")
def cli_server(tmp_path_factory):
    """The address of the process that has imported the CLI, or none."""
    address = str(tmp_path_factory.mktemp("cli") / "socket")
    if not pathlib.Path(SYSTEM).exists():
        yield None
        return
    process = subprocess.Popen([SYSTEM, "-c", SERVER, address], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                               env={"PATH": os.environ["PATH"]})
    yield address if process.stdout.readline() == "ready\n" else None
    process.kill()
    process.wait()
