"""The table of shapes against the models of AWS that botocore carries."""

import difflib
import unittest

import shapes


class Table(unittest.TestCase):
    def test_it_is_what_aws_publishes(self):
        committed, published = shapes.TABLE.read_text(), shapes.written(shapes.table())
        changes = difflib.unified_diff(committed.splitlines(), published.splitlines(), "committed", "published", n=0, lineterm="")
        if committed != published:
            self.fail(
                "AWS's models have changed. Write the table anew with `.local/venv/bin/python local/shapes.py`, then run "
                "`cargo test -p sparkjob native`: it tells which member has no place yet, and which pattern no words.\n" + "\n".join(changes)
            )

    def test_what_is_left_out_is_in_the_models_still(self):
        for api, shape, member in shapes.LEFT_OUT:
            self.assertIn(member, shapes.model(api)[shape]["members"])

    def test_what_is_said_to_be_a_union_is_documented_as_one(self):
        for api, shape in shapes.UNIONS:
            model = shapes.model(api)[shape]
            self.assertNotIn("union", model, f"The model of {api} says it itself now: take {shape} out of UNIONS.")
            self.assertIn("Exactly one", model["documentation"])

    def test_a_kind_that_nobody_knows_is_told(self):
        request = {"type": "structure", "members": {"at": {"shape": "At"}}}
        with self.assertRaisesRegex(shapes.Fault, "emr-serverless has At, a timestamp, which"):
            shapes.closure("emr-serverless", {shapes.REQUEST: request, "At": {"type": "timestamp"}})

    def test_what_says_nothing_is_not_in_it(self):
        model = {
            shapes.REQUEST: {"type": "structure", "members": {"a": {"shape": "A", "locationName": "a"}}, "documentation": "x"},
            "A": {"type": "string", "min": 0, "max": 5, "box": True},
            "B": {"type": "string"},
        }
        expected = {shapes.REQUEST: {"structure": {"members": {"a": "A"}}}, "A": {"string": {"max": 5}}}
        self.assertEqual(shapes.closure("emr", model), expected)


if __name__ == "__main__":
    unittest.main()
