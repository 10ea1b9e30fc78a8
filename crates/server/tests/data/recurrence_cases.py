"""Writes recurrence_cases.jsonl: what python-dateutil and zoneinfo say about repeating meetings.

Run once with python-dateutil 2.9.0 and kept: an oracle that shares no code and no author with the product.
Each case has a rule, its number of occurrences up to 2099, the first ones, the last one, and those from a moment on.
"""

import json
import random
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, rrule

ZONES = [
    "UTC", "Asia/Kolkata", "Europe/Berlin", "America/New_York", "America/Los_Angeles", "Australia/Lord_Howe",
    "Pacific/Auckland", "America/St_Johns", "Asia/Kathmandu", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/London",
]
# Starts near the changes of clocks in 2026 as often as anywhere.
CHANGES = ["2026-03-08", "2026-03-29", "2026-04-05", "2026-10-04", "2026-10-25", "2026-11-01", "2026-09-27"]


def iso(moment):
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def case(rng, number):
    zone_name = rng.choice(ZONES)
    zone = ZoneInfo(zone_name)
    if number % 2:
        day = datetime.fromisoformat(rng.choice(CHANGES)) - timedelta(days=rng.randrange(0, 3))
    else:
        day = datetime(2020, 1, 1) + timedelta(days=rng.randrange(0, 3650))
    local = day + timedelta(minutes=rng.choice([0, 30, 60, 90, 119, 120, 150, 180, 540, 1410, rng.randrange(0, 1440)]))
    start = local.replace(tzinfo=zone).astimezone(timezone.utc)
    # The start is a moment; what the zone's clocks show then is the series' local time.
    local = start.astimezone(zone).replace(tzinfo=None, fold=0)
    kind = rng.choice(["daily", "weekly", "weekly", "monthly", "monthly"])
    options = {"repeat": kind, "timeZone": zone_name}
    arguments = {"dtstart": local}
    if kind == "daily":
        frequency = DAILY
    elif kind == "weekly":
        frequency = WEEKLY
        if rng.random() < 0.8:
            week = [rng.random() < 0.4 for _ in range(7)]
            week[rng.randrange(7)] = True
            options["daysOfWeek"] = week
            # dateutil counts from Monday.
            arguments["byweekday"] = [(index - 1) % 7 for index in range(7) if week[index]]
    else:
        frequency = MONTHLY
        if rng.random() < 0.8:
            options["dateInMonth"] = rng.choice([1, 15, 28, 29, 30, 31, 31])
            arguments["bymonthday"] = options["dateInMonth"]
        else:
            arguments["bymonthday"] = local.day
    until = datetime(2099, 12, 31, 23, 59, 59)
    if rng.random() < 0.5:
        end = (local + timedelta(days=rng.choice([40, 100, 400, 2000]))).date()
        options["endDate"] = end.isoformat()
        until = datetime.combine(end, datetime.max.time().replace(microsecond=0))
    locals_ = list(rrule(frequency, until=until, **arguments))
    # PEP 495, fold=0: the earlier of two, the later side of a gap.
    starts = [start if moment == local else moment.replace(tzinfo=zone) for moment in locals_]
    starts = [iso(moment) for moment in starts]
    moment = iso(start + timedelta(days=rng.randrange(0, 2500), minutes=rng.randrange(0, 1440)))
    return {
        "start": iso(start), "options": options, "count": len(starts), "first": starts[:8], "last": starts[-1],
        "moment": moment, "before": sum(1 for text in starts if text < moment),
        "from": [text for text in starts if text >= moment][:4],
    }


if __name__ == "__main__":
    rng = random.Random(20261124)
    with open("recurrence_cases.jsonl", "w") as file:
        for number in range(120):
            file.write(json.dumps(case(rng, number)) + "\n")
