//! What is remembered of a target and for how long, seen from outside: real bodies in, points and the size of the memory
//! out.
#![allow(clippy::float_cmp, reason = "all values are multiples of a quarter")]
#![allow(clippy::unwrap_used, reason = "a test whose helper cannot do its work has failed")]

mod forgetting;
mod numbers;
mod sharing;
mod starts;
mod sums;
mod target;

use retriever::map::RETAIN_SCRAPES;

/// How many more successful scrapes than promised a series may be remembered; what only it needed, for one more.
const SWEEP: u32 = 16 + 1;
/// After so many successful scrapes without it a series is certainly forgotten.
const LONG: u32 = RETAIN_SCRAPES + SWEEP;
