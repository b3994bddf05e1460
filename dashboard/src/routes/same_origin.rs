//! Whether a vote is sent from our own page, or by another site in a voter's name.
//!
//! Three things stand in a foreign site's way. A browser says where a request comes from (`Sec-Fetch-Site`,
//! `Origin`), and what does not come from here is refused. The form carries a token that must equal a
//! cookie's, which another site can neither read nor have sent (`SameSite=Strict`). And the API takes JSON
//! only, which no form of another site can send without being asked about it first.

use std::sync::Arc;

use constant_time_eq::constant_time_eq;
use tide::{Request, http::headers};

use super::Site;
use crate::ballot_box::Refusal;

/// The cookie of the form's token.
const COOKIE: &str = "ballot-token";

const TOKEN_BYTES: usize = 16;

/// A token that nobody guesses, for a form and its cookie.
pub(super) fn new_token() -> tide::Result<String> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(hex::encode(bytes))
}

/// The `set-cookie` header for a token: not for scripts, not for requests from other sites.
pub(super) fn cookie(token: &str) -> String {
    format!("{COOKIE}={token}; Path=/ballot; HttpOnly; SameSite=Strict")
}

/// Demands that the form's token is the cookie's.
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

/// Demands that a browser does not say that the request comes from elsewhere. Programs say nothing.
pub(super) fn demand_same_origin(request: &Request<Arc<Site>>) -> Result<(), Refusal> {
    let header = |name: &str| request.header(name).map(|values| values.as_str());
    // `none` is a person's own doing: a bookmark, an extension.
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
