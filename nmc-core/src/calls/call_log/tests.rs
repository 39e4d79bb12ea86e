use super::*;
use crate::CallOutcome;

const RECORDED: &str = "{\"caller_phone\": \"+14155550123\", \"called_phone\": \"+14155550100\", \"twilio_call_sid\": \"CA1\", \
                        \"recording_url\": \"javascript:alert(1)\"}";

fn read(format: CallLogFormat, text: &[u8]) -> Vec<Result<NewCall>> {
    CallLog::new(format, text).collect()
}

fn told(rows: &[Result<NewCall>]) -> Vec<String> {
    rows.iter().map(|row| row.as_ref().map_or_else(ToString::to_string, |call| call.caller_phone.to_string())).collect()
}

/// What nobody sees is no id: it is told by its line, and not when a batch is written.
#[test]
fn id_of_which_nobody_sees_anything_is_at_fault_by_itself() {
    for sid in ["\u{202e}", "\u{200b}", "\u{feff}\u{ad}"] {
        let log = format!("caller_phone,called_phone,twilio_call_sid\n+14155550123,+14155550100,{sid}\n");
        let rows = read(CallLogFormat::Csv, log.as_bytes());
        assert!(told(&rows)[0].contains("twilio_call_sid must not be empty"), "{rows:?}");
    }
}

#[test]
fn a_log_reads_alike_in_either_form() {
    let csv = "\u{feff}caller_phone,called_phone,twilio_call_sid,call_status,outcome,started_at,duration_seconds,caller_name,price\r\n\
               +14155550123, +14155550100 ,CA1,no-answer,missed,2026-11-22T18:00:00+01:00,0,\"Joe, \"\"the\"\"\nplumber\",0.0085\r\n";
    let json = "\n{\"caller_phone\": \"+14155550123\", \"called_phone\": \"+14155550100\", \"twilio_call_sid\": \"CA1\", \
                \"call_status\": \"no-answer\", \"outcome\": \"missed\", \"started_at\": \"2026-11-22T17:00:00Z\", \
                \"duration_seconds\": 0, \"caller_name\": \"Joe, \\\"the\\\"\\nplumber\", \"price\": 0.0085, \"caller_city\": null}";
    let [csv, json] = [read(CallLogFormat::Csv, csv.as_bytes()), read(CallLogFormat::JsonLines, json.as_bytes())];
    let [csv, json] = [csv, json].map(|rows| rows.into_iter().collect::<Result<Vec<_>>>().unwrap());
    assert_eq!(format!("{csv:?}"), format!("{json:?}"));
    assert_eq!((csv.len(), csv[0].outcome, csv[0].call_direction), (1, Some(CallOutcome::Missed), CallDirection::Inbound));
    assert_eq!(csv[0].caller_name.as_deref(), Some("Joe, \"the\"\nplumber"));
}

#[test]
fn a_row_at_fault_is_named_and_the_next_is_read() {
    let csv = "caller_phone,called_phone,twilio_call_sid,duration_seconds,started_at\n\
               +14155550123,+14155550100,,,\n\
               +14155550123,+14155550100,CA1,long,\n\
               +14155550123,+14155550100,CA1,1\n\
               +14155550123,+14155550100,CA1,-1,\n\
               +14155550123,+14155550100,CA1,1,yesterday\n\
               anonymous,+14155550100,CA2,1,\n";
    let told = told(&read(CallLogFormat::Csv, csv.as_bytes()));
    let rules = [
        "twilio_call_sid is required",
        "duration_seconds must be a whole number of seconds",
        "the row must have 5 values, as the first line has, and has 4",
        "duration_seconds must be at least 0",
        "started_at must be an instant like 2026-11-22T18:00:00Z",
        "anonymous",
    ];
    assert_eq!(told.len(), rules.len());
    for (row, (told, rule)) in told.iter().zip(rules).enumerate() {
        assert!(told.ends_with(rule), "{row}: {told}");
        assert!(row == 5 || told.contains(&format!("{row}")), "{told}");
    }
}

#[test]
fn parties_are_read_as_people_and_networks_write_them() {
    let read = |caller: &str, called: &str, direction: &str| {
        let csv =
            format!("caller_phone,called_phone,twilio_call_sid,call_direction\n\"{caller}\",\"{called}\",CA1,{direction}\n");
        CallLog::new(CallLogFormat::Csv, csv.as_bytes()).next().unwrap()
    };
    for (caller, stored) in [
        ("+1 (415) 555-0123", "+14155550123"),
        ("4155550123", "+14155550123"),
        ("(415) 555-0123", "+14155550123"),
        ("+1911", "+1911"),
        ("4930123456", "4930123456"),
        ("anonymous", "anonymous"),
        ("72345", "72345"),
        ("sip:joe@example.com", "sip:joe@example.com"),
    ] {
        assert_eq!(read(caller, "+1 415 555 0100", "").unwrap().caller_phone.as_str(), stored);
    }
    assert_eq!(read("+14155550100", "415-555-0123", "outbound").unwrap().called_phone.as_str(), "+14155550123");
    for caller in
        ["+bad", "+1-800-PLUMBER", "+", "+1415", "+1415555", "+141555501234", "+49301", "+4930123456789012", "+0301234567"]
    {
        assert!(read(caller, "+14155550100", "").unwrap_err().to_string().contains("caller_phone must be"), "{caller}");
    }
}

#[test]
fn values_of_lists_are_read_in_any_case() {
    let read = |row: &str| {
        let csv = format!(
            "caller_phone,called_phone,twilio_call_sid,call_direction,call_status,outcome,price\n\
             +14155550123,+14155550100,CA1,{row}\n"
        );
        CallLog::new(CallLogFormat::Csv, csv.as_bytes()).next().unwrap()
    };
    let call = read("Inbound,No Answer,Missed,-0.00855").unwrap();
    assert_eq!((call.call_direction, call.call_status), (CallDirection::Inbound, CallStatus::NoAnswer));
    assert_eq!((call.outcome, call.price), (Some(CallOutcome::Missed), Some("0.0086".parse().unwrap())));
    let call = read("OUTBOUND,in_progress,,0.0085").unwrap();
    assert_eq!((call.call_direction, call.call_status), (CallDirection::Outbound, CallStatus::InProgress));
    assert_eq!(call.price, Some("0.0085".parse().unwrap()));
    for told in ["outbound-api", "Outbound-Dial"] {
        assert_eq!(read(&format!("{told},,,")).unwrap().call_direction, CallDirection::Outbound, "{told}");
    }
    for (row, field) in [
        ("sideways,,,", "call_direction"),
        (",ended,,", "call_status"),
        (",,mist,", "outcome"),
        (",,,cheap", "price"),
        (",,,-1000000", "price"),
    ] {
        assert!(read(row).unwrap_err().to_string().contains(&format!("{field} must be")), "{row}");
    }
}

#[test]
fn outcome_that_is_left_out_follows_from_the_status() {
    use CallOutcome::{Abandoned, Answered, Failed, Missed, Voicemail};
    for (row, outcome) in [
        // Direction, status, outcome, seconds, and who answered.
        (",No Answer,,,", Some(Missed)),
        (",busy,,,", Some(Missed)),
        (",canceled,,,", Some(Abandoned)),
        (",failed,,,", Some(Failed)),
        (",completed,,120,", Some(Answered)),
        (",completed,,0,", Some(Abandoned)),
        (",completed,,30,machine_start", Some(Voicemail)),
        // What was told is taken as it is, and nothing follows where nothing was told, or the call goes on.
        (",completed,missed,120,", Some(Missed)),
        (",,,120,", None),
        (",completed,,,", None),
        (",in-progress,,,", None),
        ("outbound,no-answer,,,", None),
    ] {
        let csv = format!(
            "caller_phone,called_phone,twilio_call_sid,call_direction,call_status,outcome,duration_seconds,answered_by\n\
             +14155550123,+14155550100,CA1,{row}\n"
        );
        let call = CallLog::new(CallLogFormat::Csv, csv.as_bytes()).next().unwrap().unwrap();
        assert_eq!(call.outcome, outcome, "{row}");
    }
}

#[test]
fn fault_of_a_whole_row_is_told_of_no_field() {
    let csv = "caller_phone,called_phone,twilio_call_sid\n1,2\n1,2,\n";
    let told = |at| CallLog::new(CallLogFormat::Csv, csv.as_bytes()).nth(at).unwrap().unwrap_err().to_string();
    assert_eq!(told(0), "rows[0]: the row must have 3 values, as the first line has, and has 2");
    assert_eq!(told(1), "rows[1].twilio_call_sid is required");
}

#[test]
fn party_that_nobody_goes_by_is_refused() {
    for party in ["abc", "AT&T", "joe@example.com", "sim:DE0123", "unlisted.", "12"] {
        for (format, log) in [
            (CallLogFormat::Csv, format!("caller_phone,called_phone,twilio_call_sid\n{party},+14155550100,CA1\n")),
            (
                CallLogFormat::JsonLines,
                format!("{{\"caller_phone\": \"{party}\", \"called_phone\": \"+14155550100\", \"twilio_call_sid\": \"CA1\"}}\n"),
            ),
        ] {
            let read = CallLog::new(format, log.as_bytes()).next().unwrap();
            let is_kept = party == "12";
            assert_eq!(read.is_ok(), is_kept, "{party}");
            if let Err(error) = read {
                assert!(error.to_string().contains("caller_phone must be a number"), "{party}: {error}");
            }
        }
    }
}

#[test]
fn withheld_number_that_looks_like_a_number_is_nobodys() {
    for party in ["+266696687", "+7378742833", "Restricted"] {
        let log = format!("caller_phone,called_phone,twilio_call_sid\n{party},+14155550100,CA1\n");
        let call = CallLog::new(CallLogFormat::Csv, log.as_bytes()).next().unwrap().unwrap();
        assert_eq!(call.caller_phone, CallerIdentity::Anonymous, "{party}");
    }
}

#[test]
fn the_line_of_a_row_counts_all_that_stand_before_it() {
    let lines = |format, text: &str| {
        let mut log = CallLog::new(format, text.as_bytes());
        let mut lines = Vec::new();
        while let Some(row) = log.next() {
            lines.push((log.line(), row.is_ok()));
        }
        lines
    };
    for end in ["\n", "\r\n", "\r"] {
        let rows = [
            "caller_phone,called_phone,twilio_call_sid,caller_name",
            "+14155550123,+14155550100,CA1,Joe",
            "",
            "+14155550123,+14155550100,CA2,\"Joe,\nthe plumber\"",
            "nobody,,,",
            "+14155550123,+14155550100,CA3,Joe",
        ];
        let read = lines(CallLogFormat::Csv, &rows.join(end));
        assert_eq!(read, [(2, true), (4, true), (6, false), (7, true)], "{end:?}");
    }
    let row = "{\"caller_phone\": \"+14155550123\", \"called_phone\": \"+14155550100\", \"twilio_call_sid\": \"CA1\"}";
    assert_eq!(lines(CallLogFormat::JsonLines, &format!("\n{row}\n\n[]\r\n{row}")), [(2, true), (4, false), (5, true)]);
    assert_eq!(lines(CallLogFormat::Csv, "caller_phone,colour\n1,2"), [(1, false)]);
}

#[test]
fn what_is_no_log_is_refused_by_its_first_row() {
    let open = format!("caller_phone,called_phone,twilio_call_sid\n\"{}", "a\n".repeat(LONGEST_ROW));
    for (format, text, rule) in [
        (CallLogFormat::Csv, "caller_phone,colour\n1,2", "colour is no field of a call log, which are: caller_phone"),
        (CallLogFormat::Csv, "caller_phone,caller_phone\n1,2", "caller_phone must be there once"),
        (CallLogFormat::Csv, "caller_phone;called_phone\n1;2", "the header must have commas between the names"),
        (CallLogFormat::Csv, "caller_phone\tcalled_phone\n1\t2", "the header must have commas between the names"),
        (CallLogFormat::Csv, "caller_phone,Ann Lee\n1", "column 2 of the header is no field"),
        (CallLogFormat::JsonLines, "{\"Ann Lee\": 1}", "a member is no field"),
        (CallLogFormat::Csv, "caller_phone,called_phone,twilio_call_sid\n+14155550123,+14155550100,\"CA1\n1,2,3\n", "in pairs"),
        (CallLogFormat::Csv, "caller_phone,called_phone,twilio_call_sid\n\"+14155550123\"x,+14155550100,CA1\n", "whole values"),
        (CallLogFormat::Csv, "caller_phone,called_phone,twilio_call_sid\n5\" pipe,+14155550100,CA1\n", "whole values"),
        (CallLogFormat::JsonLines, RECORDED, "recording_url must begin with https:// or http://"),
        (CallLogFormat::Csv, &open, "the row must be at most 65536 bytes long"),
        (CallLogFormat::JsonLines, &open.replace('\n', " "), "the row must be at most 65536 bytes long"),
        (
            CallLogFormat::JsonLines,
            "{\"caller_phone\": null, \"caller_phone\": \"anonymous\"}",
            "caller_phone must be there once",
        ),
        (CallLogFormat::JsonLines, "[1]", "the row must be a JSON object"),
        (CallLogFormat::JsonLines, "{\"caller_phone\": {}}", "caller_phone must be a text or a number"),
    ] {
        let told = told(&read(format, text.as_bytes()));
        assert!(told.len() == 1 && told[0].contains(rule), "{told:?}");
    }
    assert!(read(CallLogFormat::Csv, b"").is_empty() && read(CallLogFormat::JsonLines, b"\n\n").is_empty());
}

#[test]
fn row_that_contradicts_an_earlier_one_is_at_fault() {
    let csv = "caller_phone,called_phone,twilio_call_sid,call_direction,started_at,outcome\n\
               +5215512345678,+14155550100,CA1,,2026-11-22T18:00:00Z,missed\n\
               +525512345678,+14155550100,CA1,inbound,2026-11-22T19:00:00+01:00,\n\
               +525512345678,+14155550100,CA1,,,\n\
               +14155550124,+14155550100,CA1,,2026-11-22T18:00:00Z,missed\n\
               +525512345678,+14155550101,CA1,,2026-11-22T18:00:00Z,missed\n\
               +525512345678,+14155550100,CA1,outbound,2026-11-22T18:00:00Z,\n\
               +525512345678,+14155550100,CA1,,2026-11-22T18:00:01Z,missed\n\
               +14155550124,+14155550100,CA2,,2026-11-22T18:00:01Z,missed\n";
    let rows = read(CallLogFormat::Csv, csv.as_bytes());
    let blamed = rows.iter().map(|row| match row {
        Err(Error::Invalid { field, row, .. }) => Some((row.unwrap(), field.to_string())),
        _ => None,
    });
    let expected = [
        None,
        None,
        None,
        Some((3, "caller_phone".to_owned())),
        Some((4, "called_phone".to_owned())),
        Some((5, "call_direction".to_owned())),
        Some((6, "started_at".to_owned())),
        None,
    ];
    assert_eq!(blamed.collect::<Vec<_>>(), expected);
}
