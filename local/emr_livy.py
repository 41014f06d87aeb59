"""The Livy on the primary node of every EMR cluster: port 8998 of an address of this machine, behind which is the local Livy.

The port is Livy's own, and not to be chosen where a cluster is named by its id. Of addresses a machine has many, so each local EMR takes
one: all of 127.0.0.0/8 lead back to it.
"""

import contextlib
import socket
import threading
from socketserver import BaseRequestHandler, ThreadingTCPServer

PORT = 8998


def address(emr_port: int) -> str:
    """The primary node of the clusters of the local EMR on a port; nobody else has this port."""
    return f"127.98.{emr_port >> 8}.{emr_port & 255}"


def serve(emr_port: int, livy_port: int) -> None:
    """Hands on what comes, in the background."""

    class Connection(BaseRequestHandler):
        def handle(self) -> None:
            # While Livy is down, the port is as good as closed.
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", livy_port)) as livy:
                answers = threading.Thread(target=_copy, args=(livy, self.request), daemon=True)
                answers.start()
                _copy(self.request, livy)
                answers.join()

    server = ThreadingTCPServer((address(emr_port), PORT), Connection, bind_and_activate=False)
    server.allow_reuse_address = server.daemon_threads = True
    server.server_bind()
    server.server_activate()
    threading.Thread(target=server.serve_forever, daemon=True).start()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    """Until the source has no more to say, or one of the two is gone."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
