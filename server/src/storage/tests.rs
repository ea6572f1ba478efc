//! The conformance suite that every driver passes, and what only files can show.

mod batch;
mod conformance;
mod faults;
mod kill;
