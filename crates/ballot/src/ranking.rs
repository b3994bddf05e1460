//! A ranking of candidates, as a voter marked it: skipped ranks and overvotes are kept, and what they mean is for a
//! counting method to say.

use std::fmt;

/// At a rank, in place of candidates: an overvote of unknown candidates.
pub const UNKNOWN_OVERVOTE: &str = "overvote";

/// The placeholder of undeclared write-ins. No candidate wins while it holds votes, and it is eliminated
/// first.
pub const UNDECLARED_WRITE_INS: &str = "UWI";

/// What stands between two ranks of a ranking's text.
const BETWEEN_RANKS: char = '>';
/// What stands between the candidates of an overvoted rank.
const BETWEEN_CANDIDATES: char = '=';

/// A ranking as marked: for each rank, from the first on, the candidates that were marked there. An empty rank was
/// skipped; several candidates at a rank are an overvote. Trailing empty ranks are left out.
///
/// Its text is `c1>>c2=c3`: the first rank is `c1`, the second was skipped, the third is overvoted.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ranking(pub Vec<Vec<String>>);

impl Ranking {
    /// The ranking with these marks. The order of the marks at a rank says nothing and is not kept, nor is a mark that
    /// is there twice.
    pub fn of_marks(mut ranks: Vec<Vec<String>>) -> Ranking {
        for rank in &mut ranks {
            rank.sort_unstable();
            rank.dedup();
        }
        while ranks.last().is_some_and(Vec::is_empty) {
            ranks.pop();
        }
        Ranking(ranks)
    }

    /// Reads a ranking's text. An empty text is a ranking without a mark.
    pub fn from_text(text: &str) -> Ranking {
        let marks = |rank: &str| match rank {
            "" => Vec::new(),
            marks => marks.split(BETWEEN_CANDIDATES).map(str::to_owned).collect(),
        };
        Ranking::of_marks(text.split(BETWEEN_RANKS).map(marks).collect())
    }

    /// Whether no candidate is ranked.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Vec::is_empty)
    }
}

impl fmt::Display for Ranking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, rank) in self.0.iter().enumerate() {
            if place > 0 {
                write!(f, "{BETWEEN_RANKS}")?;
            }
            for (mark, candidate) in rank.iter().enumerate() {
                if mark > 0 {
                    write!(f, "{BETWEEN_CANDIDATES}")?;
                }
                f.write_str(candidate)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ranking_is_read_as_it_is_written() {
        for text in [
            "",
            "c1",
            "c1>c2",
            "c1>>c2=c3",
            ">c1",
            "overvote>c2",
            "c1>c1",
        ] {
            assert_eq!(Ranking::from_text(text).to_string(), text);
        }
        assert_eq!(Ranking::from_text("c1>>c2=c3").0.len(), 3);
    }

    #[test]
    fn what_says_nothing_is_left_out() {
        assert_eq!(Ranking::from_text("c1>>").to_string(), "c1");
        assert_eq!(Ranking::from_text("c3=c1=c3").to_string(), "c1=c3");
        assert!(Ranking::from_text(">>").is_empty());
    }
}
