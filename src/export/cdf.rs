//! The shapes of an election report in NIST SP 1500-100 Version 2, JSON: the classes and properties
//! that this system has something to say for, by their published names.

use serde::Serialize;

/// The whole report.
#[derive(Debug, Serialize)]
#[serde(
    tag = "@type",
    rename = "ElectionResults.ElectionReport",
    rename_all = "PascalCase"
)]
pub(crate) struct ElectionReport {
    pub(crate) format: ReportDetailLevel,
    pub(crate) generated_date: String,
    pub(crate) issuer: String,
    pub(crate) issuer_abbreviation: String,
    pub(crate) sequence_start: u32,
    pub(crate) sequence_end: u32,
    pub(crate) status: ResultsStatus,
    pub(crate) vendor_application_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) is_test: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) test_type: Option<String>,
    pub(crate) election: Vec<Election>,
    pub(crate) gp_unit: Vec<ReportingUnit>,
    pub(crate) party: Vec<Party>,
    pub(crate) person: Vec<Person>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ReportDetailLevel {
    SummaryContest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ResultsStatus {
    PreElection,
    UnofficialPartial,
    UnofficialComplete,
    Certified,
}

#[derive(Debug, Serialize)]
#[serde(
    tag = "@type",
    rename = "ElectionResults.Election",
    rename_all = "PascalCase"
)]
pub(crate) struct Election {
    pub(crate) name: InternationalizedText,
    pub(crate) r#type: ElectionType,
    pub(crate) start_date: String,
    pub(crate) end_date: String,
    pub(crate) election_scope_id: String,
    pub(crate) ballot_counts: Vec<BallotCounts>,
    pub(crate) candidate: Vec<Candidate>,
    pub(crate) contest: Vec<CandidateContest>,
    pub(crate) count_status: Vec<CountStatus>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ElectionType {
    General,
}

/// A part of the electorate for which votes are counted; the whole is composed of the others.
#[derive(Debug, Serialize)]
#[serde(
    tag = "@type",
    rename = "ElectionResults.ReportingUnit",
    rename_all = "PascalCase"
)]
pub(crate) struct ReportingUnit {
    #[serde(rename = "@id")]
    pub(crate) id: String,
    pub(crate) name: InternationalizedText,
    pub(crate) r#type: ReportingUnitType,
    pub(crate) other_type: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) composing_gp_unit_ids: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) voters_registered: Option<u64>,
    pub(crate) voters_participated: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ReportingUnitType {
    Other,
}

#[derive(Debug, Serialize)]
#[serde(
    tag = "@type",
    rename = "ElectionResults.Party",
    rename_all = "PascalCase"
)]
pub(crate) struct Party {
    #[serde(rename = "@id")]
    pub(crate) id: String,
    pub(crate) name: InternationalizedText,
}

#[derive(Debug, Serialize)]
#[serde(
    tag = "@type",
    rename = "ElectionResults.Person",
    rename_all = "PascalCase"
)]
pub(crate) struct Person {
    #[serde(rename = "@id")]
    pub(crate) id: String,
    pub(crate) full_name: InternationalizedText,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) party_id: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(
    tag = "@type",
    rename = "ElectionResults.Candidate",
    rename_all = "PascalCase"
)]
pub(crate) struct Candidate {
    #[serde(rename = "@id")]
    pub(crate) id: String,
    pub(crate) ballot_name: InternationalizedText,
    pub(crate) external_identifier: Vec<ExternalIdentifier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) party_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) person_id: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(
    tag = "@type",
    rename = "ElectionResults.ExternalIdentifier",
    rename_all = "PascalCase"
)]
pub(crate) struct ExternalIdentifier {
    pub(crate) r#type: IdentifierType,
    pub(crate) other_type: &'static str,
    pub(crate) value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum IdentifierType {
    Other,
}

#[derive(Debug, Serialize)]
#[serde(
    tag = "@type",
    rename = "ElectionResults.CandidateContest",
    rename_all = "PascalCase"
)]
pub(crate) struct CandidateContest {
    #[serde(rename = "@id")]
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) election_district_id: String,
    pub(crate) votes_allowed: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) number_elected: Option<u32>,
    pub(crate) vote_variation: VoteVariation,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) other_vote_variation: Option<&'static str>,
    pub(crate) count_status: Vec<CountStatus>,
    pub(crate) contest_selection: Vec<CandidateSelection>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum VoteVariation {
    Approval,
    Borda,
    NOfM,
    Other,
    Plurality,
    Range,
    Rcv,
}

#[derive(Debug, Serialize)]
#[serde(
    tag = "@type",
    rename = "ElectionResults.CandidateSelection",
    rename_all = "PascalCase"
)]
pub(crate) struct CandidateSelection {
    #[serde(rename = "@id")]
    pub(crate) id: String,
    pub(crate) candidate_ids: Vec<String>,
    pub(crate) sequence_order: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) is_write_in: Option<bool>,
    pub(crate) vote_counts: Vec<VoteCounts>,
}

/// What a candidate got in a part of the electorate.
#[derive(Debug, Serialize)]
#[serde(
    tag = "@type",
    rename = "ElectionResults.VoteCounts",
    rename_all = "PascalCase"
)]
pub(crate) struct VoteCounts {
    pub(crate) gp_unit_id: String,
    pub(crate) r#type: CountItemType,
    pub(crate) count: u64,
}

/// What became of the ballots.
#[derive(Debug, Serialize)]
#[serde(
    tag = "@type",
    rename = "ElectionResults.BallotCounts",
    rename_all = "PascalCase"
)]
pub(crate) struct BallotCounts {
    pub(crate) gp_unit_id: String,
    pub(crate) r#type: CountItemType,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) other_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ballots_cast: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ballots_outstanding: Option<u64>,
    pub(crate) ballots_rejected: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CountItemType {
    Total,
    Other,
}

#[derive(Debug, Serialize)]
#[serde(
    tag = "@type",
    rename = "ElectionResults.CountStatus",
    rename_all = "PascalCase"
)]
pub(crate) struct CountStatus {
    pub(crate) r#type: CountItemType,
    pub(crate) status: CountItemStatus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CountItemStatus {
    NotProcessed,
    InProcess,
    Completed,
}

#[derive(Debug, Serialize)]
#[serde(
    tag = "@type",
    rename = "ElectionResults.InternationalizedText",
    rename_all = "PascalCase"
)]
pub(crate) struct InternationalizedText {
    text: Vec<LanguageString>,
}

#[derive(Debug, Serialize)]
#[serde(
    tag = "@type",
    rename = "ElectionResults.LanguageString",
    rename_all = "PascalCase"
)]
struct LanguageString {
    content: String,
    language: &'static str,
}

impl InternationalizedText {
    /// A name as it was registered. Nobody has said in which language: `und`, undetermined.
    pub(crate) fn named(name: &str) -> InternationalizedText {
        InternationalizedText {
            text: vec![LanguageString {
                content: name.to_owned(),
                language: "und",
            }],
        }
    }
}
