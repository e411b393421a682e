//! Published networks, fetched from where they are published.
//!
//! No trained network of others is part of PocketVision, for they are large and belong to those
//! who trained them. What this crate holds instead is a list, `published.toml`: names, addresses,
//! sizes, checksums, licences, published accuracies. [`published`] is that list;
//! [`Puller::pull`] brings a file of it into a folder.
//!
//! A file appears under its name complete and checked, or not at all. Until then it is
//! `NAME.partial` beside it, which a later pull goes on with: it asks the server for the rest
//! (`Range`, with `If-Range` where the server said what it has), and starts anew if the server
//! answers with all of it or with something else. What arrives is held against the size and the
//! SHA-256 of the list. A server that falls silent, breaks off, sends too much or something else
//! is an error that says so; what may pass by itself is tried again a few times.
//!
//! A [`Mirror`] is another place to have files from: a folder, or the address of one, which holds
//! them by their names. Proxies are those that the environment names (`HTTPS_PROXY`, `HTTP_PROXY`,
//! `ALL_PROXY`, `NO_PROXY`). Certificates are checked against the system's authorities, or
//! against Mozilla's on a system that has none.
//!
//! The crate knows nothing of networks, and the library nothing of this crate: only the command
//! depends on it, so that who embeds PocketVision gets no HTTP client with it.
//!
//! ```no_run
//! use pocketvision_download::{Puller, find};
//!
//! let file = find("mobilenet_edgetpu_224_1.0_uint8").ok_or("no such network")?;
//! let pulled = Puller::new("models").pull(file, &mut |progress| eprintln!("{}", progress.bytes))?;
//! println!("{}", pulled.path.display());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod archive;
mod error;
mod fetch;
mod http;
mod mirror;
mod partial;
mod published;
mod pull;

pub use error::PullError;
pub use fetch::Progress;
pub use http::Network;
pub use mirror::Mirror;
pub use published::{PublishedFile, Task, find, published};
pub use pull::{Pulled, Puller};
