//! Options at the top of the file that environment variables override. What is wrong with one is reported where it was
//! written: at its place in the file, or as the variable.

use super::expand::Surroundings;
use super::node::Value;
use super::section::{Section, is_affirmative};

/// The options at the top of the file, and the environment variables that override them.
pub(super) struct Overridden<'s, 'a> {
    pub(super) section: &'s Section<'a>,
    pub(super) surroundings: &'a dyn Surroundings,
}

impl Overridden<'_, '_> {
    /// The first of the variables that is set and not empty, else the option.
    pub(super) fn text(&self, option: &'static str, variables: &[&str]) -> Option<String> {
        let configured = self.section.scalar_text(option);
        self.variable(variables).or(configured).filter(|text| !text.is_empty())
    }

    /// The first of the variables that is set and not empty.
    pub(super) fn variable(&self, variables: &[&str]) -> Option<String> {
        variables.iter().find_map(|name| self.surroundings.variable(name).filter(|value| !value.trim().is_empty()))
    }

    pub(super) fn affirmative(&self, option: &'static str, variable: &str, default: bool) -> bool {
        let configured = self.section.affirmative(option, default);
        self.variable(&[variable]).map_or(configured, |text| is_affirmative(&text))
    }

    /// A number of the option or of the variable, which is reported like one of the file.
    pub(super) fn number(&self, option: &'static str, variable: &str) -> Option<f64> {
        let configured = self.section.number(option);
        let Some(text) = self.variable(&[variable]) else { return configured };
        match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() && number >= 0.0 => Some(number),
            _ => {
                self.variable_error(variable, "is not a number that is not negative");
                configured
            }
        }
    }

    /// Tags of the option, or of the first of the variables that is set, where blanks or commas separate them.
    pub(super) fn tags(&self, option: &'static str, variables: &[&str]) -> Vec<String> {
        let configured = self.section.text_list(option);
        self.variable(variables).map_or(configured, |text| words(&text))
    }

    /// Words of a list, or of a text like that of the variable, where blanks or commas separate them.
    pub(super) fn words(&self, option: &'static str, variables: &[&str]) -> Vec<String> {
        let is_list = matches!(self.section.node(option).map(|node| &node.value), Some(Value::List(_)));
        let configured = if is_list {
            self.section.text_list(option)
        } else {
            self.section.scalar_text(option).map_or_else(Vec::new, |text| words(&text))
        };
        self.variable(variables).map_or(configured, |text| words(&text))
    }

    pub(super) fn variable_error(&self, name: &str, message: &str) {
        self.section.reading().problems.borrow_mut().variable(name, message);
    }

    pub(super) fn variable_warning(&self, name: &str, message: &str) {
        self.section.reading().problems.borrow_mut().variable_warning(name, message);
    }

    /// An error of an option that may have come from any of the variables.
    pub(super) fn error(&self, option: &'static str, variables: &[&str], message: &str) {
        if let Some(name) = variables.iter().find(|name| self.variable(&[name]).is_some()) {
            self.variable_error(name, message);
        } else {
            let at = self.section.node(option).map_or(self.section.at(), |node| node.at);
            self.section.error(at, format!("`{option}` {message}"));
        }
    }
}

fn words(text: &str) -> Vec<String> {
    text.split([' ', ',']).filter(|word| !word.is_empty()).map(ToOwned::to_owned).collect()
}
