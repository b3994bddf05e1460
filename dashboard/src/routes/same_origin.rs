//! Refuses votes that another site sends in a voter's name.
//!
//! Three things prevent them. A browser says where a request comes from (`Sec-Fetch-Site`, `Origin`), and requests from
//! elsewhere are refused. The form carries a token that must match a cookie, which another site can neither read nor
//! make the browser send (`SameSite=Strict`). And the API takes only JSON, which a browser sends for another site only
//! after asking the server.

use std::sync::Arc;

use constant_time_eq::constant_time_eq;
use tide::{Request, http::headers};

use super::Site;
use crate::ballot_box::Refusal;

/// The cookie of the form's token.
const COOKIE: &str = "ballot-token";

const TOKEN_BYTES: usize = 16;

/// A random token for a form and its cookie.
pub(super) fn new_token() -> tide::Result<String> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(hex::encode(bytes))
}

/// The `set-cookie` header for a token, hidden from scripts and from requests of other sites.
pub(super) fn cookie(token: &str) -> String {
    format!("{COOKIE}={token}; Path=/ballot; HttpOnly; SameSite=Strict")
}

/// Refuses a form whose token is not the cookie's.
pub(super) fn demand_token(request: &Request<Arc<Site>>, token: &str) -> Result<(), Refusal> {
    let cookies = request.header(headers::COOKIE);
    let cookies = cookies.iter().flat_map(|values| values.iter());
    let mut pairs = cookies.flat_map(|line| line.as_str().split(';'));
    let ours = pairs.find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='));
    let is_same = ours.is_some_and(|ours| constant_time_eq(ours.as_bytes(), token.as_bytes()));
    if is_same && token.len() == 2 * TOKEN_BYTES {
        Ok(())
    } else {
        Err(Refusal::CrossSite)
    }
}

/// Refuses a request that a browser marks as another site's. Programs send no such headers.
pub(super) fn demand_same_origin(request: &Request<Arc<Site>>) -> Result<(), Refusal> {
    let header = |name: &str| request.header(name).map(|values| values.as_str());
    // `none`: started by the person, for example from a bookmark.
    let site = header("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    let origin = header("origin").is_none_or(|origin| {
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        authority.is_some() && authority == header("host")
    });
    if site && origin {
        Ok(())
    } else {
        Err(Refusal::CrossSite)
    }
}
