//! What makes a vote of a voter: the fields that are put behind the voter's own.

use serde_json::json;

/// Stands before the voting time in every vote made here.
pub(crate) const TIME_FIELD: &[u8] = br#""voting_time":""#;
/// Bytes of a voting time, `%Y-%m-%d %H:%M:%S`.
pub(crate) const TIME_BYTES: usize = 19;

/// The end of a vote for one candidate. The voter's JSON text is not read and written again; what a
/// voter says of itself goes into the vote byte for byte, and it is cheaper.
#[derive(Debug, Clone)]
pub(crate) struct VoteTail {
    before_time: Vec<u8>,
}

impl VoteTail {
    pub(crate) fn new(candidate_id: &str) -> Self {
        let mut before_time = format!(r#""candidate_id":{},"#, json!(candidate_id)).into_bytes();
        before_time.extend_from_slice(TIME_FIELD);
        VoteTail { before_time }
    }

    /// Ends the vote that `open` holds so far: an open JSON object, after a comma if it has fields.
    pub(crate) fn append(&self, open: &mut Vec<u8>, voting_time: &str, weight: u8) {
        open.extend_from_slice(&self.before_time);
        open.extend_from_slice(voting_time.as_bytes());
        open.extend_from_slice(br#"","vote":"#);
        open.extend_from_slice(weight.to_string().as_bytes());
        open.push(b'}');
    }
}

/// Puts a voter's credential, hexadecimal digits, and a comma behind what `open` holds so far.
pub(crate) fn append_credential(open: &mut Vec<u8>, credential: &str) {
    open.extend_from_slice(br#""credential":""#);
    open.extend_from_slice(credential.as_bytes());
    open.extend_from_slice(br#"","#);
}
