//! Writes voters to rows, exactly once, and reads them.

use std::borrow::Cow;

use ballot::{Address, Voter};
use evidence::{ChainedTopic, Digest};
use tokio_postgres::types::{ToSql, Type};

use crate::checkpoint::Batch;
use crate::columns::{Copy, partition_column, without_nul};
use crate::connection::Row;
use crate::leases::Lease;
use crate::transaction::Transaction;
use crate::{Store, StoreError};

/// A row of `rejected_voters`: a record of `voters` that is not a voter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedVoterRow {
    /// Its offset in the partition.
    pub offset: i64,
    /// How many records it stands for, from that offset on: more than one where a batch in the log cannot be read.
    pub records: u32,
    /// What is wrong with it.
    pub problem: String,
    /// The original bytes; the caller may truncate them.
    pub value: Vec<u8>,
}

/// A batch of `voters`: every record of `base_offset..next_offset`, either a voter or rejected.
#[derive(Debug, Clone, Copy)]
pub struct IngestVoters<'a> {
    /// The partition.
    pub partition: u32,
    /// The lease to write under; `None` if one process has the database to itself.
    pub lease: Option<Lease>,
    /// The batch's first offset.
    pub base_offset: i64,
    /// The offset after its last.
    pub next_offset: i64,
    /// The voters, in the order of their offsets; ids of at most 255 characters.
    pub voters: &'a [Voter],
    /// The other records.
    pub rejected: &'a [RejectedVoterRow],
    /// The hash of the batch's records, as they are in the log.
    pub batch_hash: Digest,
}

/// How many columns of a voter are text that is never missing.
const TEXTS: usize = 15;

/// The columns of a voter: the texts in the order of [`texts`], then the age and the precinct.
macro_rules! voter_columns {
    () => {
        "voter_id, voter_name, date_of_birth, gender, nationality, registration_number, \
         address_street, address_city, address_state, address_country, address_postcode, \
         email, phone_number, cell_number, picture, registered_age, precinct"
    };
}

/// The texts of a voter, by reference or by mutable reference.
macro_rules! texts_of {
    ($voter:expr) => {{
        let Voter {
            voter_id,
            voter_name,
            date_of_birth,
            gender,
            nationality,
            registration_number,
            address:
                Address {
                    street,
                    city,
                    state,
                    country,
                    postcode,
                },
            email,
            phone_number,
            cell_number,
            picture,
            registered_age: _,
            precinct: _,
        } = $voter;
        [
            voter_id,
            voter_name,
            date_of_birth,
            gender,
            nationality,
            registration_number,
            street,
            city,
            state,
            country,
            postcode,
            email,
            phone_number,
            cell_number,
            picture,
        ]
    }};
}

fn texts(voter: &Voter) -> [&String; TEXTS] {
    texts_of!(voter)
}

fn texts_mut(voter: &mut Voter) -> [&mut String; TEXTS] {
    texts_of!(voter)
}

const STAGE_VOTERS: &str = concat!(
    "COPY staged_voters (position, ",
    voter_columns!(),
    ") FROM STDIN (FORMAT binary)"
);

/// The first record of a voter is kept, in the batch as in the table.
const INSERT_VOTERS: &str = concat!(
    "INSERT INTO voters (",
    voter_columns!(),
    ") SELECT ",
    voter_columns!(),
    " FROM staged_voters ORDER BY position ON CONFLICT (voter_id) DO NOTHING"
);

/// A join, because the generic plan of a prepared statement with `= ANY` reads the whole table.
const SELECT_VOTERS: &str = concat!(
    "SELECT ",
    voter_columns!(),
    " FROM unnest($1::text[]) AS asked (id) JOIN voters ON voter_id = asked.id"
);

/// A join, as in [`SELECT_VOTERS`].
const SELECT_VOTED: &str =
    "SELECT voter_id FROM unnest($1::text[]) AS asked (id) JOIN votes ON voter_id = asked.id";

/// The voter as its row has it.
pub fn stored_voter(mut voter: Voter) -> Voter {
    for text in texts_mut(&mut voter) {
        store_text(text);
    }
    if let Some(precinct) = &mut voter.precinct {
        store_text(precinct);
    }
    voter
}

fn store_text(text: &mut String) {
    if let Cow::Owned(stored) = without_nul(text) {
        *text = stored;
    }
}

/// The columns in which two voters differ.
pub fn differing_columns(voter: &Voter, row: &Voter) -> Vec<&'static str> {
    let texts = texts(voter).into_iter().zip(texts(row));
    let are_equal = texts.map(|(text, in_row)| text == in_row).chain([
        voter.registered_age == row.registered_age,
        voter.precinct == row.precinct,
    ]);
    let columns = voter_columns!().split(", ").zip(are_equal);
    columns
        .filter_map(|(column, is_equal)| (!is_equal).then_some(column))
        .collect()
}

impl Store {
    /// Those of these voters who are registered, in any order.
    pub async fn voters(&self, voter_ids: &[&str]) -> Result<Vec<Voter>, StoreError> {
        let rows = self
            .connection()
            .await?
            .query("look up voters", SELECT_VOTERS, &[&without_nuls(voter_ids)])
            .await?;
        rows.iter().map(voter).collect()
    }

    /// Those of these ids that have a row in `votes`, in any order.
    pub async fn have_voted(&self, voter_ids: &[&str]) -> Result<Vec<String>, StoreError> {
        let rows = self
            .connection()
            .await?
            .query(
                "look up who has voted",
                SELECT_VOTED,
                &[&without_nuls(voter_ids)],
            )
            .await?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Writes a batch of voters and moves the checkpoint, in one transaction. A voter who has a row
    /// already keeps it. Returns the head of the partition's chain.
    ///
    /// # Errors
    /// As [`Store::begin_votes`].
    pub async fn ingest_voters(&self, voters: IngestVoters<'_>) -> Result<Digest, StoreError> {
        let batch = Batch {
            topic: ChainedTopic::Voters,
            partition: voters.partition,
            base_offset: voters.base_offset,
            next_offset: voters.next_offset,
        };
        let rejected = voters.rejected.iter().map(|row| u64::from(row.records));
        let records = voters.voters.len() as u64 + rejected.sum::<u64>();
        let begun = batch.begin(self, voters.lease, records, voters.batch_hash);
        let (transaction, chain_head) = begun.await?;
        if !voters.voters.is_empty() {
            stage_voters(&transaction, voters.voters).await?;
            transaction
                .execute("insert voters", INSERT_VOTERS, &[])
                .await?;
        }
        if !voters.rejected.is_empty() {
            insert_rejected(&transaction, &batch, voters.rejected).await?;
        }
        batch.commit(transaction).await?;
        Ok(chain_head)
    }
}

async fn stage_voters(transaction: &Transaction, voters: &[Voter]) -> Result<(), StoreError> {
    const AGE: usize = TEXTS + 1;
    const PRECINCT: usize = TEXTS + 2;
    let mut types = vec![Type::TEXT; TEXTS + 3];
    types[0] = Type::INT4;
    types[1] = Type::VARCHAR;
    types[AGE] = Type::INT4;
    let mut copy = Copy::begin(transaction, "stage voters", STAGE_VOTERS, &types).await?;
    for (position, voter) in (0i32..).zip(voters) {
        let texts = texts(voter).map(|text| without_nul(text));
        let precinct = voter.precinct.as_deref().map(without_nul);
        let values: [&(dyn ToSql + Sync); TEXTS + 3] = std::array::from_fn(|column| {
            let value: &(dyn ToSql + Sync) = match column {
                0 => &position,
                AGE => &voter.registered_age,
                PRECINCT => &precinct,
                text => &texts[text - 1],
            };
            value
        });
        copy.row(&values).await?;
    }
    copy.finish().await
}

async fn insert_rejected(
    transaction: &Transaction,
    batch: &Batch,
    rows: &[RejectedVoterRow],
) -> Result<(), StoreError> {
    let mut copy = Copy::begin(
        transaction,
        "insert rejected voters",
        r#"COPY rejected_voters ("partition", log_offset, problem, value, records)
           FROM STDIN (FORMAT binary)"#,
        &[Type::INT4, Type::INT8, Type::TEXT, Type::BYTEA, Type::INT8],
    )
    .await?;
    let partition = partition_column(batch.partition)?;
    for row in rows {
        batch.demand_offset(row.offset)?;
        copy.row(&[
            &partition,
            &row.offset,
            &without_nul(&row.problem),
            &row.value,
            &i64::from(row.records),
        ])
        .await?;
    }
    copy.finish().await
}

/// A voter, from the columns of [`SELECT_VOTERS`].
fn voter(row: &Row) -> Result<Voter, StoreError> {
    let mut voter = Voter::default();
    for (column, text) in texts_mut(&mut voter).into_iter().enumerate() {
        *text = row.get::<Option<String>>(column)?.unwrap_or_default();
    }
    voter.registered_age = row.get(TEXTS)?;
    voter.precinct = row.get(TEXTS + 1)?;
    Ok(voter)
}

fn without_nuls<'a>(texts: &[&'a str]) -> Vec<Cow<'a, str>> {
    texts.iter().map(|text| without_nul(text)).collect()
}
