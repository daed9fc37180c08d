"""The virtualenv that holds Datadog's check: made when it is first needed, and used again while its pins are the same.

It needs nothing but Python's own library. A tool calls `enter` before it imports what `requirements.txt` names.
"""

import os
import pathlib
import subprocess
import sys
import venv

TOOLS = pathlib.Path(__file__).resolve().parent
REQUIREMENTS = TOOLS / 'requirements.txt'
DEFAULT = TOOLS.parent / 'target' / 'datadog-check'
OVERRIDE = 'RETRIEVER_CHECK_ENVIRONMENT'
# How long one attempt to reach the index may take, in seconds: who is offline wants to know soon.
TIMEOUT = 10


class NotInstalled(Exception):
    """The check cannot be installed, most likely because the index cannot be reached."""


def install(folder):
    """Makes `folder` a virtualenv with the pinned check, unless it is that already; returns its python."""
    python = folder / ('Scripts' if os.name == 'nt' else 'bin') / 'python'
    stamp = folder / 'installed.txt'
    wanted = f'{sys.version}\n{REQUIREMENTS.read_text(encoding="utf-8")}'
    if python.exists() and stamp.exists() and stamp.read_text(encoding='utf-8') == wanted:
        return python
    print(f'installing the check into {folder}', file=sys.stderr)
    try:
        venv.create(folder, with_pip=True, clear=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotInstalled(f'python makes no virtualenv: {error}') from error
    quickly = ['--disable-pip-version-check', '--timeout', str(TIMEOUT), '--retries', '1']
    command = [python, '-m', 'pip', 'install', '--quiet', *quickly, '--only-binary', ':all:', '-r', REQUIREMENTS]
    done = subprocess.run(command, stderr=subprocess.PIPE, stdout=sys.stderr, text=True, check=False)
    if done.returncode:
        raise NotInstalled(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'pip failed')
    stamp.write_text(wanted, encoding='utf-8')
    return python


def enter():
    """Goes on in the virtualenv: returns when this process runs in it, and starts itself anew there when it does not.

    `RETRIEVER_CHECK_ENVIRONMENT` names another folder than `target/datadog-check`.
    """
    folder = pathlib.Path(os.environ.get(OVERRIDE) or DEFAULT).resolve()
    if pathlib.Path(sys.prefix).resolve() == folder:
        return
    python = install(folder)
    # Hashes of texts decide in which order the check joins some of its settings.
    environment = {**os.environ, OVERRIDE: str(folder), 'PYTHONHASHSEED': '0'}
    sys.stdout.flush()
    sys.exit(subprocess.run([python, *sys.argv], env=environment, check=False).returncode)
