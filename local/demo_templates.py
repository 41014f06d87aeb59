"""The examples that the demo deploys: for Livy as they stand, for another engine with another target and a link to its page."""

import re
import shlex

import demo_show as show
import paths
from demo_engines import Engine

EXAMPLES = paths.ROOT / "examples"
# Where those with another target are written, for whoever wants to look at them.
RETARGETED = paths.HOME / "demo" / "templates"

# The target of the examples: its properties below Properties, and its parameters below Parameters.
PROPERTIES = re.compile(r"(?:^ {6}Livy\w+: .+\n)+", re.M)
PARAMETERS = re.compile(r"(?:^ {2}Livy\w+:\n(?: {4}.+\n)+)+", re.M)


class Templates:
    """Examples with an engine's target."""

    def __init__(self, engine: Engine):
        self._engine = engine
        # They are made for Livy.
        self.as_they_stand = "LivyHost" in engine.on_aws
        for example in () if self.as_they_stand else EXAMPLES.glob("*.yaml"):
            text = example.read_text()
            if PROPERTIES.search(text):
                RETARGETED.mkdir(parents=True, exist_ok=True)
                (RETARGETED / example.name).write_text(self._retarget(text))

    def text(self, example: str) -> str:
        return ((EXAMPLES if self.as_they_stand else RETARGETED) / example).read_text()

    def section(self, example: str, name: str) -> str:
        """One of the parts that a template consists of, such as its Resources."""
        return re.search(rf"^{name}:\n(?:(?: .*)?\n)*", self.text(example), re.M)[0].rstrip()

    def request(self, stack: str, example: str, known: dict[str, str]) -> dict:
        """What makes a stack of an example; of the parameters, those that it has."""
        declared = self.section(example, "Parameters")
        parameters = {name: value for name, value in known.items() if re.search(rf"^ +{name}:$", declared, re.M)}
        return {
            "StackName": stack,
            "TemplateBody": self.text(example),
            "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        }

    def typed(self, stack: str, example: str, **parameters: str) -> None:
        """Shows how a person would deploy it."""
        asked = self.request(stack, example, self._engine.on_aws | parameters)["Parameters"]
        folder = "examples" if self.as_they_stand else RETARGETED.relative_to(paths.ROOT)
        show.typed(
            f"aws cloudformation deploy --stack-name {stack} --template-file {folder}/{example}",
            "--parameter-overrides " + " ".join(f"{item['ParameterKey']}={shlex.quote(item['ParameterValue'])}" for item in asked),
        )

    def difference(self, example: str) -> None:
        """Shows the properties that differ from those of the example, which are all that do."""
        old, new = (PROPERTIES.search((EXAMPLES / example).read_text())[0], self._properties())
        show.quote("\n".join(f"{sign} {line}" for sign, lines in (("-", old), ("+", new)) for line in lines.splitlines()))

    def _retarget(self, text: str) -> str:
        parameters = "".join(
            f"  {name}:\n    Type: String\n    Description: The target on {self._engine.title}\n" for name in self._engine.on_aws
        )
        return PROPERTIES.sub(self._properties(), PARAMETERS.sub(parameters, text))

    def _properties(self) -> str:
        return "".join(f"      {name}: !Ref {name}\n" for name in self._engine.on_aws)
