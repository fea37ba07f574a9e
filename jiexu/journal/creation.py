"""Making an empty journal, and finding out whether what stands somewhere is a journal that this program may use."""

from jiexu.journal.ddl import VERSION, statements
from jiexu.journal.dialect import JournalSql
from jiexu.journal.log_writes import new_incarnation
from jiexu.journal.port import JournalError

CURRENT = range(VERSION, VERSION + 1)
"""The layouts that this program works with."""


def create(sql: JournalSql, region: str) -> None:
    """Make an empty journal where there is no table at all; of several processes the first one makes it."""
    if sql.tables():
        return
    sql.begin_creation()
    try:
        if not sql.tables():
            for statement in statements(sql.words):
                sql.run(statement)
            meta = [("version", str(VERSION)), ("region", region), ("incarnation", new_incarnation())]
            sql.many("INSERT INTO meta VALUES (?, ?)", meta)
            sql.run("INSERT INTO head VALUES (1, 0, 0)")
        sql.commit()
    except BaseException:
        sql.rollback()
        raise


def read_meta(sql: JournalSql, place: object) -> dict[str, str]:
    """What a journal says of itself: `version`, `region`, `incarnation`. Raises JournalError `missing`,
    `not_a_journal`."""
    tables = sql.tables()
    if not tables:
        raise JournalError("missing", f"{place} 中没有日志。", f"There is no journal in {place}.")
    if not {"meta", "head", "log"} <= tables:
        raise JournalError(
            "not_a_journal", f"{place} 中是别的表，不是日志。", f"{place} holds other tables, no journal."
        )
    return dict(sql.rows("SELECT name, value FROM meta"))


def check(sql: JournalSql, place: object, region: str, versions: range = CURRENT) -> dict[str, str]:
    """What `read_meta` gives, of a journal of that region and version. Raises JournalError also `newer_version`,
    `older_version`, `other_region`, `moved`."""
    meta = read_meta(sql, place)
    version = int(meta["version"])
    if version >= versions.stop:
        zh = f"{place} 由较新的版本写成（版式 {version}）。"
        en = f"{place} was written by a newer version (layout {version})."
        raise JournalError("newer_version", zh, en)
    if version < versions.start:
        zh = f"{place} 是旧版式 {version}，本程序用版式 {VERSION}。"
        en = f"{place} has the old layout {version}; this program uses layout {VERSION}."
        raise JournalError("older_version", zh, en)
    if meta["region"] != region:
        zh = f"{place} 是统筹区 {meta['region']} 的日志，不是 {region} 的。"
        en = f"{place} is the journal of region {meta['region']}, not of {region}."
        raise JournalError("other_region", zh, en)
    if "moved_to" in meta:
        zh = f"{place} 已迁移到 {meta['moved_to']}，不得再使用。"
        en = f"{place} has moved to {meta['moved_to']} and must not be used any more."
        raise JournalError("moved", zh, en)
    return meta
