//! The voters that are generated, written to a file and read as a roll.

use ballot::Voter;
use producer::{read_roll, voter};

#[test]
fn generated_voters_survive_both_formats() {
    let directory = tempfile::tempdir().unwrap();
    let read = |name: &str, contents: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, contents).unwrap();
        read_roll(&path).unwrap()
    };
    let generated: Vec<Voter> = (0..50).map(|index| voter(5, index)).collect();
    let lines: Vec<String> = generated
        .iter()
        .map(|voter| serde_json::to_string(voter).unwrap())
        .collect();
    assert_eq!(read("roll.jsonl", lines.join("\n").as_bytes()), generated);
    assert_eq!(read("roll.json", lines.join("\n\n").as_bytes()), generated);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record([
            "voter_id",
            "voter_name",
            "date_of_birth",
            "gender",
            "nationality",
            "registration_number",
            "street",
            "city",
            "state",
            "country",
            "postcode",
            "email",
            "phone_number",
            "cell_number",
            "picture",
            "registered_age",
        ])
        .unwrap();
    for voter in &generated {
        let at = &voter.address;
        let age = voter.registered_age.unwrap().to_string();
        writer
            .write_record([
                &voter.voter_id,
                &voter.voter_name,
                &voter.date_of_birth,
                &voter.gender,
                &voter.nationality,
                &voter.registration_number,
                &at.street,
                &at.city,
                &at.state,
                &at.country,
                &at.postcode,
                &voter.email,
                &voter.phone_number,
                &voter.cell_number,
                &voter.picture,
                &age,
            ])
            .unwrap();
    }
    let csv = writer.into_inner().unwrap();
    assert_eq!(read("roll.csv", &csv), generated);
}
