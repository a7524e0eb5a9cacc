//! `Content-Encoding` of a request body.

use std::io::{ErrorKind, Read};

use axum::{
    body::Bytes,
    http::{HeaderMap, header},
};
use flate2::bufread::{MultiGzDecoder, ZlibDecoder};

use super::super::{options::MAX_BODY_BYTES, problem::Problem};

/// Compression of a body.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Coding {
    None,
    Gzip,
    /// A zlib stream, as RFC 9110 defines it.
    Deflate,
}

impl Coding {
    /// Coding that the headers name.
    ///
    /// # Errors
    /// 415 for another one, and for several.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut coding = Self::None;
        for value in headers.get_all(header::CONTENT_ENCODING) {
            let value = value.to_str().map_err(|_| Problem::unsupported_coding("?"))?;
            for name in value.split(',').map(|name| name.trim().to_ascii_lowercase()) {
                coding = match (name.as_str(), coding) {
                    ("" | "identity", coding) => coding,
                    ("gzip" | "x-gzip", Self::None) => Self::Gzip,
                    ("deflate", Self::None) => Self::Deflate,
                    _ => return Err(Problem::unsupported_coding(value)),
                };
            }
        }
        Ok(coding)
    }

    /// Decompresses a body.
    ///
    /// # Errors
    /// 400 if it is damaged, 413 if it decompresses to more than [`MAX_BODY_BYTES`].
    pub(super) fn decompress(self, bytes: Bytes) -> Result<Bytes, Problem> {
        match self {
            Self::None => Ok(bytes),
            Self::Gzip => read(MultiGzDecoder::new(&bytes[..]), "gzip"),
            Self::Deflate => {
                let mut decoder = ZlibDecoder::new(&bytes[..]);
                let read = read(&mut decoder, "deflate")?;
                let rest = decoder.into_inner().len();
                if rest > 0 {
                    return Err(Problem::bad_request(format!("deflate: {rest} bytes follow the compressed body")));
                }
                Ok(read)
            }
        }
    }
}

fn read(decoder: impl Read, name: &str) -> Result<Bytes, Problem> {
    let mut bytes = Vec::new();
    decoder.take(MAX_BODY_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(|error| {
        let cause = match error.kind() {
            ErrorKind::UnexpectedEof => "it ends early".to_owned(),
            _ => error.to_string(),
        };
        Problem::bad_request(format!("the compressed body is damaged: {name}: {cause}"))
    })?;
    if bytes.len() > MAX_BODY_BYTES {
        return Err(Problem::body_too_large(MAX_BODY_BYTES));
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{
        Compression,
        write::{GzEncoder, ZlibEncoder},
    };
    use proptest::prelude::*;

    use super::*;

    fn coding(values: &[&str]) -> Result<Coding, u16> {
        let pair = |value: &&str| (header::CONTENT_ENCODING, value.parse().unwrap());
        Coding::of(&values.iter().map(pair).collect()).map_err(|problem| problem.status.as_u16())
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn decompress(coding: Coding, bytes: Vec<u8>) -> Result<Bytes, u16> {
        coding.decompress(bytes.into()).map_err(|problem| problem.status.as_u16())
    }

    #[test]
    fn names_are_read_in_any_case_and_others_are_refused() {
        for values in [&[][..], &["identity"], &[""], &["Identity, identity"]] {
            assert_eq!(coding(values), Ok(Coding::None), "{values:?}");
        }
        for values in [&["gzip"][..], &["GZIP"], &["x-gzip"], &["identity", "gzip"], &[" gzip ,"]] {
            assert_eq!(coding(values), Ok(Coding::Gzip), "{values:?}");
        }
        assert_eq!(coding(&["deflate"]), Ok(Coding::Deflate));
        for values in [&["br"][..], &["zstd"], &["gzip, gzip"], &["gzip", "br"], &["gzip;q=1"], &["compress"]] {
            assert_eq!(coding(values), Err(415), "{values:?}");
        }
    }

    #[test]
    fn the_limit_holds_after_decompression() {
        let most = vec![7; MAX_BODY_BYTES];
        let more = vec![7; MAX_BODY_BYTES + 1];
        for (coding, compress) in [(Coding::Gzip, gzip as fn(&[u8]) -> Vec<u8>), (Coding::Deflate, deflate)] {
            assert_eq!(decompress(coding, compress(&most)).map(|bytes| bytes.len()), Ok(MAX_BODY_BYTES));
            assert_eq!(decompress(coding, compress(&more)), Err(413));
        }
    }

    proptest! {
        #[test]
        fn what_was_compressed_comes_back_and_damage_is_found(
            bytes in proptest::collection::vec(any::<u8>(), 0..2000),
            at in any::<prop::sample::Index>(),
        ) {
            for (coding, whole) in [(Coding::Gzip, gzip(&bytes)), (Coding::Deflate, deflate(&bytes))] {
                prop_assert_eq!(decompress(coding, whole.clone()), Ok(Bytes::from(bytes.clone())));
                prop_assert_eq!(decompress(coding, whole[..at.index(whole.len())].to_vec()), Err(400));
                let longer = [&whole[..], b"rest"].concat();
                prop_assert_eq!(decompress(coding, longer), Err(400));
            }
            // Two members are one body.
            let twice = [gzip(&bytes), gzip(&bytes)].concat();
            prop_assert_eq!(decompress(Coding::Gzip, twice), Ok(Bytes::from(bytes.repeat(2))));
        }
    }
}
