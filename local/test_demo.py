"""Checks of what the demo takes for granted of the rest of the project."""

import re
import unittest

import paths
from demo_prepare import BOOTSTRAP


class Prepare(unittest.TestCase):
    def test_it_shows_the_program_that_make_size_measures(self):
        # SAM names the folder of a program that two functions share after the first of them.
        (program,) = re.findall(r"^PROGRAM := (\S+)$", (paths.ROOT / "Makefile").read_text(), re.MULTILINE)
        self.assertEqual(BOOTSTRAP, paths.ROOT / program)


if __name__ == "__main__":
    unittest.main()
