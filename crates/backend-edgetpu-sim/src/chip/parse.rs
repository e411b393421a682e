//! From TOML text to a chip, naming whatever is wrong with it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use toml::{Table, Value};

use super::error::nearest;
use super::{
    Array, Certainty, Chip, ChipError, CycleCosts, EnergyCosts, Host, Link, Memory, Provenance,
};

/// Reads a chip; `file` is what errors call the text.
pub(super) fn parse(file: &str, text: &str) -> Result<Chip, ChipError> {
    let table: Table = text.parse().map_err(|error| syntax_error(file, text, &error))?;
    let mut root = Section { file, name: "", table, fields: Vec::new() };
    let name = root.text("name")?;
    let description = root.text("description")?;
    let mut fields = Vec::new();

    let mut section = root.section("array")?;
    let array = Array {
        tile_rows: section.whole("tile_rows", 1..=MAX_TILES_A_SIDE)? as usize,
        tile_columns: section.whole("tile_columns", 1..=MAX_TILES_A_SIDE)? as usize,
        lanes_per_tile: section.whole("lanes_per_tile", 1..=MAX_LANES)? as usize,
        dot_depth: section.whole("dot_depth", 1..=MAX_DOT_DEPTH)? as usize,
        lane_group: section.whole("lane_group", 1..=MAX_LANES)? as usize,
        clock_mhz: section.real("clock_mhz", 0.001..=1e6)?,
    };
    if !array.lanes_per_tile.is_multiple_of(array.lane_group) {
        let allowed = format!("it must divide lanes_per_tile = {}", array.lanes_per_tile);
        return Err(section.out_of_range("lane_group", &array.lane_group, allowed));
    }
    section.finish(&mut fields)?;

    let mut section = root.section("memory")?;
    let memory = Memory {
        narrow_bytes_per_tile: section.whole("narrow_bytes_per_tile", 1..=MAX_BYTES)?,
        wide_bytes_per_tile: section.whole("wide_bytes_per_tile", 1..=MAX_BYTES)?,
        parameter_bytes_per_tile: section.whole("parameter_bytes_per_tile", 0..=MAX_BYTES)?,
    };
    if memory.parameter_bytes_per_tile > memory.wide_bytes_per_tile {
        let allowed = format!("at most wide_bytes_per_tile = {}", memory.wide_bytes_per_tile);
        let value = &memory.parameter_bytes_per_tile;
        return Err(section.out_of_range("parameter_bytes_per_tile", value, allowed));
    }
    section.finish(&mut fields)?;

    let mut section = root.section("link")?;
    let link = Link {
        host_to_device_bytes_per_second: section
            .real("host_to_device_bytes_per_second", RATE_PER_SECOND)?,
        device_to_host_bytes_per_second: section
            .real("device_to_host_bytes_per_second", RATE_PER_SECOND)?,
        fixed_call_ms: section.real("fixed_call_ms", 0.0..=1e6)?,
        instruction_bytes_per_operator: section
            .whole("instruction_bytes_per_operator", 0..=1 << 30)?,
    };
    section.finish(&mut fields)?;

    let mut section = root.section("cycles")?;
    let cycles = CycleCosts {
        per_multiply_step: section.real("per_multiply_step", COST)?,
        per_depthwise_step: section.real("per_depthwise_step", COST)?,
        per_output_word: section.real("per_output_word", COST)?,
        per_vector_word: section.real("per_vector_word", COST)?,
        stall_fraction: section.real("stall_fraction", COST)?,
    };
    section.finish(&mut fields)?;

    let mut section = root.section("energy")?;
    let energy = EnergyCosts {
        mac_pj: section.real("mac_pj", COST)?,
        narrow_read_pj_per_byte: section.real("narrow_read_pj_per_byte", COST)?,
        narrow_write_pj_per_byte: section.real("narrow_write_pj_per_byte", COST)?,
        wide_read_pj_per_byte: section.real("wide_read_pj_per_byte", COST)?,
        ring_pj_per_byte: section.real("ring_pj_per_byte", COST)?,
        link_pj_per_byte: section.real("link_pj_per_byte", COST)?,
        idle_w: section.real("idle_w", COST)?,
    };
    section.finish(&mut fields)?;

    let mut section = root.section("host")?;
    let host = Host {
        macs_per_second: section.real("macs_per_second", RATE_PER_SECOND)?,
        bytes_per_second: section.real("bytes_per_second", RATE_PER_SECOND)?,
        mac_pj: section.real("mac_pj", COST)?,
    };
    section.finish(&mut fields)?;

    let provenance = sources(&mut root, &fields)?;
    root.finish(&mut fields)?;
    Ok(Chip { name, description, array, memory, link, cycles, energy, host, provenance })
}

/// One table of the file. Fields are taken out as they are read; what is left is unknown.
struct Section<'a> {
    file: &'a str,
    name: &'static str,
    table: Table,
    fields: Vec<String>,
}

impl<'a> Section<'a> {
    fn section(&mut self, name: &'static str) -> Result<Section<'a>, ChipError> {
        match self.take(name)? {
            Value::Table(table) => Ok(Section { file: self.file, name, table, fields: Vec::new() }),
            _ => Err(self.wrong_type(name, "a table")),
        }
    }

    fn text(&mut self, key: &str) -> Result<String, ChipError> {
        match self.take(key)? {
            Value::String(text) => Ok(text),
            _ => Err(self.wrong_type(key, "a string")),
        }
    }

    fn whole(&mut self, key: &str, range: RangeInclusive<u64>) -> Result<u64, ChipError> {
        let Value::Integer(value) = self.take(key)? else {
            return Err(self.wrong_type(key, "a whole number"));
        };
        match u64::try_from(value) {
            Ok(whole) if range.contains(&whole) => Ok(whole),
            _ => {
                let allowed = format!("{} to {}", range.start(), range.end());
                Err(self.out_of_range(key, &value, allowed))
            }
        }
    }

    fn real(&mut self, key: &str, range: RangeInclusive<f64>) -> Result<f64, ChipError> {
        let value = match self.take(key)? {
            Value::Float(value) => value,
            Value::Integer(value) => value as f64,
            _ => return Err(self.wrong_type(key, "a number")),
        };
        if range.contains(&value) {
            return Ok(value);
        }
        let allowed = format!("{} to {:e}", range.start(), range.end());
        Err(self.out_of_range(key, &value, allowed))
    }

    /// Refuses what nobody asked for, and hands over the names of what was read.
    fn finish(self, fields: &mut Vec<String>) -> Result<(), ChipError> {
        if let Some(key) = self.table.keys().next() {
            return Err(unknown_field(self.file, self.qualified(key), &self.fields));
        }
        fields.extend(self.fields);
        Ok(())
    }

    fn take(&mut self, key: &str) -> Result<Value, ChipError> {
        let field = self.qualified(key);
        self.fields.push(field.clone());
        let missing = || ChipError::Missing { file: self.file.to_owned(), field };
        self.table.remove(key).ok_or_else(missing)
    }

    fn qualified(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    fn wrong_type(&self, key: &str, expected: &'static str) -> ChipError {
        ChipError::Type { file: self.file.to_owned(), field: self.qualified(key), expected }
    }

    fn out_of_range(&self, key: &str, value: &dyn ToString, allowed: String) -> ChipError {
        let (field, value) = (self.qualified(key), value.to_string());
        ChipError::Range { file: self.file.to_owned(), field, value, allowed }
    }
}

/// The `[[source]]` tables, which a user's own file may leave out.
fn sources(
    root: &mut Section<'_>,
    fields: &[String],
) -> Result<BTreeMap<String, Provenance>, ChipError> {
    let file = root.file;
    let mut provenance = BTreeMap::new();
    let entries = match root.table.remove("source") {
        None => return Ok(provenance),
        Some(Value::Array(entries)) => entries,
        Some(_) => return Err(root.wrong_type("source", "a list of tables: [[source]]")),
    };
    for entry in entries {
        let Value::Table(table) = entry else {
            return Err(root.wrong_type("source", "a list of tables: [[source]]"));
        };
        let mut section = Section { file, name: "source", table, fields: Vec::new() };
        let Value::Array(covered) = section.take("fields")? else {
            return Err(section.wrong_type("fields", "a list of field names"));
        };
        let certainty = certainty(&mut section)?;
        let text = section.text("text")?;
        for field in covered {
            let Value::String(field) = field else {
                return Err(section.wrong_type("fields", "a list of field names"));
            };
            if !fields.contains(&field) {
                return Err(unknown_field(file, field, fields));
            }
            provenance.insert(field, Provenance { certainty, text: text.clone() });
        }
        section.finish(&mut Vec::new())?;
    }
    Ok(provenance)
}

fn certainty(section: &mut Section<'_>) -> Result<Certainty, ChipError> {
    let word = section.text("certainty")?;
    let known = [
        ("documented", Certainty::Documented),
        ("measured", Certainty::Measured),
        ("derived", Certainty::Derived),
        ("fitted", Certainty::Fitted),
        ("assumed", Certainty::Assumed),
    ];
    match known.iter().find(|(name, _)| *name == word) {
        Some((_, certainty)) => Ok(*certainty),
        None => {
            let allowed = "documented, measured, derived, fitted or assumed".to_owned();
            Err(section.out_of_range("certainty", &word, allowed))
        }
    }
}

fn unknown_field(file: &str, field: String, known: &[String]) -> ChipError {
    let hint = match nearest(&field, known.iter().map(String::as_str)) {
        Some(near) => format!("; did you mean {near}?"),
        None => String::new(),
    };
    ChipError::UnknownField { file: file.to_owned(), field, hint }
}

fn syntax_error(file: &str, text: &str, error: &toml::de::Error) -> ChipError {
    let offset = error.span().map_or(0, |span| span.start.min(text.len()));
    let line = 1 + text.as_bytes()[..offset].iter().filter(|&&byte| byte == b'\n').count();
    let message = error.message().lines().next().unwrap_or_default().to_owned();
    ChipError::Syntax { file: file.to_owned(), line, message }
}

/// Tiles in a row or column.
const MAX_TILES_A_SIDE: u64 = 1024;
/// Lanes of one tile.
const MAX_LANES: u64 = 4096;
/// Depth of a lane's dot product.
const MAX_DOT_DEPTH: u64 = 256;
/// Bytes of one tile's memory: 1 TiB.
const MAX_BYTES: u64 = 1 << 40;
/// Bytes or multiply-accumulates a second.
const RATE_PER_SECOND: RangeInclusive<f64> = 1.0..=1e18;
/// Cycles a word, picojoules a byte, watts.
const COST: RangeInclusive<f64> = 0.0..=1e6;
