"""The server binary named by CONFORMANCE_SERVER, in one mode, on a port of 127.0.0.1."""

import os
import signal
import socket
import subprocess
import tempfile
import time

START_SECONDS = 10
STOP_SECONDS = 3


class Server:
    def __init__(self, mode):
        self._mode = mode
        self._child = None
        self._stderr = tempfile.TemporaryFile("w+")
        self.port = None

    @property
    def origin(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self, attempts=3):
        """Starts on the port it had before, or on a free one; another process may take that first."""
        port = self.port or free_port()
        command = [os.environ["CONFORMANCE_SERVER"], "--mode", self._mode, "--port", str(port)]
        self._child = subprocess.Popen(command, stderr=self._stderr)
        end = time.monotonic() + START_SECONDS
        while self._child.poll() is None and time.monotonic() < end:
            if is_served(port):
                self.port = port
                return
            time.sleep(0.02)
        self.kill()
        assert self.port is None and attempts > 1, f"no server on {port}\n{self.complaints()}"
        self.start(attempts - 1)

    def kill(self):
        """Ends it without a farewell, as a crash would."""
        self._child.kill()
        self._child.wait()

    def stop(self):
        self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(STOP_SECONDS)
        finally:
            self.kill()

    def complaints(self):
        self._stderr.seek(0)
        return self._stderr.read()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def is_served(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
