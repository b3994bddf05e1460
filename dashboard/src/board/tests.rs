//! The board: totals from wherever they come, and what is shown of them.

use ballot::TUTORIAL_CONTEST;
use chrono::DateTime;
use evidence::ChainedTopic;

use super::*;
use crate::model::Accounted;

fn candidate(id: &str, party: &str) -> Candidate {
    Candidate {
        candidate_id: id.into(),
        candidate_name: format!("Name of {id}"),
        party_affiliation: party.into(),
        biography: String::new(),
        campaign_platform: String::new(),
        photo_url: format!("/portraits/{id}.svg"),
    }
}

fn tally(cells: &[(&str, &str, u64)]) -> Tally {
    let mut tally = Tally::default();
    for &(id, state, votes) in cells {
        let groups = [("location", state), ("gender", "female"), ("age", "18-24")];
        for (group, value) in groups {
            tally.add_turnout(group, value, votes);
            tally.add_selection(TUTORIAL_CONTEST, (group, value), id, votes);
        }
    }
    tally
}

/// When the election of the tests was set up.
const SET_UP_AT: i64 = 1_700_000_000_000_000;

fn board() -> Board {
    let mut board = Board::default();
    let candidates = vec![
        candidate("a", "Red"),
        candidate("b", "Blue"),
        candidate("c", "Red"),
    ];
    let definition = ElectionDefinition::tutorial(candidates);
    board.set_election(PollsWindow::default(), definition, SET_UP_AT);
    board
}

/// The figures of an election, as a consumer publishes them.
fn totals(election: i64, tally: &Tally) -> Vec<u8> {
    let totals = tally.clone();
    serde_json::to_vec(&ChangedTotals { election, totals }).unwrap()
}

fn publish(board: &mut Board, tally: &Tally) {
    board.apply_stored(tally);
}

fn shown(board: &mut Board) -> Snapshot {
    board.snapshot(DateTime::UNIX_EPOCH)
}

fn position(partition: u32, to: i64) -> TallyPosition {
    TallyPosition {
        partition,
        counted_to: to,
        checkpointed_to: to,
        ..TallyPosition::default()
    }
}

#[test]
fn the_snapshot_says_what_the_tally_says() {
    let mut board = board();
    publish(
        &mut board,
        &tally(&[
            ("a", "Fife", 3),
            ("b", "Fife", 5),
            ("b", "Kent", 1),
            ("c", "Kent", 1),
        ]),
    );
    let snapshot = shown(&mut board);
    assert_eq!(snapshot.totals.counted, 10);
    let leader = snapshot.leader.unwrap();
    assert_eq!((leader.candidate_id.as_str(), leader.lead), ("b", 3));
    assert!((leader.margin - 0.3).abs() < 1e-9);
    let votes: Vec<u64> = snapshot
        .candidates
        .iter()
        .map(|at| at.total_votes)
        .collect();
    assert_eq!(votes, [3, 6, 1]);
    let places: Vec<_> = snapshot
        .locations
        .iter()
        .map(|at| (at.state.as_str(), at.count, at.votes.clone()))
        .collect();
    assert_eq!(
        places,
        [("Fife", 8, vec![3, 5, 0]), ("Kent", 2, vec![0, 1, 1])]
    );
    // A tie is a lead of nothing, shown for the one registered first.
    let kent = snapshot.locations[1].leader.as_ref().unwrap();
    assert_eq!((kent.candidate_id.as_str(), kent.lead), ("b", 0));
    let parties: Vec<_> = snapshot
        .turnout
        .parties
        .iter()
        .map(|at| (at.group.as_str(), at.count))
        .collect();
    assert_eq!(parties, [("Blue", 6), ("Red", 4)]);
    assert_eq!(snapshot.turnout.age_bands[0].group, "18-24");
}

#[test]
fn an_older_total_changes_nothing() {
    let mut board = board();
    publish(&mut board, &tally(&[("a", "Fife", 30), ("b", "Kent", 2)]));
    // What was stored before is read after what was published since.
    publish(&mut board, &tally(&[("a", "Fife", 20), ("b", "Kent", 1)]));
    let snapshot = shown(&mut board);
    assert_eq!(snapshot.totals.counted, 32);
    assert_eq!(snapshot.locations[0].votes, [30, 0, 0]);
}

#[test]
fn totals_of_another_election_are_left_out() {
    let mut board = board();
    let counted = tally(&[("a", "Fife", 3)]);
    board
        .apply_totals(&totals(SET_UP_AT - 1, &counted))
        .unwrap();
    assert_eq!(shown(&mut board).totals.counted, 0);
    board.apply_totals(&totals(SET_UP_AT, &counted)).unwrap();
    assert_eq!(shown(&mut board).totals.counted, 3);
}

#[test]
fn every_contest_and_group_of_a_definition_is_shown() {
    let definition = ElectionDefinition::from_json(
        r#"{
            "election": {"id": "e", "title": "E"},
            "precinct": [{"id": "p1", "title": "First"}],
            "group": [{"name": "ward", "path": "/ward"}],
            "contest": [
                {"id": "mayor", "title": "Mayor", "method": {"kind": "plurality"},
                 "candidates": [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}]},
                {"id": "fund", "title": "Fund", "method": {"kind": "score", "highest": 5},
                 "candidates": [{"id": "x", "name": "X"}, {"id": "y", "name": "Y"}]}
            ]
        }"#,
    );
    let mut board = Board::default();
    board.set_election(PollsWindow::default(), definition.unwrap(), SET_UP_AT);
    let mut tally = Tally::default();
    for at in [("precinct", "p1"), ("ward", "north")] {
        tally.add_turnout(at.0, at.1, 3);
        tally.add_selection("mayor", at, "b", 2);
        tally.add_selection("mayor", at, "undervote", 1);
        tally.add_selection("fund", at, "x=5,y=1", 3);
    }
    board.apply_stored(&tally);
    let snapshot = shown(&mut board);
    let [mayor, fund] = &snapshot.contests[..] else {
        panic!("{:?}", snapshot.contests);
    };
    assert_eq!((mayor.ballots, mayor.undervotes), (3, 1));
    assert_eq!(mayor.winners, ["b"]);
    assert_eq!(fund.choices[0].total_votes, 15);
    assert_eq!(snapshot.candidates.len(), 2, "those of the first contest");
    assert_eq!(snapshot.place_name, "precinct");
    assert_eq!(snapshot.locations[0].votes, [0, 2]);
    assert_eq!(snapshot.turnout.groups[0].group, "ward");
    assert_eq!(snapshot.turnout.groups[0].values[0].count, 3);
}

#[test]
fn changed_locations_are_named_once() {
    let mut board = board();
    publish(&mut board, &tally(&[("a", "Fife", 1), ("a", "Kent", 1)]));
    let names = board.take_changed_locations().unwrap();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["Fife", "Kent"]);
    assert_eq!(board.take_changed_locations().unwrap().len(), 0);
    board.begin_anew();
    assert_eq!(board.take_changed_locations(), None);
}

#[test]
fn a_new_election_begins_with_nothing() {
    let mut board = board();
    publish(&mut board, &tally(&[("a", "Fife", 1)]));
    let before = shown(&mut board).sequence;
    board.begin_anew();
    let snapshot = shown(&mut board);
    assert!(!snapshot.election.is_set_up);
    assert_eq!((snapshot.totals.counted, snapshot.candidates.len()), (0, 0));
    assert_eq!(snapshot.sequence, before + 1);
}

#[test]
fn turnout_is_of_the_registered() {
    let mut board = board();
    board.set_ends(&[2, 1], &[5, 3]);
    publish(&mut board, &tally(&[("a", "Fife", 2)]));
    let totals = shown(&mut board).totals;
    assert_eq!(
        (totals.voters, totals.cast, totals.turnout),
        (Some(8), 3, Some(0.25))
    );
    // One of the records was no voter.
    board.set_comparison(Comparison {
        cast: 3,
        voter_records: 8,
        voters: 7,
        difference: 0,
    });
    assert_eq!(shown(&mut board).totals.voters, Some(7));
}

#[test]
fn a_replay_has_no_roll() {
    let mut board = board();
    board.set_ends(&[2], &[0]);
    assert_eq!(shown(&mut board).totals.voters, Some(0));
    publish(&mut board, &tally(&[("a", "Fife", 2)]));
    let totals = shown(&mut board).totals;
    assert_eq!((totals.voters, totals.turnout), (None, None));
}

#[test]
fn the_verdict_waits_for_everything() {
    let mut board = board();
    assert!(!board.wants_comparison(), "nothing is known yet");
    board.set_ends(&[10], &[4]);
    board.apply_tally_position(position(0, 10));
    assert!(!board.wants_comparison(), "rows are missing");
    board.apply_stored_rows(PersistPosition {
        partition: 0,
        votes_to: 10,
        voters_to: 4,
        ..PersistPosition::default()
    });
    assert!(board.wants_comparison());
    assert_eq!(shown(&mut board).pipeline.accounted, Accounted::InProgress);
    board.set_comparison(Comparison {
        cast: 10,
        voter_records: 4,
        voters: 4,
        difference: 0,
    });
    assert!(!board.wants_comparison());
    assert_eq!(shown(&mut board).pipeline.accounted, Accounted::Agrees);
    board.set_ends(&[11], &[4]);
    let pipeline = shown(&mut board).pipeline;
    assert_eq!(pipeline.accounted, Accounted::InProgress);
    assert_eq!((pipeline.uncounted, pipeline.unpersisted), (1, 1));
}

#[test]
fn positions_come_from_the_topic_and_from_the_database() {
    let mut board = board();
    let rejected = [(Reason::Duplicate, 2)].into();
    let record = PipelineRecord::Tally(TallyPosition {
        rejected,
        checkpointed_at: Some(1_000),
        cast_to_counted_ms: Some(4),
        module_bytes: 65_536,
        ..position(1, 7)
    });
    board
        .apply_pipeline(&serde_json::to_vec(&record).unwrap())
        .unwrap();
    // Read from the database later, but stored before: what the topic said stays.
    board.apply_stored_position(position(1, 5));
    let snapshot = shown(&mut board);
    let duplicate = snapshot
        .rejected
        .iter()
        .find(|at| at.reason == Reason::Duplicate)
        .unwrap();
    assert_eq!((snapshot.totals.rejected, duplicate.count), (2, 2));
    assert_eq!(snapshot.pipeline.cast_to_counted_ms, Some(4.0));
    assert_eq!(
        snapshot.pipeline.last_checkpoint.unwrap(),
        "1970-01-01T00:00:01.000Z"
    );
    assert_eq!(snapshot.pipeline.partitions[0].counted_to, 7);
}

#[test]
fn the_newest_head_and_the_latest_seal_are_shown() {
    let mut board = board();
    board.apply_stored(&Tally::default());
    let head = |offset| evidence::first_head(ChainedTopic::Votes, 1, offset);
    let voters_head = |offset| evidence::first_head(ChainedTopic::Voters, 1, offset);
    let published = |votes_to: i64| {
        let position = PersistPosition {
            partition: 1,
            votes_to,
            voters_to: votes_to + 1,
            chain_head: Some(head(votes_to)),
            voters_chain_head: Some(voters_head(votes_to + 1)),
        };
        (position.clone(), PipelineRecord::Persist(position))
    };
    let (_, record) = published(7);
    board
        .apply_pipeline(&serde_json::to_vec(&record).unwrap())
        .unwrap();
    // Read from the database later, but stored before.
    board.apply_stored_rows(published(5).0);
    let [shown_at] = &shown(&mut board).pipeline.evidence[..] else {
        panic!("not one partition");
    };
    assert_eq!((shown_at.partition, shown_at.chained_to), (1, 7));
    assert_eq!(shown_at.chain_head, Some(head(7).to_string()));
    assert_eq!(shown_at.voters_chained_to, 8);
    assert_eq!(shown_at.voters_chain_head, Some(voters_head(8).to_string()));
    assert_eq!(shown_at.seal, None);
    assert!(board.take_news());

    let seal = evidence::Seal {
        number: 2,
        partition: 1,
        sealed_at: 1_000,
        next_offset: 5,
        chain_head: head(5),
        leaves: 3,
        tree_root: head(9),
    };
    board.set_seal(vec![seal]);
    assert!(board.take_news());
    board.set_seal(vec![seal]);
    assert!(!board.take_news(), "the same seal");
    let sealed = shown(&mut board).pipeline.evidence[0].seal.clone().unwrap();
    assert_eq!((sealed.seal, sealed.votes, sealed.sealed_to), (2, 3, 5));
    assert_eq!(sealed.sealed_at, "1970-01-01T00:00:01.000Z");
    assert_eq!(sealed.root, seal.root().to_string());
}

#[test]
fn an_unreadable_record_changes_nothing() {
    let mut board = board();
    assert!(board.apply_totals(b"{}").is_err());
    assert!(board.apply_pipeline(b"\xff").is_err());
    assert_eq!(shown(&mut board).totals.counted, 0);
}

#[test]
fn nothing_is_shown_before_what_is_stored_was_read() {
    let mut board = Board::default();
    let definition = ElectionDefinition::tutorial(vec![candidate("a", "Red")]);
    board.set_election(PollsWindow::default(), definition, SET_UP_AT);
    assert!(!board.take_news(), "an election without its votes");
    publish(&mut board, &tally(&[("a", "Fife", 3)]));
    assert!(board.take_news());
    assert!(!board.take_news());

    let mut board = Board::default();
    board.set_empty();
    assert!(board.take_news(), "there is none to be read");

    let mut board = Board::default();
    board.set_problem("Postgres", Some("Postgres: it is down".into()));
    assert!(board.take_news(), "it cannot be read");
}
