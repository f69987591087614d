"""The page itself, run by streamlit: a menu of pages, every figure of all of them from one snapshot of the lake.

Questions are asked of the lake as it was at that snapshot, which the page names: a reload after a refresh shows the new
facts.
"""

from collections.abc import Callable
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Final

import streamlit as st

from warehouse.errors import WarehouseError
from warehouse.serving.dashboard.filters import NoSales
from warehouse.serving.dashboard.lake import answer, snapshot
from warehouse.serving.dashboard.questions import common
from warehouse.serving.dashboard.views import merchandise, month_close, returns, sales, stock, stores, today, trust

PAGES: Final[dict[str, Callable[[int], None]]] = {
    "Today": today.show,
    "Sales": sales.show,
    "Month close": month_close.show,
    "Merchandise": merchandise.show,
    "Stores": stores.show,
    "Returns": returns.show,
    "Stock": stock.show,
    "Trust": trust.show,
}


def draw(name: str) -> None:
    """One page; what keeps it from being shown is said in two lines."""
    try:
        version = snapshot()
        moments = answer(version, common.MOMENT).to_pylist()
        if not moments:
            st.info("Nothing is published yet: `warehouse refresh` builds the marts.")
            return
        (moment,) = moments
        st.title(name)
        PAGES[name](version)
        st.caption(
            f"All figures are of one moment, {moment['snapshot_time'].astimezone(UTC):%d %B %Y, %H:%M:%S} UTC "
            f"(snapshot {version}): every event up to batch {moment['batch']:,} of the log. A reload shows a newer one."
        )
    except NoSales:
        st.info("No orders yet: this page fills as they come, after the next `warehouse refresh`.")
    except WarehouseError as error:
        st.error(f"{error.message}\n\nTry: {error.hint}")


st.set_page_config("NewStore warehouse", page_icon=str(Path(__file__).parent / "icon.svg"), layout="wide")
# Tables want the room.
st.html("<style>.stMainBlockContainer {padding: 4rem clamp(1rem, 3vw, 3rem) 2rem}</style>")
st.navigation(
    [
        st.Page(partial(draw, name), title=name, url_path=name.lower().replace(" ", "-"), default=name == "Today")
        for name in PAGES
    ],
    position="top",
).run()
