//! A node's attributes by name.

use crate::error::{Problem, Result};
use crate::message::{Attribute, Node, Tensor, attribute_kind};

/// Typed access to the attributes of a node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attributes<'a>(&'a [Attribute]);

impl<'a> Attributes<'a> {
    /// The attributes of a node.
    pub(crate) fn of(node: &'a Node) -> Self {
        Self(&node.attribute)
    }

    /// An integer.
    pub(crate) fn int(self, name: &'static str) -> Result<Option<i64>> {
        let found = self.find(name, attribute_kind::INT, "an integer")?;
        Ok(found.map(|attribute| attribute.i.unwrap_or(0)))
    }

    /// A float.
    pub(crate) fn float(self, name: &'static str) -> Result<Option<f32>> {
        let found = self.find(name, attribute_kind::FLOAT, "a float")?;
        Ok(found.map(|attribute| attribute.f.unwrap_or(0.0)))
    }

    /// A list of integers.
    pub(crate) fn ints(self, name: &'static str) -> Result<Option<&'a [i64]>> {
        let found = self.find(name, attribute_kind::INTS, "a list of integers")?;
        Ok(found.map(|attribute| attribute.ints.as_slice()))
    }

    /// A list of floats.
    pub(crate) fn floats(self, name: &'static str) -> Result<Option<&'a [f32]>> {
        let found = self.find(name, attribute_kind::FLOATS, "a list of floats")?;
        Ok(found.map(|attribute| attribute.floats.as_slice()))
    }

    /// A text.
    pub(crate) fn string(self, name: &'static str) -> Result<Option<&'a str>> {
        let found = self.find(name, attribute_kind::STRING, "a string")?;
        let text = |attribute: &'a Attribute| {
            let bytes = attribute.s.as_deref().unwrap_or_default();
            std::str::from_utf8(bytes)
                .map_err(|_| Problem::attribute(name, "not UTF-8", "a string"))
        };
        found.map(text).transpose()
    }

    /// A tensor.
    pub(crate) fn tensor(self, name: &'static str) -> Result<Option<&'a Tensor>> {
        let found = self.find(name, attribute_kind::TENSOR, "a tensor")?;
        Ok(found.and_then(|attribute| attribute.t.as_deref()))
    }

    /// True or false, as the integers 1 and 0.
    pub(crate) fn flag(self, name: &'static str, default: bool) -> Result<bool> {
        match self.int(name)? {
            None => Ok(default),
            Some(0) => Ok(false),
            Some(1) => Ok(true),
            Some(other) => Err(Problem::attribute(name, other, "0 or 1")),
        }
    }

    fn find(
        self,
        name: &'static str,
        kind: i32,
        expected: &'static str,
    ) -> Result<Option<&'a Attribute>> {
        let found = self.0.iter().find(|attribute| attribute.name == name);
        match found {
            Some(attribute) if attribute.kind != Some(kind) => {
                Err(Problem::attribute(name, "of another type", expected))
            }
            _ => Ok(found),
        }
    }
}
