//! Response compression: `gzip` or `deflate`, the first of them that `Accept-Encoding` lists by its
//! plain name. Quality values are not looked at, as in Prometheus.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http::{HeaderMap, HeaderValue, header};
use http_body_util::BodyExt;
use std::io::{self, Write};

/// Bodies beyond this are compressed on a thread of their own.
const INLINE_BYTES: usize = 32 << 10;

/// How a body is packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Not at all.
    #[default]
    Identity,
    Gzip,
    /// A zlib stream, which is what HTTP means by deflate.
    Deflate,
}

impl Coding {
    /// The first coding of ours that the client lists.
    pub(crate) fn accepted(headers: &HeaderMap) -> Self {
        let lists = headers.get_all(header::ACCEPT_ENCODING);
        let names = lists.iter().filter_map(|value| value.to_str().ok());
        for name in names.flat_map(|list| list.split(',')) {
            match name.trim() {
                "gzip" => return Self::Gzip,
                "deflate" => return Self::Deflate,
                _ => {}
            }
        }
        Self::Identity
    }

    /// Names the coding in the headers of a response.
    pub(crate) fn mark(self, headers: &mut HeaderMap) {
        let name = match self {
            Self::Identity => return,
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        };
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        headers.remove(header::CONTENT_LENGTH);
    }
}

/// A stream being packed.
pub(crate) enum Packer {
    Identity(Vec<u8>),
    Gzip(GzEncoder<Vec<u8>>),
    Deflate(ZlibEncoder<Vec<u8>>),
}

impl Packer {
    pub(crate) fn new(coding: Coding) -> Self {
        match coding {
            Coding::Identity => Self::Identity(Vec::new()),
            Coding::Gzip => Self::Gzip(GzEncoder::new(Vec::new(), Compression::fast())),
            Coding::Deflate => Self::Deflate(ZlibEncoder::new(Vec::new(), Compression::fast())),
        }
    }

    /// Takes plain bytes; gives what is packed so far, maybe nothing.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Identity(out) => out.extend_from_slice(bytes),
            Self::Gzip(encoder) => encoder.write_all(bytes)?,
            Self::Deflate(encoder) => encoder.write_all(bytes)?,
        }
        Ok(std::mem::take(match self {
            Self::Identity(out) => out,
            Self::Gzip(encoder) => encoder.get_mut(),
            Self::Deflate(encoder) => encoder.get_mut(),
        }))
    }

    /// The rest of the stream.
    pub(crate) fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Identity(out) => Ok(out),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Deflate(encoder) => encoder.finish(),
        }
    }
}

fn pack(coding: Coding, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packer = Packer::new(coding);
    let mut out = packer.feed(bytes)?;
    out.extend(packer.finish()?);
    Ok(out)
}

/// Compresses whole bodies; a response that streams has been packed by whoever makes the stream.
pub(crate) async fn compress(request: Request, next: Next) -> Response {
    let coding = Coding::accepted(request.headers());
    let mut response = next.run(request).await;
    let vary = HeaderValue::from_static("Accept-Encoding");
    response.headers_mut().append(header::VARY, vary);
    let empty = response.body().size_hint_exact() == Some(0);
    if coding == Coding::Identity
        || empty
        || response.headers().contains_key(header::CONTENT_ENCODING)
    {
        return response;
    }
    let Some(_) = response.body().size_hint_exact() else { return response };
    let (mut parts, body) = response.into_parts();
    let Ok(body) = body.collect().await else {
        return Response::from_parts(parts, Body::empty());
    };
    let plain = body.to_bytes();
    match pack_somewhere(coding, plain.clone()).await {
        Some(packed) => {
            coding.mark(&mut parts.headers);
            Response::from_parts(parts, Body::from(packed))
        }
        None => Response::from_parts(parts, Body::from(plain)),
    }
}

async fn pack_somewhere(coding: Coding, plain: Bytes) -> Option<Vec<u8>> {
    if plain.len() <= INLINE_BYTES {
        return pack(coding, &plain).ok();
    }
    tokio::task::spawn_blocking(move || pack(coding, &plain).ok()).await.ok().flatten()
}

trait SizeHintExact {
    fn size_hint_exact(&self) -> Option<u64>;
}

impl SizeHintExact for Body {
    fn size_hint_exact(&self) -> Option<u64> {
        axum::body::HttpBody::size_hint(self).exact()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn the_first_listed_coding_counts() {
        let check = |accept: &str, expected: Coding| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, accept.parse().unwrap());
            assert_eq!(Coding::accepted(&headers), expected, "{accept}");
        };
        check("gzip", Coding::Gzip);
        check("br, deflate, gzip", Coding::Deflate);
        check("gzip;q=1.0", Coding::Identity);
        check("*", Coding::Identity);
        check("zstd", Coding::Identity);
    }

    #[test]
    fn packed_streams_unpack() {
        let plain = b"[1,\"2\"]".repeat(10_000);
        let mut out = Vec::new();
        let gzip = pack(Coding::Gzip, &plain).unwrap();
        flate2::read::GzDecoder::new(&*gzip).read_to_end(&mut out).unwrap();
        assert!(out == plain && gzip.len() < plain.len() / 10);
        out.clear();
        let deflate = pack(Coding::Deflate, &plain).unwrap();
        flate2::read::ZlibDecoder::new(&*deflate).read_to_end(&mut out).unwrap();
        assert_eq!(out, plain);
    }
}
