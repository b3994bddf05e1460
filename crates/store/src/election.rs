//! The election itself: its plan, the polls' window, and who stands.

use ballot::{Candidate, ElectionDefinition, PollsWindow, VotingTime};
use chrono::{DateTime, NaiveDateTime, Utc};
use evidence::{ElectionKey, Safeguards};
use tokio_postgres::Row;

use crate::columns::{time_column, time_from, without_nul};
use crate::transaction::Transaction;
use crate::{Store, StoreError};

/// What an election was opened with. There is one per database.
#[derive(Debug, Clone, PartialEq)]
pub struct Election {
    /// What the producer made it from, e.g. seed and numbers; the store only keeps it.
    pub plan: serde_json::Value,
    /// When votes may be cast.
    pub polls: PollsWindow,
    /// What it uses its secret key for.
    pub safeguards: Safeguards,
    /// What is voted on; `None` in the tutorial's election, whose candidates are registered by themselves.
    pub definition: Option<ElectionDefinition>,
}

impl Election {
    /// What is voted on, with these candidates as they are registered.
    pub fn defined(&self, candidates: Vec<Candidate>) -> ElectionDefinition {
        match &self.definition {
            None => ElectionDefinition::tutorial(candidates),
            Some(definition) => definition.with_registered(candidates),
        }
    }

    /// What is voted on, with what this key opens.
    ///
    /// # Errors
    /// When the election has a key, and this is not it.
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
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_election(&self, election: &Election) -> Result<Election, StoreError> {
        let failed = StoreError::database("open the election");
        let time = |time: Option<VotingTime>| time.map(time_column);
        self.client()
            .await?
            .execute(
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
            .await
            .map_err(failed)?;
        self.election().await?.ok_or_else(|| StoreError::Damaged {
            table: "elections",
            problem: "its row was deleted just now".into(),
        })
    }

    /// The stored election, if there is one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn election(&self) -> Result<Option<Election>, StoreError> {
        let failed = StoreError::database("read the election");
        let row = self
            .client()
            .await?
            .query_opt(
                "SELECT plan::text, polls_open, polls_close, require_credentials, secret_ballots,
                        key_fingerprint, definition
                 FROM elections",
                &[],
            )
            .await
            .map_err(&failed)?;
        let Some(row) = row else { return Ok(None) };
        let plan: &str = row.try_get(0).map_err(&failed)?;
        let time = |column: usize| -> Result<Option<VotingTime>, StoreError> {
            let time: Option<NaiveDateTime> = row.try_get(column).map_err(&failed)?;
            time.map(|time| {
                time_from(time).ok_or_else(|| StoreError::Damaged {
                    table: "elections",
                    problem: format!("the polls cannot open or close at {time}"),
                })
            })
            .transpose()
        };
        Ok(Some(Election {
            plan: serde_json::from_str(plan).map_err(|error| StoreError::Damaged {
                table: "elections",
                problem: format!("the plan cannot be read: {error}"),
            })?,
            polls: PollsWindow {
                open: time(1)?,
                close: time(2)?,
            },
            safeguards: Safeguards {
                require_credentials: row.try_get(3).map_err(&failed)?,
                secret_ballots: row.try_get(4).map_err(&failed)?,
                key_fingerprint: row.try_get(5).map_err(&failed)?,
            },
            definition: row
                .try_get::<_, Option<&str>>(6)
                .map_err(&failed)?
                .map(ElectionDefinition::from_json)
                .transpose()
                .map_err(|error| StoreError::Damaged {
                    table: "elections",
                    problem: format!("the definition cannot be read: {error}"),
                })?,
        }))
    }

    /// What is voted on, with what the election's key opens.
    ///
    /// # Errors
    /// [`StoreError::NoElection`] until that is stored and candidates are registered, also while the
    /// schema is not there yet; [`StoreError::Key`] when the election has a key, and this is not it; or
    /// when the database fails.
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

    /// When the stored election was opened: tells one from the next. `None` when there is none, or the
    /// schema is not there yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn election_opened_at(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let failed = StoreError::database("ask which election it is");
        let client = self.client().await?;
        let schema = client
            .query_one("SELECT to_regclass('elections') IS NOT NULL", &[])
            .await
            .map_err(&failed)?;
        if !schema.try_get::<_, bool>(0).map_err(&failed)? {
            return Ok(None);
        }
        let row = client
            .query_opt("SELECT created_at FROM elections", &[])
            .await
            .map_err(&failed)?;
        row.map(|row| row.try_get(0).map_err(&failed)).transpose()
    }

    /// Registers the candidates, if none are registered. The same list again, in the same order, is
    /// fine; only their photos may be elsewhere by now.
    ///
    /// # Errors
    /// [`StoreError::OtherCandidates`] when another list is registered.
    pub async fn register_candidates(&self, candidates: &[Candidate]) -> Result<(), StoreError> {
        let failed = StoreError::database("register the candidates");
        let candidates: Vec<Candidate> = candidates.iter().map(storable).collect();
        let transaction = Transaction::begin(self).await?;
        transaction
            .batch_execute("LOCK TABLE candidates IN SHARE ROW EXCLUSIVE MODE")
            .await
            .map_err(&failed)?;
        let rows = transaction.query(CANDIDATES, &[]).await.map_err(&failed)?;
        let registered = from_rows(&rows)?;
        if !registered.is_empty() && without_photos(&registered) != without_photos(&candidates) {
            let ids = registered
                .iter()
                .map(|candidate| candidate.candidate_id.as_str());
            return Err(StoreError::OtherCandidates {
                registered: ids.collect::<Vec<_>>().join(", "),
            });
        }
        let column =
            |field: fn(&Candidate) -> &str| -> Vec<&str> { candidates.iter().map(field).collect() };
        if registered.is_empty() {
            transaction
                .execute(
                    "INSERT INTO candidates (candidate_id, candidate_name, party_affiliation,
                                             biography, campaign_platform, photo_url, ordinal)
                     SELECT * FROM unnest($1::text[], $2::text[], $3::text[],
                                          $4::text[], $5::text[], $6::text[])
                     WITH ORDINALITY",
                    &[
                        &column(|candidate| &candidate.candidate_id),
                        &column(|candidate| &candidate.candidate_name),
                        &column(|candidate| &candidate.party_affiliation),
                        &column(|candidate| &candidate.biography),
                        &column(|candidate| &candidate.campaign_platform),
                        &column(|candidate| &candidate.photo_url),
                    ],
                )
                .await
                .map_err(&failed)?;
        } else if registered != candidates {
            transaction
                .execute(
                    "UPDATE candidates SET photo_url = moved.photo_url
                     FROM unnest($1::text[], $2::text[]) AS moved (candidate_id, photo_url)
                     WHERE candidates.candidate_id = moved.candidate_id",
                    &[
                        &column(|candidate| &candidate.candidate_id),
                        &column(|candidate| &candidate.photo_url),
                    ],
                )
                .await
                .map_err(&failed)?;
        }
        transaction.commit().await
    }

    /// The candidates, in the order in which they were registered.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn candidates(&self) -> Result<Vec<Candidate>, StoreError> {
        let rows = self
            .client()
            .await?
            .query(CANDIDATES, &[])
            .await
            .map_err(StoreError::database("read the candidates"))?;
        from_rows(&rows)
    }
}

const CANDIDATES: &str =
    "SELECT candidate_id, candidate_name, party_affiliation, biography, campaign_platform, photo_url
     FROM candidates ORDER BY ordinal";

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

/// What makes them the candidates they are.
fn without_photos(candidates: &[Candidate]) -> Vec<Candidate> {
    let without = |candidate: &Candidate| Candidate {
        photo_url: String::new(),
        ..candidate.clone()
    };
    candidates.iter().map(without).collect()
}

fn from_rows(rows: &[Row]) -> Result<Vec<Candidate>, StoreError> {
    rows.iter()
        .map(|row| {
            Ok(Candidate {
                candidate_id: row.try_get(0)?,
                candidate_name: row.try_get(1)?,
                party_affiliation: row.try_get(2)?,
                biography: row.try_get(3)?,
                campaign_platform: row.try_get(4)?,
                photo_url: row.try_get(5)?,
            })
        })
        .collect::<Result<_, _>>()
        .map_err(StoreError::database("read the candidates"))
}
