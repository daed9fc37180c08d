//! The family whose samples come: what was decided when it was announced, and what was found out about its samples since.

use std::cell::OnceCell;

use crate::unit::Unit;

use super::dropped::DropReason;
use super::selection::{FamilyId, Selected};
use super::sharing::Watch;

/// The family whose samples come.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub(super) struct OpenFamily {
    pub(super) id: FamilyId,
    pub(super) selected: Selected,
    /// What becomes of those of its samples that are metrics of their own for the original.
    pub(super) apart: Apart,
    /// What its values are measured in; looked up when the first series is new.
    pub(super) unit: OnceCell<Option<Unit>>,
    /// What it lends, if it is a source of shared labels.
    pub(super) watch: Vec<Watch>,
    /// Whether it says when the process started.
    pub(super) is_process_start: bool,
    /// Whether its samples may say when series of other families began.
    pub(super) tells_starts: bool,
    /// Whether its emissions are kept until it ends.
    pub(super) waits: bool,
    /// Its number, if its samples say nothing but their values, so that those of known series need not be read.
    pub(super) replayed: Option<FamilyId>,
    /// Samples as parsed.
    pub(super) samples: u64,
    /// How many of them `exclude_metrics` means.
    pub(super) excluded: u64,
}

impl Default for OpenFamily {
    fn default() -> Self {
        Self {
            id: FamilyId::NONE,
            selected: Err(DropReason::NotSelected),
            apart: Apart::default(),
            unit: OnceCell::new(),
            watch: Vec::new(),
            is_process_start: false,
            tells_starts: false,
            waits: false,
            replayed: None,
            samples: 0,
            excluded: 0,
        }
    }
}

/// Samples of the open family, by the end of their name, that the settings mean apart from it.
#[derive(Debug, Default)]
pub(super) struct Apart {
    pub(super) total: Aside,
    pub(super) created: Aside,
}

/// What the settings say of such a sample; looked up when the first one comes.
#[derive(Clone, Debug, Default)]
pub(super) enum Aside {
    #[default]
    NotLookedUp,
    /// Nothing: it goes with its family.
    WithFamily,
    /// Something of its own.
    Own(Selected),
}
