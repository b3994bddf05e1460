//! Voters into rows, exactly once.

use std::borrow::Cow;

use ballot::{Address, Voter};
use evidence::Digest;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::chain::chain_batch;
use crate::checkpoint::Batch;
use crate::columns::{Copy, partition_column, without_nul};
use crate::leases::{Lease, demand_leases};
use crate::transaction::Transaction;
use crate::{Store, StoreError};

/// A row of `rejected_voters`: a record of `voters` that is no voter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedVoterRow {
    /// Its offset in the partition.
    pub offset: i64,
    /// What is wrong with it.
    pub problem: String,
    /// The original value, whatever bytes these are; the caller may cut it.
    pub value: Vec<u8>,
}

/// A batch of `voters`: every record of `base_offset..next_offset`, either a voter or rejected.
#[derive(Debug, Clone, Copy)]
pub struct IngestVoters<'a> {
    /// The partition.
    pub partition: u32,
    /// The lease to write under; `None` where one process has the database to itself.
    pub lease: Option<Lease>,
    /// The batch's first offset.
    pub base_offset: i64,
    /// The offset after its last.
    pub next_offset: i64,
    /// The voters, in the order of their offsets; ids of at most 255 characters.
    pub voters: &'a [Voter],
    /// The others.
    pub rejected: &'a [RejectedVoterRow],
    /// The hash of the batch's records, as they are in the log.
    pub batch_hash: Digest,
}

/// The columns of a voter, in the order of [`stage_voters`]' values.
macro_rules! voter_columns {
    () => {
        "voter_id, voter_name, date_of_birth, gender, nationality, registration_number, \
         address_street, address_city, address_state, address_country, address_postcode, \
         email, phone_number, cell_number, picture, registered_age, precinct"
    };
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

/// By a join, and not by `= ANY`: a prepared statement's general plan of that reads the whole table.
const SELECT_VOTERS: &str = concat!(
    "SELECT ",
    voter_columns!(),
    " FROM unnest($1::text[]) AS asked (id) JOIN voters ON voter_id = asked.id"
);

/// By a join, as [`SELECT_VOTERS`].
const SELECT_VOTED: &str =
    "SELECT voter_id FROM unnest($1::text[]) AS asked (id) JOIN votes ON voter_id = asked.id";

/// The voter as the row has it.
pub fn stored_voter(mut voter: Voter) -> Voter {
    let Voter {
        voter_id,
        voter_name,
        date_of_birth,
        gender,
        nationality,
        registration_number,
        address,
        email,
        phone_number,
        cell_number,
        picture,
        registered_age: _,
        precinct,
    } = &mut voter;
    let Address {
        street,
        city,
        state,
        country,
        postcode,
    } = address;
    for text in [
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
    .into_iter()
    .chain(precinct)
    {
        if let Cow::Owned(stored) = without_nul(text) {
            *text = stored;
        }
    }
    voter
}

impl Store {
    /// Those of these voters who are registered, in no order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn voters(&self, voter_ids: &[&str]) -> Result<Vec<Voter>, StoreError> {
        let failed = StoreError::database("look up voters");
        let client = self.client().await?;
        let statement = client
            .prepare_cached(SELECT_VOTERS)
            .await
            .map_err(&failed)?;
        let rows = client
            .query(&statement, &[&without_nuls(voter_ids)])
            .await
            .map_err(&failed)?;
        rows.iter().map(voter_from).collect()
    }

    /// Those of these ids that have a row in `votes`, in no order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn have_voted(&self, voter_ids: &[&str]) -> Result<Vec<String>, StoreError> {
        let failed = StoreError::database("look up who has voted");
        let client = self.client().await?;
        let statement = client.prepare_cached(SELECT_VOTED).await.map_err(&failed)?;
        let rows = client
            .query(&statement, &[&without_nuls(voter_ids)])
            .await
            .map_err(&failed)?;
        rows.iter()
            .map(|row| row.try_get(0).map_err(&failed))
            .collect()
    }

    /// Writes a batch of voters and moves the checkpoint, in one transaction. A voter who is there
    /// already is left as is. Returns the head of the partition's chain.
    ///
    /// # Errors
    /// [`StoreError::CheckpointMoved`] and [`StoreError::WentBack`] when the batch does not begin where the
    /// checkpoint stands;
    /// [`StoreError::Unaccounted`] when it does not have a row for each record;
    /// [`StoreError::ChainBroken`] when the chain does not end there; [`StoreError::LeaseLost`] when the
    /// partition is another consumer's.
    pub async fn ingest_voters(&self, voters: IngestVoters<'_>) -> Result<Digest, StoreError> {
        let IngestVoters {
            partition,
            lease,
            base_offset,
            next_offset,
            voters,
            rejected,
            batch_hash,
        } = voters;
        let batch = Batch::voters(partition, base_offset, next_offset);
        batch.demand_rows(voters.len() + rejected.len())?;
        let transaction = Transaction::begin(self).await?;
        demand_leases(&transaction, &[(partition, lease)]).await?;
        batch.lock_checkpoint(&transaction).await?;
        let chain_head = chain_batch(&transaction, &batch, batch_hash).await?;
        if !voters.is_empty() {
            stage_voters(&transaction, voters).await?;
            let failed = StoreError::database("insert voters");
            let statement = transaction
                .prepare_cached(INSERT_VOTERS)
                .await
                .map_err(&failed)?;
            transaction
                .execute(&statement, &[])
                .await
                .map_err(&failed)?;
        }
        if !rejected.is_empty() {
            insert_rejected(&transaction, &batch, rejected).await?;
        }
        batch.commit(transaction).await?;
        Ok(chain_head)
    }
}

async fn stage_voters(transaction: &Transaction, voters: &[Voter]) -> Result<(), StoreError> {
    const TEXTS: usize = 15;
    let mut types = vec![Type::TEXT; TEXTS + 3];
    types[0] = Type::INT4;
    types[1] = Type::VARCHAR;
    types[TEXTS + 1] = Type::INT4;
    let mut copy = Copy::begin(transaction, "stage voters", STAGE_VOTERS, &types).await?;
    for (position, voter) in (0i32..).zip(voters) {
        copy.row(&[
            &position,
            &without_nul(&voter.voter_id),
            &without_nul(&voter.voter_name),
            &without_nul(&voter.date_of_birth),
            &without_nul(&voter.gender),
            &without_nul(&voter.nationality),
            &without_nul(&voter.registration_number),
            &without_nul(&voter.address.street),
            &without_nul(&voter.address.city),
            &without_nul(&voter.address.state),
            &without_nul(&voter.address.country),
            &without_nul(&voter.address.postcode),
            &without_nul(&voter.email),
            &without_nul(&voter.phone_number),
            &without_nul(&voter.cell_number),
            &without_nul(&voter.picture),
            &voter.registered_age,
            &voter.precinct.as_deref().map(without_nul),
        ])
        .await?;
    }
    copy.finish().await?;
    Ok(())
}

async fn insert_rejected(
    transaction: &Transaction,
    batch: &Batch,
    rows: &[RejectedVoterRow],
) -> Result<(), StoreError> {
    let mut copy = Copy::begin(
        transaction,
        "insert rejected voters",
        r#"COPY rejected_voters ("partition", log_offset, problem, value) FROM STDIN (FORMAT binary)"#,
        &[Type::INT4, Type::INT8, Type::TEXT, Type::BYTEA],
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
        ])
        .await?;
    }
    copy.finish().await?;
    Ok(())
}

/// A voter, from the columns of [`SELECT_VOTERS`].
fn voter_from(row: &Row) -> Result<Voter, StoreError> {
    let failed = StoreError::database("read a voter");
    let text = |column: usize| -> Result<String, StoreError> {
        let text: Option<String> = row.try_get(column).map_err(&failed)?;
        Ok(text.unwrap_or_default())
    };
    Ok(Voter {
        voter_id: text(0)?,
        voter_name: text(1)?,
        date_of_birth: text(2)?,
        gender: text(3)?,
        nationality: text(4)?,
        registration_number: text(5)?,
        address: Address {
            street: text(6)?,
            city: text(7)?,
            state: text(8)?,
            country: text(9)?,
            postcode: text(10)?,
        },
        email: text(11)?,
        phone_number: text(12)?,
        cell_number: text(13)?,
        picture: text(14)?,
        registered_age: row.try_get(15).map_err(&failed)?,
        precinct: row.try_get(16).map_err(&failed)?,
    })
}

fn without_nuls<'a>(texts: &[&'a str]) -> Vec<Cow<'a, str>> {
    texts.iter().map(|text| without_nul(text)).collect()
}
