//! What is known of the kernels of one adapter.
//!
//! It is kept on disk, for each adapter and version of its driver, under the fingerprint of a
//! shader's text; that it cannot be tested, under one of the text, the network and how that is
//! cut. A page keeps it in its browser.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::cache_file::CacheFile;

/// What was found of a kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// It computes what the reference computes.
    Right,
    /// It does not.
    Wrong,
    /// Layers were computed wrong by it and by others of which nothing is known.
    Suspect,
    /// No part of one network needs it, so it could not be tested there.
    Untestable,
}

impl Verdict {
    /// Whether a kernel must not be used.
    pub(crate) const fn is_against(self) -> bool {
        matches!(self, Self::Wrong | Self::Suspect)
    }

    /// Its name on disk. What is suspect may be tested alone by another process, so it is not kept.
    const fn name(self) -> Option<&'static str> {
        match self {
            Self::Right => Some("right"),
            Self::Wrong => Some("wrong"),
            Self::Untestable => Some("untestable"),
            Self::Suspect => None,
        }
    }

    fn named(name: &str) -> Option<Self> {
        let all = [Self::Right, Self::Wrong, Self::Untestable];
        all.into_iter().find(|verdict| verdict.name() == Some(name))
    }
}

/// The verdicts of one adapter, by fingerprint.
#[derive(Debug)]
pub(crate) struct Verdicts {
    known: Mutex<HashMap<u64, Verdict>>,
    file: Option<CacheFile>,
}

impl Verdicts {
    /// Those of a file, to which new ones are added.
    pub(crate) fn of_file(file: Option<CacheFile>) -> Self {
        let known = file.as_ref().map(read).unwrap_or_default();
        Self { known: Mutex::new(known), file }
    }

    pub(crate) fn get(&self, fingerprint: u64) -> Option<Verdict> {
        self.lock().get(&fingerprint).copied()
    }

    /// Adds what was found, on disk too. What cannot be written is found again.
    pub(crate) fn learn(&self, found: &[(u64, Verdict)]) {
        if found.is_empty() {
            return;
        }
        let mut known = self.lock();
        if let Some(file) = &self.file {
            // Another process may have found something meanwhile.
            known.extend(read(file));
        }
        known.extend(found.iter().copied());
        let Some(file) = &self.file else { return };
        let line = |(&fingerprint, verdict): (&u64, &Verdict)| Some((fingerprint, verdict.name()?));
        let mut lines: Vec<(u64, &str)> = known.iter().filter_map(line).collect();
        drop(known);
        lines.sort_unstable();
        let _ = file.write_entries(lines);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Verdict>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(file: &CacheFile) -> HashMap<u64, Verdict> {
    file.entries(Verdict::named).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_come_back_and_nonsense_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let file = CacheFile::at(folder.path().join("tested"));
        let verdicts = Verdicts::of_file(Some(file.clone()));
        verdicts.learn(&[(7, Verdict::Right), (u64::MAX, Verdict::Wrong)]);
        verdicts.learn(&[(8, Verdict::Untestable), (9, Verdict::Suspect)]);
        assert_eq!(verdicts.get(9), Some(Verdict::Suspect));
        let again = Verdicts::of_file(Some(file.clone()));
        let known = [7, u64::MAX, 8, 9].map(|fingerprint| again.get(fingerprint));
        let expected =
            [Some(Verdict::Right), Some(Verdict::Wrong), Some(Verdict::Untestable), None];
        assert_eq!(known, expected);

        file.write(b"7 perhaps\nx right\n8 wrong\n").unwrap();
        let known = Verdicts::of_file(Some(file)).lock().clone();
        assert_eq!(known, HashMap::from([(8, Verdict::Wrong)]));
    }
}
