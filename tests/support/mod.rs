//! What several integration tests share.

#![allow(dead_code, reason = "each test uses its part of it")]

pub(crate) mod api;
pub(crate) mod counting;
pub(crate) mod daemon;
pub(crate) mod deliveries;
pub(crate) mod dogstatsd;
pub(crate) mod intake;
pub(crate) mod program;
pub(crate) mod proto;
