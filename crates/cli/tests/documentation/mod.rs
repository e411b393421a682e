//! The commands that documentation shows, as a shell would read them.

/// A command line that documentation shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Example {
    /// The page, or the command that `--help` is of.
    pub(crate) source: String,
    /// What is set in the environment for it.
    pub(crate) environment: Vec<(String, String)>,
    /// The words after `pocketvision`.
    pub(crate) words: Vec<String>,
}

/// The examples of a page of documentation: lines of its code blocks for shells or of plain text,
/// with `$ ` before them or not, that call the command.
pub(crate) fn of_page(source: &str, text: &str) -> Vec<Example> {
    let mut examples = Vec::new();
    // The language of the block that the line is in.
    let mut block: Option<&str> = None;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            block = if block.is_some() { None } else { Some(language) };
        } else if block.is_some_and(|language| ["", "sh", "text"].contains(&language)) {
            let mut line = line.trim().strip_prefix("$ ").unwrap_or(line.trim()).to_owned();
            while line.ends_with('\\') {
                line.pop();
                line.push_str(lines.next().unwrap_or_default().trim());
            }
            examples.extend(of_line(source, &line));
        }
    }
    examples
}

/// The examples at the end of a `--help`.
pub(crate) fn of_help(source: &str, text: &str) -> Vec<Example> {
    let lines = text.lines().skip_while(|line| line.trim() != "Examples:").skip(1);
    let lines = lines.take_while(|line| line.starts_with("  "));
    // Two spaces end a command: what follows says what it does.
    lines.filter_map(|line| of_line(source, line.trim().split("  ").next()?)).collect()
}

/// The example on a line, if it calls the command.
fn of_line(source: &str, line: &str) -> Option<Example> {
    let mut environment = Vec::new();
    let mut words = words(line).into_iter().peekable();
    while let Some((name, value)) = words.peek().and_then(|word| word.split_once('=')) {
        environment.push((name.to_owned(), value.to_owned()));
        words.next();
    }
    let is_command = match words.next()?.as_str() {
        "pocketvision" => true,
        // As somebody calls it who has not installed it.
        "cargo" => {
            let of_cargo: Vec<String> = words.by_ref().take_while(|word| word != "--").collect();
            of_cargo.iter().any(|word| word == "pocketvision-cli")
        }
        _ => false,
    };
    is_command.then(|| Example { source: source.into(), environment, words: words.collect() })
}

/// The words of a line, without comments and redirections.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote, mut started) = (String::new(), None, false);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.push(c),
            (None, '\'' | '"') => (quote, started) = (Some(c), true),
            (None, '#') if word.is_empty() => break,
            (None, '>' | '|' | ';') if word.is_empty() => break,
            (None, ' ') => {
                if started || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                started = false;
            }
            (None, c) => word.push(c),
        }
    }
    if started || !word.is_empty() {
        words.push(word);
    }
    words
}

/// Every page that shows commands, by its path in the repository, and its text.
pub(crate) fn pages() -> Vec<(String, String)> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let folder = std::fs::read_dir(format!("{root}/docs")).expect("docs is a folder");
    let mut paths: Vec<String> = folder
        .map(|entry| format!("docs/{}", entry.expect("an entry").file_name().to_string_lossy()))
        .filter(|path| path.ends_with(".md"))
        .collect();
    paths.push("README.md".into());
    paths.sort();
    let text = |path: &String| std::fs::read_to_string(format!("{root}/{path}")).expect("a page");
    paths.iter().map(|path| (path.clone(), text(path))).collect()
}
