//! A file read without its weights: what there is, and where the large numbers are.
//!
//! The weights are nearly all of a file. They are read one by one, when they are turned into
//! tensors, so that a network is never in memory twice.

use std::io::{BufReader, Read, Seek, SeekFrom};
use std::ops::Range;

use prost::Message;

use crate::error::{Problem, Result};
use crate::message::{Graph, Model, Tensor};
use crate::wire::{self, Field, Fields};

/// Something that a model's bytes are read from.
pub(crate) trait Source: Read + Seek {}
impl<T: Read + Seek> Source for T {}

/// A model without the raw bytes of its large constants.
pub(crate) struct Skeleton<'a> {
    pub(crate) model: Model,
    pub(crate) numbers: FileNumbers<'a>,
}

/// The bytes that a [`Skeleton`] lacks.
pub(crate) struct FileNumbers<'a> {
    source: BufReader<&'a mut dyn Source>,
    /// For each constant of the graph, in order, where its bytes are unless it has them.
    places: Vec<Option<Range<u64>>>,
}

impl<'a> Skeleton<'a> {
    /// Takes a file apart.
    pub(crate) fn read(source: &'a mut dyn Source) -> Result<Self> {
        let length = source.seek(SeekFrom::End(0))?;
        source.rewind()?;
        let mut reader = Reader {
            source: BufReader::with_capacity(BUFFER_BYTES, source),
            left: crate::MAX_FIELDS,
            places: Vec::new(),
        };
        let (mut model_bytes, mut graphs) = (Vec::new(), Vec::new());
        reader.message(0..length, &wire::MODEL, &mut model_bytes, |reader, field, place| {
            if field != GRAPH {
                return Ok(false);
            }
            graphs.push(reader.graph(place)?);
            Ok(true)
        })?;
        let mut model = Model::decode(model_bytes.as_slice())?;
        // Of a field that may be there once, the last one counts; parts of messages are merged.
        for graph in graphs {
            match &mut model.graph {
                None => model.graph = Some(graph),
                Some(_) => return Err(Problem::NotOnnx),
            }
        }
        let numbers = FileNumbers { source: reader.source, places: reader.places };
        Ok(Self { model, numbers })
    }
}

impl FileNumbers<'_> {
    /// Takes the place of a constant's bytes: `None` if the constant has them.
    pub(crate) fn place(&mut self, constant: usize) -> Option<Range<u64>> {
        self.places.get_mut(constant)?.take()
    }

    /// Fills `bytes` from a place in the file.
    pub(crate) fn read(&mut self, start: u64, bytes: &mut [u8]) -> Result<()> {
        self.source.seek(SeekFrom::Start(start))?;
        Ok(self.source.read_exact(bytes)?)
    }
}

/// The walk over a file's fields.
struct Reader<'a> {
    source: BufReader<&'a mut dyn Source>,
    /// Fields that may still come; see [`crate::MAX_FIELDS`].
    left: usize,
    places: Vec<Option<Range<u64>>>,
}

impl Reader<'_> {
    fn graph(&mut self, place: Range<u64>) -> Result<Graph> {
        let (mut bytes, mut constants) = (Vec::new(), Vec::new());
        self.message(place, &wire::GRAPH, &mut bytes, |reader, field, place| {
            if field != INITIALIZER {
                return Ok(false);
            }
            constants.push(reader.tensor(place)?);
            Ok(true)
        })?;
        let mut graph = Graph::decode(bytes.as_slice())?;
        graph.initializer = constants;
        Ok(graph)
    }

    fn tensor(&mut self, place: Range<u64>) -> Result<Tensor> {
        let (mut bytes, mut numbers) = (Vec::new(), None);
        self.message(place, &wire::TENSOR, &mut bytes, |reader, field, place| {
            if field != RAW_DATA || place.end - place.start < SMALLEST_LEFT_OUT {
                return Ok(false);
            }
            reader.source.seek(SeekFrom::Start(place.end))?;
            numbers = Some(place);
            Ok(true)
        })?;
        self.places.push(numbers);
        Ok(Tensor::decode(bytes.as_slice())?)
    }

    /// Walks over the fields of a message. `take` is given the number and place of each that
    /// is a message or bytes, and may read it; what it leaves is copied to `rest`.
    fn message(
        &mut self,
        place: Range<u64>,
        kind: &Fields,
        rest: &mut Vec<u8>,
        mut take: impl FnMut(&mut Self, u64, Range<u64>) -> Result<bool>,
    ) -> Result<()> {
        let mut at = place.start;
        while at < place.end {
            let mut head = Vec::with_capacity(20);
            let field = Field::read(&mut self.source, &mut head)?;
            let start = at + head.len() as u64;
            let end = start.checked_add(field.bytes).filter(|&end| end <= place.end);
            at = end.ok_or(Problem::Truncated)?;
            self.left = self.left.checked_sub(1).ok_or(wire::TOO_MANY)?;
            if field.is_delimited && take(self, field.number, start..at)? {
                continue;
            }
            rest.extend(head);
            let first = rest.len();
            let copied = (&mut self.source).take(field.bytes).read_to_end(rest)?;
            if copied as u64 != field.bytes {
                return Err(Problem::Truncated);
            }
            if field.is_delimited {
                wire::check(&rest[first..], kind.inside(field.number), &mut self.left)?;
            }
        }
        if at == place.end { Ok(()) } else { Err(Problem::Truncated) }
    }
}

/// Numbers of fields: of a model, of a graph, of a tensor.
const GRAPH: u64 = 7;
const INITIALIZER: u64 = 5;
const RAW_DATA: u64 = 9;

/// Constants smaller than this are read with the rest of the file.
const SMALLEST_LEFT_OUT: u64 = 4 << 10;

const BUFFER_BYTES: usize = 64 << 10;
