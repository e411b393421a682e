//! Where the networks and recordings are, and how they are read.

use std::fs::File;
use std::io::BufReader;
use std::io::Write as _;
use std::path::PathBuf;

use npyz::NpyFile;
use npyz::npz::NpzArchive;
use pocketvision_core::{Element, Shape, Tensor, TensorData};
use pocketvision_import_tflite::{Imported, import_with_operators};

/// The folder that `POCKETVISION_SHARED` names, or else `shared` next to the repository.
/// Without it a test returns early, unless `POCKETVISION_REQUIRE_SHARED` is 1.
pub(crate) fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("POCKETVISION_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    if folder.join("golden").is_dir() {
        return Some(folder);
    }
    let required = std::env::var_os("POCKETVISION_REQUIRE_SHARED").is_some_and(|v| v == "1");
    assert!(!required, "{} holds no recordings; set POCKETVISION_SHARED", folder.display());
    // Not eprintln: the test harness would keep it to itself.
    let _ = writeln!(
        std::io::stderr(),
        "IGNORED: {} holds no recordings; set POCKETVISION_SHARED",
        folder.display()
    );
    None
}

/// A network of `models/`, by file name.
pub(crate) fn network(name: &str) -> Option<Imported> {
    let path = folder()?.join("models").join(format!("{name}.tflite"));
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(import_with_operators(&bytes, name).unwrap_or_else(|error| panic!("{error}")))
}

/// An archive of `golden/layers/`: each operator's recorded output, and the picture.
pub(crate) struct Recording {
    archive: NpzArchive<BufReader<File>>,
    names: Vec<String>,
}

impl Recording {
    pub(crate) fn open(name: &str) -> Option<Self> {
        Some(Self::read_archive(folder()?.join("golden/layers").join(format!("{name}.npz"))))
    }

    /// A recording in the folder that `POCKETVISION_RECORDINGS` names; without it the test
    /// returns early.
    pub(crate) fn made_elsewhere(name: &str) -> Option<Self> {
        let Some(folder) = std::env::var_os("POCKETVISION_RECORDINGS") else {
            let message = "IGNORED: set POCKETVISION_RECORDINGS to a folder of recordings";
            let _ = writeln!(std::io::stderr(), "{message}");
            return None;
        };
        Some(Self::read_archive(PathBuf::from(folder).join(format!("{name}.npz"))))
    }

    fn read_archive(path: PathBuf) -> Self {
        let archive = NpzArchive::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let names = archive.array_names().map(ToOwned::to_owned).collect();
        Self { archive, names }
    }

    /// The picture that was fed.
    pub(crate) fn input(&mut self) -> Numbers {
        self.read("input")
    }

    /// What the file's operator of this index yielded. The array's name starts with it.
    pub(crate) fn operator(&mut self, index: usize) -> Numbers {
        self.with_prefix(&format!("{index:03}_"))
    }

    /// Boxes, classes and scores of the operator of this index, row by row.
    pub(crate) fn detections(&mut self, index: usize) -> Numbers {
        let prefixes = ["", "x1", "x2"].map(|output| format!("{index:03}{output}_"));
        let [boxes, classes, scores] = prefixes.map(|prefix| match self.with_prefix(&prefix) {
            Numbers::Floats(floats) => floats,
            _ => panic!("detections are floats"),
        });
        let rows = boxes.chunks_exact(4).zip(classes.iter().zip(&scores));
        let row = |(edges, (&class, &score)): (&[f32], (&f32, &f32))| {
            edges.iter().copied().chain([class, score]).collect::<Vec<f32>>()
        };
        Numbers::Floats(rows.flat_map(row).collect())
    }

    fn with_prefix(&mut self, prefix: &str) -> Numbers {
        let mut matching = self.names.iter().filter(|name| name.starts_with(prefix));
        let name = matching.next().unwrap_or_else(|| panic!("{prefix} was not recorded"));
        assert_eq!(matching.next(), None, "{prefix} was recorded twice");
        self.read(&name.clone())
    }

    fn read(&mut self, name: &str) -> Numbers {
        let array = self.archive.by_name(name).expect("a readable archive").expect(name);
        numbers(array)
    }
}

/// Numbers as recorded.
pub(crate) enum Numbers {
    Signed(Vec<i8>),
    Unsigned(Vec<u8>),
    Indices(Vec<i32>),
    Floats(Vec<f32>),
}

impl Numbers {
    /// The numbers as a tensor of the graph. Uint8 numbers become int8 where the graph has
    /// int8: 128 less, which flips the top bit.
    pub(crate) fn into_tensor(self, shape: Shape, element: &Element) -> Tensor {
        let data = match (self, element) {
            (Self::Signed(v), Element::Int8(_)) => TensorData::I8(v),
            (Self::Unsigned(v), Element::UInt8(_)) => TensorData::U8(v),
            (Self::Unsigned(v), Element::Int8(_)) => {
                TensorData::I8(v.into_iter().map(|q| (q ^ 0x80) as i8).collect())
            }
            (Self::Indices(v), Element::UInt8(_)) => {
                TensorData::U8(v.into_iter().map(|index| index as u8).collect())
            }
            (Self::Floats(v), Element::F32) => TensorData::F32(v),
            (_, element) => panic!("the recording cannot be {element}"),
        };
        Tensor::new(shape, element.clone(), data).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// The numbers of one array, whatever their type.
fn numbers(array: NpyFile<impl std::io::Read>) -> Numbers {
    let array = match array.try_data::<u8>() {
        Ok(data) => return Numbers::Unsigned(data.collect::<Result<_, _>>().expect("whole")),
        Err(array) => array,
    };
    let array = match array.try_data::<i32>() {
        Ok(data) => return Numbers::Indices(data.collect::<Result<_, _>>().expect("whole")),
        Err(array) => array,
    };
    match array.try_data::<f32>() {
        Ok(data) => Numbers::Floats(data.collect::<Result<_, _>>().expect("whole")),
        Err(array) => Numbers::Signed(array.into_vec().expect("an array of int8")),
    }
}
