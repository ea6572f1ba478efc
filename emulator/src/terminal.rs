//! The interface in a terminal, for machines without a display: the same facts and the same words as the window, drawn with
//! characters.
//!
//! | what | where |
//! |---|---|
//! | what is selected, typed and asked | `app` |
//! | what a key does | `keys` |
//! | lists to choose from, forms to fill in | `menu`, `form` |
//! | what is shown, from facts alone | `draw` |
//! | the terminal itself, and giving it back | `screen` |
//! | what happens: keys, facts, signals | `happening` |

mod app;
mod draw;
mod form;
mod happening;
mod keys;
mod menu;
mod once;
mod run;
mod screen;
#[cfg(test)]
mod tests;
mod theme;

pub(crate) use once::{Size, once};
pub(crate) use run::run;
