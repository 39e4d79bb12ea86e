"""Computes the figures and KPIs of docs/ANALYTICS.md from rows, by that document alone: what the library computes is compared with this.

On standard input: one business's zone, hours, targets and rows as JSON. On standard output: its figures and snapshots, sorted, and what is kept of each call and conversation.
With --buckets FROM TO ZONES: digests of the first instants of hours, days, weeks and months of those years in those zones.
"""

import hashlib
import json
import re
import sys
from bisect import bisect_left, bisect_right
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
EPOCH_DAY = date(1970, 1, 1).toordinal()
SECOND, HOUR, DAY = 1_000_000, 3_600, 86_400
# No zone's clock is set twice within this many seconds.
LOOK = 6 * HOUR
LEVELS = ("hourly", "daily", "weekly", "monthly")


def micros(text):
    """Microseconds since 1970."""
    since = datetime.fromisoformat(text) - EPOCH
    return (since.days * DAY + since.seconds) * SECOND + since.microseconds


def iso(at):
    return (EPOCH + timedelta(microseconds=at)).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Zone:
    """The clock and the calendar of a zone between two dates. Instants are whole seconds."""

    def __init__(self, name, first, last):
        self.info = ZoneInfo(name)
        begin, end = ((day.toordinal() - EPOCH_DAY) * DAY for day in (first, last))
        # As long as a span lasts, the clock is ahead of UTC by the same seconds: (first instant, offset).
        self.spans = [(begin, self.offset(begin))]
        for at in range(begin + LOOK, end + LOOK, LOOK):
            if self.offset(at) != self.spans[-1][1]:
                self.spans.append((self.clock_set(at - LOOK, at), self.offset(at)))
        self.end = end
        # The first instant of each date, in the order of time.
        starts = {}
        for (start, offset), until in self.with_ends():
            for day in range((start + offset) // DAY, (until - 1 + offset) // DAY + 1):
                starts.setdefault(day, max(start, day * DAY - offset))
        self.days = [
            (start, date.fromordinal(day + EPOCH_DAY)) for day, start in sorted(starts.items(), key=lambda item: item[1])
        ]
        self.day_starts = [start for start, _ in self.days]

    def offset(self, at):
        return int(datetime.fromtimestamp(at, self.info).utcoffset().total_seconds())

    def clock_set(self, before, after):
        was = self.offset(before)
        while after - before > 1:
            middle = (before + after) // 2
            before, after = (middle, after) if self.offset(middle) == was else (before, middle)
        return after

    def with_ends(self):
        return zip(self.spans, [start for start, _ in self.spans[1:]] + [self.end])

    def first_instant(self, day, seconds):
        """The first instant at which the clock shows this time of that date or a later one."""
        local = (day.toordinal() - EPOCH_DAY) * DAY + seconds
        for (start, offset), until in self.with_ends():
            if until + offset > local:
                return max(start, local - offset)
        raise AssertionError("a date outside the zone's years")

    def hours(self):
        """The first instants of all hours, which those of days are, too."""
        starts = set(self.day_starts)
        for (start, offset), until in self.with_ends():
            starts.add(start)
            starts.update(range(-(-(start + offset) // HOUR) * HOUR - offset, until, HOUR))
        return sorted(start for start in starts if self.day_starts[0] <= start <= self.day_starts[-1])

    def periods(self, level):
        """The first instants of all hours, days, weeks or months; the first and the last may be cut off."""
        if level == "hourly":
            return self.hours()
        keys = {
            "daily": lambda day: day,
            "weekly": lambda day: day - timedelta(days=day.weekday()),
            "monthly": lambda day: (day.year, day.month),
        }
        starts, seen = [], set()
        for start, day in self.days:
            key = keys[level](day)
            if key not in seen:
                seen.add(key)
                starts.append(start)
        return starts


class Hours:
    """When the business is open."""

    def __init__(self, zone, opens, closes, holidays=frozenset()):
        self.never_closes = opens == closes and not holidays
        self.intervals = []
        if not self.never_closes:
            past_midnight = timedelta(days=1 if closes <= opens else 0)
            if opens == closes:
                opens = closes = 0
            first, last = zone.days[2][1], zone.days[-3][1]
            for ahead in range((last - first).days + 1):
                day, after = first + timedelta(days=ahead), first + timedelta(days=ahead + 1)
                start, end = zone.first_instant(day, opens), zone.first_instant(day + past_midnight, closes)
                if after in holidays:
                    end = min(end, zone.first_instant(after, 0))
                if start < end and day not in holidays:
                    self.intervals.append((start * SECOND, end * SECOND))
        self.starts = [start for start, _ in self.intervals]

    def open_seconds(self, start, end):
        """The whole seconds from one instant to another (microseconds) in which it is open."""
        if self.never_closes:
            return (end - start) // SECOND
        total = 0
        for begin, until in self.intervals[max(bisect_right(self.starts, start) - 1, 0) : bisect_right(self.starts, end)]:
            total += max(min(until, end) - max(begin, start), 0)
        return total // SECOND


UNANSWERED = ("missed", "voicemail", "abandoned")
OUTCOMES = ("answered", "missed", "voicemail", "abandoned", "blocked", "failed")
ENDED = ("completed", "busy", "no-answer", "failed", "canceled")
WENT_OUT = ("accepted", "sending", "sent", "delivered", "partially_delivered", "read")
FAILED = ("undelivered", "failed")
NOT_GONE = ("queued", "scheduled", "canceled")
WEEK = 168 * HOUR * SECOND


def number(value):
    return Decimal(0) if value is None else Decimal(str(value))


def dollars(row):
    return number(row["price"]) if row["price_unit"] == "USD" else Decimal(0)


def e164(called):
    return called if re.fullmatch(r"\+[1-9][0-9]{6,14}", called) else None


class Facts:
    """All that is counted: (instant, type, figure, value, dimension or None)."""

    def __init__(self, document, hours):
        self.found, self.hours = [], hours
        self.texts_of, self.greetings_of = {}, {}
        for text in sorted(document["messages"], key=lambda text: (micros(text["created_at"]), text["id"])):
            self.texts_of.setdefault(text["conversation_id"], []).append(text)
            if text["message_kind"] == "greeting" and text["call_id"] is not None:
                self.greetings_of.setdefault(text["call_id"], []).append(text)
        told = {row["call_id"]: row for row in document["call_analytics"] if row["call_id"] is not None}
        for call in document["calls"]:
            self.of_call(call, told.get(call["id"]))
        for conversation in document["conversations"]:
            self.of_conversation(conversation)
        for text in document["messages"]:
            self.of_text(text)
        for consent in document["consents"]:
            if consent["action"] == "opt_out":
                self.add(micros(consent["created_at"]), "conversation", "opt_outs", 1)

    def add(self, at, kind, figure, value, dimension=None):
        self.found.append((at, kind, "nmc." + figure, Decimal(value), dimension))

    def add_by(self, at, kind, figure, key, value):
        self.add(at, kind, figure, 1)
        if value is not None:
            self.add(at, kind, f"{figure}/{value}", 1, (key, value))

    def of_call(self, call, told):
        at = micros(call["started_at"] or call["created_at"])
        self.add(at, "call", "calls_cost", dollars(call))
        if call["call_direction"] == "outbound":
            if call["call_status"] in ENDED:
                self.add(at, "call", "calls_outbound", 1)
            return
        outcome, called = call["outcome"], e164(call["called_phone"])
        if outcome is None:
            return
        self.add_by(at, "call", "calls_inbound", "number", called)
        revenue = number(told and told["revenue_impact"])
        self.add(at, "revenue", "revenue", revenue)
        if outcome == "answered":
            self.add_by(at, "call", "calls_answered", "number", called)
            self.add(at, "call", "calls_talk_seconds", call["duration_seconds"] or 0)
        elif outcome in OUTCOMES:
            self.add(at, "call", "calls_" + outcome, 1)
        if outcome not in UNANSWERED:
            return
        self.add_by(at, "call", "calls_unanswered", "number", called)
        self.add(at, "revenue", "revenue_unanswered", revenue)
        if told and told["conversion_status"] == "converted":
            self.add(at, "call", "calls_converted", 1)
        greetings = [text for text in self.greetings_of.get(call["id"], []) if text["message_status"] in WENT_OUT]
        if greetings:
            self.add(at, "call", "calls_texted_back", 1)
            greeted = micros(greetings[0]["created_at"])
            if any(
                text["message_direction"] == "inbound" and greeted < micros(text["created_at"]) <= greeted + WEEK
                for text in self.texts_of.get(call["conversation_id"], [])
            ):
                self.add(at, "call", "calls_replied", 1)

    def of_conversation(self, conversation):
        opened, assignee = micros(conversation["created_at"]), conversation["assigned_to"]
        self.add_by(opened, "conversation", "conversations_opened", "assignee", assignee)
        asked = None
        for text in self.texts_of.get(conversation["id"], []):
            at, inbound = micros(text["created_at"]), text["message_direction"] == "inbound"
            if asked is None:
                asked = at if inbound else None
            elif not inbound and text["message_kind"] == "message" and text["message_status"] in WENT_OUT:
                self.add(opened, "conversation", "conversations_responded", 1)
                self.add_duration(opened, "first_response", asked, at)
                break
        if conversation["closed_at"] is not None:
            closed = micros(conversation["closed_at"])
            self.add_by(closed, "conversation", "conversations_resolved", "assignee", assignee)
            self.add_duration(closed, "resolution", opened, closed)

    def add_duration(self, at, name, start, end):
        self.add(at, "conversation", name + "_seconds", (end - start) // SECOND)
        self.add(at, "conversation", name + "_open_seconds", self.hours.open_seconds(start, end))

    def of_text(self, text):
        at, status = micros(text["created_at"]), text["message_status"]
        self.add(at, "conversation", "texts_cost", dollars(text))
        if text["message_direction"] == "inbound":
            self.add(at, "conversation", "texts_received", 1)
        elif status in WENT_OUT + FAILED:
            self.add(at, "conversation", "texts_sent", 1)
            if status in FAILED:
                self.add(at, "conversation", "texts_failed", 1)


def person(phone):
    """The number of a person, none where the caller's is withheld (+266696687 spells ANONYMOUS)."""
    return None if phone == "+266696687" else e164(phone)


def rows_of_calls(document):
    """What is kept of each call that has ended."""
    for call in document["calls"]:
        if call["outcome"] is not None or call["call_status"] in ENDED:
            cost = call["price"] if call["price_unit"] == "USD" else None
            yield {
                "call": call["id"],
                "conversation": call["conversation_id"],
                "phone": person(call["caller_phone"] if call["call_direction"] == "inbound" else call["called_phone"]),
                "type": call["call_type"],
                "status": call["outcome"] or "completed",
                "seconds": call["duration_seconds"],
                "cost": None if cost is None else written(number(cost), 2),
                "at": iso(micros(call["started_at"] or call["created_at"])),
            }


def rows_of_conversations(document):
    """What is kept of each conversation."""
    told = {row["conversation_id"]: row["resolution_status"] for row in document.get("conversation_analytics", [])}
    for conversation in document["conversations"]:
        texts = [
            text
            for text in document["messages"]
            if text["conversation_id"] == conversation["id"] and text["message_status"] not in NOT_GONE
        ]
        opened, closed = micros(conversation["created_at"]), conversation["closed_at"]
        status = "resolved" if conversation["status"] in ("resolved", "closed") else "in_progress"
        if told.get(conversation["id"]) in ("escalated", "abandoned"):
            status = told[conversation["id"]]
        by_people = [text for text in texts if text["message_direction"] == "outbound" and text["message_kind"] == "message"]
        yield {
            "conversation": conversation["id"],
            "call": conversation["first_call_id"],
            "texts": len(texts),
            "ai": sum(text["ai_generated"] for text in texts),
            "human": sum(not text["ai_generated"] for text in by_people),
            "seconds": None if closed is None else (micros(closed) - opened) // SECOND,
            "status": status,
            "at": iso(opened),
        }


def ratio(factor, over, under):
    """A KPI that is factor × a figure ÷ the sum of others, none where that is 0."""

    def value(figure):
        below = sum(figure(name) for name in under)
        return None if below == 0 else Fraction(figure(over)) * factor / Fraction(below)

    return value


def count(name):
    return lambda figure: Fraction(figure(name))


MORE, FEWER = 1, -1
KPIS = {
    "calls": (MORE, count("calls_inbound")),
    "missed_calls": (FEWER, count("calls_unanswered")),
    "answer_rate": (MORE, ratio(100, "calls_answered", ["calls_inbound"])),
    "missed_rate": (FEWER, ratio(100, "calls_unanswered", ["calls_inbound"])),
    "voicemail_rate": (FEWER, ratio(100, "calls_voicemail", ["calls_inbound"])),
    "abandoned_rate": (FEWER, ratio(100, "calls_abandoned", ["calls_inbound"])),
    "text_back_rate": (MORE, ratio(100, "calls_texted_back", ["calls_unanswered"])),
    "reply_rate": (MORE, ratio(100, "calls_replied", ["calls_texted_back"])),
    "conversion_rate": (MORE, ratio(100, "calls_converted", ["calls_unanswered"])),
    "revenue_per_missed_call": (MORE, ratio(1, "revenue_unanswered", ["calls_unanswered"])),
    "cost_per_call": (FEWER, ratio(1, "calls_cost", ["calls_inbound", "calls_outbound"])),
    "cost_per_text": (FEWER, ratio(1, "texts_cost", ["texts_sent"])),
    "opt_out_rate": (FEWER, ratio(100, "opt_outs", ["texts_sent"])),
    "text_failure_rate": (FEWER, ratio(100, "texts_failed", ["texts_sent"])),
    "first_response_minutes": (FEWER, ratio(Fraction(1, 60), "first_response_seconds", ["conversations_responded"])),
    "first_response_open_minutes": (FEWER, ratio(Fraction(1, 60), "first_response_open_seconds", ["conversations_responded"])),
    "resolution_hours": (FEWER, ratio(Fraction(1, 3600), "resolution_seconds", ["conversations_resolved"])),
    "resolution_open_hours": (FEWER, ratio(Fraction(1, 3600), "resolution_open_seconds", ["conversations_resolved"])),
}


def rounded(value, places):
    """To so many decimals, halves away from zero."""
    scaled = abs(Fraction(value)) * 10**places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(whole if value >= 0 else -whole).scaleb(-places)


def written(value, places=4):
    return format(rounded(value, places) + 0, "f")


def compute(document):
    facts = instants(document)
    zone = Zone(document["timezone"], *facts)
    opens, closes = (seconds_of_day(document[name]) for name in ("opens", "closes"))
    holidays = frozenset(date.fromisoformat(day) for day in document.get("holidays", []))
    found = Facts(document, Hours(zone, opens, closes, holidays)).found
    figures, snapshots = [], []
    targets = {(row["kpi_name"], row["period_type"]): number(row["target"]) for row in document.get("targets", [])}
    for level in LEVELS:
        starts = zone.periods(level)
        sums = {}
        for at, kind, name, value, dimension in found:
            if dimension is None or level != "hourly":
                key = (bisect_right(starts, at // SECOND) - 1, kind, name, dimension)
                sums[key] = sums.get(key, Decimal(0)) + value
        by_period = {}
        for (period, kind, name, dimension), value in sums.items():
            if value != 0:
                span = {"from": iso(starts[period] * SECOND), "until": iso(starts[period + 1] * SECOND)}
                dimensions = {} if dimension is None else {dimension[0]: dimension[1]}
                figures.append(
                    {"level": level, **span, "type": kind, "name": name, "value": written(value), "dimensions": dimensions}
                )
                by_period.setdefault(period, {})[name] = value
        if level != "hourly":
            snapshots.extend(snapshots_of(level, starts, by_period, targets))
    figures.sort(key=lambda row: (row["level"], row["from"], row["name"]))
    snapshots.sort(key=lambda row: (row["period"], row["from"], row["kpi"]))
    rows = {"calls": list(rows_of_calls(document)), "conversations": list(rows_of_conversations(document))}
    return {"figures": figures, "snapshots": snapshots} | rows


def snapshots_of(level, starts, by_period, targets):
    for kpi, (good, formula) in KPIS.items():
        values = {}
        for period, figures in by_period.items():
            value = formula(lambda name: figures.get("nmc." + name, Decimal(0)))
            if value is not None:
                values[period] = rounded(value, 4)
        for period, value in values.items():
            target, variance = targets.get((kpi, level)), None
            if target:
                variance = written(Fraction(value - target) * 100 / abs(Fraction(target)), 2)
            yield {
                "kpi": kpi,
                "period": level,
                "from": iso(starts[period] * SECOND),
                "until": iso(starts[period + 1] * SECOND),
                "value": written(value),
                "trend": trend(good, values.get(period - 1), value),
                "target": None if target is None else written(target),
                "variance": variance,
            }


def trend(good, before, value):
    if before is None:
        return None
    if before == value:
        return "stable"
    return "improving" if (value > before) == (good == MORE) else "declining"


def instants(document):
    """The dates between which all that is counted lies, with room for the months at both ends."""
    columns = {
        "calls": ("started_at", "created_at"),
        "conversations": ("created_at", "closed_at"),
        "messages": ("created_at",),
        "consents": ("created_at",),
    }
    days = [
        datetime.fromisoformat(row[column]).date()
        for table, names in columns.items()
        for row in document[table]
        for column in names
        if row[column]
    ]
    room = timedelta(days=70)
    return min(days, default=date(2020, 1, 1)) - room, max(days, default=date(2020, 1, 1)) + room


def seconds_of_day(text):
    hours, minutes, *seconds = text.split(":")
    return int(hours) * HOUR + int(minutes) * 60 + int(seconds[0] if seconds else 0)


def buckets(name, first, last):
    """A zone's clock and its levels in some years (UTC), a line each: a digest of when the clock was set to what, and of the first instants."""
    zone = Zone(name, date(first - 1, 11, 1), date(last + 1, 3, 1))
    print(name, "clock", digest(f"{start} {offset}" for start, offset in zone.spans))
    for level in LEVELS:
        starts = zone.periods(level)
        for year in range(first, last + 1):
            begin, end = ((date(at, 1, 1).toordinal() - EPOCH_DAY) * DAY for at in (year, year + 1))
            print(name, level, year, digest(starts[bisect_left(starts, begin) : bisect_left(starts, end)]))


def digest(lines):
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def main():
    if sys.argv[1:2] == ["--buckets"]:
        for name in sys.argv[4:]:
            buckets(name, int(sys.argv[2]), int(sys.argv[3]))
    else:
        json.dump(compute(json.load(sys.stdin, parse_float=Decimal)), sys.stdout, indent=1, sort_keys=True)


if __name__ == "__main__":
    main()
