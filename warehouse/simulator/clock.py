"""Times as whole milliseconds since 1970 in UTC, how NewStore writes them, and when people shop and work."""

from datetime import UTC, date, datetime
from functools import cache
from typing import Final

from warehouse.simulator.chance import Chance, Weighted

SECOND: Final = 1000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
# Between two events of one thing, so that their times tell their order however long publishing takes.
STEP: Final = 250

_MINUTES: Final = [f"{hour:02}:{minute:02}:" for hour in range(24) for minute in range(60)]
# Orders by hour of the day, in the shop's own time.
_WEB_HOURS: Final = Weighted([2, 1, 1, 1, 1, 2, 3, 4, 5, 6, 6, 6, 7, 7, 6, 6, 6, 7, 8, 10, 12, 12, 9, 5])
_STORE_HOURS: Final = Weighted([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 5, 8, 8, 7, 7, 8, 10, 9, 5, 0, 0, 0, 0])
_MONTHS: Final = (0.8, 0.75, 0.9, 0.95, 1.0, 1.0, 0.9, 0.85, 1.0, 1.05, 1.5, 1.6)
_WEEKDAYS: Final = (0.85, 0.85, 0.9, 0.95, 1.15, 1.35, 0.95)


def start_of(day: date) -> int:
    """The first moment of a day."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * SECOND


def text(moment: int) -> str:
    """As most times are written: `2024-03-01T09:30:00.125Z`."""
    return f"{_without_zone(moment)}Z"


def nine_digits(moment: int, chance: Chance) -> str:
    """As some services write times: with nanoseconds, which are noise here."""
    return f"{_without_zone(moment)}{chance.below(1_000_000):06}Z"


def without_zone(moment: int) -> str:
    """As returns were once written: six digits, and no zone although UTC is meant."""
    return f"{_without_zone(moment)}000"


def date_text(moment: int) -> str:
    """The day: `2024-03-01`."""
    return _day_text(moment // DAY)[:-1]


def season(moment: int) -> float:
    """How much is sold on that day, 1 being usual: Saturdays and the weeks before Christmas are good."""
    day = datetime.fromtimestamp(moment / SECOND, UTC)
    return _MONTHS[day.month - 1] * _WEEKDAYS[day.weekday()]


def web_moment(day: int, zone: int, chance: Chance) -> int:
    """When on a day, by its first moment, someone orders from home; `zone` is the hours from UTC."""
    return day + (_WEB_HOURS.pick(chance) - zone) % 24 * HOUR + chance.below(HOUR)


def store_moment(day: int, zone: int, chance: Chance) -> int:
    """When on a day someone stands at the till."""
    return day + (_STORE_HOURS.pick(chance) - zone) % 24 * HOUR + chance.below(HOUR)


def at_work(moment: int, zone: int, chance: Chance) -> int:
    """That moment if people work then (9 to 21 in their own zone), else one soon after they begin again."""
    day, time = divmod(moment + zone * HOUR, DAY)
    if 9 * HOUR <= time < 21 * HOUR:
        return moment
    begin = day if time < 9 * HOUR else day + 1
    return begin * DAY + (9 - zone) * HOUR + chance.below(2 * HOUR)


def at_night(moment: int, zone: int, chance: Chance) -> int:
    """In the night after that moment, when nothing moves (22:30 to 5:30 in their own zone)."""
    day = (moment + zone * HOUR) // DAY
    return day * DAY + (22 - zone) * HOUR + 30 * MINUTE + chance.below(7 * HOUR)


def _without_zone(moment: int) -> str:
    day, rest = divmod(moment, DAY)
    minute, rest = divmod(rest, MINUTE)
    return f"{_day_text(day)}{_MINUTES[minute]}{rest // 1000:02}.{rest % 1000:03}"


@cache
def _day_text(day: int) -> str:
    return datetime.fromtimestamp(day * (DAY // SECOND), UTC).strftime("%Y-%m-%dT")
