//! License expressions: `MIT OR (Apache-2.0 AND ISC)`, and the older `MIT/Apache-2.0`.

/// Whether the expression can be met with licenses that `allowed` accepts. A malformed expression cannot.
pub(crate) fn holds(expression: &str, allowed: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = Words { words: spaced.split_whitespace().collect(), next: 0 };
    let met = any(&mut words, allowed);
    met == Some(true) && words.next == words.words.len()
}

struct Words<'a> {
    words: Vec<&'a str>,
    next: usize,
}

impl<'a> Words<'a> {
    fn take(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.next).copied();
        self.next += 1;
        word
    }

    fn take_if(&mut self, wanted: &str) -> bool {
        let here = self.words.get(self.next) == Some(&wanted);
        self.next += usize::from(here);
        here
    }
}

fn any(words: &mut Words<'_>, allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    let mut met = all(words, allowed)?;
    while words.take_if("OR") {
        met |= all(words, allowed)?;
    }
    Some(met)
}

fn all(words: &mut Words<'_>, allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    let mut met = one(words, allowed)?;
    while words.take_if("AND") {
        met &= one(words, allowed)?;
    }
    Some(met)
}

fn one(words: &mut Words<'_>, allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    if words.take_if("(") {
        let met = any(words, allowed)?;
        return words.take_if(")").then_some(met);
    }
    let license = words.take().filter(|word| !["OR", "AND", "WITH", ")"].contains(word))?;
    if words.take_if("WITH") {
        return Some(allowed(&format!("{license} WITH {}", words.take()?)));
    }
    Some(allowed(license))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mit_or_exception(expression: &str) -> bool {
        holds(expression, &|license| license == "MIT" || license == "Apache-2.0 WITH LLVM-exception")
    }

    #[test]
    fn one_way_to_meet_the_expression_is_enough() {
        assert!(mit_or_exception("MIT"));
        assert!(mit_or_exception("MIT/Apache-2.0"));
        assert!(mit_or_exception("GPL-3.0 OR MIT"));
        assert!(mit_or_exception("(MIT OR ISC) AND (ISC OR Apache-2.0 WITH LLVM-exception)"));
    }

    #[test]
    fn what_is_not_met_or_not_understood_does_not_hold() {
        for expression in ["", "GPL-3.0", "MIT AND ISC", "Apache-2.0", "(MIT", "MIT)", "MIT OR", "MIT MIT", "AND MIT"] {
            assert!(!mit_or_exception(expression), "{expression}");
        }
    }
}
