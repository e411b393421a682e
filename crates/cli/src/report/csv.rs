//! Comma-separated values, as spreadsheets and programs read them.

/// One line of a file.
pub(super) fn line(cells: impl IntoIterator<Item = String>) -> String {
    cells.into_iter().collect::<Vec<_>>().join(",") + "\n"
}

/// A text, in quotes where it needs them.
pub(super) fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// A number or a truth; nothing where it is not known.
pub(super) fn cell(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_in_their_cells() {
        let texts = ["plain", "a, b", "say \"x\"", "two\nlines", ""];
        assert_eq!(line(texts.map(quoted)), "plain,\"a, b\",\"say \"\"x\"\"\",\"two\nlines\",\n");
        assert_eq!(line([cell(Some(1.5)), cell(None::<u64>), cell(Some(true))]), "1.5,,true\n");
    }
}
