//! The dashboard.
mod model;
