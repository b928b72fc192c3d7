"""Runs a command that must not outlive another process: `leash.py PARENT GRACE_S SCRATCH COMMAND...`.

A program of its own, standard library only, started by file with `python -I -S`. Three things are wanted that a plain
child does not give: the broker dies when its starter is killed with -9, whichever thread started it (the kernel's
parent-death signal follows the *thread*, so the starter cannot set it itself); the starter learns that the broker is
really gone, with its locks and sockets, when this process ends; and no pid can be hit after it was reused.

SIGTERM is passed on, SIGUSR1 kills the command with -9. When PARENT is gone the command gets SIGTERM, after GRACE_S
seconds SIGKILL, and the directory SCRATCH ("" for none) is removed. The exit code is the command's, 128+n for signal n.
"""

import contextlib
import os
import shutil
import signal
import sys
import threading
import time

POLL_S = 0.2
PR_SET_PDEATHSIG = 1
SIGNALS = {signal.SIGTERM, signal.SIGUSR1}


def _die_with_leash() -> None:
    """In the child, before exec: Linux kills it when this process is itself killed with -9."""
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415  (only here, and only in the child)

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _spawn(command: list[str]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        _die_with_leash()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # the mask would survive exec
        os.execvp(command[0], command)
    except BaseException as error:
        os.write(2, f"cannot run {command[0]}: {error}\n".encode())
    os._exit(127)


def main(argv: list[str]) -> int:
    parent, grace_s, scratch, command = int(argv[1]), float(argv[2]), argv[3], argv[4:]
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # until there is a child to pass them to
    child = _spawn(command)
    orphaned = threading.Event()

    def watch_parent() -> None:
        while os.getppid() == parent:
            time.sleep(POLL_S)
        orphaned.set()
        with contextlib.suppress(ProcessLookupError):
            if grace_s > 0:
                os.kill(child, signal.SIGTERM)
                time.sleep(grace_s)
            os.kill(child, signal.SIGKILL)

    # Started while the signals are blocked: the thread keeps that mask, so they always interrupt waitpid below.
    threading.Thread(target=watch_parent, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    signal.signal(signal.SIGUSR1, lambda *_: os.kill(child, signal.SIGKILL))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if orphaned.is_set() and scratch:
        shutil.rmtree(scratch, ignore_errors=True)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv))
