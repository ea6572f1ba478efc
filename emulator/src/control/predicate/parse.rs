//! Reading predicates.

use serde_json::Value;

use super::{Atom, Comparison, Node, Operand, Predicate, PredicateError};

/// Longest predicate, in bytes.
const LONGEST: usize = 1_000;
/// Most comparisons.
const MOST: usize = 64;
/// Most levels of brackets and negations.
const DEEPEST: usize = 32;

pub(super) fn predicate(text: &str) -> Result<Predicate, PredicateError> {
    if text.len() > LONGEST {
        return Err(PredicateError::TooLong);
    }
    let mut reader = Reader { text, at: 0, depth: 0, atoms: Vec::new() };
    let root = reader.either()?;
    reader.space();
    if reader.at < text.len() {
        return Err(reader.wrong("&&, || or the end was expected"));
    }
    Ok(Predicate { text: text.trim().to_owned(), root, atoms: reader.atoms })
}

struct Reader<'a> {
    text: &'a str,
    /// The next byte.
    at: usize,
    depth: usize,
    atoms: Vec<Atom>,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    /// Takes `word` if it is next.
    fn takes(&mut self, word: &str) -> bool {
        self.space();
        let is_next = self.rest().starts_with(word);
        self.at += if is_next { word.len() } else { 0 };
        is_next
    }

    fn wrong(&self, why: &'static str) -> PredicateError {
        PredicateError::Syntax { at: self.text[..self.at].chars().count() + 1, why }
    }

    fn either(&mut self) -> Result<Node, PredicateError> {
        let mut nodes = vec![self.both()?];
        while self.takes("||") {
            nodes.push(self.both()?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::Or(nodes) })
    }

    fn both(&mut self) -> Result<Node, PredicateError> {
        let mut nodes = vec![self.one()?];
        while self.takes("&&") {
            nodes.push(self.one()?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::And(nodes) })
    }

    fn one(&mut self) -> Result<Node, PredicateError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(PredicateError::TooLong);
        }
        let node = if self.takes("!") {
            Node::Not(Box::new(self.one()?))
        } else if self.takes("(") {
            let node = self.either()?;
            if !self.takes(")") {
                return Err(self.wrong("a closing bracket was expected"));
            }
            node
        } else {
            self.atom()?
        };
        self.depth -= 1;
        Ok(node)
    }

    fn atom(&mut self) -> Result<Node, PredicateError> {
        self.space();
        let start = self.at;
        let left = self.operand()?;
        let compared = match self.comparison() {
            Some(comparison) => Some((comparison, self.operand()?)),
            None if self.rest().starts_with('=') => return Err(self.wrong("equality is written ==")),
            None => None,
        };
        if self.atoms.len() == MOST {
            return Err(PredicateError::TooLong);
        }
        self.atoms.push(Atom { text: self.text[start..self.at].trim_end().to_owned(), left, compared });
        Ok(Node::Atom(self.atoms.len() - 1))
    }

    fn comparison(&mut self) -> Option<Comparison> {
        const ALL: [(&str, Comparison); 6] = [
            ("==", Comparison::Equal),
            ("!=", Comparison::Unequal),
            ("<=", Comparison::AtMost),
            (">=", Comparison::AtLeast),
            ("<", Comparison::Less),
            (">", Comparison::More),
        ];
        ALL.into_iter().find(|(word, _)| self.takes(word)).map(|(_, comparison)| comparison)
    }

    fn operand(&mut self) -> Result<Operand, PredicateError> {
        self.space();
        match self.rest().chars().next() {
            Some(quote @ ('\'' | '"')) => self.string(quote),
            Some(digit) if digit.is_ascii_digit() || digit == '-' => self.number(),
            Some(letter) if letter.is_ascii_alphabetic() => Ok(self.name()),
            _ => Err(self.wrong("a name, a number or a text in quotation marks was expected")),
        }
    }

    fn string(&mut self, quote: char) -> Result<Operand, PredicateError> {
        let Some((text, _)) = self.rest()[1..].split_once(quote) else {
            return Err(self.wrong("the text has no closing quotation mark"));
        };
        self.at += text.len() + 2;
        Ok(Operand::Constant(Value::from(text)))
    }

    fn number(&mut self) -> Result<Operand, PredicateError> {
        let rest = self.rest();
        let digits = rest.find(|it: char| !(it.is_ascii_digit() || it == '.' || it == '-')).unwrap_or(rest.len());
        let unit = rest[digits..].find(|it: char| !it.is_ascii_alphabetic()).unwrap_or(rest.len() - digits);
        let factor = match &rest[digits..digits + unit] {
            "" | "s" => 1.0,
            "ms" => 0.001,
            "m" => 60.0,
            "h" => 3_600.0,
            _ => return Err(self.wrong("a number has no unit, or ms, s, m or h")),
        };
        let number: f64 = rest[..digits].parse().map_err(|_| self.wrong("this is no number"))?;
        self.at += digits + unit;
        Ok(Operand::Constant(Value::from(number * factor)))
    }

    fn name(&mut self) -> Operand {
        let rest = self.rest();
        let is_part = |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '_' | '-');
        let end = rest.find(|it| !is_part(it)).unwrap_or(rest.len());
        self.at += end;
        match &rest[..end] {
            "true" => Operand::Constant(true.into()),
            "false" => Operand::Constant(false.into()),
            "null" => Operand::Constant(Value::Null),
            name => Operand::Name(name.split('.').map(str::to_owned).collect()),
        }
    }
}
