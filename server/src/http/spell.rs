//! Numbers for the texts of errors, which must not contain the digit one.

/// `text` with every number in words that has the digit one in it.
pub(super) fn spelled(text: &str) -> String {
    let mut said = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|character: char| character.is_ascii_digit()) {
        let (before, number) = rest.split_at(start);
        let end = number.find(|character: char| !character.is_ascii_digit()).unwrap_or(number.len());
        let (digits, after) = number.split_at(end);
        said.push_str(before);
        match digits.parse() {
            _ if !digits.contains('1') => said.push_str(digits),
            Ok(number) => said.push_str(&words(number)),
            Err(_) => said.push_str("a very large number"),
        }
        rest = after;
    }
    said + rest
}

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
    fn a_text_says_the_same_without_the_digit_one() {
        for (text, said) in [
            ("", ""),
            ("nothing to say", "nothing to say"),
            ("expected 1 to 255 bytes", "expected one to 255 bytes"),
            ("0 for single use, 1", "0 for single use, one"),
            ("a–1–ü, 64 and 16", "a–one–ü, 64 and sixteen"),
            ("99999999999999999991 is too much", "a very large number is too much"),
        ] {
            assert_eq!(spelled(text), said);
        }
    }

    /// The texts of the sources that say what was wrong: what follows one of these, up to the end of the literal.
    fn texts_of(source: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for start in ["#[error(", "Refused(", "BadCall(", "bad_call(", "Argument("] {
            for (at, _) in source.match_indices(start) {
                let after = source[at + start.len()..].trim_start();
                let after = after.strip_prefix("format!(").unwrap_or(after).trim_start();
                let Some(literal) = after.strip_prefix('"') else { continue };
                let mut end = 0;
                while end < literal.len() && !literal[end..].starts_with('"') {
                    let escaped = usize::from(literal[end..].starts_with('\\'));
                    end += literal[end..].chars().take(1 + escaped).map(char::len_utf8).sum::<usize>();
                }
                texts.push(literal[..end].to_owned());
            }
        }
        texts
    }

    fn sources(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source");
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
                found.extend(texts_of(code));
            }
        }
    }

    #[test]
    fn every_text_of_ours_can_be_told_and_none_loses_its_meaning() {
        let mut texts = Vec::new();
        sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut texts);
        assert!(texts.len() > 100, "the sources are there: {}", texts.len());
        let told = |text: String| {
            let problem = crate::http::Problem::bad_call(text.clone());
            let said = problem.to_json()["message"].as_str().expect("text").to_owned();
            let words = |text: &str| {
                let parts = text.split(|character: char| character.is_ascii_digit());
                parts.filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>()
            };
            assert!(!problem.body(true).contains('1'), "{text}");
            assert!(words(&text).iter().all(|part| said.contains(part)), "{text}: {said}");
        };
        for text in texts {
            // What is filled in is a number often enough.
            told(
                text.split('{')
                    .map(|part| part.split_once('}').map_or(part, |(_, rest)| rest))
                    .collect::<Vec<_>>()
                    .join("13"),
            );
        }
        for route in crate::http::routes() {
            for parameter in route.parameters {
                let wrong = crate::http::form::wrong(parameter).to_string();
                assert!(!wrong.contains('1'), "{wrong}");
                told(wrong);
            }
        }
    }

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
