//! What is remembered from one process to the next: pipelines that the driver has compiled, and
//! how networks are best cut.
//!
//! Files lie in the user's folder for caches, one for each adapter and version of its driver. A
//! page has no files; what is text its browser keeps for it, for each version of the browser too.
//! They are a convenience: whatever is wrong with one, it is ignored and written anew.

use std::fmt::Display;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;

/// Bytes that outlive the program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct CacheFile {
    #[cfg(not(target_family = "wasm"))]
    path: std::path::PathBuf,
    #[cfg(target_family = "wasm")]
    key: String,
}

impl CacheFile {
    /// A file of an adapter; `None` where caching is off or there is no place for it.
    pub(crate) fn of_adapter(info: &wgpu::AdapterInfo, what: &str) -> Option<Self> {
        let mut hasher = DefaultHasher::new();
        (info.backend, info.vendor, info.device).hash(&mut hasher);
        (&info.name, &info.driver, &info.driver_info).hash(&mut hasher);
        Self::named(&format!("{what}_{:016x}", hasher.finish()))
    }

    /// What the file says of each of some fingerprints: a line each, whose rest `parse` reads. A
    /// file that is not there, or cannot be used, says nothing, nor does a line that makes no sense.
    pub(crate) fn entries<T>(&self, parse: impl Fn(&str) -> Option<T>) -> Vec<(u64, T)> {
        let bytes = self.read().ok().flatten().unwrap_or_default();
        let text = String::from_utf8(bytes).unwrap_or_default();
        let entry = |line: &str| {
            let (fingerprint, rest) = line.split_once(' ')?;
            Some((u64::from_str_radix(fingerprint, 16).ok()?, parse(rest)?))
        };
        text.lines().filter_map(entry).collect()
    }

    /// Writes what [`Self::entries`] reads.
    pub(crate) fn write_entries<T: Display>(
        &self,
        entries: impl IntoIterator<Item = (u64, T)>,
    ) -> io::Result<()> {
        let line = |(fingerprint, rest)| format!("{fingerprint:016x} {rest}\n");
        self.write(entries.into_iter().map(line).collect::<String>().as_bytes())
    }
}

#[cfg(not(target_family = "wasm"))]
mod native {
    use std::io::Write as _;
    use std::path::{Path, PathBuf};
    use std::{env, fs, io, process};

    use super::CacheFile;

    impl CacheFile {
        /// The file of a name, in the folder for caches.
        pub(super) fn named(name: &str) -> Option<Self> {
            Some(Self::at(folder()?.join(name)))
        }

        /// The file of a path.
        pub(crate) const fn at(path: PathBuf) -> Self {
            Self { path }
        }

        /// The bytes, or a sentence on why they are not used. A file that is not there is no
        /// reason for one.
        pub(crate) fn read(&self) -> Result<Option<Vec<u8>>, String> {
            let ignored = |why: &str| Err(format!("{} is ignored: {why}", self.path.display()));
            let bytes = match fs::read(&self.path) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return ignored(&error.to_string()),
            };
            let Some((header, data)) = bytes.split_at_checked(HEADER_BYTES) else {
                return ignored("it is cut short");
            };
            if header[..8] != *MAGIC {
                return ignored("it is not a cache of this program");
            }
            if header[8..] != checksum(data).to_le_bytes() {
                return ignored("its checksum is wrong");
            }
            Ok(Some(data.to_vec()))
        }

        /// Writes the file as a whole or not at all.
        pub(crate) fn write(&self, data: &[u8]) -> io::Result<()> {
            let folder = self.path.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(folder)?;
            // Two processes may write at once: each has a file of its own until it is whole.
            let partial = self.path.with_extension(process::id().to_string());
            let mut file = fs::File::create(&partial)?;
            let written = file
                .write_all(MAGIC)
                .and_then(|()| file.write_all(&checksum(data).to_le_bytes()))
                .and_then(|()| file.write_all(data))
                .and_then(|()| file.sync_all())
                .and_then(|()| fs::rename(&partial, &self.path));
            if written.is_err() {
                let _ = fs::remove_file(&partial);
            }
            written
        }
    }

    /// Where the files lie: [`VARIABLE`], else the user's folder for caches.
    fn folder() -> Option<PathBuf> {
        match env::var_os(VARIABLE) {
            Some(folder) if folder.is_empty() => None,
            Some(folder) => Some(folder.into()),
            None => Some(dirs::cache_dir()?.join("pocketvision").join("gpu")),
        }
    }

    /// FNV-1a: against accidents, not against malice.
    fn checksum(data: &[u8]) -> u64 {
        let step = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        data.iter().fold(0xcbf2_9ce4_8422_2325, step)
    }

    /// Names the folder; empty turns caching off.
    const VARIABLE: &str = "POCKETVISION_GPU_CACHE";
    const MAGIC: &[u8; 8] = b"pv-gpu-1";
    pub(super) const HEADER_BYTES: usize = 16;
}

#[cfg(target_family = "wasm")]
mod browser {
    use std::io;

    use wasm_bindgen::JsCast as _;

    use super::CacheFile;
    use crate::browser;

    impl CacheFile {
        /// What the page's browser keeps under a name; `None` in a worker, or where pages may
        /// keep nothing.
        pub(super) fn named(name: &str) -> Option<Self> {
            storage()?;
            let browser = browser::version().unwrap_or_default();
            Some(Self { key: format!("pocketvision/{name}/{browser}") })
        }

        /// The bytes, if there are any.
        pub(crate) fn read(&self) -> Result<Option<Vec<u8>>, String> {
            let item = storage().and_then(|storage| storage.get_item(&self.key).ok().flatten());
            Ok(item.map(String::into_bytes))
        }

        /// Keeps a text.
        pub(crate) fn write(&self, data: &[u8]) -> io::Result<()> {
            let text = str::from_utf8(data).map_err(io::Error::other)?;
            let is_kept =
                storage().is_some_and(|storage| storage.set_item(&self.key, text).is_ok());
            is_kept.then_some(()).ok_or_else(|| io::Error::other("the browser keeps nothing"))
        }
    }

    fn storage() -> Option<web_sys::Storage> {
        browser::property(&js_sys::global(), "localStorage")?.dyn_into().ok()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::native::HEADER_BYTES;
    use super::*;

    #[test]
    fn what_is_written_is_read_and_damage_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let file = CacheFile::at(folder.path().join("deeper").join("cache"));
        assert_eq!(file.read(), Ok(None));
        file.write(b"compiled").unwrap();
        assert_eq!(file.read(), Ok(Some(b"compiled".to_vec())));
        file.write(b"").unwrap();
        assert_eq!(file.read(), Ok(Some(vec![])));
        assert_eq!(fs::read_dir(folder.path().join("deeper")).unwrap().count(), 1);

        file.write(b"compiled").unwrap();
        let mut bytes = fs::read(&file.path).unwrap();
        bytes[HEADER_BYTES] ^= 1;
        fs::write(&file.path, &bytes).unwrap();
        assert!(file.read().unwrap_err().contains("checksum"));
        fs::write(&file.path, &bytes[..10]).unwrap();
        assert!(file.read().unwrap_err().contains("cut short"));
        fs::write(&file.path, b"something else entirely").unwrap();
        assert!(file.read().unwrap_err().contains("not a cache"));
    }
}
