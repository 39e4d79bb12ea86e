"""Who asks: an API key, or somebody who logs in again whenever a test has ended their session."""

import json
import os
import threading
import time
import urllib.error
import urllib.request

import schemathesis

ACTOR = json.loads(os.environ["API_ACTOR"])
PASSWORD = "correct horse battery staple"
ENDS_SESSIONS = {"logOut", "logOutBrowser", "logOutEverywhere", "endSession"}
lock = threading.Lock()
current = {"token": ACTOR.get("token")}


def log_in():
    body = json.dumps({"email": ACTOR["email"], "password": PASSWORD}).encode()
    request = urllib.request.Request(os.environ["API_URL"] + "/v1/sessions", body, {"Content-Type": "application/json"})
    for _ in range(6):
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)["access_token"]
        except urllib.error.HTTPError as refused:
            if refused.code != 429:
                raise
            time.sleep(float(refused.headers.get("Retry-After", "1")))
    raise RuntimeError("too many logins")


@schemathesis.auth(refresh_interval=None)
class Bearer:
    def get(self, case, context):
        with lock:
            if current["token"] is None:
                current["token"] = log_in()
            return current["token"]

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def after_call(context, case, response):
    if "email" in ACTOR and case.operation.definition.raw.get("operationId") in ENDS_SESSIONS and response.status_code < 300:
        with lock:
            current["token"] = None


# What a document has no words for: the value of another field, of the database or of today decides, or a list of a world that
# changes. Everything else that a valid request is refused for is a bound that the document should have stated.
UNSAYABLE = [
    ("figure", "must be the name of a figure"),
    ("target", "must be 0 to 100"),
    ("target", "must not be negative"),
    ("first_day", "must have begun"),
    ("first_day", "must lie within the last 400 days"),
    ("first_day", "must be a day of this era"),
    ("first_day", "is required of a custom report"),
    ("last_day", "is required of a custom report"),
    ("last_day", "is for custom reports alone"),
    ("last_day", "must make a period of"),
    ("user_ids", "must be an existing user"),
    ("user_ids", "must be users whose role may see reports"),
    ("token", "must be in force"),
    ("email", "is verified already"),
    ("business_phone", "must be a number that can be called"),
    ("business_phone", "must be a number that calls can be forwarded to"),
    ("phone", "must be a number that can be called"),
    # Of North America, seven digits are none.
    ("customer_phone", "must be a number"),
    ("customer_phone", "must not be a number of this business"),
    ("caller", "must be a number"),
    ("phone_number", "is required, or user_id"),
    ("user_id", "must not be given with phone_number"),
    ("user_id", "must be an existing user"),
    ("user_id", "must be a user with a phone number"),
    ("from_number", "must be an active number"),
    ("from_number", "must be a number that can send texts"),
    # A cursor is another list's, or a pattern's.
    ("after", "must be `next` of an earlier page of this list"),
    ("until", "must not be before"),
    ("until", "must be at most 31 days after from"),
    ("kpi", "must be the name of a key figure"),
    ("figure", "must not be given with kpi"),
    ("figure", "is required, or kpi"),
    ("value", "must have no number that is not kept to the digit"),
    ("sort", "by the last change is for open conversations"),
    ("sort", "by the last change is for lists without q"),
    ("", "is for lists without q"),
    # Two filters that can't be true of one row.
    ("", "must agree with"),
    ("q", "must have a letter or a digit"),
    # Of characters that nobody sees, and no others.
    ("", "must not be empty"),
    ("q", "must be at most 20 words"),
    ("assigned_to", "must be an existing user"),
    ("timezone", "must be a zone of the IANA list"),
    ("password", "must not be one character over and over"),
    ("password", "must be at most 72 bytes"),
    ("country", "must be one in which numbers of this kind are sold"),
    ("allowed_countries", "must be ISO 3166 codes of countries that have phone numbers"),
    ("note", "is required of an opt-in"),
    ("", "must lie between the years 1970 and 9999"),
    ("expires_at", "must be in the future"),
    ("expires_at", "must be before the end of the key that asks"),
    ("photo", "must be"),
    ("from", "must be at most 59 months before to"),
    ("to", "must not be before from"),
    ("invitation", "must be in force"),
    ("current_password", "is wrong"),
    ("current_password", "is required"),
    ("max", "must be above"),
    ("texting_ends_at", "must be after texting_starts_at"),
    ("scopes", "must not name one twice"),
    ("minutes", "must not be given with until"),
    ("minutes", "is required, or until"),
    ("until", "must be in the future"),
    ("until", "must be within a year"),
    ("escalation_delay_minutes", "must be at least 1 where"),
    ("contact_value", "must not name a port of another protocol"),
    ("recovery_threshold", "must not lie beyond the threshold"),
    ("notification_channels", "must not name a channel twice"),
    ("notification_channels", "reach nobody"),
    ("rule_id", "must be an existing rule"),
    # What it must look like is said by `contact_type`.
    ("contact_value", "must be"),
    ("metric", "must not begin with nmc."),
    ("metric", "must be one that is measured"),
    ("name", "must not contain control characters"),
    ("metric", "must not contain control characters"),
    ("at", "must not be in the future"),
]


def is_unsayable(case, problem):
    if case.operation.definition.raw.get("operationId") in ("completeOnboardingStep", "importCalls"):
        return True
    for error in problem.get("errors", []):
        name = error["pointer"].rsplit("/", 1)[-1]
        if any(name.endswith(field) and error["detail"].startswith(rule) for field, rule in UNSAYABLE):
            return True
    # A whole number that is written with a fraction, 24.0, is valid by JSON Schema.
    return any(error["detail"] == "must be a whole number" for error in problem.get("errors", []))


@schemathesis.check
def valid_requests_are_not_refused(context, response, case):
    """positive_data_acceptance, but for the rules that no document can state."""
    is_valid = case.meta is not None and case.meta.generation.mode.is_positive
    if not is_valid or response.status_code not in (400, 413, 415, 422):
        return None
    problem = response.json()
    if response.status_code == 422 or is_unsayable(case, problem):
        return None
    raise AssertionError(f"a valid request was refused: {problem['detail']}")
