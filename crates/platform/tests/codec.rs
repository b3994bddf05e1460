//! The vendored codec moves bytes all at once; what it writes and reads is what it would be one by one.
//! `Vec<i8>` still goes one by one, and is what `Vec<u8>` is held to. (vendor/README.md)

use fluvio_protocol::{Decoder, Encoder};
use proptest::prelude::*;

const VERSION: i16 = 22;

fn one_by_one(bytes: &[u8]) -> Vec<i8> {
    bytes.iter().map(|byte| byte.cast_signed()).collect()
}

fn encoded(value: &impl Encoder) -> Vec<u8> {
    let mut out = Vec::new();
    value.encode(&mut out, VERSION).unwrap();
    assert_eq!(out.len(), value.write_size(VERSION));
    out
}

fn decoded<T: Decoder>(mut bytes: &[u8]) -> Option<(T, usize)> {
    let value = T::decode_from(&mut bytes, VERSION).ok()?;
    Some((value, bytes.len()))
}

proptest! {
    #[test]
    fn bytes_are_written_as_one_by_one(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert_eq!(encoded(&bytes), encoded(&one_by_one(&bytes)));
        prop_assert_eq!(encoded(&Some(bytes.clone())), encoded(&Some(one_by_one(&bytes))));
    }

    #[test]
    fn bytes_are_read_as_one_by_one(
        length in prop_oneof![-1..300i32, any::<i32>()],
        rest in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let text = [&length.to_be_bytes()[..], &rest].concat();
        let read = decoded::<Vec<u8>>(&text);
        let read = read.map(|(bytes, left)| (one_by_one(&bytes), left));
        prop_assert_eq!(read, decoded::<Vec<i8>>(&text));
    }
}
