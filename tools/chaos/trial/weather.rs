//! How the intake behaves at the moment.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::random::Random;

/// A way to behave that lasts for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Mood {
    /// Takes everything.
    Fine,
    /// Nobody listens.
    Away,
    /// Reads requests and does not answer.
    Silent,
    /// Answers 500 or 503.
    Failing,
    /// Answers 429 and says when to come again.
    Busy,
    /// Answers 413 to all but small payloads.
    Narrow,
    /// Closes the connection in the middle of a request.
    Cutting,
    /// Takes everything, but closes the connection instead of saying so.
    Forgetful,
    /// Answers 403.
    Forbidding,
    /// Does any of that, from request to request.
    Moody,
}

impl Mood {
    /// Those of [`Mood::Moody`].
    pub(super) const SUDDEN: [Self; 6] =
        [Self::Fine, Self::Fine, Self::Failing, Self::Cutting, Self::Forgetful, Self::Narrow];
    const BAD: [Self; 8] = [
        Self::Away,
        Self::Silent,
        Self::Failing,
        Self::Busy,
        Self::Narrow,
        Self::Cutting,
        Self::Forgetful,
        Self::Moody,
    ];
}

/// Changes the mood until the task is stopped; bad and good moods follow each other. `longest`: how long one lasts at
/// most.
pub(super) async fn change(moods: watch::Sender<Mood>, mut random: Random, longest: Duration) {
    // After a 403 half a minute passes until the next attempt, so there are few of them.
    let forbids = longest >= Duration::from_secs(20);
    let longest = longest.as_millis() as u64;
    loop {
        let bad = if forbids && random.percent(4) { Mood::Forbidding } else { random.pick(&Mood::BAD) };
        moods.send_replace(bad);
        sleep(Duration::from_millis(random.within(longest / 20..=longest))).await;
        moods.send_replace(Mood::Fine);
        sleep(Duration::from_millis(random.within(longest / 10..=longest))).await;
    }
}
