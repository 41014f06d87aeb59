"""Does nothing for a while: `idle.py [SECONDS]`. It asks for no Spark session, so it is there at once and costs little. What ends a
session does not end it, so it looks every second whether its spark-submit is still there."""

import os
import sys
import time

print("idle", flush=True)
parent = os.getppid()
until = time.monotonic() + (float(sys.argv[1]) if len(sys.argv) > 1 else 900)
while os.getppid() == parent and (left := until - time.monotonic()) > 0:
    time.sleep(min(left, 1))
