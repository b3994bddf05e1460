//! The election itself: its plan, the polls' window, and the candidates.

use ballot::{Candidate, ElectionDefinition, PollsWindow, VotingTime};
use chrono::{DateTime, NaiveDateTime, Utc};
use evidence::{ElectionKey, Safeguards};

use crate::columns::{time_column, time_from, without_nul};
use crate::connection::Connection;
use crate::transaction::Transaction;
use crate::{Store, StoreError};

/// What an election was opened with. There is one per database.
#[derive(Debug, Clone, PartialEq)]
pub struct ElectionRow {
    /// What the producer made it from, e.g. seed and numbers; the store only keeps it.
    pub plan: serde_json::Value,
    /// When votes may be cast.
    pub polls: PollsWindow,
    /// What it uses its secret key for.
    pub safeguards: Safeguards,
    /// What is voted on; `None` in the tutorial's election, which has only its registered candidates.
    pub definition: Option<ElectionDefinition>,
}

impl ElectionRow {
    /// What is voted on, with the candidates as they are registered.
    pub fn defined(&self, candidates: Vec<Candidate>) -> ElectionDefinition {
        match &self.definition {
            None => ElectionDefinition::tutorial(candidates),
            Some(definition) => definition.with_registered(candidates),
        }
    }

    /// The election with the keys that are derived from its secret key.
    ///
    /// # Errors
    /// When the election has a secret key, and this is another one or none.
    pub fn open(
        &self,
        candidates: Vec<Candidate>,
        key: Option<&ElectionKey>,
    ) -> Result<wire::Election, StoreError> {
        let (credentials, pseudonyms) = self.safeguards.keys(key)?;
        Ok(wire::Election {
            definition: self.defined(candidates),
            polls: self.polls,
            credentials,
            pseudonyms,
        })
    }
}

impl Store {
    /// Stores the election if there is none, and returns the one that is stored.
    pub async fn open_election(&self, election: &ElectionRow) -> Result<ElectionRow, StoreError> {
        let time = |time: Option<VotingTime>| time.map(time_column);
        self.connection()
            .await?
            .execute(
                "open the election",
                "INSERT INTO elections (plan, polls_open, polls_close, require_credentials,
                                        secret_ballots, key_fingerprint, definition)
                 VALUES ($1::text::jsonb, $2, $3, $4, $5, $6, $7) ON CONFLICT (only_row) DO NOTHING",
                &[
                    &election.plan.to_string(),
                    &time(election.polls.open),
                    &time(election.polls.close),
                    &election.safeguards.require_credentials,
                    &election.safeguards.secret_ballots,
                    &election.safeguards.key_fingerprint,
                    &election.definition.as_ref().map(ElectionDefinition::to_json),
                ],
            )
            .await?;
        let stored = self.election().await?;
        stored.ok_or_else(|| damaged("its row was deleted just now".into()))
    }

    /// The stored election, if there is one.
    pub async fn election(&self) -> Result<Option<ElectionRow>, StoreError> {
        let row = self
            .connection()
            .await?
            .query_opt(
                "read the election",
                "SELECT plan::text, polls_open, polls_close, require_credentials, secret_ballots,
                        key_fingerprint, definition
                 FROM elections",
                &[],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let time = |column: usize| -> Result<Option<VotingTime>, StoreError> {
            let Some(time) = row.get::<Option<NaiveDateTime>>(column)? else {
                return Ok(None);
            };
            let problem = || damaged(format!("the polls cannot open or close at {time}"));
            time_from(time).map(Some).ok_or_else(problem)
        };
        let definition: Option<&str> = row.get(6)?;
        Ok(Some(ElectionRow {
            plan: serde_json::from_str(row.get(0)?)
                .map_err(|error| damaged(format!("the plan cannot be read: {error}")))?,
            polls: PollsWindow {
                open: time(1)?,
                close: time(2)?,
            },
            safeguards: Safeguards {
                require_credentials: row.get(3)?,
                secret_ballots: row.get(4)?,
                key_fingerprint: row.get(5)?,
            },
            definition: definition
                .map(ElectionDefinition::from_json)
                .transpose()
                .map_err(|error| damaged(format!("the definition cannot be read: {error}")))?,
        }))
    }

    /// The election, as [`ElectionRow::open`] returns it.
    ///
    /// # Errors
    /// [`StoreError::NoElection`] until the schema, the election and its candidates are stored;
    /// [`StoreError::Key`] when the election has a secret key, and this is another one or none; or when the
    /// database fails.
    pub async fn running_election(
        &self,
        key: Option<&ElectionKey>,
    ) -> Result<wire::Election, StoreError> {
        if self.election_opened_at().await?.is_none() {
            return Err(StoreError::NoElection);
        }
        let election = self.election().await?.ok_or(StoreError::NoElection)?;
        let candidates = self.candidates().await?;
        if candidates.is_empty() {
            return Err(StoreError::NoElection);
        }
        election.open(candidates, key)
    }

    /// When the stored election was opened, which distinguishes it from the next one. `None` if there is no
    /// election, or no schema yet.
    pub async fn election_opened_at(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let doing = "ask which election it is";
        let connection = self.connection().await?;
        let statement = "SELECT to_regclass('elections') IS NOT NULL";
        let has_schema: bool = connection.query_one(doing, statement, &[]).await?.get(0)?;
        if !has_schema {
            return Ok(None);
        }
        let statement = "SELECT created_at FROM elections";
        let row = connection.query_opt(doing, statement, &[]).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// Registers the candidates, if none are registered. Registering the same list again, in the same order,
    /// updates their photos.
    ///
    /// # Errors
    /// [`StoreError::OtherCandidates`] when another list is registered.
    pub async fn register_candidates(&self, candidates: &[Candidate]) -> Result<(), StoreError> {
        let doing = "register the candidates";
        let candidates: Vec<Candidate> = candidates.iter().map(storable).collect();
        let transaction = Transaction::begin(self).await?;
        let lock = "LOCK TABLE candidates IN SHARE ROW EXCLUSIVE MODE";
        transaction.batch(doing, lock).await?;
        let registered = read_candidates(&transaction).await?;
        if !registered.is_empty() && without_photos(&registered) != without_photos(&candidates) {
            let ids = registered
                .iter()
                .map(|candidate| candidate.candidate_id.as_str());
            return Err(StoreError::OtherCandidates {
                registered: ids.collect::<Vec<_>>().join(", "),
            });
        }
        if registered != candidates {
            let column = |field: fn(&Candidate) -> &str| -> Vec<&str> {
                candidates.iter().map(field).collect()
            };
            transaction
                .execute(
                    doing,
                    "INSERT INTO candidates (candidate_id, candidate_name, party_affiliation,
                                             biography, campaign_platform, photo_url, ordinal)
                     SELECT * FROM unnest($1::text[], $2::text[], $3::text[],
                                          $4::text[], $5::text[], $6::text[])
                     WITH ORDINALITY
                     ON CONFLICT (candidate_id) DO UPDATE SET photo_url = excluded.photo_url",
                    &[
                        &column(|candidate| &candidate.candidate_id),
                        &column(|candidate| &candidate.candidate_name),
                        &column(|candidate| &candidate.party_affiliation),
                        &column(|candidate| &candidate.biography),
                        &column(|candidate| &candidate.campaign_platform),
                        &column(|candidate| &candidate.photo_url),
                    ],
                )
                .await?;
        }
        transaction.commit().await
    }

    /// The candidates, in the order in which they were registered.
    pub async fn candidates(&self) -> Result<Vec<Candidate>, StoreError> {
        let connection = self.connection().await?;
        read_candidates(&connection).await
    }
}

fn damaged(problem: String) -> StoreError {
    StoreError::Damaged {
        table: "elections",
        problem,
    }
}

async fn read_candidates(connection: &Connection) -> Result<Vec<Candidate>, StoreError> {
    let rows = connection
        .query(
            "read the candidates",
            "SELECT candidate_id, candidate_name, party_affiliation, biography, campaign_platform, photo_url
             FROM candidates ORDER BY ordinal",
            &[],
        )
        .await?;
    let candidates = rows.iter().map(|row| {
        Ok(Candidate {
            candidate_id: row.get(0)?,
            candidate_name: row.get(1)?,
            party_affiliation: row.get(2)?,
            biography: row.get(3)?,
            campaign_platform: row.get(4)?,
            photo_url: row.get(5)?,
        })
    });
    candidates.collect()
}

/// The candidate as it comes back from the table.
fn storable(candidate: &Candidate) -> Candidate {
    let text = |text: &str| without_nul(text).into_owned();
    Candidate {
        candidate_id: text(&candidate.candidate_id),
        candidate_name: text(&candidate.candidate_name),
        party_affiliation: text(&candidate.party_affiliation),
        biography: text(&candidate.biography),
        campaign_platform: text(&candidate.campaign_platform),
        photo_url: text(&candidate.photo_url),
    }
}

/// Two lists are the same if they differ in photos only.
fn without_photos(candidates: &[Candidate]) -> Vec<Candidate> {
    let without = |candidate: &Candidate| Candidate {
        photo_url: String::new(),
        ..candidate.clone()
    };
    candidates.iter().map(without).collect()
}
