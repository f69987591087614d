"""The status page and the page of problems as HTML: text and figures without a script or anything from elsewhere.

Every text that is not written here is escaped; no body of a delivery is ever shown.
"""

from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from html import escape
from pathlib import Path
from statistics import median
from typing import Final

from receiver.answers import REFUSALS
from receiver.status.home import HomeView
from receiver.status.notices import QUIET_SECONDS, Level, Status, ago, span
from receiver.status.svg_charts import bars, lines
from warehouse.delivery.delivery import Problem
from warehouse.notes.log_counts import Figures, Quarantined
from warehouse.remedies import REFRESH
from warehouse.system.sources import Unread
from warehouse.system.texts import shortened

STYLE: Final = (Path(__file__).parent / "status.css").read_text(encoding="utf-8")
STYLE_HASH: Final = b64encode(sha256(STYLE.encode()).digest()).decode()
HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
REFRESH_SECONDS: Final = 30
NAMES_SHOWN: Final = 10
ROWS_SHOWN: Final = 8
NAME_SHOWN: Final = 60
# As `warehouse quarantine list` calls a delivery.
ID_LETTERS: Final = 8
UNKNOWN: Final = "not known"
NOT_READ: Final = "it cannot be read"
# Those of the event route, and those that a connection gets before it has a request for any route.
REFUSED: Final = frozenset({answer.counted_as for answer in REFUSALS} | {"400", "408", "431"})

MEANINGS: Final[dict[str, str]] = {
    Problem.NOT_UTF8: "The body is not text in UTF-8.",
    Problem.NOT_JSON: "The body is not JSON.",
    Problem.NOT_AN_ENVELOPE: "JSON, but without tenant, name or a payload that is an object.",
    Problem.UNKNOWN_NAME: "An event that the contract does not know; add it there, then `warehouse quarantine retry`.",
    Problem.TOO_LARGE: "More than the models can read beside everything else; docs/contract.md says how much that is.",
    Problem.MISSING_KEY: "The payload lacks a field that makes the event's key.",
    Problem.BAD_PUBLISHED_AT: "published_at is not a time.",
}


def status_page(status: Status) -> str:
    """The page at `/`."""
    headline, lead = _headline(status)
    notices = "".join(
        f'<li class="{notice.level.name.lower()}"><b>{escape(notice.title)}</b><p>{_prose(notice.text)}</p></li>'
        for notice in status.notices
    )
    body = f"""
<header><span>NewStore warehouse</span><span>{escape(status.place)}</span></header>
<main>
<h1 class="{_mood(status)}">{escape(headline)}</h1>
<p class="lead">{escape(lead)}</p>
{f'<ul class="findings">{notices}</ul>' if notices else ""}
<dl>{_tiles(status)}</dl>
<div class="pair">{_answers(status)}{_lags(status)}</div>
<div class="pair">{_names(status)}{_problems(status)}</div>
{_by_minute(status)}
</main>
<footer>{_footer(status)}</footer>
"""
    return _document(
        "Status of the NewStore warehouse", body, f'<meta http-equiv="refresh" content="{REFRESH_SECONDS}">'
    )


def problems_page(figures: Figures | None, unread: Sequence[Unread] = ()) -> str:
    """The page at `/problems`: what was kept without becoming an event, by kind and event, the newest first."""
    listed = figures.quarantined if figures else ()
    kinds = "".join(
        _kind(problem, [one for one in listed if one.problem == problem])
        for problem in dict.fromkeys(one.problem for one in listed)
    )
    if unread:
        lead = f"What there is cannot be read: {unread[0].reason} Try: {unread[0].hint}."
    elif figures is None:
        lead = f"Known after the first refresh: {REFRESH}."
    elif listed:
        lead = (
            f"{figures.total.quarantined:,} as of the last refresh; here the latest {len(listed):,} by kind. "
            "Bodies are not shown: `warehouse quarantine show ID` prints one, `warehouse quarantine list` has them all."
        )
    else:
        lead = "There are none as of the last refresh."
    body = f"""
<header><a href="/">Status</a></header>
<main><h1 class="{"wrong" if unread else "note"}">Kept, but not read as events</h1><p class="lead">{_prose(lead)}</p>
{kinds}</main>
"""
    return _document("Problems of the NewStore warehouse", body, "")


def _kind(problem: str, listed: Sequence[Quarantined]) -> str:
    """One kind of problem: a row for each event name, the first few open to the eye, the others one click away."""
    by_name: dict[str | None, list[Quarantined]] = {}
    for one in listed:
        by_name.setdefault(one.name, []).append(one)
    rows = [_event_row(name, ones) for name, ones in by_name.items()]
    shown, folded = rows[:ROWS_SHOWN], rows[ROWS_SHOWN:]
    head = (
        '<tr><th>event</th><th class="n">how many</th><th class="n">last received (UTC)</th><th class="n">size</th>'
        "<th>ID of the last</th></tr>"
    )
    more = (
        f'<details><summary>{len(folded):,} more</summary><div class="scroll"><table class="list">{head}'
        f"{''.join(folded)}</table></div></details>"
        if folded
        else ""
    )
    return (
        f'<section class="kind" id="{escape(problem)}"><h2>{escape(problem)} <small>{len(listed):,}</small></h2>'
        f"<p>{_prose(MEANINGS.get(problem, ''))}</p>"
        f'<div class="scroll"><table class="list">{head}{"".join(shown)}</table></div>{more}</section>'
    )


def _event_row(name: str | None, ones: Sequence[Quarantined]) -> str:
    last = ones[0]
    return (
        f'<tr><td>{escape(shortened(name or "—", NAME_SHOWN))}</td><td class="n">{len(ones):,}</td>'
        f'<td class="n">{_time(last.received_at)}</td><td class="n">{_size(last.size)}</td>'
        f'<td class="id"><code>{escape(last.journal[-ID_LETTERS:])}:{last.position}</code></td></tr>'
    )


def _mood(status: Status) -> str:
    """The class of the headline: a mere note beside does not make good news less good."""
    if status.level is Level.NOTE and status.last_ack is not None:
        return "good"
    return status.level.name.lower()


def _headline(status: Status) -> tuple[str, str]:
    answers = status.count("answers")
    refused = sum(count for answer, count in answers.items() if answer in REFUSED)
    told = f"{answers['200']:,} deliveries stored and answered 200 in the last hour, {refused:,} requests refused."
    if status.last_ack is None:
        if status.level is Level.WRONG:
            return "NewStore is not getting 200s", told
        return "Waiting for the first delivery", "Nothing has been delivered yet."
    silence = status.now - status.last_ack
    told = f"{told} The last delivery came {ago(silence)}."
    if status.problem is not None:
        return "NewStore is not getting 200s", told
    if silence > QUIET_SECONDS:
        return f"Nothing for {span(silence)}", told
    but = {Level.WARNING: ", but something needs a look", Level.WRONG: ", but something is wrong"}
    return f"NewStore is getting 200s{but.get(status.level, '')}", told


def _tiles(status: Status) -> str:
    home = status.home
    recent = [minute for minute in status.minutes[-3:] if minute]
    rate = sum(minute.deliveries for minute in recent) / max(status.now - recent[0].at, 1) if recent else 0.0
    lags = [lag for minute in status.minutes for lag in (minute.lags if minute else ())]
    longest = max((minute.lag_max for minute in status.minutes if minute and minute.lag_max is not None), default=None)
    commits = sum(minute.commits for minute in status.minutes if minute)
    seconds = sum(minute.commit_seconds for minute in status.minutes if minute)
    day = home.figures.last_day if home.figures else None
    tiles = [
        ("Events", f"{rate:.3g}/s" if rate < 1000 else f"{rate:,.0f}/s", "now, over three minutes"),
        (
            "Lag",
            span(median(lags)) if lags else "—",
            f"longest {span(longest)}" if longest is not None else "last hour",
        ),
        ("One sync", span(seconds / commits) if commits else "—", "of the disk, on average"),
        (
            "Duplicates",
            f"{day.duplicates:,}" if day else UNKNOWN,
            f"of {day.deliveries:,} in a day, as of the refresh"
            if day
            else NOT_READ
            if home.is_unread("figures")
            else "known after a refresh",
        ),
        ("Not read as events", f"{sum(status.count('problems').values()):,}", "kept, in the last hour"),
        ("Not yet sealed", *_not_sealed(home)),
        ("Last refresh", *_last_refresh(status)),
        ("Log looked through", *_looked_through(status)),
        ("Disk left", *_disk_left(home)),
    ]
    return "".join(
        f"<div><dt>{title}</dt><dd>{escape(value)}<small>{escape(more)}</small></dd></div>"
        for title, value, more in tiles
    )


def _not_sealed(home: HomeView) -> tuple[str, str]:
    if home.backlog is None:
        return UNKNOWN, NOT_READ
    unread = f", and {home.backlog.unread:,} not read" if home.backlog.unread else ""
    return _size(home.backlog.unsealed), f"in {_plural(home.backlog.files - home.backlog.unread, 'journal')}{unread}"


def _last_refresh(status: Status) -> tuple[str, str]:
    if status.home.is_unread("publication"):
        return UNKNOWN, NOT_READ
    if status.home.refreshed_at is None:
        return "none yet", "warehouse refresh"
    return ago(status.now - status.home.refreshed_at), f"{_time(status.home.refreshed_at)} UTC"


def _looked_through(status: Status) -> tuple[str, str]:
    """How much of the log was verified, and when: of what was not looked at nothing is said."""
    looked = status.home.log_watch
    if status.home.is_unread("log"):
        return UNKNOWN, NOT_READ
    if looked is None or looked.looked is None:
        return "not yet", "warehouse log verify"
    if looked.damaged:
        return "damaged", f"{_plural(looked.damaged, 'finding')} in {looked.verified:,} of {looked.files:,} files"
    since = f", within {span(status.now - looked.oldest)}" if looked.oldest is not None else ""
    share = looked.verified / looked.files if looked.files else 1.0
    return f"{int(share * 100)}%", f"{looked.verified:,} of {_plural(looked.files, 'file')}{since}"


def _disk_left(home: HomeView) -> tuple[str, str]:
    if home.disk is None:
        return UNKNOWN, NOT_READ
    return _size(home.disk.free), f"{home.disk.free / max(home.disk.size, 1):.0%} of {_size(home.disk.size)}"


def _answers(status: Status) -> str:
    taken = [minute.answers.get("200", 0) if minute else None for minute in status.minutes]
    refused = [
        sum(count for answer, count in minute.answers.items() if answer in REFUSED) if minute else None
        for minute in status.minutes
    ]
    chart = bars("Requests a minute", "stored and refused", [("taken", taken), ("refused", refused)])
    key = '<p class="key"><i class="taken"></i>stored, answered 200<i class="refused"></i>refused</p>'
    return f"<section><h2>Requests a minute</h2>{key}{chart}</section>"


def _lags(status: Status) -> str:
    typical = [median(minute.lags) if minute and minute.lags else None for minute in status.minutes]
    longest = [minute.lag_max if minute else None for minute in status.minutes]
    chart = lines("Lag", "from published_at to received_at", [("longest", longest), ("typical", typical)], 10.0)
    key = '<p class="key"><i class="typical"></i>median<i class="longest"></i>longest</p>'
    return f"<section><h2>Lag <small>from published to received</small></h2>{key}{chart}</section>"


def _by_minute(status: Status) -> str:
    """What the charts show, as figures."""
    rows = "".join(
        f'<tr><td>{_time(minute.at)[11:16]}</td><td class="n">{minute.answers.get("200", 0):,}</td>'
        f'<td class="n">{sum(count for answer, count in minute.answers.items() if answer in REFUSED):,}</td>'
        f'<td class="n">{span(median(minute.lags)) if minute.lags else "—"}</td>'
        f'<td class="n">{span(minute.lag_max) if minute.lag_max is not None else "—"}</td></tr>'
        for minute in reversed(status.minutes)
        if minute
    )
    head = '<th>minute (UTC)</th><th class="n">stored</th><th class="n">refused</th>'
    head += '<th class="n">median lag</th><th class="n">longest lag</th>'
    return f"<details><summary>The hour by the minute</summary><table><tr>{head}</tr>{rows}</table></details>"


def _names(status: Status) -> str:
    found = status.count("names").most_common(NAMES_SHOWN)
    rows = "".join(f'<tr><td>{escape(name)}</td><td class="n">{count:,}</td></tr>' for name, count in found)
    table = f"<table>{rows}</table>" if rows else "<p>Nothing in the last hour.</p>"
    return f"<section><h2>What arrived <small>in the last hour</small></h2>{table}</section>"


def _problems(status: Status) -> str:
    hour = status.count("problems")
    listed = status.home.figures.quarantined if status.home.figures else ()
    known = {one.problem for one in listed}
    rows = "".join(
        f"<tr><td>{_problem_link(kind, kind in known)}<br><small>{_prose(MEANINGS.get(kind, ''))}</small></td>"
        f'<td class="n">{hour[kind]:,}</td></tr>'
        for kind in dict.fromkeys([*(kind for kind, _ in hour.most_common()), *sorted(known)])
    )
    total = status.home.figures.total.quarantined if status.home.figures else 0
    table = f'<table><tr><th>kind</th><th class="n">last hour</th></tr>{rows}</table>' if rows else "<p>None.</p>"
    if status.home.is_unread("figures"):
        return f"<section><h2>Kept, but not read as events</h2>{table}<p>Those of the log cannot be read.</p></section>"
    more = f'<p class="key">{total:,} in the whole log as of the last refresh. <a href="/problems">All of them</a></p>'
    return f"<section><h2>Kept, but not read as events</h2>{table}{more if total else ''}</section>"


def _problem_link(kind: str, is_listed: bool) -> str:
    name = escape(kind)
    return f'<a href="/problems#{name}">{name}</a>' if is_listed else name


def _footer(status: Status) -> str:
    return (
        f"As of {_time(status.now)} UTC, from {_plural(status.workers, 'worker')}; the page loads itself again "
        f"every {REFRESH_SECONDS} seconds. "
        '<a href="/metrics">Metrics</a> for Prometheus, <a href="/ready">ready</a> for load balancers.'
    )


def _document(title: str, body: str, head: str) -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
{head}
<style>{STYLE}</style>
</head>
<body>{body}</body>
</html>
"""


def _prose(text: str) -> str:
    """A sentence with `code` in it as HTML."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"


def _size(size: float) -> str:
    for factor, unit in ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size:.0f} B"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
