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

/// What a layer is, rather than its sizes: worth a pipeline for each even where those are dear.
const KINDS: [&str; 3] = ["activation", "has_residual", "is_added"];

impl Shader {
    /// The words of a layer, all but those that say what it is set to 0.
    pub fn kind_of(self, params: &[u32]) -> Vec<u32> {
        let mut words = vec![0; params.len()];
        for (_, at) in kinds("params", self.params(), &mut 0) {
            words[at] = params[at];
        }
        words
    }

    /// The text with what these words say of a layer's kind.
    pub(crate) fn with_fixed_kind(self, text: &str, words: &[u32]) -> String {
        let mut text = text.to_owned();
        for (path, at) in kinds("params", self.params(), &mut 0) {
            text = text.replace(&path, &format!("{}u", words[at]));
        }
        text
    }
}

/// Each of [`KINDS`] as a shader names it, and where its word is.
fn kinds(path: &str, fields: &[Field], at: &mut usize) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (name, ty) in fields {
        let path = format!("{path}.{name}");
        match *ty {
            "u32" | "i32" | "f32" => {
                if KINDS.contains(name) {
                    found.push((path, *at));
                }
                *at += 1;
            }
            "vec4<u32>" | "vec4<f32>" => *at += 4,
            _ => found.extend(kinds(&path, part(ty), at)),
        }
    }
    found
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Variant;
    use crate::params::{DepthwiseConv2dF32, Window};

    #[test]
    fn kinds_leave_sizes_to_the_uniform() {
        let layer = |input_height: u32, activation: u32| {
            let window = Window { input_height, ..Window::default() };
            DepthwiseConv2dF32 { window, depthwise_at: 0, activation }.words()
        };
        let shader = Shader::DepthwiseConv2dF32;
        let kind = shader.kind_of(&layer(56, 3));
        assert_eq!(kind, shader.kind_of(&layer(28, 3)));
        assert_ne!(kind, shader.kind_of(&layer(56, 1)));
        let text = shader.source_of_kind(&Variant::default(), &kind);
        assert!(text.contains("activate(3u"));
        assert!(text.contains("params.window.input_height"));
    }

    #[test]
    fn every_shader_is_valid_for_a_kind() {
        for shader in Shader::ALL {
            let text = shader.source_of_kind(&Variant::default(), &shader.kind_of(&[0; 64]));
            let parsed = naga::front::wgsl::parse_str(&text);
            assert!(parsed.is_ok(), "{}: {parsed:?}", shader.name());
        }
    }
}
