"""What the local EMR was told when it was started (services.py), and the few things that may be changed while it runs."""

import os
from dataclasses import dataclass
from pathlib import Path

# MiniStack's, too.
ACCOUNT = "000000000000"


@dataclass
class Settings:
    # The most that one page of a list holds; the services' own number.
    page: int = 50
    # Seconds for which each state before RUNNING lasts, so that those who look see it.
    pace: float = float(os.environ.get("SPARKJOB_EMR_PACE") or 0.3)


settings = Settings()


def folder() -> Path:
    """Where runs keep what they stage and say."""
    return Path(os.environ["SPARKJOB_EMR_FOLDER"])


def programs() -> Path:
    """The `spark-submit`, `spark-sql` and `yarn` that runs find on their PATH."""
    return folder() / "bin"
