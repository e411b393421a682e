//! Networks by definition.
