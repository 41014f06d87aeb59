"""Does nothing for a while: `idle.py [SECONDS]`. It asks for no Spark session, so it is there at once and costs little."""

import sys
import time

print("idle", flush=True)
time.sleep(float(sys.argv[1]) if len(sys.argv) > 1 else 900)
