//! Records as their source gave them.

/// One record as it was received, with its position in its source.
#[derive(Debug, Clone, Copy)]
pub struct RawRecord<'a> {
    /// The topic, or what else names an ordered source (a file's path).
    pub topic: &'a str,
    /// The partition within the topic; 0 where there is only one.
    pub partition: i32,
    /// The position within the partition; later records have larger ones.
    pub offset: i64,
    /// The record's key.
    pub key: Option<&'a [u8]>,
    /// The source's own timestamp of the record, where it gives one: microseconds since 1970 in UTC.
    pub timestamp: Option<i64>,
    /// When the event happened, as far as the source knows: microseconds since 1970 in UTC.
    pub event_time: Option<i64>,
    /// The header that names the schema of the value, where one came; no other headers are kept: they may hold secrets.
    pub schema_header: Option<&'a [u8]>,
    /// The id of the schema that it was written with.
    pub schema_id: Option<i32>,
    /// The value's bytes, whole; `None` for a record without a value.
    pub bytes: Option<&'a [u8]>,
}

/// The records behind a batch: row `n` was decoded from record `n`.
pub trait RawRecords: Sync {
    /// The record of a row. Called for refused rows, and for every row while records may come a second time.
    /// `None` only where rows have no records, as in pipelines.
    fn record(&self, row: usize) -> Option<RawRecord<'_>>;
}

/// Rows that have no records: what pipelines deliver.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoRecords;

impl RawRecords for NoRecords {
    fn record(&self, _row: usize) -> Option<RawRecord<'_>> {
        None
    }
}

impl RawRecords for [RawRecord<'_>] {
    fn record(&self, row: usize) -> Option<RawRecord<'_>> {
        self.get(row).copied()
    }
}

impl RawRecords for Vec<RawRecord<'_>> {
    fn record(&self, row: usize) -> Option<RawRecord<'_>> {
        self.get(row).copied()
    }
}

/// A record that never became a row, because it does not decode.
#[derive(Debug, Clone, Copy)]
pub struct Reject<'a> {
    /// The record.
    pub record: RawRecord<'a>,
    /// The rule that it breaks, such as `format.avro`.
    pub rule: &'a str,
    /// What is wrong with it, in words.
    pub reason: &'a str,
}

/// A record with values that do not fit their columns: a row but for these.
#[derive(Debug, Clone, Copy)]
pub struct Misread<'a> {
    /// The record.
    pub record: RawRecord<'a>,
    /// The rules that it breaks so, such as `amount.type`, and the reasons; at least one.
    pub found: &'a [(String, String)],
    /// The row as received, a JSON object by the contract's columns: what a replay begins with.
    pub json: &'a str,
}
