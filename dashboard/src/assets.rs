//! Style sheets, scripts and images, embedded in the binary.

use std::hash::Hasher;
use std::sync::LazyLock;

use siphasher::sip::SipHasher13;

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

#[derive(Debug)]
pub(crate) struct Asset {
    pub(crate) name: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) bytes: &'static [u8],
    /// A hash of its content, without quotation marks.
    pub(crate) etag: String,
}

pub(crate) fn asset(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

/// The path of an asset, with its etag, so that a browser may cache it forever.
pub(crate) fn asset_url(name: &str) -> String {
    match asset(name) {
        Some(asset) => format!("/assets/{}?v={}", asset.name, asset.etag),
        None => format!("/assets/{name}"),
    }
}

/// Every asset. Modules import each other by their bare names; their freshness is checked by the etag.
static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    macro_rules! assets {
        ($($kind:ident $name:literal;)+) => {
            vec![$(embedded($name, $kind, include_bytes!(concat!("../assets/", $name)))),+]
        };
    }
    assets! {
        CSS "dashboard.css";
        CSS "pages.css";
        SVG "icon.svg";
        JAVASCRIPT "theme.js";
        JAVASCRIPT "address.js";
        JAVASCRIPT "app.js";
        JAVASCRIPT "candidate.js";
        JAVASCRIPT "charts.js";
        JAVASCRIPT "contest.js";
        JAVASCRIPT "contests.js";
        JAVASCRIPT "controls.js";
        JAVASCRIPT "figures.js";
        JAVASCRIPT "format.js";
        JAVASCRIPT "location.js";
        JAVASCRIPT "locations.js";
        JAVASCRIPT "overview.js";
        JAVASCRIPT "pipeline.js";
        JAVASCRIPT "race.js";
        JAVASCRIPT "rows.js";
        JAVASCRIPT "state.js";
        JAVASCRIPT "stream.js";
        JAVASCRIPT "turnout.js";
    }
});

fn embedded(name: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Asset {
    let mut hasher = SipHasher13::new();
    hasher.write(bytes);
    Asset {
        name,
        content_type,
        bytes,
        etag: format!("{:016x}", hasher.finish()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn every_file_is_embedded_once() {
        let names: BTreeSet<_> = ASSETS.iter().map(|asset| asset.name).collect();
        assert_eq!(names.len(), ASSETS.len());
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
        let mut files = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            assert!(
                ASSETS.iter().any(|asset| asset.bytes == bytes),
                "{} is not embedded",
                path.display()
            );
            files += 1;
        }
        assert_eq!(files, ASSETS.len());
    }

    #[test]
    fn modules_that_are_imported_are_there() {
        for asset in ASSETS
            .iter()
            .filter(|asset| asset.content_type == JAVASCRIPT)
        {
            let source = std::str::from_utf8(asset.bytes).unwrap();
            for line in source.lines().filter(|line| line.starts_with("import ")) {
                let name = line
                    .split("'./")
                    .nth(1)
                    .and_then(|rest| rest.split('\'').next());
                let name = name.unwrap_or_else(|| panic!("{}: {line}", asset.name));
                assert!(self::asset(name).is_some(), "{} imports {name}", asset.name);
            }
        }
    }

    #[test]
    fn a_url_carries_the_etag() {
        let style = asset("dashboard.css").unwrap();
        assert_eq!(style.content_type, CSS);
        assert_eq!(
            asset_url("dashboard.css"),
            format!("/assets/dashboard.css?v={}", style.etag)
        );
        assert!(asset("../Cargo.toml").is_none());
    }

    #[test]
    fn nothing_is_asked_of_elsewhere() {
        for asset in ASSETS.iter() {
            let source = std::str::from_utf8(asset.bytes).unwrap();
            let outside = source.replace("http://www.w3.org/2000/svg", "");
            assert!(
                !outside.contains("//cdn")
                    && !outside.contains("http:")
                    && !outside.contains("https:"),
                "{} names another host",
                asset.name
            );
        }
    }
}
