"""Which models a refresh must run: those that what arrived in the log since they were built can change.

A staging model reads the events of one family; another model that reads the log reads all of it. Whatever stands below
one that must run must run as well; all others are as far as the log without running.
"""

from typing import Final

import duckdb
import msgspec

from warehouse.build.compiled_project import Plan, Step
from warehouse.build.model import Run
from warehouse.build.names import LOG
from warehouse.build.new_deliveries import COPY, copy_arrivals

ARRIVED: Final = """
select distinct contract.family
from {log} as events
inner join run.main.contract as contract on events.name = contract.name
where events.batch > {low} and events.batch <= {high} and events.problem is null
"""


def select_steps(con: duckdb.DuckDBPyConnection, plan: Plan, run: Run) -> tuple[dict[str, Step], Run]:
    """The steps to run, and the run, with a copy of what arrived where that is little; the models of all others are
    brought forward to its position."""
    built = dict(con.execute("select model, batch from build.main.generations").fetchall())
    if not plan.steps.keys() <= built.keys():
        return plan.steps, run
    low, position = min(built[name] for name in plan.steps), run.position
    if copy_arrivals(con, low, position):
        run = msgspec.structs.replace(run, arrived_after=low)
    log = LOG if run.arrived_after is None else COPY
    families = {family for (family,) in con.execute(ARRIVED.format(log=log, low=low, high=position)).fetchall()}
    to_run = _with_children(plan, {name for name, step in plan.steps.items() if _reads(step, families)})
    resting = ", ".join(f"'{name}'" for name in plan.steps if name not in to_run)
    if resting:
        con.execute(f"update build.main.generations set batch = {position} where model in ({resting})")
    return {name: step for name, step in plan.steps.items() if name in to_run}, run


def _reads(step: Step, families: set[str]) -> bool:
    """Whether a model reads something of the log that arrived."""
    return step.model.reads_log and (step.family is None or step.family in families)


def _with_children(plan: Plan, names: set[str]) -> set[str]:
    found = set(names)
    while True:
        more = {name for name, step in plan.steps.items() if name not in found and found & set(step.parents)}
        if not more:
            return found
        found |= more
