//! The dashboard's public address, and the portraits of candidates there.
//!
//! Programs that read Postgres or Kafka cannot complete a path, so a candidate's `photo_url` is absolute there. The
//! dashboard itself links to its portraits by path, so that they work under any address.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Where the dashboard listens by default.
pub const DASHBOARD: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// Characters that are escaped in a path: all but those that RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The address at which others find the dashboard, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

/// Text that is not such an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is the dashboard's address as others see it, for example https://election.example or \
     http://192.0.2.7:8080"
)]
pub struct NoPublicUrl;

impl PublicUrl {
    /// The address of a dashboard that listens here. For one that listens on every address it is the loopback
    /// address, which at least this machine can reach.
    pub fn of(address: SocketAddr) -> PublicUrl {
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => DASHBOARD.ip(),
            IpAddr::V6(ip) if ip.is_unspecified() => DASHBOARD.ip(),
            ip => ip,
        };
        let address = SocketAddr::new(ip, address.port());
        PublicUrl(format!("http://{address}"))
    }

    /// A candidate's portrait there.
    pub fn portrait(&self, candidate_id: &str) -> String {
        format!("{}{}", self.0, portrait_path(candidate_id))
    }
}

impl Default for PublicUrl {
    fn default() -> Self {
        PublicUrl::of(DASHBOARD)
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PublicUrl {
    type Err = NoPublicUrl;

    fn from_str(text: &str) -> Result<PublicUrl, NoPublicUrl> {
        let rest = without_scheme(text).ok_or(NoPublicUrl)?;
        let odd = |c: char| {
            c.is_whitespace()
                || c.is_control()
                || matches!(c, '?' | '#' | '@' | '"' | '<' | '>' | '\\')
        };
        if rest.is_empty() || rest.starts_with(['/', ':']) || rest.contains(odd) {
            return Err(NoPublicUrl);
        }
        Ok(PublicUrl(text.trim_end_matches('/').to_owned()))
    }
}

/// The path of a candidate's portrait on the dashboard.
pub fn portrait_path(candidate_id: &str) -> String {
    format!("/portraits/{}.svg", path_segment(candidate_id))
}

/// Whether a `photo_url` is the candidate's portrait on a dashboard, at any address.
pub fn is_portrait(photo_url: &str, candidate_id: &str) -> bool {
    photo_url
        .strip_suffix(&*portrait_path(candidate_id))
        .is_some_and(|before| before.is_empty() || without_scheme(before).is_some())
}

/// Text as a part of a path.
pub fn path_segment(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

fn without_scheme(url: &str) -> Option<&str> {
    url.strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_absolute_and_has_no_slash_at_its_end() {
        for (text, portrait) in [
            (
                "https://election.example",
                "https://election.example/portraits/c%201.svg",
            ),
            (
                "http://[::1]:8080/",
                "http://[::1]:8080/portraits/c%201.svg",
            ),
            ("http://host/city/", "http://host/city/portraits/c%201.svg"),
        ] {
            let url: PublicUrl = text.parse().unwrap();
            assert_eq!(url.portrait("c 1"), portrait);
        }
        for wrong in [
            "",
            "election.example",
            "/portraits",
            "ftp://host",
            "http://",
            "http:///x",
            "http://:80",
            "http://host?x",
            "http://a host",
            "http://me:secret@host",
        ] {
            let error = wrong.parse::<PublicUrl>().unwrap_err().to_string();
            assert!(error.contains("https://election.example"), "{wrong}");
        }
    }

    #[test]
    fn a_segment_has_nothing_that_means_something_in_a_path() {
        assert_eq!(path_segment("A-z.0_9~"), "A-z.0_9~");
        assert_eq!(
            path_segment("Tyne & Wear/é?"),
            "Tyne%20%26%20Wear%2F%C3%A9%3F"
        );
    }

    #[test]
    fn where_it_listens_is_where_it_is_found() {
        let of = |address: &str| PublicUrl::of(address.parse().unwrap()).to_string();
        assert_eq!(of("192.0.2.7:80"), "http://192.0.2.7:80");
        assert_eq!(of("[2001:db8::1]:8080"), "http://[2001:db8::1]:8080");
        assert_eq!(of("0.0.0.0:8090"), "http://127.0.0.1:8090");
        assert_eq!(of("[::]:8090"), "http://127.0.0.1:8090");
        assert_eq!(PublicUrl::default().to_string(), "http://127.0.0.1:8080");
    }

    #[test]
    fn a_portrait_is_told_from_other_photos() {
        assert!(is_portrait("/portraits/c.svg", "c"));
        assert!(is_portrait("http://127.0.0.1:8080/portraits/c.svg", "c"));
        assert!(is_portrait("https://e.example/city/portraits/c.svg", "c"));
        for other in [
            "",
            "https://photos.example/c.jpg",
            "/portraits/d.svg",
            "x/portraits/c.svg",
            "https://photos.example/portraits/c.svg?size=2",
        ] {
            assert!(!is_portrait(other, "c"), "{other}");
        }
    }
}
