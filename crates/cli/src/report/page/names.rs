//! What layers are called where there is little room.

use super::super::table::{first_name, short_name};

/// Leaves out of names what all of them begin with, as `MobilenetEdgeTPU/`.
pub(super) struct Names<'a> {
    folder: &'a str,
}

impl<'a> Names<'a> {
    /// For names of layers.
    pub(super) fn new(names: impl Iterator<Item = &'a str>) -> Self {
        let folder = names.map(folder).reduce(common);
        Self { folder: folder.unwrap_or_default() }
    }

    /// A name that tells a layer from others: the end of a long path, from a slash on.
    pub(super) fn short(&self, name: &str) -> String {
        let first = first_name(name);
        let mut rest = first.strip_prefix(self.folder).unwrap_or(first);
        while rest.chars().count() > LONG
            && let Some((_, end)) = rest.split_once('/')
        {
            rest = end;
        }
        short_name(rest)
    }
}

/// A name up to its last slash, of the first name where several are joined.
fn folder(name: &str) -> &str {
    let first = first_name(name);
    first.rfind('/').map_or("", |slash| &first[..=slash])
}

fn common<'a>(a: &'a str, b: &'a str) -> &'a str {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    a.get(..same).map_or("", folder)
}

/// Characters from which a path is cut.
const LONG: usize = 36;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_names_begin_with_is_left_out() {
        let names = ["Net/conv_1/Relu;Net/other", "Net/conv_12/add", "Net/pool"];
        let short = Names::new(names.into_iter());
        assert_eq!(names.map(|name| short.short(name)), ["conv_1/Relu", "conv_12/add", "pool"]);
        assert_eq!(short.short("input"), "input");
        let none = Names::new(["a/b", "c/d", "é/f"].into_iter());
        assert_eq!(none.short("a/b"), "a/b");
        let deep = "FeatureExtractor/MobilenetV2/expanded_conv_2/depthwise/Relu6";
        assert_eq!(none.short(deep), "expanded_conv_2/depthwise/Relu6");
        assert_eq!(Names::new(std::iter::empty()).short("a/b"), "a/b");
    }
}
