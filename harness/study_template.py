"""A first study file, with comments that explain it: what ``bench init`` writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from harness.catalog.optimizer_table import OPTIMIZERS
from harness.errors import UserError

SCHEMA_FILE = "bench.schema.json"
_RATES_OF_THEIR_PAPERS = {"adadelta": 1.0}
"""Learning rates where Keras' default is not what the method's authors meant."""


@dataclass(frozen=True)
class Draft:
    """What a new study is about.

    Attributes:
        name: The study's name.
        question: Its question; made from the arms if empty.
        data: A dataset of the catalog, an ``.npz`` file, or ``package.module:function``.
        architectures: Models, the one to beat first.
        optimizers: Optimizers, the one to beat first.
        replicates: Seeds.
        epochs: Epochs.
    """

    name: str
    question: str
    data: str
    architectures: Sequence[str]
    optimizers: Sequence[str]
    replicates: int
    epochs: int

    @property
    def arms(self) -> list[str]:
        """The arms' names, as the grid gives them."""
        return [f"{a}-{o}" for a in self.architectures for o in self.optimizers]


def study_text(draft: Draft) -> str:
    """The study file of a draft, as TOML.

    Raises:
        UserError: The draft has a single arm: there is nothing to compare.
    """
    if len(draft.arms) < 2:
        raise UserError(
            f"a study compares at least two arms, and {draft.arms[0]} is one: name another "
            "--architecture or --optimizer"
        )
    base, new = draft.arms[:2]
    is_file = draft.data.endswith(".npz")
    return _TEMPLATE.format(
        schema=SCHEMA_FILE,
        name=_toml(draft.name),
        question=_toml(draft.question or f"Does {new} learn better than {base}?"),
        replicates=draft.replicates,
        epochs=draft.epochs,
        data=f"{'npz' if is_file else 'name'} = {_toml(draft.data)}",
        architectures=", ".join(map(_toml, draft.architectures)),
        optimizers="\n".join(f"    {_optimizer(name)}," for name in draft.optimizers),
        arms=", ".join(draft.arms),
        compare=f"[{_toml(new)}, {_toml(base)}]",
        more_accurate=_toml(f"{new} ends more accurate than {base}."),
        pace=_toml(f"{new} and {base} settle after a different number of epochs."),
        window="" if draft.epochs >= 10 else f", window = {max(1, draft.epochs // 2)}",
        smoke_data="" if is_file else 'data.name = "digits"\n',
    )


def _optimizer(name: str) -> str:
    rate = _RATES_OF_THEIR_PAPERS.get(name)
    if rate is None and name in OPTIMIZERS:
        default = getattr(OPTIMIZERS[name].settings["learning_rate"], "default", None)
        rate = default if isinstance(default, float) else None
    settings = "" if rate is None else f", learning_rate = {rate!r}"
    return f"{{ name = {_toml(name)}{settings} }}"


def _toml(text: str) -> str:
    """A text as a TOML string: JSON's escapes are TOML's, but for DEL, which JSON leaves alone."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


_TEMPLATE = """\
#:schema ./{schema}
# Train it:                bench study THIS_FILE
# Try it in seconds first: bench study THIS_FILE --profile smoke
# What will it cost?       bench plan THIS_FILE --pilot

[study]
name = {name}
question = {question}
replicates = {replicates}      # seeds: every arm is trained with each of them
epochs = {epochs}
# alpha = 0.05       # probability of any false finding, for all claims together

[data]
{data}
# `bench catalog` lists what there is. Your own: npz = "mine.npz", name = "package.module:function"

# Every architecture with every optimizer. The arms are: {arms}
# Settings go into a table: {{ name = "mlp", hidden = [128], dropout = 0.2 }}
[grid]
architectures = [{architectures}]
optimizers = [
{optimizers}
]

# A claim is a sentence that the data will support, contradict or leave open. Write them before the
# first trial: what is added or changed afterwards is marked exploratory in the report.
[[claims]]
id = "more-accurate"
says = {more_accurate}
compare = {compare}      # the effect is the first minus the second
measure = {{ kind = "final", metric = "val_accuracy" }}
expect = "greater"               # greater | less | different | equivalent
margin = 0.005                   # half a point: a smaller difference does not matter to us
answers_question = true

[[claims]]
id = "pace"
says = {pace}
compare = {compare}
measure = {{ kind = "epochs_to_plateau", metric = "val_accuracy", within = 0.01{window} }}
expect = "different"
margin = 1.0                     # one epoch

# The same command path in seconds, to see that everything works.
[profiles.smoke]
{smoke_data}study.replicates = 2
study.epochs = 2
claims.pace.measure.window = 1
"""
