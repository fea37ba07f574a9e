"""From an older layout to today's: steps in order, each one version up, in one transaction with the version's number.

A change of `ddl.py` that existing journals need gets a step here, and a file of the layout before it in
tests/journal/versions/; the test there holds that both ways lead to the same tables.
"""

from dataclasses import dataclass

from jiexu.journal.ddl import VERSION, spelled
from jiexu.journal.dialect import JournalSql


@dataclass(frozen=True, slots=True)
class Step:
    """What leads from the version before to this one. `text` is SQL with the dialect's words, as in `ddl.py`."""

    version: int
    zh: str
    en: str
    text: str


STEPS = (
    Step(
        2,
        "待办与搁置按未结者索引：已办结的再多，查询也不变慢",
        "indexes of what stands open in todo and parked: what was settled long ago makes no look slower",
        """
        CREATE INDEX parked_open ON parked (id) WHERE settled IS NULL;
        CREATE INDEX todo_standing ON todo (kind, code, id) WHERE cleared_at IS NULL;
        """,
    ),
)

OLDEST = STEPS[0].version - 1
"""The oldest layout that can be brought up to today's."""

READABLE = range(OLDEST, VERSION + 1)


def pending(version: int) -> list[Step]:
    """The steps that a journal of that version lacks."""
    return [step for step in STEPS if step.version > version]


def migrate(sql: JournalSql, version: int) -> list[Step]:
    """Take all steps that are missing; the caller is alone with the journal. All of them stand, or none."""
    steps = pending(version)
    if not steps:
        return []
    sql.begin_write()
    try:
        for step in steps:
            for statement in spelled(step.text, sql.words):
                sql.run(statement)
        sql.run("UPDATE meta SET value = ? WHERE name = 'version'", (str(steps[-1].version),))
        sql.commit()
    except BaseException:
        sql.rollback()
        raise
    return steps
