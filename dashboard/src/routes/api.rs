//! The API: the newest snapshot, by subject, as JSON or CSV.

use std::sync::Arc;

use serde::Serialize;
use tide::http::StatusCode;
use tide::{Request, Response};
use utoipa::ToSchema;

use super::{Problem, Site, json, path_parameter, refusal};
use crate::model::{
    CandidateResult, ContestCount, GroupCount, LocationResult, PartitionEvidence, Pipeline,
    RejectedCount, Snapshot,
};
use crate::query::{self, Format, LocationsPage, LocationsQuery};

type ApiRequest = Request<Arc<Site>>;

/// Answer of `turnout`.
#[derive(Debug, Serialize, ToSchema)]
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
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CandidatesAnswer {
    /// When the figures were taken.
    #[schema(format = DateTime)]
    generated_at: String,
    /// In the order of registration.
    candidates: Vec<CandidateResult>,
}

/// Answer of `locations`.
#[derive(Debug, Serialize, ToSchema)]
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
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RejectedAnswer {
    /// When the figures were taken.
    #[schema(format = DateTime)]
    generated_at: String,
    /// Rejected votes, for any reason.
    total: u64,
    /// By reason.
    rejected: Vec<RejectedCount>,
}

/// Answer of `pipeline`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PipelineAnswer {
    /// When the figures were taken.
    #[schema(format = DateTime)]
    generated_at: String,
    /// How the votes flow.
    #[serde(flatten)]
    pipeline: Pipeline,
}

/// Answer of `evidence`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EvidenceAnswer {
    /// When the figures were taken.
    #[schema(format = DateTime)]
    generated_at: String,
    /// Each partition with persisted records.
    partitions: Vec<PartitionEvidence>,
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
    let rows = snapshot.candidates.iter().enumerate();
    let rows = rows.flat_map(|(index, candidate)| {
        let locations = snapshot.locations.iter();
        let rows = locations.map(move |location| {
            let votes = location.votes_of(index);
            (&candidate.candidate_name, &location.state, votes)
        });
        rows.filter(|&(.., votes)| votes > 0)
    });
    let header = ["candidate_name", "state", "total_votes"];
    answer(&request, "results", snapshot, &header, rows)
}

/// A contest, with every round of a ranked count.
#[utoipa::path(
    get, path = "/api/v1/contests/{contest_id}", tag = "results",
    params(("contest_id" = String, Path, description = "The contest's id in the election's definition")),
    responses((status = 200, body = ContestCount), (status = 404, body = Problem)),
)]
pub(super) async fn contest(request: ApiRequest) -> tide::Result {
    let contest_id = path_parameter(&request, "contest_id")?;
    let published = request.state().hub.latest().await;
    let snapshot = &published.snapshot;
    match snapshot.contest(&contest_id) {
        Some((contest, outcome)) => {
            let count = ContestCount {
                generated_at: snapshot.generated_at.clone(),
                result: contest.clone(),
                rounds: outcome.rounds.clone(),
                preferences: outcome.preferences.clone(),
                stopped: outcome.stopped.as_ref().map(ToString::to_string),
            };
            json(StatusCode::Ok, &count)
        }
        None => Ok(refusal(
            request.url().path(),
            StatusCode::NotFound,
            "No contest of this election has this id.",
        )),
    }
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
    let kinds = [
        ("party", &body.parties),
        ("gender", &body.genders),
        ("age_band", &body.age_bands),
    ];
    let rows = kinds.into_iter().flat_map(|(kind, groups)| {
        let groups = groups.iter();
        groups.map(move |at| (kind, &at.group, at.count))
    });
    answer(
        &request,
        "turnout",
        &body,
        &["kind", "group", "count"],
        rows,
    )
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
    let header = [
        "candidate_id",
        "candidate_name",
        "party_affiliation",
        "total_votes",
    ];
    let rows = body.candidates.iter().map(|at| {
        let names = (&at.candidate_id, &at.candidate_name, &at.party_affiliation);
        (names, at.total_votes)
    });
    answer(&request, "candidates", &body, &header, rows)
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
        Err(error) => return Ok(bad_request(&request, &error)),
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
    let rows = body.locations.iter().map(|at| {
        let leader = at.leader.as_ref().and_then(|leader| {
            let index = snapshot.index_of(&leader.candidate_id)?;
            Some(&snapshot.candidates[index].candidate_name)
        });
        (&at.state, at.count, leader, at.lead())
    });
    let header = ["state", "count", "leader", "lead"];
    answer(&request, "locations", &body, &header, rows)
}

/// Rejected votes, by reason.
#[utoipa::path(
    get, path = "/api/v1/rejected", tag = "results",
    params(("format" = Option<String>, Query, description = "`json` (default) or `csv`")),
    responses((status = 200, body = RejectedAnswer), (status = 400, body = Problem)),
)]
pub(super) async fn rejected(request: ApiRequest) -> tide::Result {
    let snapshot = request.state().hub.latest().await.snapshot.clone();
    let body = RejectedAnswer {
        generated_at: snapshot.generated_at,
        total: snapshot.totals.rejected,
        rejected: snapshot.rejected,
    };
    let rows = body
        .rejected
        .iter()
        .map(|at| (at.reason.as_str(), at.count));
    answer(&request, "rejected", &body, &["reason", "count"], rows)
}

/// How the votes flow: each partition's lag, the last checkpoint, whether every vote is accounted for.
#[utoipa::path(
    get, path = "/api/v1/pipeline", tag = "results",
    params(("format" = Option<String>, Query, description = "`json` (default) or `csv`")),
    responses((status = 200, body = PipelineAnswer), (status = 400, body = Problem)),
)]
pub(super) async fn pipeline(request: ApiRequest) -> tide::Result {
    let snapshot = request.state().hub.latest().await.snapshot.clone();
    let body = PipelineAnswer {
        generated_at: snapshot.generated_at,
        pipeline: snapshot.pipeline,
    };
    let header = [
        "partition",
        "cast",
        "counted_to",
        "checkpointed_to",
        "persisted_to",
        "lag",
    ];
    let rows = body.pipeline.partitions.iter().map(|at| {
        let positions = (at.cast, at.counted_to, at.checkpointed_to, at.persisted_to);
        (at.partition, positions, at.lag)
    });
    answer(&request, "pipeline", &body, &header, rows)
}

/// Hashes to keep a copy of: the heads of the log's chains, and the roots of receipts.
#[utoipa::path(
    get, path = "/api/v1/evidence", tag = "results",
    params(("format" = Option<String>, Query, description = "`json` (default) or `csv`")),
    responses((status = 200, body = EvidenceAnswer), (status = 400, body = Problem)),
)]
pub(super) async fn evidence(request: ApiRequest) -> tide::Result {
    let snapshot = request.state().hub.latest().await.snapshot.clone();
    let body = EvidenceAnswer {
        generated_at: snapshot.generated_at,
        partitions: snapshot.pipeline.evidence,
    };
    let header = [
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
    ];
    let rows = body.partitions.iter().map(|at| {
        let seal = at.seal.as_ref();
        let sealed = (
            seal.map(|seal| seal.seal),
            seal.map(|seal| &seal.sealed_at),
            seal.map(|seal| seal.sealed_to),
            seal.map(|seal| seal.votes),
            seal.map(|seal| &seal.root),
        );
        let votes = (at.partition, at.chained_to, &at.chain_head);
        (votes, sealed, at.voters_chained_to, &at.voters_chain_head)
    });
    answer(&request, "evidence", &body, &header, rows)
}

/// The answer in the format that was asked for; `header` and `rows` are for CSV.
fn answer<Row: Serialize>(
    request: &ApiRequest,
    name: &str,
    body: &impl Serialize,
    header: &[&str],
    rows: impl IntoIterator<Item = Row>,
) -> tide::Result {
    match query::format(request.url().query().unwrap_or_default()) {
        Ok(Format::Json) => json(StatusCode::Ok, body),
        Ok(Format::Csv) => {
            let mut csv = csv::Writer::from_writer(Vec::new());
            csv.write_record(header)?;
            for row in rows {
                csv.serialize(row)?;
            }
            let attachment = format!("attachment; filename=\"election-{name}.csv\"");
            Ok(Response::builder(StatusCode::Ok)
                .body(csv.into_inner()?)
                .content_type("text/csv; charset=utf-8")
                .header("cache-control", "no-store")
                .header("content-disposition", attachment)
                .build())
        }
        Err(error) => Ok(bad_request(request, &error)),
    }
}

fn bad_request(request: &ApiRequest, error: &query::BadQuery) -> Response {
    refusal(
        request.url().path(),
        StatusCode::BadRequest,
        &error.to_string(),
    )
}
