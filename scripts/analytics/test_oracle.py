"""The oracle against figures that were reckoned by hand."""

import unittest
from datetime import date
from decimal import Decimal
from fractions import Fraction

import oracle


def call(id, at, outcome="missed", **changes):
    row = {
        "id": id,
        "conversation_id": "v1",
        "caller_phone": "+15550177",
        "called_phone": "+15550100",
        "call_direction": "inbound",
        "call_type": "voice",
        "call_status": "completed",
        "outcome": outcome,
        "duration_seconds": None,
        "started_at": at,
        "created_at": "2001-01-01T00:00:00+00:00",
        "price": None,
        "price_unit": "USD",
    }
    return row | changes


def text(id, at, direction="inbound", kind="message", status=None, **changes):
    row = {
        "id": id,
        "conversation_id": "v1",
        "call_id": None,
        "message_direction": direction,
        "message_kind": kind,
        "message_status": status or ("received" if direction == "inbound" else "delivered"),
        "ai_generated": False,
        "created_at": at,
        "price": None,
        "price_unit": "USD",
    }
    return row | changes


def conversation(id, opened, closed=None, assignee=None):
    status = "active" if closed is None else "resolved"
    return {
        "id": id,
        "status": status,
        "first_call_id": None,
        "created_at": opened,
        "closed_at": closed,
        "assigned_to": assignee,
    }


def computed(zone="America/New_York", opens="07:00", closes="18:00", **tables):
    rows = {name: [] for name in ("calls", "conversations", "messages", "consents", "call_analytics", "targets")}
    return oracle.compute(rows | {"timezone": zone, "opens": opens, "closes": closes} | tables)


def figures(result, level):
    """Of a level: (first instant, name without nmc.) and the value."""
    return {(row["from"][:16], row["name"][4:]): row["value"] for row in result["figures"] if row["level"] == level}


def kpis(result, period):
    return {
        (row["from"][:16], row["kpi"]): (row["value"], row["trend"], row["variance"])
        for row in result["snapshots"]
        if row["period"] == period
    }


def hours(zone, day):
    """The first instants (UTC) of a day's hours, and of the day after."""
    read = oracle.Zone(zone, date(day.year - 1, 11, 1), date(day.year + 1, 3, 1))
    at = [shown for _, shown in read.days].index(day)
    start, end = read.day_starts[at : at + 2]
    return [oracle.iso(hour * oracle.SECOND)[5:16] for hour in read.hours() if start <= hour < end], oracle.iso(
        end * oracle.SECOND
    )[5:16]


class Buckets(unittest.TestCase):
    def test_an_hour_that_is_skipped_is_none_and_one_that_comes_twice_is_two(self):
        spring, end = hours("America/New_York", date(2024, 3, 10))
        self.assertEqual((spring[:3], len(spring), end), (["03-10T05:00", "03-10T06:00", "03-10T07:00"], 23, "03-11T04:00"))
        autumn, end = hours("America/New_York", date(2024, 11, 3))
        self.assertEqual((autumn[0], len(autumn), end), ("11-03T04:00", 25, "11-04T05:00"))

    def test_half_an_hour_of_lord_howe_is_an_hour_of_its_own(self):
        autumn, end = hours("Australia/Lord_Howe", date(2024, 4, 7))
        self.assertEqual(autumn[:5], ["04-06T13:00", "04-06T14:00", "04-06T15:00", "04-06T15:30", "04-06T16:30"])
        self.assertEqual((len(autumn), end), (25, "04-07T13:30"))
        spring, end = hours("Australia/Lord_Howe", date(2024, 10, 6))
        self.assertEqual(spring[:4], ["10-05T13:30", "10-05T14:30", "10-05T15:30", "10-05T16:00"])
        self.assertEqual((len(spring), end), (24, "10-06T13:00"))

    def test_hours_begin_where_the_zones_clock_shows_them(self):
        nepal, end = hours("Asia/Kathmandu", date(2024, 5, 1))
        self.assertEqual((nepal[:2], len(nepal), end), (["04-30T18:15", "04-30T19:15"], 24, "05-01T18:15"))

    def test_a_day_whose_midnight_is_skipped_begins_after(self):
        spring, end = hours("America/Sao_Paulo", date(2018, 11, 4))
        self.assertEqual((spring[0], len(spring), end), ("11-04T03:00", 23, "11-05T02:00"))
        before, end = hours("America/Sao_Paulo", date(2018, 11, 3))
        self.assertEqual((len(before), end), (24, "11-04T03:00"))
        spring, end = hours("Africa/Cairo", date(2023, 4, 28))
        self.assertEqual((spring[0], len(spring), end), ("04-27T22:00", 23, "04-28T21:00"))

    def test_a_day_is_longer_by_an_hour_before_midnight_that_comes_twice(self):
        autumn, end = hours("America/Sao_Paulo", date(2018, 2, 17))
        self.assertEqual(
            (autumn[0], autumn[-2:], len(autumn), end), ("02-17T02:00", ["02-18T01:00", "02-18T02:00"], 25, "02-18T03:00")
        )
        autumn, end = hours("Africa/Cairo", date(2023, 10, 26))
        self.assertEqual((len(autumn), end), (25, "10-26T22:00"))

    def test_a_day_begins_once_even_where_its_midnight_comes_twice(self):
        # At 00:01 of Sunday the clock was set to 23:01 of Saturday.
        autumn, end = hours("America/St_Johns", date(2010, 11, 7))
        self.assertEqual((autumn[:4], end), (["11-07T02:30", "11-07T02:31", "11-07T03:30", "11-07T04:30"], "11-08T03:30"))
        self.assertEqual(hours("America/St_Johns", date(2010, 11, 6))[1], "11-07T02:30")

    def test_a_day_that_the_calendar_leaves_out_is_none(self):
        apia = oracle.Zone("Pacific/Apia", date(2011, 11, 1), date(2012, 2, 1))
        shown = [day for _, day in apia.days]
        self.assertNotIn(date(2011, 12, 30), shown)
        self.assertEqual(hours("Pacific/Apia", date(2011, 12, 29))[1], "12-30T10:00")
        last, end = hours("Pacific/Apia", date(2011, 12, 31))
        self.assertEqual((last[0], len(last), end), ("12-30T10:00", 24, "12-31T10:00"))
        weeks = [oracle.iso(start * oracle.SECOND)[:16] for start in apia.periods("weekly")]
        week = weeks.index("2011-12-26T10:00")
        self.assertEqual(weeks[week + 1], "2012-01-01T10:00", "six days")

    def test_days_and_hours_tile_time(self):
        for name in (
            "America/St_Johns",
            "Australia/Lord_Howe",
            "Africa/Casablanca",
            "Pacific/Apia",
            "Asia/Gaza",
            "America/Havana",
        ):
            zone = oracle.Zone(name, date(2009, 1, 1), date(2012, 6, 1))
            self.assertEqual(zone.day_starts, sorted(set(zone.day_starts)), name)
            all_hours = zone.hours()
            self.assertEqual(all_hours, sorted(set(all_hours)), name)
            self.assertLessEqual(max(after - at for at, after in zip(all_hours, all_hours[1:])), oracle.HOUR, name)
            self.assertLessEqual(set(zone.day_starts), set(all_hours), name)
            for level in ("weekly", "monthly"):
                self.assertLessEqual(set(zone.periods(level)), set(zone.day_starts), name)


class BusinessHours(unittest.TestCase):
    def seconds(self, zone, opens, closes, start, end, *holidays):
        read = oracle.Zone(zone, date(2011, 10, 1), date(2012, 3, 1))
        opens, closes = oracle.seconds_of_day(opens), oracle.seconds_of_day(closes)
        days = frozenset(oracle.date.fromisoformat(day) for day in holidays)
        return oracle.Hours(read, opens, closes, days).open_seconds(oracle.micros(start), oracle.micros(end))

    def test_seconds_are_whole_and_rounded_down_once(self):
        utc = "UTC"
        self.assertEqual(self.seconds(utc, "07:00", "18:00", "2011-12-01T17:59:59.400Z", "2011-12-02T07:00:00.500Z"), 1)
        self.assertEqual(self.seconds(utc, "07:00", "18:00", "2011-12-01T17:59:59.400Z", "2011-12-02T07:00:00.400Z"), 1)
        self.assertEqual(self.seconds(utc, "07:00", "18:00", "2011-12-01T17:59:59.400Z", "2011-12-02T07:00:00.300Z"), 0)
        self.assertEqual(self.seconds(utc, "07:00", "07:00", "2011-12-01T17:59:59.400Z", "2011-12-02T17:59:59.300Z"), 86_399)

    def test_hours_past_midnight_belong_to_the_day_before(self):
        self.assertEqual(self.seconds("UTC", "22:00", "06:00", "2011-12-01T05:00:00Z", "2011-12-01T23:00:00Z"), 7_200)

    def test_a_time_before_which_the_clock_is_set_back_counts_once(self):
        # At 02:00, 06:00 UTC, it is 01:00 once more: 02:00 is an hour later.
        self.assertEqual(self.seconds("America/New_York", "02:00", "03:00", "2011-11-06T05:00:00Z", "2011-11-06T08:00:00Z"), 3_600)
        self.assertEqual(self.seconds("America/New_York", "01:30", "02:00", "2011-11-06T05:00:00Z", "2011-11-06T08:00:00Z"), 5_400)

    def test_a_day_that_is_left_out_has_no_hours(self):
        # From the 29th at 17:00 to the 31st at 08:00, by the clock of Apia.
        self.assertEqual(self.seconds("Pacific/Apia", "07:00", "18:00", "2011-12-30T03:00:00Z", "2011-12-30T18:00:00Z"), 7_200)
        # The night of the 30th, where the 31st begins, is as much as there is of it after midnight.
        self.assertEqual(self.seconds("Pacific/Apia", "22:00", "06:00", "2011-12-30T03:00:00Z", "2011-12-30T18:00:00Z"), 28_800)

    def test_a_holiday_has_no_hours_and_ends_those_of_the_night_before(self):
        span = ("2011-12-24T12:00:00Z", "2011-12-26T12:00:00Z", "2011-12-25")
        self.assertEqual(self.seconds("UTC", "07:00", "18:00", *span), 6 * 3_600 + 5 * 3_600)
        self.assertEqual(self.seconds("UTC", "22:00", "06:00", *span), 2 * 3_600)
        self.assertEqual(self.seconds("UTC", "07:00", "07:00", *span), 24 * 3_600)


class Figures(unittest.TestCase):
    def test_calls_are_counted_by_their_beginning_and_outcome(self):
        found = computed(
            calls=[
                call("c1", "2024-11-03T05:59:59.999999+00:00", "answered", duration_seconds=61, price=Decimal("0.0085")),
                call("c2", "2024-11-03T06:00:00+00:00", "missed", price=Decimal("0.0001")),
                # Not known when it began: it counts when it was recorded.
                call("c3", None, "abandoned", created_at="2024-11-04T04:59:59+00:00", called_phone="+15550101"),
                call("c4", "2024-11-04T05:00:00+00:00", None, call_status="ringing", price=Decimal("1")),
                call("c5", "2024-11-04T05:00:00+00:00", None, call_direction="outbound", call_status="busy", price=Decimal("2")),
                call("c8", "2024-11-04T05:00:00+00:00", "voicemail"),
                call("c6", "2024-11-04T05:00:00+00:00", None, call_direction="outbound", call_status="ringing"),
                call("c7", "2024-11-04T05:00:00+00:00", "blocked", price=Decimal("5"), price_unit="EUR"),
            ]
        )
        # 01:00 comes twice.
        hourly = figures(found, "hourly")
        self.assertEqual(hourly["2024-11-03T05:00", "calls_talk_seconds"], "61.0000")
        self.assertEqual(hourly["2024-11-03T06:00", "calls_missed"], "1.0000")
        self.assertFalse([name for _, name in hourly if "/" in name])
        daily = figures(found, "daily")
        of_sunday = {name: value for (start, name), value in daily.items() if start == "2024-11-03T04:00"}
        self.assertEqual(
            of_sunday,
            {
                "calls_inbound": "3.0000",
                "calls_inbound/+15550100": "2.0000",
                "calls_inbound/+15550101": "1.0000",
                "calls_answered": "1.0000",
                "calls_answered/+15550100": "1.0000",
                "calls_missed": "1.0000",
                "calls_abandoned": "1.0000",
                "calls_unanswered": "2.0000",
                "calls_unanswered/+15550100": "1.0000",
                "calls_unanswered/+15550101": "1.0000",
                "calls_talk_seconds": "61.0000",
                "calls_cost": "0.0086",
            },
        )
        of_monday = {name: value for (start, name), value in daily.items() if start == "2024-11-04T05:00"}
        self.assertEqual(
            of_monday,
            {
                "calls_inbound": "2.0000",
                "calls_inbound/+15550100": "2.0000",
                "calls_blocked": "1.0000",
                "calls_voicemail": "1.0000",
                "calls_unanswered": "1.0000",
                "calls_unanswered/+15550100": "1.0000",
                "calls_outbound": "1.0000",
                "calls_cost": "3.0000",
            },
        )
        # Sunday ends a week, Monday begins one; both are of November.
        self.assertEqual(figures(found, "weekly")["2024-10-28T04:00", "calls_inbound"], "3.0000")
        self.assertEqual(figures(found, "weekly")["2024-11-04T05:00", "calls_inbound"], "2.0000")
        self.assertEqual(figures(found, "monthly")["2024-11-01T04:00", "calls_inbound"], "5.0000")

    def test_a_week_across_years_is_one_and_its_months_are_two(self):
        found = computed("Asia/Kathmandu", calls=[call("c1", "2024-12-31T18:14:59Z"), call("c2", "2024-12-31T18:15:00Z")])
        self.assertEqual(figures(found, "weekly")["2024-12-29T18:15", "calls_missed"], "2.0000")
        monthly = figures(found, "monthly")
        self.assertEqual(
            [monthly[start, "calls_missed"] for start in ("2024-11-30T18:15", "2024-12-31T18:15")], ["1.0000", "1.0000"]
        )

    def test_greetings_and_replies_count_at_the_call(self):
        def with_reply(at, status="delivered"):
            greeting = text("m1", "2024-05-01T12:00:01Z", "outbound", "greeting", status, call_id="c1")
            return figures(
                computed("UTC", calls=[call("c1", "2024-05-01T12:00:00Z")], messages=[greeting, text("m2", at)]), "daily"
            )

        def told(found):
            return [found.get(("2024-05-01T00:00", name)) for name in ("calls_texted_back", "calls_replied")]

        self.assertEqual(told(with_reply("2024-05-08T12:00:01Z")), ["1.0000", "1.0000"])
        self.assertEqual(told(with_reply("2024-05-08T12:00:01.000001Z")), ["1.0000", None])
        self.assertEqual(told(with_reply("2024-05-01T12:00:01Z")), ["1.0000", None])
        self.assertEqual(told(with_reply("2024-05-02T12:00:00Z", "queued")), [None, None])
        self.assertEqual(told(with_reply("2024-05-02T12:00:00Z", "undelivered")), [None, None])

    def test_a_response_across_a_night_counts_its_open_seconds_where_the_conversation_opened(self):
        found = computed(
            # New York opens at 12:00 UTC and closes at 23:00 UTC in January.
            conversations=[conversation("v1", "2024-01-15T22:00:00Z", "2024-01-17T13:00:00Z", "u1")],
            messages=[
                text("m1", "2024-01-15T22:00:01Z", "outbound", "greeting"),
                text("m2", "2024-01-15T22:00:02Z", "outbound"),
                text("m3", "2024-01-15T22:30:00.5Z"),
                text("m4", "2024-01-15T22:30:01Z", "outbound", "keyword_reply"),
                text("m5", "2024-01-15T22:31:00Z", "outbound", status="failed"),
                text("m6", "2024-01-16T12:10:00Z", "outbound", status="queued"),
                text("m7", "2024-01-16T12:11:00Z", "outbound"),
            ],
        )
        daily = figures(found, "daily")
        self.assertEqual(
            {
                name: value
                for (start, name), value in daily.items()
                if start == "2024-01-15T05:00" and not name.startswith("texts")
            },
            {
                "conversations_opened": "1.0000",
                "conversations_opened/u1": "1.0000",
                "conversations_responded": "1.0000",
                # What is queued has not gone out. 13 h 40 min 59.5 s, of which 29 min 59.5 s before closing and 11 min after opening.
                "first_response_seconds": "49259.0000",
                "first_response_open_seconds": "2459.0000",
            },
        )
        self.assertEqual(
            {name: value for (start, name), value in daily.items() if start == "2024-01-17T05:00"},
            {
                "conversations_resolved": "1.0000",
                "conversations_resolved/u1": "1.0000",
                # 39 hours, of which 1, 11 and 1 by day.
                "resolution_seconds": "140400.0000",
                "resolution_open_seconds": "46800.0000",
            },
        )
        self.assertEqual(kpis(found, "daily")["2024-01-15T05:00", "first_response_minutes"][0], "820.9833")
        self.assertEqual(kpis(found, "daily")["2024-01-17T05:00", "resolution_open_hours"][0], "13.0000")

    def test_texts_opt_outs_and_their_cost(self):
        statuses = "queued scheduled accepted sending sent delivered undelivered failed canceled read partially_delivered".split()
        found = computed(
            "UTC",
            messages=[
                text(f"m{at}", f"2024-05-01T12:00:{at:02}Z", "outbound", status=status, price=Decimal("0.0079"))
                for at, status in enumerate(statuses)
            ]
            + [text("m99", "2024-05-01T13:00:00Z", price=Decimal("0.01"))],
            consents=[{"created_at": "2024-05-01T14:00:00Z", "action": action} for action in ("opt_out", "opt_in", "opt_out")],
        )
        daily = {name: value for (_, name), value in figures(found, "daily").items()}
        expected = {
            "texts_received": "1.0000",
            "texts_sent": "8.0000",
            "texts_failed": "2.0000",
            "texts_cost": "0.0969",
            "opt_outs": "2.0000",
        }
        self.assertEqual(daily, expected)
        told = {kpi: value for (_, kpi), (value, _, _) in kpis(found, "daily").items()}
        self.assertEqual(
            told,
            # Counts have a value, as something was counted; 0.0969 ÷ 8 is 0.0121125.
            {
                "calls": "0.0000",
                "missed_calls": "0.0000",
                "cost_per_text": "0.0121",
                "opt_out_rate": "25.0000",
                "text_failure_rate": "25.0000",
            },
        )

    def test_what_is_told_by_hand_counts_at_the_call(self):
        found = computed(
            "UTC",
            calls=[
                call("c1", "2024-05-01T12:00:00Z"),
                call("c2", "2024-05-01T12:00:00Z", "answered"),
                call("c3", "2024-05-01T12:00:00Z", None),
                call("c4", "2024-05-01T12:00:00Z"),
            ],
            call_analytics=[
                {"call_id": "c1", "conversion_status": "converted", "revenue_impact": Decimal("100.01")},
                {"call_id": "c2", "conversion_status": "converted", "revenue_impact": Decimal("-100.01")},
                {"call_id": "c3", "conversion_status": "converted", "revenue_impact": Decimal("7")},
                {"call_id": "c4", "conversion_status": "lost", "revenue_impact": None},
                {"call_id": None, "conversion_status": "converted", "revenue_impact": Decimal("7")},
            ],
        )
        daily = {name: value for (_, name), value in figures(found, "daily").items()}
        # The revenue is 0, and isn't stored.
        self.assertEqual(
            (daily["calls_converted"], daily["revenue_unanswered"], daily.get("revenue")), ("1.0000", "100.0100", None)
        )


class KeyFigures(unittest.TestCase):
    def test_a_trend_compares_with_the_period_just_before(self):
        found = computed(
            "UTC",
            calls=[
                call("c1", "2024-05-01T12:00:00Z"),
                call("c2", "2024-05-02T12:00:00Z"),
                call("c3", "2024-05-02T12:00:00Z", "answered"),
                call("c4", "2024-05-03T12:00:00Z", "answered"),
                call("c5", "2024-05-05T12:00:00Z", "answered"),
            ],
            targets=[
                {"kpi_name": "answer_rate", "period_type": "daily", "target": "80"},
                {"kpi_name": "calls", "period_type": "daily", "target": "0"},
            ],
        )
        daily = kpis(found, "daily")
        self.assertEqual(daily["2024-05-01T00:00", "missed_calls"], ("1.0000", None, None))
        self.assertEqual(daily["2024-05-02T00:00", "missed_calls"], ("1.0000", "stable", None))
        self.assertEqual(daily["2024-05-03T00:00", "missed_calls"], ("0.0000", "improving", None))
        self.assertEqual(daily["2024-05-05T00:00", "missed_calls"], ("0.0000", None, None))
        self.assertEqual(daily["2024-05-02T00:00", "calls"], ("2.0000", "improving", None))
        self.assertEqual(daily["2024-05-03T00:00", "calls"], ("1.0000", "declining", None))
        self.assertEqual(daily["2024-05-02T00:00", "answer_rate"], ("50.0000", "improving", "-37.50"))
        self.assertNotIn(("2024-05-03T00:00", "text_back_rate"), daily)

    def test_halves_are_rounded_away_from_zero(self):
        self.assertEqual(str(oracle.rounded(Fraction(1, 20_000), 4)), "0.0001")
        self.assertEqual(str(oracle.rounded(Fraction(-1, 20_000), 4)), "-0.0001")
        self.assertEqual(oracle.written(Fraction(-1, 20_001)), "0.0000")
        self.assertEqual(oracle.written(Fraction(200, 3)), "66.6667")


class Rows(unittest.TestCase):
    """What is kept of each call and conversation."""

    def test_calls_that_have_ended_have_a_row(self):
        at = "2024-05-06T12:00:00+00:00"
        calls = [
            call("c1", at, price=Decimal("0.0150"), duration_seconds=7),
            call("c2", at, outcome=None, call_status="ringing"),
            call("c3", at, outcome=None, call_direction="outbound", price=Decimal("1"), price_unit="EUR"),
            call("c4", at, caller_phone="+266696687"),
        ]
        rows = computed(calls=calls)["calls"]
        shown = [(row["call"], row["phone"], row["status"], row["seconds"], row["cost"]) for row in rows]
        self.assertEqual(
            shown,
            [
                ("c1", "+15550177", "missed", 7, "0.02"),
                ("c3", "+15550100", "completed", None, None),
                ("c4", None, "missed", None, None),
            ],
        )

    def test_texts_of_people_are_those_that_the_business_wrote(self):
        at = "2024-05-06T12:00:00+00:00"
        texts = [
            text("m1", at),
            text("m2", at, "outbound", "greeting"),
            text("m3", at, "outbound"),
            text("m4", at, "outbound", ai_generated=True),
            text("m5", at, "outbound", status="queued"),
        ]
        opened = [conversation("v1", at), conversation("v2", at, "2024-05-06T12:00:59.9+00:00")]
        told = [{"conversation_id": "v2", "resolution_status": "abandoned"}]
        first, second = computed(messages=texts, conversations=opened, conversation_analytics=told)["conversations"]
        self.assertEqual((first["texts"], first["ai"], first["human"], first["status"]), (4, 1, 1, "in_progress"))
        self.assertEqual((second["texts"], second["seconds"], second["status"]), (0, 59, "abandoned"))


if __name__ == "__main__":
    unittest.main()
