//! The sub-commands, one file each: build the stages, connect them, print.

pub mod parse;
