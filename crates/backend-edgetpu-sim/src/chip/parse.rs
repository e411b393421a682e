//! From TOML text to a chip, naming whatever is wrong with it.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::error::nearest;
use super::figures::{allowed, out_of_range};
use super::{
    Array, Certainty, Chip, ChipError, CycleCosts, Dataflow, EnergyCosts, Host, Link, Memory,
    Provenance, preset_text,
};

/// Reads a chip; `file` is what errors call the text.
pub(super) fn parse(file: &str, text: &str) -> Result<Chip, ChipError> {
    let mut table: Table = text.parse().map_err(|error| syntax_error(file, text, &error))?;
    if let Some(base) = table.remove("extends") {
        table = extended(file, &base, table)?;
    }
    let mut root = Section { file, name: "", table, fields: Vec::new() };
    let name = root.text("name")?;
    let description = root.text("description")?;
    let mut fields = Vec::new();

    let mut section = root.section("array")?;
    let array = Array {
        tile_rows: section.whole("tile_rows")? as usize,
        tile_columns: section.whole("tile_columns")? as usize,
        lanes_per_tile: section.whole("lanes_per_tile")? as usize,
        dot_depth: section.whole("dot_depth")? as usize,
        lane_group: section.whole("lane_group")? as usize,
        clock_mhz: section.real("clock_mhz")?,
        dataflow: dataflow(&mut section)?,
    };
    section.finish(&mut fields)?;

    let mut section = root.section("memory")?;
    let memory = Memory {
        narrow_bytes_per_tile: section.whole("narrow_bytes_per_tile")?,
        wide_bytes_per_tile: section.whole("wide_bytes_per_tile")?,
        parameter_bytes_per_tile: section.whole("parameter_bytes_per_tile")?,
    };
    section.finish(&mut fields)?;

    let mut section = root.section("link")?;
    let link = Link {
        host_to_device_bytes_per_second: section.real("host_to_device_bytes_per_second")?,
        device_to_host_bytes_per_second: section.real("device_to_host_bytes_per_second")?,
        fixed_call_ms: section.real("fixed_call_ms")?,
        sends_program: section.flag("sends_program")?,
    };
    section.finish(&mut fields)?;

    let mut section = root.section("cycles")?;
    let cycles = CycleCosts {
        per_multiply_step: section.real("per_multiply_step")?,
        per_weight_fill: section.real("per_weight_fill")?,
        per_depthwise_tap: section.real("per_depthwise_tap")?,
        per_depthwise_output_word: section.real("per_depthwise_output_word")?,
        per_exposed_output_word: section.real("per_exposed_output_word")?,
        per_vector_word: section.real("per_vector_word")?,
        per_halo_word: section.real("per_halo_word")?,
        per_layer: section.real("per_layer")?,
        measured_multiply_factor: section.real("measured_multiply_factor")?,
        measured_per_depthwise_tap: section.real("measured_per_depthwise_tap")?,
    };
    section.finish(&mut fields)?;

    let mut section = root.section("energy")?;
    let energy = EnergyCosts {
        mac_pj: section.real("mac_pj")?,
        narrow_read_pj_per_byte: section.real("narrow_read_pj_per_byte")?,
        narrow_write_pj_per_byte: section.real("narrow_write_pj_per_byte")?,
        wide_read_pj_per_byte: section.real("wide_read_pj_per_byte")?,
        wide_write_pj_per_byte: section.real("wide_write_pj_per_byte")?,
        ring_pj_per_byte: section.real("ring_pj_per_byte")?,
        link_pj_per_byte: section.real("link_pj_per_byte")?,
        idle_w: section.real("idle_w")?,
    };
    section.finish(&mut fields)?;

    let mut section = root.section("host")?;
    let host = Host {
        macs_per_second: section.real("macs_per_second")?,
        bytes_per_second: section.real("bytes_per_second")?,
        mac_pj: section.real("mac_pj")?,
    };
    section.finish(&mut fields)?;

    let provenance = sources(&mut root, &fields)?;
    root.finish(&mut fields)?;
    let chip = Chip { name, description, array, memory, link, cycles, energy, host, provenance };
    chip.check_as(file)?;
    Ok(chip)
}

/// A file's tables over those of the preset that it extends. Sources of both are kept, the
/// file's last: a field that is overridden has the file's source or none.
fn extended(file: &str, base: &Value, own: Table) -> Result<Table, ChipError> {
    let Some(name) = base.as_str() else {
        let (file, field) = (file.to_owned(), "extends".to_owned());
        return Err(ChipError::Type { file, field, expected: "the name of a preset" });
    };
    let text = preset_text(name).ok_or_else(|| ChipError::unknown(name, Chip::presets()))?;
    let mut table: Table = text.parse().map_err(|error| syntax_error(name, text, &error))?;
    if let Some(deeper) = table.remove("extends") {
        table = extended(name, &deeper, table)?;
    }
    let overridden: Vec<String> = own
        .iter()
        .filter_map(|(section, fields)| Some((section, fields.as_table()?)))
        .flat_map(|(section, fields)| fields.keys().map(move |key| format!("{section}.{key}")))
        .collect();
    if let Some(sources) = table.get_mut("source").and_then(Value::as_array_mut) {
        for source in sources.iter_mut() {
            if let Some(covered) = source.get_mut("fields").and_then(Value::as_array_mut) {
                covered.retain(|field| !overridden.iter().any(|own| field.as_str() == Some(own)));
            }
        }
    }
    for (key, value) in own {
        let merged = match (table.remove(&key), value) {
            (Some(Value::Table(mut below)), Value::Table(above)) => {
                below.extend(above);
                Value::Table(below)
            }
            (Some(Value::Array(mut below)), Value::Array(above)) => {
                below.extend(above);
                Value::Array(below)
            }
            (_, value) => value,
        };
        table.insert(key, merged);
    }
    Ok(table)
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

    fn flag(&mut self, key: &str) -> Result<bool, ChipError> {
        match self.take(key)? {
            Value::Boolean(value) => Ok(value),
            _ => Err(self.wrong_type(key, "true or false")),
        }
    }

    /// A number that counts; [`Chip::check`] looks at its range.
    fn whole(&mut self, key: &str) -> Result<u64, ChipError> {
        let Value::Integer(value) = self.take(key)? else {
            return Err(self.wrong_type(key, "a whole number"));
        };
        u64::try_from(value).map_err(|_| {
            let field = self.qualified(key);
            out_of_range(self.file, &field, &value, allowed(&field))
        })
    }

    /// A number that measures; [`Chip::check`] looks at its range.
    fn real(&mut self, key: &str) -> Result<f64, ChipError> {
        match self.take(key)? {
            Value::Float(value) => Ok(value),
            Value::Integer(value) => Ok(value as f64),
            _ => Err(self.wrong_type(key, "a number")),
        }
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

fn dataflow(section: &mut Section<'_>) -> Result<Dataflow, ChipError> {
    let word = section.text("dataflow")?;
    match Dataflow::ALL.iter().find(|(name, _)| *name == word) {
        Some((_, flow)) => Ok(*flow),
        None => {
            let allowed = Dataflow::ALL.map(|(name, _)| name).join(", ");
            Err(out_of_range(section.file, "array.dataflow", &word, allowed))
        }
    }
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
            Err(out_of_range(section.file, "source.certainty", &word, allowed))
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
