//! The baseline: pgbench with the statements of one missed call, taken from the server's log of a real one, so that it
//! can't lag behind the library. Values that differ from call to call are made from a counter; the others stay bound
//! parameters. What the library sends in one round trip, pgbench sends in one pipeline.

use crate::{Answer, Bench};
use nmc_core::testing::Sent;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// A value that every call has its own of, and the SQL that makes one.
struct Varying {
    seen: String,
    sql: String,
}

pub(crate) struct Baseline {
    script: PathBuf,
    constants: Vec<String>,
    pub(crate) round_trips: usize,
}

/// One run of it.
pub(crate) struct Run {
    pub(crate) transactions: u64,
    pub(crate) rate: f64,
}

impl Baseline {
    /// Of what exactly one missed call has sent, from `caller` to `ours` with `sid`.
    pub(crate) fn of(bench: &Bench, trips: &[Sent], tenant: &str, ours: &str, caller: &str, sid: &str) -> Answer<Self> {
        let mut varying = vec![
            Varying { seen: tenant.to_owned(), sql: ":h_tenant_id".to_owned() },
            Varying { seen: ours.to_owned(), sql: "('+' || :ours::text)".to_owned() },
            Varying { seen: caller.to_owned(), sql: "('+999' || lpad(:k::text, 11, '0'))".to_owned() },
            Varying { seen: sid.to_owned(), sql: "('CAa' || lpad(:k::text, 29, '0'))".to_owned() },
        ];
        let values = trips.iter().filter_map(|trip| trip.values.as_ref()).flatten().flatten();
        for value in values.flat_map(|value| value.split(|c: char| !c.is_ascii_hexdigit() && c != '-')) {
            if is_uuid(value) && varying.iter().all(|known| known.seen != *value) {
                let nth = varying.len();
                varying.push(Varying { seen: value.to_owned(), sql: format!("lpad((:k::bigint * 16 + {nth})::text, 32, '0')") });
            }
        }
        let mut script = String::from("\\set n :n + 64\n\\set k :n + :client_id\n");
        writeln!(script, "\\set ours random({}, {})", bench.first_number(), bench.last_number())?;
        script.push_str("\\set lock hash(:k)\n");
        let mut constants = Vec::new();
        let mut tenant_known = false;
        for trip in trips {
            if let Some(values) = &trip.values {
                let sql = bound(&trip.sql, values, &varying, &mut constants)?;
                // The first look-up tells the tenant, as it does for the library.
                script.push_str(&sql);
                script.push_str(if tenant_known { ";\n" } else { " \\gset h_\n" });
                tenant_known = true;
            } else {
                let sql = unlocked(&trip.sql.replace(&format!("'{tenant}'"), ":h_tenant_id"));
                let several = sql.contains("; ");
                let body = sql.replace("; ", ";\n");
                if several {
                    writeln!(script, "\\startpipeline\n{body};\n\\endpipeline")?;
                } else {
                    writeln!(script, "{body};")?;
                }
            }
        }
        let path = bench.dir().join("missed_call.pgbench.sql");
        fs::write(&path, script)?;
        Ok(Self { script: path, constants, round_trips: trips.len() })
    }

    /// Runs it for a second, in which its sessions warm up, and then for `seconds` that count. `first` keeps the calls of one
    /// run apart from those of another.
    pub(crate) fn run(&self, bench: &Bench, clients: usize, seconds: u64, first: u64) -> Answer<Run> {
        let mut pgbench = Command::new(bench.program("pgbench"));
        pgbench.args([
            "-n",
            "-M",
            "prepared",
            "-j",
            "2",
            "-c",
            &clients.to_string(),
            "-P",
            "1",
            "-T",
            &(seconds + 1).to_string(),
        ]);
        pgbench.args(["-D", &format!("n={first}")]);
        for constant in &self.constants {
            pgbench.args(["-D", constant]);
        }
        let output = pgbench.arg("-f").arg(&self.script).arg(bench.url()).output()?;
        let (said, progress) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if !output.status.success() || !said.contains("failed transactions: 0 ") {
            return Err(format!("pgbench failed: {said}{progress}").into());
        }
        let counted = said.lines().find_map(|line| line.strip_prefix("number of transactions actually processed: "));
        let transactions = counted.ok_or("pgbench told no count")?.split('/').next().unwrap_or_default().parse()?;
        // progress: 2.0 s, 612.3 tps, lat 13.0 ms stddev 6.1, 0 failed
        let rates = progress.lines().filter_map(|line| line.split_once(" s, ")?.1.split_once(" tps")?.0.parse::<f64>().ok());
        let (sum, seconds) = rates.skip(1).fold((0.0, 0.0), |(sum, seconds), rate| (sum + rate, seconds + 1.0));
        if seconds > 0.0 { Ok(Run { transactions, rate: sum / seconds }) } else { Err("pgbench told no rate".into()) }
    }
}

/// The statement with each `$n` replaced by what pgbench is to bind there.
fn bound(sql: &str, values: &[Option<String>], varying: &[Varying], constants: &mut Vec<String>) -> Answer<String> {
    let mut parts = sql.split('$');
    let mut made = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        let (number, rest) = part.split_at(end);
        let value = values.get(number.parse::<usize>()? - 1).ok_or("a parameter that the log does not show")?;
        match value {
            None => made.push_str("NULL"),
            Some(value) => made.push_str(&expression(value, varying, constants)),
        }
        made.push_str(rest);
    }
    Ok(made)
}

fn expression(value: &str, varying: &[Varying], constants: &mut Vec<String>) -> String {
    if is_instant(value) {
        return "statement_timestamp()".to_owned();
    }
    if varying.iter().all(|known| !value.contains(&known.seen)) {
        let name = format!("c{}", constants.len());
        constants.push(format!("{name}={value}"));
        return format!(":{name}");
    }
    let kind = match value.as_bytes() {
        [b'{', b'"', b'{', ..] => "jsonb[]",
        [b'{', b'"', ..] => "jsonb",
        [b'{', ..] if value.get(1..37).is_some_and(is_uuid) => "uuid[]",
        [b'{', ..] => "text[]",
        _ if is_uuid(value) => "uuid",
        _ => "text",
    };
    format!("({})::{kind}", concatenated(value, varying))
}

/// The value with its varying parts made anew.
fn concatenated(value: &str, varying: &[Varying]) -> String {
    let first = varying.iter().filter_map(|known| Some((value.find(&known.seen)?, known))).min_by_key(|(at, _)| *at);
    let Some((known, (before, after))) = first.and_then(|(_, known)| Some((known, value.split_once(&known.seen)?))) else {
        return format!("'{}'", value.replace('\'', "''"));
    };
    let mut parts = vec![known.sql.clone()];
    if !before.is_empty() {
        parts.insert(0, concatenated(before, varying));
    }
    if !after.is_empty() {
        parts.push(concatenated(after, varying));
    }
    parts.join(" || ")
}

/// The advisory lock's key is a hash of the person: any will do.
fn unlocked(sql: &str) -> String {
    match sql.split_once("pg_advisory_xact_lock(") {
        Some((before, after)) => {
            let rest = after.split_once(')').map_or("", |(_, rest)| rest);
            format!("{before}pg_advisory_xact_lock(:lock){rest}")
        }
        None => sql.to_owned(),
    }
}

fn is_uuid(value: &str) -> bool {
    value.len() == 36 && value.split('-').map(str::len).eq([8, 4, 4, 4, 12])
}

fn is_instant(value: &str) -> bool {
    value.len() >= 22 && value.get(4..5) == Some("-") && value.get(10..11) == Some(" ") && value.get(13..14) == Some(":")
}
