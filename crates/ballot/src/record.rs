//! A record of a log, as far as counting looks at it.

/// One record, borrowed from its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordRef<'a> {
    /// Offset from the batch's base offset.
    pub offset_delta: i64,
    /// Milliseconds after the batch's base timestamp.
    pub timestamp_delta: i64,
    /// The key, if the record has one.
    pub key: Option<&'a [u8]>,
    /// The value.
    pub value: &'a [u8],
}
