//! Unpacking a batch. Its writer decides how far it unpacks (2 MiB of gzip can be 2 GiB), so there is a limit.

use std::io::{self, Read};

use bytes::Bytes;
use fluvio::Compression;
use fluvio::dataplane::record::{Batch, RawRecords};
use wire::MAX_BATCH_BYTES;

/// The encoded records of a batch, unpacked.
///
/// # Errors
/// Why they cannot be, in words.
pub(super) fn unpack(batch: &Batch<RawRecords>) -> Result<Bytes, String> {
    let packed = &batch.records().0;
    let compression = batch.get_compression().map_err(|error| error.to_string())?;
    let read =
        |unpacking: &mut dyn Read| read_to_limit(unpacking).map_err(|error| error.to_string());
    match compression {
        Compression::None => Ok(packed.clone()),
        Compression::Gzip => read(&mut flate2::read::GzDecoder::new(&**packed)),
        Compression::Snappy => read(&mut snap::read::FrameDecoder::new(&**packed)),
        Compression::Lz4 => read(&mut lz4_flex::frame::FrameDecoder::new(&**packed)),
        Compression::Zstd => {
            let decoder = zstd::Decoder::with_buffer(&**packed);
            read(&mut decoder.map_err(|error| error.to_string())?)
        }
    }
}

fn read_to_limit(unpacking: &mut dyn Read) -> io::Result<Bytes> {
    let mut records = Vec::new();
    let limit = MAX_BATCH_BYTES as u64 + 1;
    unpacking.take(limit).read_to_end(&mut records)?;
    if records.len() > MAX_BATCH_BYTES {
        let problem = format!("it unpacks to more than {MAX_BATCH_BYTES} bytes");
        return Err(io::Error::other(problem));
    }
    Ok(records.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const KINDS: [Compression; 5] = [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ];

    fn batch(compression: Compression, packed: Bytes) -> Batch<RawRecords> {
        let mut batch = Batch::<RawRecords>::default();
        *batch.mut_records() = RawRecords(packed);
        batch.header.set_compression(compression);
        batch
    }

    #[test]
    fn what_fluvios_client_packs_is_unpacked() {
        let records = b"records ".repeat(1_000);
        for compression in KINDS {
            let packed = compression.compress(&records).unwrap();
            let unpacked = unpack(&batch(compression, packed)).unwrap();
            assert_eq!(unpacked, records, "{compression:?}");
        }
    }

    #[test]
    fn what_is_cut_or_unpacks_without_end_is_refused() {
        for compression in &KINDS[1..] {
            let packed = compression
                .compress(b"records, quite a few of them")
                .unwrap();
            let cut = packed.slice(..packed.len() / 2);
            unpack(&batch(*compression, cut)).unwrap_err();
            unpack(&batch(*compression, Bytes::from_static(b"no such format"))).unwrap_err();
        }
        let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let zeros = vec![0; 1 << 20];
        for _ in 0..=MAX_BATCH_BYTES >> 20 {
            bomb.write_all(&zeros).unwrap();
        }
        let bomb = Bytes::from(bomb.finish().unwrap());
        assert!(bomb.len() < 1 << 20);
        let problem = unpack(&batch(Compression::Gzip, bomb)).unwrap_err();
        assert!(problem.contains("unpacks to more than"), "{problem}");
    }
}
