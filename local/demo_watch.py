"""What CloudFormation and the engine say, as it comes."""

import itertools
import re
import time
from collections import Counter

import demo_show as show
from demo_engines import Engine, Job
from say import Fault, bad, good

# On a busy machine a Spark takes its time; without one, nothing here takes half a minute.
PATIENCE = 240

# Borders of tables, stack frames, and warnings that come with every job.
DECORATION = re.compile(r"\W|\d\d:\d\d:\d\d WARN|stdout: |stderr: |$")


class Watch:
    """Looks once a second, and shows everything once."""

    def __init__(self, cloudformation, engine: Engine):
        self._cloudformation = cloudformation
        self._engine = engine
        self._events = set()
        self._states: dict[str, str] = {}
        self._lines: dict[str, Counter] = {}
        self._hushed: set[str] = set()

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
        """Shows what is new: what CloudFormation began, what became of that on the engine, how CloudFormation took it."""
        events = [event for stack_id in stack_ids for event in self.events(stack_id) if event["EventId"] not in self._events]
        events.sort(key=lambda event: event["Timestamp"])
        self._events.update(event["EventId"] for event in events)
        began = list(itertools.takewhile(lambda event: event["ResourceStatus"].endswith("_IN_PROGRESS"), events))
        _show_events(began)
        self._show_jobs()
        _show_events(events[len(began) :])

    def stack(self, name: str) -> dict:
        return self._cloudformation.describe_stacks(StackName=name)["Stacks"][0]

    def events(self, stack_id: str) -> list[dict]:
        """Oldest first."""
        pages = self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id)
        return [event for page in pages for event in page["StackEvents"]][::-1]

    def jobs(self) -> dict[str, Job]:
        """All that the engine knows of."""
        return self._engine.jobs()

    def alive(self) -> list[str]:
        """The ids of those that are not over."""
        return [id for id, job in self.jobs().items() if job.alive]

    def await_line(self, id: str, pattern: str) -> str:
        """What a line of a job's log says, which is there already or comes soon."""
        until = time.monotonic() + PATIENCE
        while True:
            # In this order: what a job said last is there once it is over.
            over = id not in self.alive()
            if found := re.search(pattern, "\n".join(self._engine.log(id))):
                return found[1]
            if over or time.monotonic() > until:
                raise Fault(f"The log of {self._engine.noun} {id} has no line like `{pattern}`")
            time.sleep(1)
            self.look()

    def hush(self, id: str) -> None:
        """A job that runs on and on is not to drown the rest: no more of its log."""
        self._hushed.add(id)

    def _show_jobs(self) -> None:
        jobs, engine = self.jobs(), self._engine
        for id in [id for id in self._states if id not in jobs]:
            del self._states[id]
            show.line(engine.source, f"{engine.noun} {id}", "deleted")
        for id, job in jobs.items():
            self._show_log(id)
            if self._states.get(id) != job.state:
                name = job.name if id not in self._states else ""
                self._states[id] = job.state
                tone = {engine.succeeded: good, engine.failed: bad}.get(job.state, str)
                show.line(engine.source, f"{engine.noun} {id}", job.state, name, tone)

    def _show_log(self, id: str) -> None:
        """What went to stderr stands behind what went to stdout, so new lines need not be the last ones."""
        lines, seen = Counter(self._engine.log(id)), self._lines.get(id, Counter())
        for line in lines - seen:
            if not DECORATION.match(line) and id not in self._hushed:
                show.line("log", f"{self._engine.noun} {id}", line)
        self._lines[id] = lines | seen


def _show_events(events: list[dict]) -> None:
    for event in events:
        status = event["ResourceStatus"]
        tone = bad if "FAILED" in status or "ROLLBACK" in status else good if status.endswith("COMPLETE") else str
        show.line("stack", event["LogicalResourceId"], status, event["ResourceType"], tone)
