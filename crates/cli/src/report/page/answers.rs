//! The picture, and what backends say of it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::comparison::{Answer, Comparison};
use super::super::table::percent;
use super::{PagePicture, in_order, listed, share};

/// A picture with its caption.
pub(super) struct FigureView {
    /// The picture itself, as an address.
    pub(super) data: String,
    pub(super) width: usize,
    pub(super) height: usize,
    /// What is to be seen, for those who do not see it.
    pub(super) alternative: String,
    pub(super) caption: String,
}

/// What backends say.
pub(super) struct Answers {
    pub(super) title: &'static str,
    pub(super) what: &'static str,
    pub(super) measure: &'static str,
    /// Where there is nothing to say.
    pub(super) nothing: &'static str,
    pub(super) groups: Vec<Group>,
}

/// Backends that say the same.
pub(super) struct Group {
    pub(super) caption: String,
    pub(super) lines: Vec<Line>,
    /// Lines that are left out.
    pub(super) others: usize,
}

#[derive(PartialEq)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) percent: String,
}

impl FigureView {
    pub(super) fn new(comparison: &Comparison, picture: &PagePicture) -> Self {
        let drawn = matches!(comparison.task, Some("detect" | "segment"));
        let backends = listed(picture.backends.iter().map(String::as_str));
        let answer = in_order(comparison)
            .find(|row| picture.backends.contains(&row.backend))
            .and_then(|row| row.measured.as_ref());
        let lines = answer.map_or_else(Vec::new, |found| lines(&found.answer));
        let found: Vec<String> = lines
            .iter()
            .take(MOST_LINES)
            .map(|line| format!("{} {}", line.name, line.value))
            .collect();
        let found = match found[..] {
            [] => "nothing was found".to_owned(),
            _ => found.join(", "),
        };
        Self {
            data: format!("data:image/jpeg;base64,{}", STANDARD.encode(&picture.jpeg)),
            width: picture.width,
            height: picture.height,
            alternative: match drawn {
                true => format!("{} with what was found drawn in it: {found}", comparison.image),
                false => format!("{}, which the network takes for: {found}", comparison.image),
            },
            caption: match drawn {
                true => format!("{}, as seen by {backends}", comparison.image),
                false => comparison.image.clone(),
            },
        }
    }
}

impl Answers {
    pub(super) fn new(comparison: &Comparison) -> Self {
        let mut groups: Vec<(Vec<&str>, Vec<Line>)> = Vec::new();
        for row in in_order(comparison) {
            let Some(found) = &row.measured else { continue };
            let lines = lines(&found.answer);
            match groups.iter_mut().find(|(_, known)| *known == lines) {
                Some((backends, _)) => backends.push(&row.backend),
                None => groups.push((vec![&row.backend], lines)),
            }
        }
        let (title, what, measure, nothing) = match comparison.task {
            Some("detect") => ("What is where", "Object", "Score", "Nothing scores 0.5 or more."),
            Some("segment") => {
                ("What belongs to what", "Class", "Share of the picture", "Nothing.")
            }
            _ => ("What it is taken for", "Class", "Score", "The outputs are no scores."),
        };
        let group = |(backends, mut lines): (Vec<&str>, Vec<Line>)| {
            let others = lines.len().saturating_sub(MOST_LINES);
            lines.truncate(MOST_LINES);
            let say = if backends.len() > 1 { "say" } else { "says" };
            Group { caption: format!("{} {say}", listed(backends)), lines, others }
        };
        Self { title, what, measure, nothing, groups: groups.into_iter().map(group).collect() }
    }
}

fn lines(answer: &Answer) -> Vec<Line> {
    let line =
        |name: String, value: String, part: f64| Line { name, value, percent: share(part, 1.0) };
    match answer {
        Answer::Top { top } => top
            .iter()
            .map(|class| line(class.name(), format!("{:.3}", class.score), class.score.into()))
            .collect(),
        Answer::Objects { objects } => objects
            .iter()
            .map(|object| line(object.name(), format!("{:.3}", object.score), object.score.into()))
            .collect(),
        Answer::Shares { classes } => classes
            .iter()
            .map(|class| line(class.name(), percent(class.share), class.share))
            .collect(),
    }
}

/// As many as fit beside a picture.
const MOST_LINES: usize = 8;
