//! How votes move from round to round, as a Sankey diagram: a column for each round, a bar for each candidate in it, and
//! bands between them as wide as the votes that move.

use std::collections::BTreeMap;

use ballot::counting::{Destination, Round, Votes};

use super::super::parts;
use crate::model::ContestResult;
use crate::numbers::Numbers;

/// Height of all votes together, in pixels.
const VOTES_HEIGHT: f64 = 420.0;
/// Between two bars of a column.
const GAP: f64 = 3.0;
/// Room for the rounds' numbers.
const TOP: f64 = 26.0;
const BAR_WIDTH: f64 = 8.0;
/// Room for names before the first column and behind the last.
const LEFT: f64 = 190.0;
const RIGHT: f64 = 230.0;
/// All columns together have this width, if that leaves each the least. The more votes move between two rounds, the
/// further apart they are.
const COLUMNS_WIDTH: f64 = 760.0;
const LEAST_DISTANCE: f64 = 18.0;
const MOST_DISTANCE: f64 = 220.0;
/// A bar that is lower has no name beside it; the table has all.
const LEAST_NAMED: f64 = 11.0;
const LONGEST_NAME: usize = 22;
/// Narrower bands would not be seen.
const LEAST_BAND: f64 = 0.6;
/// The bar of ballots that count for nobody any more.
const INACTIVE: &str = "";

/// The diagram, in pixels.
pub(super) struct Flows {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) bars: Vec<Bar>,
    pub(super) bands: Vec<Band>,
    pub(super) texts: Vec<Text>,
}

pub(super) struct Bar {
    pub(super) key: usize,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) height: f64,
    pub(super) title: String,
}

pub(super) struct Band {
    pub(super) key: usize,
    pub(super) path: String,
    pub(super) title: String,
}

pub(super) struct Text {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) anchor: &'static str,
    pub(super) text: String,
}

/// A column: each bar by its candidate, from the top.
type Column<'a> = Vec<(&'a str, Votes, f64, f64)>;

impl Flows {
    pub(super) const BAR_WIDTH: f64 = BAR_WIDTH;

    /// The diagram of a pass.
    pub(super) fn of(contest: &ContestResult, rounds: &[Round], n: &Numbers) -> Flows {
        let mut places: BTreeMap<&str, usize> = (contest.choices.iter())
            .map(|choice| &*choice.candidate_id)
            .zip(0..)
            .collect();
        places.insert(INACTIVE, usize::MAX);
        let names: BTreeMap<&str, &str> = (contest.choices.iter())
            .map(|choice| (&*choice.candidate_id, &*choice.candidate_name))
            .collect();
        let name = |id: &str| names.get(id).copied().unwrap_or("No longer counting");
        let colours = parts::choice_colours(contest);
        let key = |id: &str| colours.get(id).copied().unwrap_or(0);
        let columns: Vec<Column> = rounds.iter().map(|it| column(it, &places)).collect();
        let last = rounds.len().saturating_sub(1);
        let lefts = lefts(rounds);
        let x_of = |round: usize| lefts.get(round).copied().unwrap_or(LEFT);

        let (mut bars, mut bands, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        for (at, (round, column)) in rounds.iter().zip(&columns).enumerate() {
            texts.push(Text {
                x: x_of(at) + BAR_WIDTH / 2.0,
                y: TOP - 12.0,
                anchor: "middle",
                text: n.whole(u64::from(round.round)),
            });
            for &(id, votes, y, height) in column {
                let votes = n.exact(votes);
                bars.push(Bar {
                    key: key(id),
                    x: x_of(at),
                    y,
                    height,
                    title: format!("Round {}: {}, {votes}", round.round, name(id)),
                });
                let (x, anchor) = match at {
                    at if at == last => (x_of(at) + BAR_WIDTH + 8.0, "start"),
                    0 => (x_of(at) - 8.0, "end"),
                    _ => continue,
                };
                if height >= LEAST_NAMED {
                    texts.push(Text {
                        x,
                        y: y + height / 2.0 + 4.0,
                        anchor,
                        text: format!("{} {votes}", shortened(name(id))),
                    });
                }
            }
            if let Some(next) = columns.get(at + 1) {
                let moves = moves(round, column, next);
                for band in placed(&moves, column, next, &places) {
                    bands.push(Band {
                        key: key(band.from),
                        path: path(x_of(at) + BAR_WIDTH, x_of(at + 1), &band),
                        title: match band.from == band.to {
                            true => format!("{} keeps {}", name(band.from), n.exact(band.votes)),
                            false => format!(
                                "{} from {} to {}",
                                n.exact(band.votes),
                                name(band.from),
                                name(band.to),
                            ),
                        },
                    });
                }
            }
        }
        let lowest = bars.iter().map(|bar| bar.y + bar.height);
        Flows {
            width: x_of(last) + BAR_WIDTH + RIGHT,
            height: lowest.fold(TOP, f64::max) + 4.0,
            bars,
            bands,
            texts,
        }
    }

    /// Whether anything moves.
    pub(super) fn is_worth_drawing(&self) -> bool {
        !self.bands.is_empty()
    }
}

/// Where each round's column begins.
fn lefts(rounds: &[Round]) -> Vec<f64> {
    let moved = rounds
        .iter()
        .take(rounds.len().saturating_sub(1))
        .map(|round| {
            let decisions = round.elected.iter().chain(&round.eliminated);
            let transfers = decisions.flat_map(|decision| &decision.transfers);
            transfers.map(|transfer| transfer.votes.to_f64()).sum()
        });
    let moved: Vec<f64> = moved.collect();
    let all = moved.iter().sum::<f64>().max(1.0);
    let to_share = (COLUMNS_WIDTH - moved.len() as f64 * LEAST_DISTANCE).max(0.0);
    let distances = moved.iter().map(|moved| {
        let share = moved / all * to_share;
        (LEAST_DISTANCE + share).min(MOST_DISTANCE)
    });
    let mut x = LEFT;
    let mut lefts = vec![x];
    for distance in distances {
        x += distance;
        lefts.push(x);
    }
    lefts
}

/// The bars of a round, in the order of the result.
fn column<'a>(round: &'a Round, places: &BTreeMap<&str, usize>) -> Column<'a> {
    let inactive = round.inactive.total() + round.final_surplus + round.residual_surplus;
    let candidates = round.votes.iter().map(|it| (&*it.candidate_id, it.votes));
    let mut held: Vec<(&str, Votes)> = candidates.chain([(INACTIVE, inactive)]).collect();
    held.retain(|(_, votes)| votes.is_positive());
    held.sort_by_key(|(id, _)| places.get(id).copied().unwrap_or(usize::MAX - 1));
    let all: f64 = held.iter().map(|(_, votes)| votes.to_f64()).sum();
    let mut y = TOP;
    let bars = held.into_iter().map(|(id, votes)| {
        let height = votes.to_f64() / all * VOTES_HEIGHT;
        let bar = (id, votes, y, height);
        y += height + GAP;
        bar
    });
    bars.collect()
}

/// Votes that are with one in this round and with another, or the same, in the next.
fn moves<'a>(
    round: &'a Round,
    column: &Column<'a>,
    next: &Column<'a>,
) -> BTreeMap<(&'a str, &'a str), Votes> {
    let mut moves: BTreeMap<(&str, &str), Votes> = BTreeMap::new();
    let mut kept: BTreeMap<&str, Votes> =
        column.iter().map(|&(id, votes, ..)| (id, votes)).collect();
    for decision in round.elected.iter().chain(&round.eliminated) {
        for transfer in &decision.transfers {
            let to = match &transfer.to {
                Destination::Candidate(id) => id,
                Destination::Inactive(_)
                | Destination::FinalSurplus
                | Destination::ResidualSurplus => INACTIVE,
            };
            *moves.entry((&decision.candidate_id, to)).or_default() += transfer.votes;
            if let Some(kept) = kept.get_mut(&*decision.candidate_id) {
                *kept = *kept - transfer.votes;
            }
        }
    }
    let continues = |id: &str| next.iter().any(|&(next, ..)| next == id);
    for (id, votes) in kept {
        if votes.is_positive() && continues(id) {
            *moves.entry((id, id)).or_default() += votes;
        }
    }
    moves
}

/// A band between two bars.
struct Placed<'a> {
    from: &'a str,
    to: &'a str,
    votes: Votes,
    /// Where it leaves and where it arrives.
    y: (f64, f64),
    height: f64,
}

/// The bands, side by side at each bar in the order of the bars at their other end.
fn placed<'a>(
    moves: &BTreeMap<(&'a str, &'a str), Votes>,
    column: &Column<'a>,
    next: &Column<'a>,
    places: &BTreeMap<&str, usize>,
) -> Vec<Placed<'a>> {
    let tops = |column: &Column<'a>| -> BTreeMap<&'a str, f64> {
        column.iter().map(|&(id, _, y, _)| (id, y)).collect()
    };
    let all: f64 = column.iter().map(|(_, votes, ..)| votes.to_f64()).sum();
    let place = |id: &str| places.get(id).copied().unwrap_or(usize::MAX - 1);
    let mut bands: Vec<Placed> = (moves.iter())
        .map(|(&(from, to), &votes)| Placed {
            from,
            to,
            votes,
            y: (0.0, 0.0),
            height: votes.to_f64() / all * VOTES_HEIGHT,
        })
        .collect();
    let (mut leaving, mut arriving) = (tops(column), tops(next));
    bands.sort_by_key(|band| (place(band.from), place(band.to)));
    for band in &mut bands {
        if let Some(y) = leaving.get_mut(band.from) {
            band.y.0 = *y;
            *y += band.height;
        }
    }
    bands.sort_by_key(|band| (place(band.to), place(band.from)));
    for band in &mut bands {
        if let Some(y) = arriving.get_mut(band.to) {
            band.y.1 = *y;
            *y += band.height;
        }
    }
    // What is kept lies below what moves.
    bands.sort_by_key(|band| band.from != band.to);
    bands
}

fn path(left: f64, right: f64, band: &Placed) -> String {
    let middle = f64::midpoint(left, right);
    let (from, to) = band.y;
    let height = band.height.max(LEAST_BAND);
    let (from_end, to_end) = (from + height, to + height);
    format!(
        "M{left:.1} {from:.1}C{middle:.1} {from:.1} {middle:.1} {to:.1} {right:.1} {to:.1}V{to_end:.1}\
         C{middle:.1} {to_end:.1} {middle:.1} {from_end:.1} {left:.1} {from_end:.1}Z"
    )
}

fn shortened(name: &str) -> String {
    match name.chars().count() > LONGEST_NAME {
        true => name.chars().take(LONGEST_NAME - 1).chain(['…']).collect(),
        false => name.to_owned(),
    }
}
