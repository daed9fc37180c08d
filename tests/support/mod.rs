//! What several integration tests share.

#![allow(dead_code, reason = "each test uses its part of it")]

pub mod deliveries;
pub mod intake;
pub mod proto;
