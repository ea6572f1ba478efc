//! The fonts that every reader of PDF has, so that none has to be carried along, and how wide their characters are.

/// A font.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Font {
    Plain,
    Bold,
    Code,
    CodeBold,
}

impl Font {
    /// All fonts.
    pub(crate) const ALL: [Self; 4] = [Self::Plain, Self::Bold, Self::Code, Self::CodeBold];

    /// Its name in the file.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Plain => "P",
            Self::Bold => "B",
            Self::Code => "C",
            Self::CodeBold => "D",
        }
    }

    /// Its name in the standard.
    pub(crate) const fn base(self) -> &'static str {
        match self {
            Self::Plain => "Helvetica",
            Self::Bold => "Helvetica-Bold",
            Self::Code => "Courier",
            Self::CodeBold => "Courier-Bold",
        }
    }

    /// How wide `text` is in points, at `size` points.
    pub(crate) fn width(self, text: &str, size: f32) -> f32 {
        let units: u32 = encode(text).into_iter().map(|byte| u32::from(self.advance(byte))).sum();
        // A line has a few hundred characters of at most a thousand units: exact in 24 bits.
        #[expect(clippy::cast_precision_loss, reason = "far below 2^24")]
        let units = units as f32;
        units * size / 1000.0
    }

    fn advance(self, byte: u8) -> u16 {
        let table = match self {
            Self::Plain => &PLAIN,
            Self::Bold => &BOLD,
            Self::Code | Self::CodeBold => return 600,
        };
        table.get(usize::from(byte).wrapping_sub(32)).copied().unwrap_or(556)
    }
}

/// `text` in the encoding that the file declares (WinAnsi). What it does not have becomes a question mark.
pub(crate) fn encode(text: &str) -> Vec<u8> {
    let byte = |character: char| match character {
        '\u{2019}' => 0x92,
        '\u{2022}' => 0x95,
        '\u{2013}' => 0x96,
        '\u{2026}' => 0x85,
        ' '..='~' | '\u{a0}'..='\u{ff}' => u8::try_from(u32::from(character)).unwrap_or(b'?'),
        _ => b'?',
    };
    text.chars().map(byte).collect()
}

/// Widths from the space to the tilde, in thousandths of the size.
#[rustfmt::skip]
const PLAIN: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
    1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
    333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
    556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];
#[rustfmt::skip]
const BOLD: [u16; 95] = [
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611,
    975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556,
    333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611,
    611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584,
];
