//! The page of a request that cannot be answered.

use askama::Template;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    status: u16,
    title: &'a str,
    reason: &'a str,
}

/// Says what is wrong, with a link back to the results.
pub(crate) fn error(status: u16, title: &str, reason: &str) -> Result<String, askama::Error> {
    ErrorPage {
        status,
        title,
        reason,
    }
    .render()
}
