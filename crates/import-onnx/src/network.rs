//! The file's nodes, and who reads what.

use std::collections::{HashMap, HashSet};

use crate::message;

/// The nodes of a file with an index of its values' readers.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) nodes: Vec<message::Node>,
    readers: HashMap<String, Vec<usize>>,
    outputs: HashSet<String>,
}

impl Network {
    /// Indexes the nodes of a graph.
    pub(crate) fn new(nodes: Vec<message::Node>, outputs: &[message::ValueInfo]) -> Self {
        let mut readers: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, node) in nodes.iter().enumerate() {
            for input in &node.input {
                readers.entry(input.clone()).or_default().push(index);
            }
        }
        let outputs = outputs.iter().map(|output| output.name.clone()).collect();
        Self { nodes, readers, outputs }
    }

    /// The nodes that read a value, once for each time they do.
    pub(crate) fn readers<'a>(&'a self, value: &str) -> impl Iterator<Item = &'a message::Node> {
        let indices = self.readers.get(value).map_or(&[][..], Vec::as_slice);
        indices.iter().map(|&index| &self.nodes[index])
    }

    /// The one node that reads a value, if there is one and the caller does not get the value.
    pub(crate) fn only_reader(&self, value: &str) -> Option<(usize, &message::Node)> {
        match self.readers.get(value)?.as_slice() {
            &[index] if !self.outputs.contains(value) => Some((index, &self.nodes[index])),
            _ => None,
        }
    }
}
