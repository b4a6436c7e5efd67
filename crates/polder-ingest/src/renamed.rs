//! A stream that was given another name would read everything a second time: its progress is under the old one.

use std::collections::BTreeSet;
use std::sync::Arc;

use polder_core::{Error, ErrorKind, ObjectName, Result};
use polder_lake::Table;

use crate::chunk::Lane;
use crate::stream::StreamSpec;

/// So many of the newest commits are looked at for other names.
const COMMITS: usize = 100;

/// Refuses a stream that has no progress on `lanes`, where another name has some in the same table.
///
/// # Errors
/// `Conflict`, which names the other stream; otherwise as [`Table::history`] and [`Table::progress`].
pub(crate) async fn refuse(stream: &StreamSpec, table: &Table, lanes: &[Arc<Lane>]) -> Result<()> {
    let own = stream.progress_id("");
    let mut others = BTreeSet::new();
    for commit in table.history(COMMITS).await? {
        let origin = commit
            .metadata
            .get("origin")
            .and_then(|origin| origin.parse::<ObjectName>().ok());
        others.extend(origin.filter(|origin| *origin != stream.name));
    }
    for other in others {
        for place in lanes.iter().filter_map(|lane| lane.progress.strip_prefix(&own)) {
            if table.progress(&format!("stream/{other}/{place}")).await?.is_some() {
                let message = format!(
                    "{} holds {place} already, by stream {other}: stream {} would read it a second time",
                    stream.dataset, stream.name
                );
                let help = format!(
                    "nothing was read. If the stream was renamed, name its document after {other} again: progress is \
                     kept by that name; otherwise let one of the two feed another dataset"
                );
                return Err(Error::new(ErrorKind::Conflict, message).with_help(help));
            }
        }
    }
    Ok(())
}
