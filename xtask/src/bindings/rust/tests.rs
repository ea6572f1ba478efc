use super::*;

fn of(text: &str) -> Vec<String> {
    lines(&Crate::of("small", text).unwrap()).into_iter().collect()
}

#[test]
fn what_can_be_named_from_outside_has_a_line_each() {
    let text = "
        //! A crate.
        mod inner {
            use super::Also;
            /// Shown.
            #[derive(Debug, Clone, Copy)]
            #[non_exhaustive]
            pub struct Shown { pub number: u32, hidden: u8 }
            pub struct NotNamed;
            impl Shown {
                /// Makes one.
                #[must_use]
                pub const fn new(mut number: u32) -> Self { Self { number, hidden: 0 } }
                pub fn with(mut self, more: &mut u8) -> Self { self }
                pub(crate) fn own(&self) {}
                fn more(&self) {}
            }
            impl From<u32> for Shown { fn from(number: u32) -> Self { Self::new(number) } }
            impl Also for Shown { type Out = Vec<u8>; fn also(&self) {} }
        }
        pub use inner::Shown;
        pub trait Also: Send { type Out: Clone; fn also(&self); fn twice(&self) { self.also() } }
        #[cfg(test)]
        mod tests { pub fn no() {} }
    ";
    assert_eq!(
        of(text),
        [
            "small::Also: pub trait Also: Send",
            "small::Also::Out: type Out: Clone",
            "small::Also::also: fn also(&self)",
            "small::Also::twice: fn twice(&self) { .. }",
            "small::Shown: #[non_exhaustive] pub struct Shown { .. }",
            "small::Shown: impl Also { type Out = Vec<u8>; }",
            "small::Shown: impl Clone",
            "small::Shown: impl Copy",
            "small::Shown: impl Debug",
            "small::Shown: impl From<u32>",
            "small::Shown::new: pub const fn new(number: u32) -> Self",
            "small::Shown::number: pub u32",
            "small::Shown::with: pub fn with(self, more: &mut u8) -> Self",
        ]
    );
}

#[test]
fn enums_have_their_variants_and_errors_what_their_derive_gives() {
    let text = "
        #[derive(thiserror::Error)]
        pub enum Wrong<T> {
            /// One.
            #[error(\"one\")]
            One = 1,
            #[error(transparent)]
            Two(#[from] Other),
            #[cfg(feature = \"three\")]
            Three { at: Option<T>, },
        }
    ";
    assert_eq!(
        of(text),
        [
            "small::Wrong: impl Display",
            "small::Wrong: impl Error",
            "small::Wrong: impl From<Other>",
            "small::Wrong: pub enum Wrong<T>",
            "small::Wrong::One: One = 1",
            "small::Wrong::Three: #[cfg(feature = \"three\")] Three { at: Option<T> }",
            "small::Wrong::Two: Two(Other)",
        ]
    );
}

#[test]
fn the_shortest_way_to_an_item_counts_and_the_others_are_named() {
    let text = "
        pub mod outer { mod inner { pub fn look() {} } pub use inner::look; pub use self::inner::look as see; }
        #[cfg(feature = \"more\")] pub use outer::look;
        pub use elsewhere::{Thing, Other as Else};
        pub use crate::outer as again;
        mod deep { pub mod er { pub struct Kept<T>(pub T, u8); } }
        pub use deep::*;
        mod hidden { impl<T: Copy> super::er::Kept<T> where T: Send { pub fn get(self) -> T { self.0 } } }
    ";
    assert_eq!(
        of(text),
        [
            "small::Else: pub use elsewhere::Other",
            "small::Thing: pub use elsewhere::Thing",
            "small::again::look: pub use small::look",
            "small::again::see: pub use small::look",
            "small::er::Kept: pub struct Kept<T>(pub T, _)",
            "small::er::Kept::get: impl<T: Copy> Kept<T> where T: Send: pub fn get(self) -> T",
            "small::look: #[cfg(feature = \"more\")] pub fn look()",
            "small::outer::look: pub use small::look",
            "small::outer::see: pub use small::look",
        ]
    );
}

#[test]
fn what_macros_make_is_seen_with_the_macro_that_makes_it() {
    let text = "
        mod cell {
            macro_rules! numbers { ($($name:ident,)*) => { pub enum Op { $($name,)* } impl Op { pub fn all() -> u8 { 7 } } }; }
            numbers! { /// One.
                One, Two, }
            impl Op { pub const FIRST: u8 = 1; }
        }
        pub use cell::Op;
    ";
    assert_eq!(
        of(text),
        [
            "small::Op: numbers!(One, Two)",
            "small::Op::FIRST: pub const FIRST: u8 = 1",
            "small::numbers!: macro_rules! numbers { ($($name: ident)*) => { pub enum Op { $($name)* } \
             impl Op { pub fn all() -> u8 } }; }",
        ]
    );
}

#[test]
fn private_traits_and_private_types_have_no_lines() {
    let text = "
        trait Own { fn own(&self); }
        pub struct Shown;
        struct Hidden;
        impl Own for Shown { fn own(&self) {} }
        impl Hidden { pub fn seen(&self) {} }
        #[doc(hidden)]
        pub fn machinery() {}
    ";
    assert_eq!(of(text), ["small::Shown: pub struct Shown"]);
}
