//! `models pull`: published networks, from where they are published.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow};
use clap::Args;
use pocketvision::{Catalog, Origin, hint};
use pocketvision_download::{
    Mirror, Network, PublishedFile, Pulled, Puller, Task, find, published,
};

use crate::report::{self, PublishedReport, PulledFile, PulledFiles};
use crate::terminal;

/// Download published networks
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  pocketvision models pull --list
  pocketvision models pull mobilenet_edgetpu_224_1.0_uint8
  pocketvision models pull v3-small_224_1.0_uint8 deeplabv3_mnv2_pascal_quant --to ~/models
  pocketvision models pull mobilenet_v2_1.0_224_quant --from https://mirror.example/models
  pocketvision models pull mobilenet_v2_1.0_224_quant --from /mnt/models

A file appears under its name complete and, where its SHA-256 is known, checked. A pull that was
cut short is gone on with. Proxies are those of $HTTPS_PROXY, $HTTP_PROXY, $ALL_PROXY and
$NO_PROXY. Without --to, files go where --model finds them first: the first folder of
$POCKETVISION_MODELS, or else the user's cache folder.")]
pub(crate) struct Pull {
    /// Networks, by name
    #[arg(value_name = "NAME", required_unless_present = "list")]
    names: Vec<String>,
    /// List what can be pulled, and what of it is here
    #[arg(long, conflicts_with = "names")]
    list: bool,
    /// Take the files from a folder or an address that has them by their names
    #[arg(long, value_name = "DIR|URL")]
    from: Option<String>,
    /// Folder to put them into; made if it does not exist
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Replace other files of the same names
    #[arg(long)]
    force: bool,
    /// Give up if a server sends nothing for so long
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=3600))]
    timeout: u16,
    /// Ask so often before giving up on what may pass by itself
    #[arg(long, value_name = "N", default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u8).range(1..=100))]
    tries: u8,
}

impl Pull {
    pub(super) fn run(&self, json: bool, out: &mut dyn Write) -> Result<()> {
        let catalog = Catalog::from_environment();
        if self.list {
            let files = published().iter().map(|file| listed(file, &catalog)).collect();
            return report::print(&report::Published { files }, json, out);
        }
        let files = self.names.iter().map(|name| known(name)).collect::<Result<Vec<_>>>()?;
        let puller = self.puller(&catalog)?;
        let mut pulled =
            PulledFiles { folder: puller.folder().display().to_string(), files: vec![] };
        let result = files.iter().try_for_each(|file| {
            pulled.files.push(pull(&puller, file, &catalog)?);
            self.pull_needed(&puller, file, &catalog, &mut pulled);
            Ok(())
        });
        // What came before something failed is there.
        if result.is_ok() || !pulled.files.is_empty() {
            report::print(&pulled, json, out)?;
            out.flush()?;
        }
        result
    }

    fn puller(&self, catalog: &Catalog) -> Result<Puller> {
        let folder = self.to.as_ref().or(catalog.folders().first()).with_context(|| {
            format!("there is no folder for models; set {} or pass --to", Catalog::FOLDERS_VARIABLE)
        })?;
        let read_timeout = Duration::from_secs(self.timeout.into());
        let defaults = Network::default();
        let connect_timeout = defaults.connect_timeout.min(read_timeout);
        let puller = Puller::new(folder).replacing(self.force).with_network(Network {
            connect_timeout,
            read_timeout,
            tries: self.tries.into(),
            ..defaults
        });
        Ok(match &self.from {
            Some(from) => puller.from_mirror(Mirror::parse(from)),
            None => puller,
        })
    }

    /// What a network is little without, and can be run without.
    fn pull_needed(
        &self,
        puller: &Puller,
        file: &PublishedFile,
        catalog: &Catalog,
        pulled: &mut PulledFiles,
    ) {
        for needed in file.needs.iter().filter_map(|needed| find(needed)) {
            if pulled.files.iter().any(|file| file.name == needed.name) {
                continue;
            }
            match pull(puller, needed, catalog) {
                Ok(file) => pulled.files.push(file),
                Err(error) => terminal::note(format!(
                    "{} is here without {} ({}), so its classes may have no names: {error}",
                    file.stem(),
                    needed.name,
                    needed.what,
                )),
            }
        }
    }
}

/// The file of a name; names of classes come along with the networks.
fn known(name: &str) -> Result<&'static PublishedFile> {
    find(name).with_context(|| {
        let networks = published().iter().filter(|file| file.task != Task::Labels);
        let hint = hint(name, networks.map(PublishedFile::stem));
        format!("unknown network '{name}'; {hint} (`pocketvision models pull --list` has all)")
    })
}

fn pull(puller: &Puller, file: &PublishedFile, catalog: &Catalog) -> Result<PulledFile> {
    let bar = terminal::progress_in_bytes(file.stem().to_owned());
    let pulled = puller.pull(file, &mut |progress| {
        if let Some(total) = progress.total {
            bar.set_length(total);
        }
        bar.set_position(progress.bytes);
    });
    bar.finish_and_clear();
    let pulled = pulled.map_err(|error| match error.is_offline() {
        true => anyhow!("{error}; {}", what_is_here(catalog)),
        false => Error::new(error),
    })?;
    let Pulled { path, bytes, was_here, resumed_from, checked } = pulled;
    Ok(PulledFile {
        name: file.name.clone(),
        file: path.display().to_string(),
        bytes,
        was_here,
        resumed_from,
        checked,
    })
}

/// For who has no network: the files that need none.
fn what_is_here(catalog: &Catalog) -> String {
    let entries = catalog.entries();
    let files = entries.iter().filter(|entry| matches!(entry.origin, Origin::File(_)));
    let names: Vec<&str> = files.map(|entry| entry.name.as_str()).collect();
    match names[..] {
        [] => "no model file is here yet".into(),
        _ => format!("here already: {}", names.join(", ")),
    }
}

fn listed(file: &'static PublishedFile, catalog: &Catalog) -> PublishedReport {
    let here = match catalog.find(&file.name) {
        Ok(Origin::File(path)) => Some(path.display().to_string()),
        _ => None,
    };
    PublishedReport::new(file, here)
}
