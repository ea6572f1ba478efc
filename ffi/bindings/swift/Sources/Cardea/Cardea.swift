//! Cardea for Swift.
//!
//! What the library does is in `CardeaGenerated`, with the same names as in every other language. Here is what makes it
//! Swift: tasks that are cancelled end the call, events are an `AsyncSequence`, errors have a description for people, and
//! PINs are wiped.

@_exported import CardeaGenerated
