//! The API: the newest snapshot, by subject, as JSON or CSV.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tide::http::StatusCode;
use tide::{Request, Response};
use utoipa::ToSchema;

use super::{Site, refusal};
use crate::model::{
    CandidateResult, GroupCount, LocationResult, PartitionEvidence, Pipeline, RejectedCount,
    Snapshot,
};
use crate::query::{self, Format, LocationsPage, LocationsQuery};

type ApiRequest = Request<Arc<Site>>;

/// What is wrong with a request (RFC 9457).
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct Problem {
    /// The HTTP status.
    status: u16,
    /// Its name.
    title: String,
    /// What is wrong, and what would be right.
    detail: String,
}

/// Answer of `turnout`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct TurnoutAnswer {
    /// When the figures were taken.
    #[schema(format = DateTime)]
    generated_at: String,
    /// Registered voters; absent without a roll.
    #[serde(skip_serializing_if = "Option::is_none")]
    voters: Option<u64>,
    /// Votes that count.
    counted: u64,
    /// Share of the registered voters whose vote counts, 0 to 1; absent without a roll.
    #[serde(skip_serializing_if = "Option::is_none")]
    turnout: Option<f64>,
    /// Votes per party, most votes first.
    parties: Vec<GroupCount>,
    /// Votes per gender, by name.
    genders: Vec<GroupCount>,
    /// Votes per age band, youngest first.
    age_bands: Vec<GroupCount>,
}

/// Answer of `candidates`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct CandidatesAnswer {
    /// When the figures were taken.
    #[schema(format = DateTime)]
    generated_at: String,
    /// In the order of registration.
    candidates: Vec<CandidateResult>,
}

/// Answer of `locations`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct LocationsAnswer {
    /// When the figures were taken.
    #[schema(format = DateTime)]
    generated_at: String,
    /// Locations that match the filter, on all pages.
    matching: usize,
    /// This page, from 1.
    page: usize,
    /// Number of pages.
    pages: usize,
    /// The candidates in the order of each location's `votes`.
    candidates: Vec<CandidateResult>,
    /// The locations of this page.
    locations: Vec<LocationResult>,
}

/// Answer of `rejected`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct RejectedAnswer {
    /// When the figures were taken.
    #[schema(format = DateTime)]
    generated_at: String,
    /// Votes that do not count, altogether.
    total: u64,
    /// By reason.
    rejected: Vec<RejectedCount>,
}

/// Answer of `pipeline`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct PipelineAnswer {
    /// When the figures were taken.
    #[schema(format = DateTime)]
    generated_at: String,
    /// How the votes flow.
    #[serde(flatten)]
    pipeline: Pipeline,
}

/// The whole snapshot. As CSV: a line per candidate and location, as `election results --csv` prints it.
#[utoipa::path(
    get, path = "/api/v1/results", tag = "results",
    params(("format" = Option<String>, Query, description = "`json` (default) or `csv`")),
    responses((status = 200, body = Snapshot), (status = 400, body = Problem)),
)]
pub(super) async fn results(request: ApiRequest) -> tide::Result {
    let published = request.state().hub.latest().await;
    let snapshot = &published.snapshot;
    answer(&request, "results", snapshot, || {
        let mut rows = vec![texts(["candidate_name", "state", "total_votes"])];
        for (index, candidate) in snapshot.candidates.iter().enumerate() {
            for location in &snapshot.locations {
                let votes = location.votes.get(index).copied().unwrap_or(0);
                if votes > 0 {
                    let votes = votes.to_string();
                    rows.push(texts([&candidate.candidate_name, &location.state, &votes]));
                }
            }
        }
        rows
    })
}

/// Votes counted per party, gender and age band.
#[utoipa::path(
    get, path = "/api/v1/turnout", tag = "results",
    params(("format" = Option<String>, Query, description = "`json` (default) or `csv`")),
    responses((status = 200, body = TurnoutAnswer), (status = 400, body = Problem)),
)]
pub(super) async fn turnout(request: ApiRequest) -> tide::Result {
    let snapshot = request.state().hub.latest().await.snapshot.clone();
    let body = TurnoutAnswer {
        generated_at: snapshot.generated_at,
        voters: snapshot.totals.voters,
        counted: snapshot.totals.counted,
        turnout: snapshot.totals.turnout,
        parties: snapshot.turnout.parties,
        genders: snapshot.turnout.genders,
        age_bands: snapshot.turnout.age_bands,
    };
    answer(&request, "turnout", &body, || {
        let mut rows = vec![texts(["kind", "group", "count"])];
        let kinds = [
            ("party", &body.parties),
            ("gender", &body.genders),
            ("age_band", &body.age_bands),
        ];
        for (kind, groups) in kinds {
            rows.extend(
                groups
                    .iter()
                    .map(|at| texts([kind, &at.group, &at.count.to_string()])),
            );
        }
        rows
    })
}

/// Every candidate's votes.
#[utoipa::path(
    get, path = "/api/v1/candidates", tag = "results",
    params(("format" = Option<String>, Query, description = "`json` (default) or `csv`")),
    responses((status = 200, body = CandidatesAnswer), (status = 400, body = Problem)),
)]
pub(super) async fn candidates(request: ApiRequest) -> tide::Result {
    let snapshot = request.state().hub.latest().await.snapshot.clone();
    let body = CandidatesAnswer {
        generated_at: snapshot.generated_at,
        candidates: snapshot.candidates,
    };
    answer(&request, "candidates", &body, || {
        let header = [
            "candidate_id",
            "candidate_name",
            "party_affiliation",
            "total_votes",
        ];
        let mut rows = vec![texts(header)];
        rows.extend(body.candidates.iter().map(|at| {
            let votes = at.total_votes.to_string();
            texts([
                &at.candidate_id,
                &at.candidate_name,
                &at.party_affiliation,
                &votes,
            ])
        }));
        rows
    })
}

/// Counted votes per location: all of them, or a page when `size` is given.
#[utoipa::path(
    get, path = "/api/v1/locations", tag = "results",
    params(
        ("sort" = Option<String>, Query, description = "`state`, `count` (default), `leader` or `lead`"),
        ("order" = Option<String>, Query, description = "`asc` or `desc` (default)"),
        ("filter" = Option<String>, Query, description = "Part of the location's name, in any case"),
        ("size" = Option<u32>, Query, description = "Rows a page: 10, 25, 50 or 100; without it, all"),
        ("page" = Option<u32>, Query, description = "The page, from 1"),
        ("format" = Option<String>, Query, description = "`json` (default) or `csv`"),
    ),
    responses((status = 200, body = LocationsAnswer), (status = 400, body = Problem)),
)]
pub(super) async fn locations(request: ApiRequest) -> tide::Result {
    let query = request.url().query().unwrap_or_default();
    let mut wanted = match LocationsQuery::parse(query) {
        Ok(wanted) => wanted,
        Err(error) => return Ok(bad_request(&request, &error.to_string())),
    };
    let published = request.state().hub.latest().await;
    let snapshot = &published.snapshot;
    if request.url().query_pairs().all(|(name, _)| name != "size") {
        wanted.size = snapshot.locations.len().max(1);
    }
    let LocationsPage {
        rows,
        page,
        pages,
        matching,
    } = wanted.apply(&snapshot.locations, &snapshot.candidates);
    let body = LocationsAnswer {
        generated_at: snapshot.generated_at.clone(),
        matching,
        page,
        pages,
        candidates: snapshot.candidates.clone(),
        locations: rows.into_iter().cloned().collect(),
    };
    answer(&request, "locations", &body, || {
        let mut rows = vec![texts(["state", "count", "leader", "lead"])];
        rows.extend(body.locations.iter().map(|at| {
            let leader = at.leader.as_ref();
            let name = leader.and_then(|leader| {
                let mut candidates = body.candidates.iter();
                candidates.find(|candidate| candidate.candidate_id == leader.candidate_id)
            });
            texts([
                at.state.as_str(),
                &at.count.to_string(),
                name.map_or("", |candidate| &candidate.candidate_name),
                &leader.map_or(0, |leader| leader.lead).to_string(),
            ])
        }));
        rows
    })
}

/// Votes that do not count, by reason.
#[utoipa::path(
    get, path = "/api/v1/rejected", tag = "results",
    params(("format" = Option<String>, Query, description = "`json` (default) or `csv`")),
    responses((status = 200, body = RejectedAnswer), (status = 400, body = Problem)),
)]
pub(super) async fn rejected(request: ApiRequest) -> tide::Result {
    let published = request.state().hub.latest().await;
    let body = RejectedAnswer {
        generated_at: published.snapshot.generated_at.clone(),
        total: published.snapshot.totals.rejected,
        rejected: published.snapshot.rejected.clone(),
    };
    answer(&request, "rejected", &body, || {
        let mut rows = vec![texts(["reason", "count"])];
        let counts = body.rejected.iter();
        rows.extend(counts.map(|at| texts([at.reason.as_str(), &at.count.to_string()])));
        rows
    })
}

/// How the votes flow: each partition's lag, the last checkpoint, whether every vote is accounted for.
#[utoipa::path(
    get, path = "/api/v1/pipeline", tag = "results",
    params(("format" = Option<String>, Query, description = "`json` (default) or `csv`")),
    responses((status = 200, body = PipelineAnswer), (status = 400, body = Problem)),
)]
pub(super) async fn pipeline(request: ApiRequest) -> tide::Result {
    let published = request.state().hub.latest().await;
    let body = PipelineAnswer {
        generated_at: published.snapshot.generated_at.clone(),
        pipeline: published.snapshot.pipeline.clone(),
    };
    answer(&request, "pipeline", &body, || {
        let header = [
            "partition",
            "cast",
            "counted_to",
            "checkpointed_to",
            "persisted_to",
            "lag",
        ];
        let mut rows = vec![texts(header)];
        rows.extend(body.pipeline.partitions.iter().map(|at| {
            let figures = [at.cast, at.counted_to, at.checkpointed_to, at.persisted_to];
            let mut row = vec![at.partition.to_string()];
            row.extend(figures.map(|figure| figure.to_string()));
            row.push(at.lag.to_string());
            row
        }));
        rows
    })
}

/// Answer of `evidence`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct EvidenceAnswer {
    /// When the figures were taken.
    #[schema(format = DateTime)]
    generated_at: String,
    /// Each partition of which something is persisted.
    partitions: Vec<PartitionEvidence>,
}

/// Hashes to keep a copy of: the heads of the log's chain, and the roots that receipts lead to.
#[utoipa::path(
    get, path = "/api/v1/evidence", tag = "results",
    params(("format" = Option<String>, Query, description = "`json` (default) or `csv`")),
    responses((status = 200, body = EvidenceAnswer), (status = 400, body = Problem)),
)]
pub(super) async fn evidence(request: ApiRequest) -> tide::Result {
    let published = request.state().hub.latest().await;
    let body = EvidenceAnswer {
        generated_at: published.snapshot.generated_at.clone(),
        partitions: published.snapshot.pipeline.evidence.clone(),
    };
    answer(&request, "evidence", &body, || {
        let mut rows = vec![texts([
            "partition",
            "chained_to",
            "chain_head",
            "seal",
            "sealed_at",
            "sealed_to",
            "votes",
            "root",
            "voters_chained_to",
            "voters_chain_head",
        ])];
        rows.extend(body.partitions.iter().map(|at| {
            let mut row = vec![
                at.partition.to_string(),
                at.chained_to.to_string(),
                at.chain_head.clone().unwrap_or_default(),
            ];
            row.extend(match &at.seal {
                Some(seal) => [
                    seal.seal.to_string(),
                    seal.sealed_at.clone(),
                    seal.sealed_to.to_string(),
                    seal.votes.to_string(),
                    seal.root.clone(),
                ],
                None => Default::default(),
            });
            row.extend([
                at.voters_chained_to.to_string(),
                at.voters_chain_head.clone().unwrap_or_default(),
            ]);
            row
        }));
        rows
    })
}

type Row = Vec<String>;

fn texts<const N: usize>(row: [&str; N]) -> Row {
    row.map(str::to_owned).into()
}

/// The answer in the format that was asked for.
fn answer(
    request: &ApiRequest,
    name: &str,
    body: &impl Serialize,
    rows: impl FnOnce() -> Vec<Row>,
) -> tide::Result {
    let response = Response::builder(StatusCode::Ok).header("cache-control", "no-store");
    match query::format(request.url().query().unwrap_or_default()) {
        Ok(Format::Json) => Ok(response
            .body(serde_json::to_vec(body)?)
            .content_type("application/json")
            .build()),
        Ok(Format::Csv) => Ok(response
            .body(csv(rows())?)
            .content_type("text/csv; charset=utf-8")
            .header(
                "content-disposition",
                format!("attachment; filename=\"election-{name}.csv\""),
            )
            .build()),
        Err(error) => Ok(bad_request(request, &error.to_string())),
    }
}

fn csv(rows: Vec<Row>) -> tide::Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    for row in rows {
        csv.write_record(row)?;
    }
    Ok(csv.into_inner()?)
}

fn bad_request(request: &ApiRequest, reason: &str) -> Response {
    refusal(request.url().path(), StatusCode::BadRequest, reason)
}
