//! Which names Fluvio takes for a topic or a SmartModule.

/// Longest name, as in Fluvio.
const MAX_NAME_BYTES: usize = 63;

/// Whether Fluvio takes `name`: lower-case letters, digits and `-`, not at either end, at most 63.
pub fn is_topic_name(name: &str) -> bool {
    let usable = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !name.is_empty()
        && name.len() <= MAX_NAME_BYTES
        && name.bytes().all(usable)
        && !name.starts_with('-')
        && !name.ends_with('-')
}
