//! How much processor time processes have used, as Linux tells it.

use crate::Answer;
use std::fs;
use std::time::Duration;

/// What a process and all that it has started have used so far, those included that have ended and were waited for.
pub(crate) fn used_by(root: u32) -> Answer<Duration> {
    let mut ticks = 0;
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        if descends(id, root)? {
            // One that has just ended is counted by its parent from now on.
            ticks +=
                stat(id).map_or(0, |fields| fields.iter().skip(11).take(4).filter_map(|ticks| ticks.parse::<u64>().ok()).sum());
        }
    }
    // Linux tells a hundred ticks a second, whatever its own clock is.
    Ok(Duration::from_millis(ticks * 10))
}

fn descends(id: u32, root: u32) -> Answer<bool> {
    let mut at = id;
    while at > 1 {
        if at == root {
            return Ok(true);
        }
        let parent = stat(at).and_then(|fields| fields.get(1)?.parse().ok());
        at = parent.unwrap_or(0);
    }
    Ok(false)
}

/// The fields of `/proc/ID/stat` from the third on: the state, the parent, …
fn stat(id: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    Some(rest.split(' ').map(str::to_owned).collect())
}
