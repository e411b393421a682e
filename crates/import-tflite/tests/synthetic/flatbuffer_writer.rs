//! Writes FlatBuffers from a tree of values: just enough to make small files for tests.

/// A table: its fields by number.
#[derive(Clone, Default, Debug)]
pub(crate) struct Table(Vec<(usize, Field)>);

/// A field's value.
#[derive(Clone, Debug)]
pub(crate) enum Field {
    /// A number, little-endian, in the table itself.
    Inline(Vec<u8>),
    /// A vector of so many items, little-endian.
    Vector(usize, Vec<u8>),
    /// Another table.
    Table(Table),
    /// A vector of tables.
    Tables(Vec<Table>),
    /// A vector that refers to one and the same table so many times.
    Repeated(usize, Table),
}

impl Table {
    pub(crate) fn with(mut self, slot: usize, field: Field) -> Self {
        self.0.push((slot, field));
        self
    }

    pub(crate) fn i8(self, slot: usize, value: i8) -> Self {
        self.with(slot, Field::Inline(value.to_le_bytes().to_vec()))
    }

    pub(crate) fn u8(self, slot: usize, value: u8) -> Self {
        self.with(slot, Field::Inline(vec![value]))
    }

    pub(crate) fn i32(self, slot: usize, value: i32) -> Self {
        self.with(slot, Field::Inline(value.to_le_bytes().to_vec()))
    }

    pub(crate) fn u64(self, slot: usize, value: u64) -> Self {
        self.with(slot, Field::Inline(value.to_le_bytes().to_vec()))
    }

    pub(crate) fn f32(self, slot: usize, value: f32) -> Self {
        self.with(slot, Field::Inline(value.to_le_bytes().to_vec()))
    }

    pub(crate) fn bytes(self, slot: usize, bytes: &[u8]) -> Self {
        self.with(slot, Field::Vector(bytes.len(), bytes.to_vec()))
    }

    pub(crate) fn i32s(self, slot: usize, values: &[i32]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.with(slot, Field::Vector(values.len(), bytes))
    }

    pub(crate) fn i64s(self, slot: usize, values: &[i64]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.with(slot, Field::Vector(values.len(), bytes))
    }

    pub(crate) fn f32s(self, slot: usize, values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.with(slot, Field::Vector(values.len(), bytes))
    }

    pub(crate) fn table(self, slot: usize, table: Self) -> Self {
        self.with(slot, Field::Table(table))
    }

    pub(crate) fn tables(self, slot: usize, tables: Vec<Self>) -> Self {
        self.with(slot, Field::Tables(tables))
    }

    /// The same with another value of a field.
    pub(crate) fn exchanging(mut self, slot: usize, field: Field) -> Self {
        self.0.retain(|(place, _)| *place != slot);
        self.with(slot, field)
    }

    /// A whole file with this table as its root.
    pub(crate) fn to_file(&self, identifier: &[u8; 4]) -> Vec<u8> {
        let mut file = vec![0; 4];
        file.extend(identifier);
        let root = self.write(&mut file);
        refer(&mut file, 0, root);
        // Whole words, as real writers make them.
        file.resize(file.len().next_multiple_of(4), 0);
        file
    }

    /// Appends the table and what it refers to; returns where it starts.
    fn write(&self, file: &mut Vec<u8>) -> usize {
        let slots = self.0.iter().map(|(slot, _)| slot + 1).max().unwrap_or(0);
        let field_list_bytes = 4 + 2 * slots;
        let mut offsets = vec![0u16; slots];
        let mut content = vec![];
        for (slot, field) in &self.0 {
            offsets[*slot] = 4 + content.len() as u16;
            match field {
                Field::Inline(bytes) => content.extend(bytes),
                _ => content.extend([0; 4]),
            }
        }
        file.extend((field_list_bytes as u16).to_le_bytes());
        file.extend((4 + content.len() as u16).to_le_bytes());
        file.extend(offsets.iter().flat_map(|offset| offset.to_le_bytes()));
        let start = file.len();
        file.extend((field_list_bytes as i32).to_le_bytes());
        file.extend(content);
        for (slot, field) in &self.0 {
            let at = start + usize::from(offsets[*slot]);
            let target = match field {
                Field::Inline(_) => continue,
                Field::Vector(length, bytes) => {
                    let target = file.len();
                    file.extend((*length as u32).to_le_bytes());
                    file.extend(bytes);
                    target
                }
                Field::Table(table) => table.write(file),
                Field::Tables(tables) => {
                    let target = file.len();
                    file.extend((tables.len() as u32).to_le_bytes());
                    file.resize(target + 4 + 4 * tables.len(), 0);
                    for (index, table) in tables.iter().enumerate() {
                        let start = table.write(file);
                        refer(file, target + 4 + 4 * index, start);
                    }
                    target
                }
                Field::Repeated(count, table) => {
                    let target = file.len();
                    file.extend((*count as u32).to_le_bytes());
                    file.resize(target + 4 + 4 * count, 0);
                    let start = table.write(file);
                    for index in 0..*count {
                        refer(file, target + 4 + 4 * index, start);
                    }
                    target
                }
            };
            refer(file, at, target);
        }
        start
    }
}

fn refer(file: &mut [u8], at: usize, target: usize) {
    file[at..at + 4].copy_from_slice(&((target - at) as u32).to_le_bytes());
}
