"""What the tests of the views share: a step left to clerks, and an instant in Beijing."""

from datetime import UTC, datetime

from jiexu.case.event import Role
from jiexu.service.agency import BEIJING
from tests.service.pair import World


def beijing(year: int, month: int, day: int, hour: int = 10, minute: int = 0) -> datetime:
    """A moment in Beijing, as aware UTC."""
    return datetime(year, month, day, hour, minute, tzinfo=BEIJING).astimezone(UTC)


def left_to_clerks(world: World, code: str, role: Role, *steps: str) -> None:
    """These steps wait for a person in that region; all others stay as they are."""
    own = {str(name): dict(modes) for name, modes in world.configs[code].steps.items()}
    own.setdefault(role.value, {}).update(dict.fromkeys(steps, "clerk"))
    config = world.configs[code].model_copy(update={"steps": own})
    world.kill(code, role)
    world.start(code, role, config)
    world.desks[code].config = config
