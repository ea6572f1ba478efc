//! Numbers for the texts of errors, which must not contain the digit one.

/// `number` in digits, or in words where the digits would contain a one.
pub(super) fn spell(number: u64) -> String {
    let digits = number.to_string();
    if digits.contains('1') { words(number) } else { digits }
}

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

fn words(number: u64) -> String {
    if let Some(word) = usize::try_from(number).ok().and_then(|number| SMALL.get(number)) {
        return (*word).to_owned();
    }
    if let Some(tens) = usize::try_from(number / 10).ok().and_then(|tens| TENS.get(tens)) {
        let rest = number % 10;
        return if rest == 0 { (*tens).to_owned() } else { format!("{tens}-{}", words(rest)) };
    }
    let scales = [(1_000_000_000_000, "trillion"), (1_000_000_000, "billion"), (1_000_000, "million")];
    let scales = scales.iter().chain(&[(1_000, "thousand"), (100, "hundred")]);
    for (size, name) in scales {
        if number >= *size {
            let (head, rest) = (words(number / size), number % size);
            return if rest == 0 { format!("{head} {name}") } else { format!("{head} {name} {}", words(rest)) };
        }
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_without_the_digit_one() {
        for (number, said) in [
            (0, "0"),
            (1, "one"),
            (8, "8"),
            (10, "ten"),
            (12, "twelve"),
            (21, "twenty-one"),
            (86_400, "86400"),
            (100, "one hundred"),
            (128, "one hundred twenty-eight"),
            (1_000, "one thousand"),
            (315_360_000, "three hundred fifteen million three hundred sixty thousand"),
        ] {
            assert_eq!(spell(number), said);
        }
        for number in (0..3_000).chain([u64::MAX, 1 << 32, 10_u64.pow(15) + 1]) {
            assert!(!spell(number).is_empty() && !spell(number).contains('1'), "{number}");
        }
    }
}
