//! Chip files: what is wrong with one is named, and every figure of ours has a source.

use pocketvision_backend_edgetpu_sim::{Chip, ChipError};
use proptest::prelude::*;

const CORAL: &str = include_str!("../chips/coral-usb.toml");

/// Coral with one line replaced.
fn edited(from: &str, to: &str) -> String {
    assert_eq!(CORAL.matches(from).count(), 1, "{from} is in the file once");
    CORAL.replace(from, to)
}

/// Coral without its sources.
fn figures() -> &'static str {
    &CORAL[..CORAL.find("\n[[source]]").unwrap()]
}

fn error(text: &str) -> String {
    Chip::from_toml(text).expect_err("the file is wrong").to_string()
}

#[test]
fn every_figure_of_every_preset_has_a_source() {
    for name in Chip::presets() {
        let chip = Chip::preset(name).unwrap();
        assert_eq!(chip.name, name);
        for figure in chip.figures() {
            assert!(
                chip.provenance(figure.name).is_some(),
                "{name}: {} has no source",
                figure.name
            );
        }
        for (field, provenance) in chip.provenances() {
            assert!(provenance.text.len() > 20, "{name}: {field} has no source worth the name");
        }
    }
}

#[test]
fn a_missing_field_is_named() {
    let text = edited("tile_rows = 4\n", "");
    assert_eq!(error(&text), "chip description: array.tile_rows is missing");
    assert_eq!(error("name = 'x'\ndescription = ''"), "chip description: array is missing");
    assert_eq!(error(""), "chip description: name is missing");
}

#[test]
fn an_unknown_field_is_named_with_the_nearest() {
    let text = edited("tile_rows = 4\n", "tile_rows = 4\ntile_row = 4\n");
    let expected = "chip description: array.tile_row is not a field of a chip; \
                    did you mean array.tile_rows?";
    assert_eq!(error(&text), expected);
    let text = edited("name = \"coral-usb\"\n", "name = \"coral-usb\"\ncolour = \"red\"\n");
    assert!(error(&text).contains("colour is not a field of a chip"), "{}", error(&text));
}

#[test]
fn a_source_for_a_field_that_does_not_exist_is_refused() {
    let text = edited("fields = [\"array.clock_mhz\"]", "fields = [\"array.clock_ghz\"]");
    assert!(error(&text).contains("array.clock_ghz is not a field of a chip"), "{}", error(&text));
    let text = edited("text = \"0.375 to", "page = 3\ntext = \"0.375 to");
    assert!(error(&text).contains("source.page is not a field"), "{}", error(&text));
}

#[test]
fn numbers_that_no_chip_has_are_refused() {
    let cases = [
        ("tile_rows = 4", "tile_rows = 0", "array.tile_rows = 0 is out of range: 1 to 1024"),
        ("tile_rows = 4", "tile_rows = -4", "array.tile_rows = -4 is out of range"),
        ("tile_rows = 4", "tile_rows = 9000000000", "array.tile_rows = 9000000000 is out of"),
        ("tile_rows = 4", "tile_rows = 4.5", "array.tile_rows must be a whole number"),
        ("tile_rows = 4", "tile_rows = 'four'", "array.tile_rows must be a whole number"),
        ("lane_group = 16", "lane_group = 15", "it must divide lanes_per_tile = 64"),
        ("clock_mhz = 500.0", "clock_mhz = 0", "array.clock_mhz = 0 is out of range"),
        ("clock_mhz = 500.0", "clock_mhz = nan", "array.clock_mhz = NaN is out of range"),
        ("clock_mhz = 500.0", "clock_mhz = inf", "array.clock_mhz = inf is out of range"),
        ("idle_w = 0.4", "idle_w = -0.4", "energy.idle_w = -0.4 is out of range"),
        ("idle_w = 0.4", "idle_w = 1e300", "energy.idle_w = 1"),
        ("fixed_call_ms = 0.28", "fixed_call_ms = 'x'", "link.fixed_call_ms must be a number"),
        ("mac_pj = 0.15", "mac_pj = -0.15", "energy.mac_pj = -0.15 is out of range: 0 to"),
        ("sends_program = true", "sends_program = 1", "link.sends_program must be true or false"),
        (
            "dataflow = \"tiled\"",
            "dataflow = \"tilde\"",
            "array.dataflow = tilde is out of range: tiled, output",
        ),
        ("496_640", "600_000", "at most wide_bytes_per_tile = 524288"),
        (
            "certainty = \"fitted\"\ntext = \"least",
            "certainty = \"sure\"\ntext = \"least",
            "source.certainty = sure",
        ),
    ];
    for (from, to, expected) in cases {
        let message = error(&edited(from, to));
        assert!(message.starts_with("chip description: "), "{message}");
        assert!(message.contains(expected), "{to}: {message}");
    }
}

#[test]
fn text_that_is_not_toml_is_refused_with_its_line() {
    let text = edited("[memory]", "[memory");
    let line = 1 + CORAL[..CORAL.find("[memory]").unwrap()].matches('\n').count();
    match Chip::from_toml(&text).unwrap_err() {
        ChipError::Syntax { line: actual, .. } => assert_eq!(actual, line),
        other => panic!("{other}"),
    }
}

#[test]
fn a_user_needs_no_sources() {
    let chip = Chip::from_toml(figures()).unwrap();
    assert_eq!(chip.array, Chip::preset("coral-usb").unwrap().array);
    assert!(chip.provenance("array.tile_rows").is_none());
}

#[test]
fn figures_are_listed_under_their_own_names() {
    let table: toml::Table = figures().parse().unwrap();
    let listed: Vec<_> = Chip::preset("coral-usb").unwrap().figures().collect();
    let mut in_file = 0;
    for (section, fields) in table.iter().filter_map(|(key, v)| Some((key, v.as_table()?))) {
        for (key, value) in fields {
            in_file += 1;
            let name = format!("{section}.{key}");
            let figure = listed.iter().find(|figure| figure.name == name);
            if value.is_str() {
                in_file -= 1;
                continue;
            }
            let number = value.as_float().or(value.as_integer().map(|v| v as f64));
            let value = number.or(value.as_bool().map(|v| f64::from(u8::from(v)))).unwrap();
            assert_eq!(figure.expect(&name).value, value, "{name}");
        }
    }
    assert_eq!(listed.len(), in_file);
}

#[test]
fn a_file_may_state_only_what_is_different() {
    let text = "extends = 'coral-usb'\nname = 'slow'\ndescription = ''\n[array]\nclock_mhz = 63";
    let chip = Chip::from_toml(text).unwrap();
    let coral = Chip::preset("coral-usb").unwrap();
    assert_eq!((chip.array.clock_mhz, chip.name.as_str()), (63.0, "slow"));
    assert_eq!(chip.memory, coral.memory);
    assert!(chip.provenance("array.tile_rows").is_some());
    assert!(chip.provenance("array.clock_mhz").is_none(), "that source is for another value");
    let unknown = error("extends = 'coral-sub'");
    assert_eq!(unknown, "unknown chip 'coral-sub'; did you mean 'coral-usb'?");
    assert!(error("extends = 3").contains("extends must be the name of a preset"));
    assert!(error("extends = 'coral-usb'\n[array]\nclock = 1").contains("array.clock is not a"));
}

#[test]
fn figures_can_be_set_by_name() {
    let mut chip = Chip::preset("coral-usb").unwrap();
    let figures: Vec<_> = chip.figures().collect();
    for figure in &figures {
        chip.set(figure.name, figure.value).unwrap();
    }
    assert_eq!(chip, Chip::preset("coral-usb").unwrap());
    chip.set("energy.mac_pj", 0.3).unwrap();
    assert_eq!(chip.energy.mac_pj, 0.3);
    let message = chip.set("array.tile_row", 2.0).unwrap_err().to_string();
    assert!(message.contains("did you mean array.tile_rows?"), "{message}");
    assert!(chip.set("array.tile_rows", 0.0).is_err());
    let message = chip.set("array.tile_rows", 2.5).unwrap_err().to_string();
    assert!(message.contains("= 2.5 is out of range: whole numbers from 1 to 1024"), "{message}");
    assert_eq!(chip.array.tile_rows, Chip::preset("coral-usb").unwrap().array.tile_rows);
}

#[test]
fn a_chip_that_a_program_has_spoiled_is_refused() {
    let mut chip = Chip::preset("coral-usb").unwrap();
    chip.array.tile_rows = 0;
    let message = chip.check().unwrap_err().to_string();
    assert_eq!(message, "coral-usb: array.tile_rows = 0 is out of range: 1 to 1024");
}

#[test]
fn files_are_opened_and_named() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join("my-chip.toml");
    std::fs::write(&file, edited("idle_w = 0.4", "idle_w = -1")).unwrap();
    let message = Chip::open(&file).unwrap_err().to_string();
    assert!(message.contains("my-chip.toml: energy.idle_w = -1 is out of range"), "{message}");
    std::fs::write(&file, CORAL).unwrap();
    assert_eq!(Chip::open(&file).unwrap(), Chip::preset("coral-usb").unwrap());
    assert!(matches!(Chip::open(folder), Err(ChipError::Read { .. })));
}

proptest! {
    #[test]
    fn any_text_gives_a_chip_or_an_error(at in 0..CORAL.len(), length in 0usize..40, junk in ".{0,12}") {
        let end = (at + length).min(CORAL.len());
        if CORAL.is_char_boundary(at) && CORAL.is_char_boundary(end) {
            let text = format!("{}{junk}{}", &CORAL[..at], &CORAL[end..]);
            let _ = Chip::from_toml(&text);
        }
    }
}
