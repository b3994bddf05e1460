//! What NIST SP 1500-100 Version 2 publishes of the classes that our reports are made of: which
//! properties a class has, which of them it must have, and what their values are. Taken down from the
//! standard's JSON schema, `NIST_V2_election_results_reporting.json` of usnistgov/ElectionResultsReporting
//! at its tag v2.0.3, and held against it when this was written.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// What a property's value is.
enum Kind {
    Text,
    Integer,
    Number,
    Boolean,
    Date,
    Time,
    Value(&'static [&'static str]),
    One(&'static str),
    Many(&'static str),
    /// The `@id` of an object of one of these classes.
    Id(&'static [&'static str]),
    Ids(&'static [&'static str]),
    /// Of a class that our reports have nothing of, so that its facts are not here.
    Unused,
}
use Kind::{Boolean, Date, Id, Ids, Integer, Many, Number, One, Text, Time, Unused};

struct Class {
    name: &'static str,
    required: &'static [&'static str],
    properties: &'static [(&'static str, Kind)],
}

const PREFIX: &str = "ElectionResults.";

const DATE: &str = "^[0-9]{4}-(0[1-9]|1[012])-(0[1-9]|[12][0-9]|3[01])$";
const TIME: &str = "^[0-9]{4}-(0?[1-9]|1[012])-(0?[1-9]|[12][0-9]|3[01])T(([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]|(24:00:00))(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))$";

const CANDIDATE_POST_ELECTION_STATUS: &[&str] = &[
    "advanced-to-runoff",
    "defeated",
    "projected-winner",
    "winner",
    "withdrawn",
];
const CANDIDATE_PRE_ELECTION_STATUS: &[&str] = &["filed", "qualified", "withdrawn"];
const COUNT_ITEM_STATUS: &[&str] = &["completed", "in-process", "not-processed", "unknown"];
const COUNT_ITEM_TYPE: &[&str] = &[
    "absentee",
    "absentee-fwab",
    "absentee-in-person",
    "absentee-mail",
    "early",
    "election-day",
    "other",
    "provisional",
    "seats",
    "total",
    "uocava",
    "write-in",
];
const ELECTION_TYPE: &[&str] = &[
    "general",
    "other",
    "partisan-primary-closed",
    "partisan-primary-open",
    "primary",
    "runoff",
    "special",
];
const IDENTIFIER_TYPE: &[&str] = &[
    "fips",
    "local-level",
    "national-level",
    "ocd-id",
    "other",
    "state-level",
];
const REPORTING_UNIT_TYPE: &[&str] = &[
    "ballot-batch",
    "ballot-style-area",
    "borough",
    "city",
    "city-council",
    "combined-precinct",
    "congressional",
    "country",
    "county",
    "county-council",
    "drop-box",
    "judicial",
    "municipality",
    "other",
    "polling-place",
    "precinct",
    "school",
    "special",
    "split-precinct",
    "state",
    "state-house",
    "state-senate",
    "town",
    "township",
    "utility",
    "village",
    "vote-center",
    "ward",
    "water",
];
const REPORT_DETAIL_LEVEL: &[&str] = &["precinct-level", "summary-contest"];
const RESULTS_STATUS: &[&str] = &[
    "certified",
    "correction",
    "pre-election",
    "recount",
    "unofficial-complete",
    "unofficial-partial",
];
const VOTE_VARIATION: &[&str] = &[
    "approval",
    "borda",
    "cumulative",
    "majority",
    "n-of-m",
    "other",
    "plurality",
    "proportional",
    "range",
    "rcv",
    "super-majority",
];

const CLASSES: &[Class] = &[
    Class {
        name: "ElectionReport",
        required: &[
            "@type",
            "Format",
            "GeneratedDate",
            "Issuer",
            "IssuerAbbreviation",
            "SequenceEnd",
            "SequenceStart",
            "Status",
            "VendorApplicationId",
        ],
        properties: &[
            ("Election", Many("Election")),
            ("ExternalIdentifier", Many("ExternalIdentifier")),
            ("Format", Kind::Value(REPORT_DETAIL_LEVEL)),
            ("GeneratedDate", Time),
            ("GpUnit", Many("ReportingUnit")),
            ("Header", Unused),
            ("IsTest", Boolean),
            ("Issuer", Text),
            ("IssuerAbbreviation", Text),
            ("Notes", Text),
            ("Office", Unused),
            ("OfficeGroup", Unused),
            ("Party", Many("Party")),
            ("Person", Many("Person")),
            ("SequenceEnd", Integer),
            ("SequenceStart", Integer),
            ("Status", Kind::Value(RESULTS_STATUS)),
            ("TestType", Text),
            ("VendorApplicationId", Text),
        ],
    },
    Class {
        name: "Election",
        required: &[
            "@type",
            "ElectionScopeId",
            "EndDate",
            "Name",
            "StartDate",
            "Type",
        ],
        properties: &[
            ("BallotCounts", Many("BallotCounts")),
            ("BallotStyle", Unused),
            ("Candidate", Many("Candidate")),
            ("ContactInformation", Unused),
            ("Contest", Many("CandidateContest")),
            ("CountStatus", Many("CountStatus")),
            ("ElectionScopeId", Id(&["ReportingUnit"])),
            ("EndDate", Date),
            ("ExternalIdentifier", Many("ExternalIdentifier")),
            ("Name", One("InternationalizedText")),
            ("OtherType", Text),
            ("StartDate", Date),
            ("Type", Kind::Value(ELECTION_TYPE)),
        ],
    },
    Class {
        name: "BallotCounts",
        required: &["@type", "GpUnitId", "Type"],
        properties: &[
            ("BallotsCast", Integer),
            ("BallotsOutstanding", Integer),
            ("BallotsRejected", Integer),
            ("DeviceClass", Unused),
            ("GpUnitId", Id(&["ReportingDevice", "ReportingUnit"])),
            ("IsSuppressedForPrivacy", Boolean),
            ("OtherType", Text),
            ("Round", Integer),
            ("Type", Kind::Value(COUNT_ITEM_TYPE)),
        ],
    },
    Class {
        name: "Candidate",
        required: &["@id", "@type", "BallotName"],
        properties: &[
            ("@id", Text),
            ("BallotName", One("InternationalizedText")),
            ("CampaignSlogan", One("InternationalizedText")),
            ("ContactInformation", Unused),
            ("ExternalIdentifier", Many("ExternalIdentifier")),
            ("FileDate", Date),
            ("IsIncumbent", Boolean),
            ("IsTopTicket", Boolean),
            ("PartyId", Id(&["Party", "Coalition"])),
            ("PersonId", Id(&["Person"])),
            (
                "PostElectionStatus",
                Kind::Value(CANDIDATE_POST_ELECTION_STATUS),
            ),
            (
                "PreElectionStatus",
                Kind::Value(CANDIDATE_PRE_ELECTION_STATUS),
            ),
        ],
    },
    Class {
        name: "CandidateContest",
        required: &["@id", "@type", "ElectionDistrictId", "Name", "VotesAllowed"],
        properties: &[
            ("@id", Text),
            ("Abbreviation", Text),
            ("BallotSubTitle", One("InternationalizedText")),
            ("BallotTitle", One("InternationalizedText")),
            ("ContestSelection", Many("CandidateSelection")),
            ("CountStatus", Many("CountStatus")),
            ("ElectionDistrictId", Id(&["ReportingUnit"])),
            ("ExternalIdentifier", Many("ExternalIdentifier")),
            ("HasRotation", Boolean),
            ("Name", Text),
            ("NumberElected", Integer),
            ("NumberRunoff", Integer),
            ("OfficeIds", Ids(&["Office"])),
            ("OtherCounts", Unused),
            ("OtherVoteVariation", Text),
            ("PrimaryPartyIds", Ids(&["Party", "Coalition"])),
            ("SequenceOrder", Integer),
            ("SubUnitsReported", Integer),
            ("TotalSubUnits", Integer),
            ("VoteVariation", Kind::Value(VOTE_VARIATION)),
            ("VotesAllowed", Integer),
        ],
    },
    Class {
        name: "CandidateSelection",
        required: &["@id", "@type"],
        properties: &[
            ("@id", Text),
            ("CandidateIds", Ids(&["Candidate"])),
            ("EndorsementPartyIds", Ids(&["Party", "Coalition"])),
            ("IsWriteIn", Boolean),
            ("SequenceOrder", Integer),
            ("VoteCounts", Many("VoteCounts")),
        ],
    },
    Class {
        name: "CountStatus",
        required: &["@type", "Status", "Type"],
        properties: &[
            ("OtherType", Text),
            ("Status", Kind::Value(COUNT_ITEM_STATUS)),
            ("Type", Kind::Value(COUNT_ITEM_TYPE)),
        ],
    },
    Class {
        name: "ExternalIdentifier",
        required: &["@type", "Type", "Value"],
        properties: &[
            ("Label", Text),
            ("OtherType", Text),
            ("Type", Kind::Value(IDENTIFIER_TYPE)),
            ("Value", Text),
        ],
    },
    Class {
        name: "InternationalizedText",
        required: &["@type", "Text"],
        properties: &[("Label", Text), ("Text", Many("LanguageString"))],
    },
    Class {
        name: "LanguageString",
        required: &["@type", "Content", "Language"],
        properties: &[("Content", Text), ("Language", Text)],
    },
    Class {
        name: "Party",
        required: &["@id", "@type", "Name"],
        properties: &[
            ("@id", Text),
            ("Abbreviation", One("InternationalizedText")),
            ("Color", Unused),
            ("ContactInformation", Unused),
            ("ExternalIdentifier", Many("ExternalIdentifier")),
            ("IsRecognizedParty", Boolean),
            ("LeaderPersonIds", Ids(&["Person"])),
            ("LogoUri", Unused),
            ("Name", One("InternationalizedText")),
            (
                "PartyScopeGpUnitIds",
                Ids(&["ReportingDevice", "ReportingUnit"]),
            ),
            ("Slogan", One("InternationalizedText")),
        ],
    },
    Class {
        name: "Person",
        required: &["@id", "@type"],
        properties: &[
            ("@id", Text),
            ("ContactInformation", Unused),
            ("DateOfBirth", Date),
            ("ExternalIdentifier", Many("ExternalIdentifier")),
            ("FirstName", Text),
            ("FullName", One("InternationalizedText")),
            ("Gender", Text),
            ("LastName", Text),
            ("MiddleName", Unused),
            ("Nickname", Text),
            ("PartyId", Id(&["Party", "Coalition"])),
            ("Prefix", Text),
            ("Profession", One("InternationalizedText")),
            ("Suffix", Text),
            ("Title", One("InternationalizedText")),
        ],
    },
    Class {
        name: "ReportingUnit",
        required: &["@id", "@type", "Type"],
        properties: &[
            ("@id", Text),
            ("AuthorityIds", Ids(&["Person"])),
            (
                "ComposingGpUnitIds",
                Ids(&["ReportingDevice", "ReportingUnit"]),
            ),
            ("ContactInformation", Unused),
            ("CountStatus", Many("CountStatus")),
            ("ElectionAdministration", Unused),
            ("ExternalIdentifier", Many("ExternalIdentifier")),
            ("IsDistricted", Boolean),
            ("IsMailOnly", Boolean),
            ("Name", One("InternationalizedText")),
            ("Number", Text),
            ("OtherType", Text),
            ("PartyRegistration", Unused),
            ("SpatialDimension", Unused),
            ("SubUnitsReported", Integer),
            ("TotalSubUnits", Integer),
            ("Type", Kind::Value(REPORTING_UNIT_TYPE)),
            ("VotersParticipated", Integer),
            ("VotersRegistered", Integer),
        ],
    },
    Class {
        name: "VoteCounts",
        required: &["@type", "Count", "GpUnitId", "Type"],
        properties: &[
            ("Count", Number),
            ("DeviceClass", Unused),
            ("GpUnitId", Id(&["ReportingDevice", "ReportingUnit"])),
            ("IsSuppressedForPrivacy", Boolean),
            ("OtherType", Text),
            ("Round", Integer),
            ("Type", Kind::Value(COUNT_ITEM_TYPE)),
        ],
    },
];

fn class(name: &str) -> &'static Class {
    CLASSES
        .iter()
        .find(|class| class.name == name)
        .unwrap_or_else(|| panic!("no facts of the class {name} are taken down"))
}

/// What is wrong with a report by the published facts; nothing, if it holds to them.
pub fn problems(report: &Value) -> Vec<String> {
    let validator = jsonschema::draft4::new(&schema()).unwrap();
    let mut problems: Vec<_> = validator
        .iter_errors(report)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    let mut classes = BTreeMap::new();
    ids(report, &mut classes, &mut problems);
    references(report, &classes, &mut problems);
    problems
}

/// The facts as a JSON schema.
fn schema() -> Value {
    let definitions: Map<_, _> = CLASSES
        .iter()
        .map(|class| {
            let mut properties: Map<_, _> = (class.properties.iter())
                .map(|(name, kind)| ((*name).to_owned(), kind.schema()))
                .collect();
            let tag = format!("{PREFIX}{}", class.name);
            properties.insert("@type".into(), json!({ "enum": [tag] }));
            let schema = json!({
                "type": "object",
                "required": class.required,
                "properties": properties,
                "additionalProperties": false,
            });
            (class.name.to_owned(), schema)
        })
        .collect();
    json!({ "$ref": "#/definitions/ElectionReport", "definitions": definitions })
}

impl Kind {
    fn schema(&self) -> Value {
        let of_class = |class: &str| json!({ "$ref": format!("#/definitions/{class}") });
        match self {
            Text | Id(_) => json!({ "type": "string" }),
            Integer => json!({ "type": "integer" }),
            Number => json!({ "type": "number" }),
            Boolean => json!({ "type": "boolean" }),
            Date => json!({ "type": "string", "pattern": DATE }),
            Time => json!({ "type": "string", "pattern": TIME }),
            Kind::Value(values) => json!({ "enum": values }),
            One(class) => of_class(class),
            Many(class) => json!({ "type": "array", "items": of_class(class) }),
            Ids(_) => json!({ "type": "array", "items": { "type": "string" } }),
            Unused => json!({ "not": {} }),
        }
    }
}

/// Which class each `@id` is of. Two objects never share one.
fn ids<'a>(value: &'a Value, classes: &mut BTreeMap<&'a str, &'a str>, problems: &mut Vec<String>) {
    if let (Some(id), Some(class)) = (value["@id"].as_str(), value["@type"].as_str())
        && classes.insert(id, class).is_some()
    {
        problems.push(format!("two objects have the id {id}"));
    }
    for part in parts(value) {
        ids(part, classes, problems);
    }
}

/// Each id that is named must be one of an object of the right class.
fn references(value: &Value, classes: &BTreeMap<&str, &str>, problems: &mut Vec<String>) {
    let tag = value["@type"]
        .as_str()
        .and_then(|tag| tag.strip_prefix(PREFIX));
    for (name, kind) in tag.map_or(&[][..], |tag| class(tag).properties) {
        let (Id(wanted) | Ids(wanted)) = kind else {
            continue;
        };
        let named = match &value[name] {
            Value::Array(ids) => ids.iter().collect(),
            Value::Null => vec![],
            id => vec![id],
        };
        for id in named {
            let found = id.as_str().and_then(|id| classes.get(id));
            let found = found.and_then(|class| class.strip_prefix(PREFIX));
            if !found.is_some_and(|class| wanted.contains(&class)) {
                problems.push(format!("{name}: {id} is no id of {wanted:?}"));
            }
        }
    }
    for part in parts(value) {
        references(part, classes, problems);
    }
}

fn parts(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(properties) => properties.values().collect(),
        _ => vec![],
    }
}
