//! The key of an output of `vote-filter` in `mode=every`: the record's offset and its key. A cluster
//! does not tell where a module's outputs come from, so they say it themselves.

/// The key of the output for the record at `offset`: `OFFSET:KEY`.
pub fn offset_key(offset: i64, key: Option<&[u8]>) -> Vec<u8> {
    let mut text = format!("{offset}:").into_bytes();
    text.extend_from_slice(key.unwrap_or_default());
    text
}

/// The offset and the record's own key; `None` for any other key. A record without a key and one
/// with an empty key are told alike.
pub fn split_offset_key(key: &[u8]) -> Option<(i64, &[u8])> {
    let colon = key.iter().position(|&byte| byte == b':')?;
    let offset = std::str::from_utf8(&key[..colon]).ok()?.parse().ok()?;
    Some((offset, &key[colon + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_is_read_as_it_is_written() {
        let key = offset_key(42, Some(b"a:b"));
        assert_eq!(key, b"42:a:b");
        assert_eq!(split_offset_key(&key), Some((42, &b"a:b"[..])));
        assert_eq!(split_offset_key(&offset_key(0, None)), Some((0, &b""[..])));
        assert_eq!(split_offset_key(b"voter"), None);
        assert_eq!(split_offset_key(b"x:voter"), None);
    }
}
