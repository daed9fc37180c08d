"""The virtualenvs that hold Datadog's check and Datadog's client: made when they are first needed, and used again while
their pins are the same.

It needs nothing but Python's own library. A tool calls `enter` before it imports what the pins name.
"""

import dataclasses
import os
import pathlib
import subprocess
import sys
import venv

TOOLS = pathlib.Path(__file__).resolve().parent
# How long one attempt to reach the index may take, in seconds: who is offline wants to know soon.
TIMEOUT = 10


@dataclasses.dataclass(frozen=True)
class Environment:
    """A virtualenv: its pins, its folder, and the variable that names another one."""

    pins: pathlib.Path
    default: pathlib.Path
    override: str

    def folder(self):
        return pathlib.Path(os.environ.get(self.override) or self.default).resolve()


CHECK = Environment(TOOLS / 'requirements.txt', TOOLS.parent / 'target' / 'datadog-check', 'RETRIEVER_CHECK_ENVIRONMENT')
MODELS = Environment(
    TOOLS / 'requirements-models.txt', TOOLS.parent / 'target' / 'datadog-client', 'RETRIEVER_CLIENT_ENVIRONMENT'
)


class NotInstalled(Exception):
    """What is pinned cannot be installed, most likely because the index cannot be reached."""


def install(environment):
    """Makes the folder of `environment` a virtualenv with what it pins, unless it is that already; returns its python."""
    folder = environment.folder()
    python = folder / ('Scripts' if os.name == 'nt' else 'bin') / 'python'
    stamp = folder / 'installed.txt'
    wanted = f'{sys.version}\n{environment.pins.read_text(encoding="utf-8")}'
    if python.exists() and stamp.exists() and stamp.read_text(encoding='utf-8') == wanted:
        return python
    print(f'installing {environment.pins.name} into {folder}', file=sys.stderr)
    try:
        venv.create(folder, with_pip=True, clear=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotInstalled(f'python makes no virtualenv: {error}') from error
    quickly = ['--disable-pip-version-check', '--timeout', str(TIMEOUT), '--retries', '1']
    command = [python, '-m', 'pip', 'install', '--quiet', *quickly, '--only-binary', ':all:', '-r', environment.pins]
    done = subprocess.run(command, stderr=subprocess.PIPE, stdout=sys.stderr, text=True, check=False)
    if done.returncode:
        raise NotInstalled(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'pip failed')
    stamp.write_text(wanted, encoding='utf-8')
    return python


def enter(environment=CHECK):
    """Goes on in the virtualenv: returns when this process runs in it, and starts itself anew there when it does not."""
    folder = environment.folder()
    if pathlib.Path(sys.prefix).resolve() == folder:
        return
    python = install(environment)
    # Hashes of texts decide in which order the check joins some of its settings.
    variables = {**os.environ, environment.override: str(folder), 'PYTHONHASHSEED': '0'}
    sys.stdout.flush()
    sys.exit(subprocess.run([python, *sys.argv], env=variables, check=False).returncode)
