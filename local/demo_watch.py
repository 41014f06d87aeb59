"""What CloudFormation and Livy say, as it comes."""

import itertools
import json
import re
import time
import urllib.error
import urllib.request
from collections import Counter

import demo_show as show
from say import Fault, bad, good

# On a busy machine a Spark takes its time; without one, nothing here takes half a minute.
PATIENCE = 240

OVER = ("success", "dead", "killed")

# Borders of tables, stack frames, and warnings that come with every job.
DECORATION = re.compile(r"\W|\d\d:\d\d:\d\d WARN|stdout: |stderr: |$")


class Watch:
    """Looks once a second, and shows everything once."""

    def __init__(self, cloudformation, livy_url: str):
        self._cloudformation = cloudformation
        self._livy = livy_url
        self._events = set()
        self._states: dict[int, str] = {}
        self._lines: dict[int, Counter] = {}
        self._hushed: set[int] = set()

    def until_done(self, *stack_ids: str) -> list[dict]:
        """Shows what happens until nothing is in progress any more; returns the stacks as they are then."""
        until = time.monotonic() + PATIENCE
        while True:
            stacks = [self.stack(stack_id) for stack_id in stack_ids]
            # Only now: whatever happened before the stacks were done is shown.
            self.look(*stack_ids)
            busy = [stack for stack in stacks if stack["StackStatus"].endswith("_IN_PROGRESS")]
            if not busy:
                return stacks
            if time.monotonic() > until:
                names = ", ".join(f"{stack['StackName']} ({stack['StackStatus']})" for stack in busy)
                raise Fault(f"After {PATIENCE} s still under way: {names}")
            time.sleep(1)

    def look(self, *stack_ids: str) -> None:
        """Shows what is new: what CloudFormation began, what became of that in Livy, how CloudFormation took it."""
        events = [event for stack_id in stack_ids for event in self.events(stack_id) if event["EventId"] not in self._events]
        events.sort(key=lambda event: event["Timestamp"])
        self._events.update(event["EventId"] for event in events)
        began = list(itertools.takewhile(lambda event: event["ResourceStatus"].endswith("_IN_PROGRESS"), events))
        _show_events(began)
        self._show_livy()
        _show_events(events[len(began) :])

    def stack(self, name: str) -> dict:
        return self._cloudformation.describe_stacks(StackName=name)["Stacks"][0]

    def events(self, stack_id: str) -> list[dict]:
        """Oldest first."""
        pages = self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id)
        return [event for page in pages for event in page["StackEvents"]][::-1]

    def batches(self) -> dict[int, dict]:
        """All that Livy knows of."""
        return {batch["id"]: batch for batch in self._ask("/batches?from=0&size=1000")["sessions"]}

    def alive(self) -> list[int]:
        """The numbers of those that are not over."""
        return [number for number, batch in self.batches().items() if batch["state"] not in OVER]

    def await_line(self, batch: int, pattern: str) -> str:
        """What a line of a batch's log says, which is there already or comes soon."""
        until = time.monotonic() + PATIENCE
        while True:
            # In this order: what a job said last is there once it is over.
            over = batch not in self.alive()
            if found := re.search(pattern, "\n".join(self.log(batch))):
                return found[1]
            if over or time.monotonic() > until:
                raise Fault(f"The log of batch {batch} has no line like `{pattern}`")
            time.sleep(1)
            self.look()

    def hush(self, batch: int) -> None:
        """A job that runs on and on is not to drown the rest: no more of its log."""
        self._hushed.add(batch)

    def log(self, batch: int) -> list[str]:
        """A batch's last lines; none, where it was deleted a moment ago."""
        try:
            return self._ask(f"/batches/{batch}/log?size=1000")["log"]
        except urllib.error.HTTPError:
            return []

    def _show_livy(self) -> None:
        batches = self.batches()
        for number in [number for number in self._states if number not in batches]:
            del self._states[number]
            show.line("livy", f"batch {number}", "deleted")
        for number, batch in batches.items():
            self._show_log(number)
            if self._states.get(number) != batch["state"]:
                name = batch["name"] if number not in self._states else ""
                self._states[number] = state = batch["state"]
                show.line("livy", f"batch {number}", state, name, {"success": good, "dead": bad}.get(state, str))

    def _show_log(self, number: int) -> None:
        """Livy puts what went to stderr behind what went to stdout, so new lines need not be the last ones."""
        lines, seen = Counter(self.log(number)), self._lines.get(number, Counter())
        for line in lines - seen:
            if not DECORATION.match(line) and number not in self._hushed:
                show.line("log", f"batch {number}", line)
        self._lines[number] = lines | seen

    def _ask(self, path: str) -> dict:
        with urllib.request.urlopen(self._livy + path, timeout=30) as answer:
            return json.load(answer)


def _show_events(events: list[dict]) -> None:
    for event in events:
        status = event["ResourceStatus"]
        tone = bad if "FAILED" in status or "ROLLBACK" in status else good if status.endswith("COMPLETE") else str
        show.line("stack", event["LogicalResourceId"], status, event["ResourceType"], tone)
