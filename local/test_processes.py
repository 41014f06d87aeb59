"""Checks of how the programs of the local default are known and ended; they start small ones of their own."""

import math
import os
import signal
import tempfile
import time
import unittest
import warnings
from pathlib import Path

import processes
from test_local import until

# A process may be called so; what the kernel says of it comes after the last parenthesis.
NAME = "a) Z 1 2 (b"
TICKS = os.sysconf("SC_CLK_TCK")


class Programs(unittest.TestCase):
    def setUp(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / NAME).symlink_to("/bin/sh")
        # That a program outlives whoever started it is what it is for.
        self.enterContext(warnings.catch_warnings(action="ignore", category=ResourceWarning))
        self.before = since_boot()
        self.program = processes.start([str(folder / NAME), "-c", "sleep 600 & sleep 600 & wait"], {}, folder, folder / "log")
        self.addCleanup(processes.stop, self.program)
        until(lambda: len(processes.members(self.program)) == 3)

    def test_a_program_ends_with_all_that_it_started(self):
        self.assertTrue(processes.alive(self.program))
        processes.stop(self.program)
        self.assertFalse(processes.alive(self.program))
        self.assertEqual(processes.members(self.program), [])

    def test_what_a_dead_program_started_is_its_own_still(self):
        processes.send([self.program["pid"]], signal.SIGKILL)
        until(lambda: not processes.alive(self.program))
        self.assertEqual(len(processes.members(self.program)), 2)

    def test_another_program_of_the_same_number_is_left_alone(self):
        earlier = {**self.program, "started": self.program["started"] - 1}
        self.assertFalse(processes.alive(earlier))
        self.assertEqual(processes.members(earlier), [])

    def test_what_was_started_before_the_machine_was_is_no_more(self):
        processes.send([self.program["pid"]], signal.SIGKILL)
        until(lambda: not processes.alive(self.program))
        earlier = {**self.program, "boot": "another"}
        self.assertFalse(processes.alive(earlier))
        self.assertEqual(processes.members(earlier), [])

    def test_a_program_is_known_by_a_clock_that_nobody_sets(self):
        self.assertLessEqual(math.floor(self.before * TICKS), self.program["started"])
        self.assertLessEqual(self.program["started"], since_boot() * TICKS)


def since_boot() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


if __name__ == "__main__":
    unittest.main()
