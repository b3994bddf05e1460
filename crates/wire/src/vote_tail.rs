//! The end of a vote: the fields that follow the voter's own. Every vote that this system casts is built
//! here, so that all have the same layout and are read fast.

use serde_json::{Map, Value, json};

/// Stands before the voting time in every vote made here.
pub const TIME_FIELD: &[u8] = br#""voting_time":""#;
/// Bytes of a voting time, `%Y-%m-%d %H:%M:%S`.
pub const TIME_BYTES: usize = 19;

/// The end of a vote: what it marks, when it was cast, its weight. The voter's JSON text is not read and written again; what a
/// voter says of itself goes into the vote byte for byte, and it is cheaper.
#[derive(Debug, Clone)]
pub struct VoteTail {
    before_time: Vec<u8>,
}

impl VoteTail {
    /// Ends votes for this candidate.
    pub fn new(candidate_id: &str) -> Self {
        VoteTail::answering("candidate_id", &json!(candidate_id))
    }

    /// Ends votes with these answers, by contest.
    pub fn with_choices(choices: &Map<String, Value>) -> Self {
        VoteTail::answering("choices", &json!(choices))
    }

    fn answering(field: &str, answer: &Value) -> Self {
        let mut before_time = format!(r#""{field}":{answer},"#).into_bytes();
        before_time.extend_from_slice(TIME_FIELD);
        VoteTail { before_time }
    }

    /// Ends the vote that `open` holds so far: an open JSON object, after a comma if it has fields.
    pub fn append(&self, open: &mut Vec<u8>, voting_time: &str, weight: u8) {
        open.extend_from_slice(&self.before_time);
        open.extend_from_slice(voting_time.as_bytes());
        open.extend_from_slice(br#"","vote":"#);
        open.extend_from_slice(weight.to_string().as_bytes());
        open.push(b'}');
    }
}

/// Puts the names that a voter has written in, by contest, and a comma behind what `open` holds so far.
pub fn append_write_ins(open: &mut Vec<u8>, write_ins: &Map<String, Value>) {
    let write_ins = json!(write_ins);
    open.extend_from_slice(format!(r#""write_ins":{write_ins},"#).as_bytes());
}

/// Puts a voter's credential, hexadecimal digits, and a comma behind what `open` holds so far.
pub fn append_credential(open: &mut Vec<u8>, credential: &str) {
    open.extend_from_slice(br#""credential":""#);
    open.extend_from_slice(credential.as_bytes());
    open.extend_from_slice(br#"","#);
}
