#!/usr/bin/env python3
"""Sends one event to the handler that `make watch` runs, and prints what the handler answers CloudFormation.

The events name clusters, applications, a role, a bucket and an address of CloudFormation that do not exist. Their places are
taken by the local Livy (LIVY_URL, else http://127.0.0.1:8998), by what the local EMR has (SPARKJOB_APPLICATION_ID and the
like, which `local/local.py env` tells), by local/jobs/ and by this program.
"""

import json
import os
import subprocess
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

JOBS = Path(__file__).resolve().parent.parent / "local" / "jobs"

# What the events name, and the variable that names what stands for it here.
NEIGHBOURS = {
    "7rq2v0d5xk3mzt81hwa6bcy4e": "SPARKJOB_VIRTUAL_CLUSTER_ID",
    "00frq3d7m2v9k80l": "SPARKJOB_APPLICATION_ID",
    "j-2QX7T5B9KD4EM": "SPARKJOB_CLUSTER_ID",
    "arn:aws:iam::123456789012:role/spark-jobs": "SPARKJOB_EXECUTION_ROLE_ARN",
}


class Answer(BaseHTTPRequestHandler):
    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        print(json.dumps(json.loads(body), indent=2), flush=True)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """The answer alone is of interest."""


def main(file: str, physical_id: str = "") -> int:
    server = HTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, daemon=True).start()

    if not Path(file).is_file():
        print(f"There is no {file}. The events: {' '.join(sorted(map(str, Path('events').glob('*.json'))))}", file=sys.stderr)
        return 1
    livy = urlsplit(os.environ.get("LIVY_URL") or "http://127.0.0.1:8998")
    text = Path(file).read_text()
    text = text.replace("emr-master.internal:8998", livy.netloc).replace("emr-master.internal", livy.hostname)
    text = text.replace('"LivyPort": "8998"', f'"LivyPort": "{livy.port}"').replace("s3://amzn-s3-demo-bucket", str(JOBS))
    for name, variable in NEIGHBOURS.items():
        if variable in os.environ:
            text = text.replace(name, os.environ[variable])
    event = json.loads(text)
    event["ResponseURL"] = f"http://127.0.0.1:{server.server_port}/?{urlsplit(event['ResponseURL']).query}"
    if physical_id:
        event["PhysicalResourceId"] = physical_id

    with tempfile.NamedTemporaryFile("w", suffix=".json") as localised:
        json.dump(event, localised)
        localised.flush()
        # `cargo lambda invoke` would take the address for IPv6 without being told.
        command = ["cargo", "lambda", "invoke", "--invoke-address", "127.0.0.1", "handler", "--data-file", localised.name]
        return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
