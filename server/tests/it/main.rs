//! The server from outside, as a process.

mod process;
