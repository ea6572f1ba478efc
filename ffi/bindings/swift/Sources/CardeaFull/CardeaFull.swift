//! What a library with all features has, and one for phones has not: relying parties, receipts, typed codes, pictures of
//! codes, and the keyrings of desktops. Brings all of `Cardea`.

@_exported import Cardea
