//! claims.
use anyhow::Result;
use clap::Args;
use std::io::Write;
/// Claims
#[derive(Args, Debug)]
pub(crate) struct Claims {}
impl Claims {
    pub(super) fn run(&self, _json: bool, _out: &mut dyn Write) -> Result<()> {
        Ok(())
    }
}
