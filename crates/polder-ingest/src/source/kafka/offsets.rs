//! Where partitions begin, and what is gone before that.

use polder_core::{Error, ErrorKind, Result};

/// Offsets of a partition whose records are gone, though nobody read them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) partition: i32,
    pub(super) from: i64,
    /// The first offset that there is.
    pub(super) to: i64,
}

/// Where a partition begins, and what is gone before that.
pub(super) fn begin(
    topic: &str,
    partition: i32,
    stored: Option<i64>,
    low: i64,
    high: i64,
) -> Result<(i64, Option<Gap>)> {
    match stored {
        None => Ok((low, None)),
        Some(next) if next > high => Err(Error::new(
            ErrorKind::Conflict,
            format!(
                "{topic}/{partition} ends at offset {high}, but {next} were read before: the topic was made anew, or \
                 the brokers lost its end"
            ),
        )
        .with_help(
            "delete nothing: rows and progress stand for the records that the topic had, and the \
             same offsets are other records now. Give the new records a topic of another name, and name that in \
             `source.kafka.topic`; the stream reads it from its beginning, and what it has stays",
        )),
        Some(from) if from < low => Ok((
            low,
            Some(Gap {
                partition,
                from,
                to: low,
            }),
        )),
        Some(next) => Ok((next, None)),
    }
}

/// Says which records are gone, and how to go on.
pub(super) fn lost(topic: &str, gaps: &[Gap]) -> Error {
    let message = format!(
        "retention took records of topic {topic} that were not read: {}",
        listed(gaps)
    );
    Error::new(ErrorKind::Conflict, message).with_help(
        "to do without them and go on with what the topic has, write `on_lost: skip` under `source.kafka` of the stream",
    )
}

/// The gaps in words.
pub(super) fn listed(gaps: &[Gap]) -> String {
    let gaps: Vec<String> = gaps
        .iter()
        .map(|gap| format!("offsets {} to {} of partition {}", gap.from, gap.to - 1, gap.partition))
        .collect();
    gaps.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_goes_on_where_the_table_says_if_it_still_can() {
        assert_eq!(begin("t", 0, None, 5, 9).unwrap(), (5, None));
        assert_eq!(begin("t", 0, Some(7), 5, 9).unwrap(), (7, None));
        assert_eq!(begin("t", 0, Some(9), 5, 9).unwrap(), (9, None));
        let gap = Gap {
            partition: 0,
            from: 2,
            to: 5,
        };
        let error = lost("t", std::slice::from_ref(&gap));
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.to_string().contains("offsets 2 to 4 of partition 0"), "{error}");
        assert_eq!(begin("t", 0, Some(2), 5, 9).unwrap(), (5, Some(gap)));
        let error = begin("t", 0, Some(10), 5, 9).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.to_string().contains("made anew"), "{error}");
    }
}
