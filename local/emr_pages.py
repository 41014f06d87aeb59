"""Lists, a page at a time, and the ids of what is in them."""

import base64
import itertools
import secrets
import string

from emr_settings import settings
from emr_wire import Refusal

# In the order in which things are made, by which they are listed.
numbers = itertools.count(1)


def page(found: list[tuple[int, object]], token: str | None, most: int | None = None) -> tuple[list, str | None]:
    """One page of what was found, given with its numbers, newest first; and the token of the next page.

    A token holds the number of the last item that was shown, so that what starts or changes its state meanwhile shifts nothing.
    """
    found = sorted(found, key=lambda item: item[0], reverse=True)
    if token:
        last = _number(token)
        found = [item for item in found if item[0] < last]
    size = max(1, min(most or settings.page, settings.page))
    shown = found[:size]
    more = len(found) > size
    return [item for _, item in shown], base64.urlsafe_b64encode(str(shown[-1][0]).encode()).decode() if more else None


def small_id(length: int) -> str:
    """Small letters and digits, as EKS and Serverless make them."""
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(length))


def large_id(prefix: str) -> str:
    """Large letters and digits after a prefix, as EMR makes them."""
    return prefix + "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(13))


def _number(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token))
    except ValueError:
        raise Refusal("ValidationException", f"Invalid token: {token}") from None
