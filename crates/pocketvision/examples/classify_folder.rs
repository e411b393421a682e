//! Names what is in each picture of a folder, on all cores: one plan a thread.
//!
//!     cargo run --release --example classify_folder -- FOLDER [MODEL]

#![allow(clippy::print_stdout, reason = "an example has something to say")]

use std::error::Error;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, thread};

use pocketvision::{BackendOptions, CompileOptions, Model, Plan, backend, vision};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().ok_or("usage: classify_folder FOLDER [MODEL]")?;
    let name = arguments.next().unwrap_or_else(|| "mobilenet-edgetpu-cifar10".into());
    let model = Model::load(&name)?;

    let files = fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut pictures: Vec<PathBuf> = files.filter(|path| path.is_file()).collect();
    pictures.sort();

    // Threads are worth more across pictures than inside one: each plan keeps to one.
    let cpu = backend("cpu", &BackendOptions { threads: Some(1), ..Default::default() })?;
    let workers = thread::available_parallelism()?.get().min(pictures.len().max(1));
    let plans: Result<Vec<_>, _> =
        (0..workers).map(|_| cpu.compile(model.graph(), &CompileOptions::default())).collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for mut plan in plans? {
            let (model, pictures, next) = (&model, &pictures, &next);
            scope.spawn(move || {
                while let Some(path) = pictures.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match classify(model, &mut *plan, path) {
                        Ok(answer) => println!("{}: {answer}", path.display()),
                        // The error names the file.
                        Err(error) => eprintln!("{error}"),
                    }
                }
            });
        }
        Ok(())
    })
}

fn classify(model: &Model, plan: &mut dyn Plan, path: &PathBuf) -> Result<String, Box<dyn Error>> {
    let picture = vision::open(path)?;
    let outputs = plan.run(&[model.preprocess(&picture)?])?;
    let best = model.top_k(&outputs, 1);
    Ok(best.first().ok_or("the network yields no scores")?.to_string())
}
