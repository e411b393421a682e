//! Params written into a shader's text.
//!
//! A driver that knows the sizes of a layer folds what is computed from them, divides by
//! multiplying, and writes out loops whose loads then wait for memory together. For that each layer
//! needs a pipeline of its own, and nothing else changes: the uniform stays bound, and is not read.

use std::fmt::Write as _;

use crate::Shader;
use crate::params::{self, Field, ParamsLayout as _};

impl Shader {
    /// The text with these words in the place of the uniform `params`.
    pub(crate) fn with_fixed_params(self, text: &str, words: &[u32]) -> String {
        let mut words = words.iter().copied();
        let value = format!("const params = {};", constructor("Params", self.params(), &mut words));
        debug_assert!(words.next().is_none(), "{} has fewer params", self.name());
        text.replace(UNIFORM, &value)
    }
}

/// An expression of a structure.
fn constructor(name: &str, fields: &[Field], words: &mut impl Iterator<Item = u32>) -> String {
    let mut text = format!("{name}(");
    for (index, (_, ty)) in fields.iter().enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{separator}{}", value(ty, words));
    }
    text.push(')');
    text
}

/// An expression of a type, from the words that it has in a uniform.
fn value(ty: &str, words: &mut impl Iterator<Item = u32>) -> String {
    let mut word = || words.next().expect("a word for each field");
    match ty {
        "u32" => format!("{}u", word()),
        "i32" => format!("i32({})", word().cast_signed()),
        "f32" => format!("f32({:?})", f32::from_bits(word())),
        "vec4<u32>" => vector(ty, "u32", words),
        "vec4<f32>" => vector(ty, "f32", words),
        _ => constructor(ty, part(ty), words),
    }
}

fn vector(ty: &str, lane: &str, words: &mut impl Iterator<Item = u32>) -> String {
    let lanes: Vec<String> = (0..4).map(|_| value(lane, words)).collect();
    format!("{ty}({})", lanes.join(", "))
}

/// The fields of a structure that is part of params.
fn part(name: &str) -> &'static [Field] {
    match name {
        "Window" => params::Window::FIELDS,
        "Residual" => params::Residual::FIELDS,
        "Scaling" => params::Scaling::FIELDS,
        "Average" => params::Average::FIELDS,
        "Normalization" => params::Normalization::FIELDS,
        _ => panic!("{name} is no part of params"),
    }
}

/// How every shader declares its params.
const UNIFORM: &str = "@group(0) @binding(0) var<uniform> params: Params;";
