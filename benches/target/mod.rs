//! A target of which everything is collected and nobody looks at submissions.

use std::sync::Arc;

use retriever::config::{Config, ConfiguredInstance, Instance, NoSurroundings};
use retriever::map::{Contexts, NativeSubmission, ServiceCheck, Submission, Submissions};
use retriever::road::Witness;

/// Its settings; `change` may change them first.
pub(crate) fn instance(change: impl FnOnce(&mut Instance)) -> Arc<Instance> {
    let config =
        Config::read("instances: [{openmetrics_endpoint: 'http://t', metrics: [.+]}]", "bench", &NoSurroundings);
    let Some(ConfiguredInstance::Valid(mut instance)) = config.instances.into_iter().next() else {
        panic!("the settings are valid")
    };
    change(&mut instance);
    Arc::from(instance)
}

/// Lets everything pass.
pub(crate) struct Unseen;

impl Witness for Unseen {
    fn sees_submissions(&self) -> bool {
        false
    }
}

impl Submissions for Unseen {
    fn submit(&mut self, _: Submission, _: &Contexts) {}
    fn native(&mut self, _: NativeSubmission, _: &Contexts) {}
    fn service_check(&mut self, _: ServiceCheck) {}
    fn health(&mut self, _: ServiceCheck) {}
    fn metadata(&mut self, _: &str, _: &str) {}
}
