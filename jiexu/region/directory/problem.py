"""What can be wrong with a code, a search or a directory file, in words for the clerk.

| code | meaning |
|---|---|
| DIR-01 | not a six-digit code |
| DIR-02 | the code is in no list that the product carries |
| DIR-03 | the code covers several pooling regions (a province, a heading) |
| DIR-04 | an older code whose region of today is not known |
| DIR-05 | the pooling region did not exist on the day asked for |
| DIR-06 | no name matches |
| DIR-11 | the directory file cannot be read |
| DIR-12 | a signature does not fit its entry |
| DIR-13 | an entry contradicts what its region published before |
| DIR-14 | an entry is signed with a key that may not be used |
| DIR-15 | the region has published no entry |
| DIR-16 | a suite in use is not installed here |
| DIR-17 | a request that cannot be signed as it is |
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Near:
    """A region that may have been meant."""

    code: str
    name: str
    pooling_region: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem: a stable code, what it is and what to do, in Chinese and English."""

    code: str
    zh: str
    en: str
    todo_zh: str
    todo_en: str
    near: tuple[Near, ...] = ()

    def __str__(self) -> str:
        return f"{self.code} {self.zh}。{self.todo_zh} / {self.en}. {self.todo_en}"


class DirectoryError(Exception):
    """Carries the `Problem`; raised where there is no answer to give."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem
