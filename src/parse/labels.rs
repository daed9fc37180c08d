//! A place for the labels of one line that is used again for the next line, so that no line allocates.

use super::model::Label;

/// Keeps an empty vector between lines. The labels of a line borrow from it, so the vector changes its lifetime with
/// every line; collecting an emptied vector into one of the same layout keeps its memory.
#[derive(Debug, Default)]
pub(super) struct LabelBuffer {
    spare: Vec<Label<'static>>,
}

impl LabelBuffer {
    /// An empty vector; [`LabelBuffer::give_back`] keeps its memory.
    pub(super) fn take<'a>(&mut self) -> Vec<Label<'a>> {
        std::mem::take(&mut self.spare)
    }

    /// Takes the memory of a vector from [`LabelBuffer::take`] back.
    pub(super) fn give_back(&mut self, mut used: Vec<Label<'_>>) {
        used.clear();
        self.spare = used.into_iter().map_while(|_| None).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::model::Quoted;

    #[test]
    fn the_memory_is_used_again() {
        let mut buffer = LabelBuffer::default();
        let text = String::from("text");
        let mut labels = buffer.take();
        let part = Quoted::new(&text, false);
        labels.extend([Label { name: part, value: part }; 10]);
        let memory = labels.as_ptr() as usize;
        buffer.give_back(labels);
        let labels = buffer.take();
        assert!(labels.is_empty());
        assert_eq!((labels.as_ptr() as usize, labels.capacity() >= 10), (memory, true));
    }
}
