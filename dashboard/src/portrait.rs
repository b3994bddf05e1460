//! Portraits of candidates, drawn from their ids: a page loads nothing from other hosts, and a candidate looks the
//! same on every server.

use std::hash::Hasher;

use askama::Template;
use siphasher::sip::SipHasher13;

/// Fixed, so that faces do not change between runs and versions.
const KEYS: (u64, u64) = (0x656c_6563_7469_6f6e, 0x706f_7274_7261_6974);

/// Skin with the darker tone of its shadows, and its lips.
const SKIN: [(&str, &str, &str); 8] = [
    ("#f6d5bd", "#d9a88a", "#8c453c"),
    ("#efc3a0", "#cd9671", "#85403a"),
    ("#e3ac84", "#b97f58", "#7f3b34"),
    ("#d09468", "#a46c43", "#78352e"),
    ("#b87b4f", "#8c5833", "#6d2f29"),
    ("#99623c", "#714325", "#5c2520"),
    ("#80502f", "#58331c", "#c07a6c"),
    ("#6a4430", "#432919", "#bd7869"),
];

/// Hair with the lighter tone of its strands.
const HAIR: [(&str, &str); 9] = [
    ("#1f1a1c", "#3a3236"),
    ("#2f221c", "#4c3a30"),
    ("#4a3022", "#684836"),
    ("#6b4429", "#8a5f3f"),
    ("#93582f", "#b27745"),
    ("#b98a4a", "#d4a96a"),
    ("#8d8c90", "#abaaae"),
    ("#c9c6c3", "#e2dfdc"),
    ("#5a5658", "#79757a"),
];

/// Clothes with their darker tone.
const CLOTHES: [(&str, &str); 9] = [
    ("#27364d", "#1b2739"),
    ("#3b3f46", "#2a2d33"),
    ("#5b2f3c", "#44222c"),
    ("#2c4a45", "#1f3733"),
    ("#4a3f6b", "#382f53"),
    ("#7a4a2b", "#5e3820"),
    ("#35567a", "#28425f"),
    ("#6d6657", "#534d41"),
    ("#84384a", "#672937"),
];

/// Backgrounds with the tone of the disc behind the head.
const GROUND: [(&str, &str); 9] = [
    ("#c9d8e6", "#b2c8dc"),
    ("#dfd3c3", "#d0bfa8"),
    ("#cfdccb", "#b9cdb3"),
    ("#e3cfcb", "#d6b8b2"),
    ("#d3cfe3", "#bfb9d6"),
    ("#cfe0df", "#b5d0ce"),
    ("#e5dcb9", "#d8cb99"),
    ("#d6d9dd", "#c1c6cc"),
    ("#e4d0da", "#d6b8c7"),
];

/// Ties, scarves and earrings.
const ACCENT: [&str; 6] = [
    "#b3433f", "#d29a2e", "#2f7f78", "#3d6fb4", "#8b4f9a", "#d8d3c7",
];

/// Hair styles, none of which is meant for women or men: an id does not say either.
const HAIRS: [&str; 8] = [
    "side-parting",
    "cropped",
    "curls",
    "round",
    "bob",
    "bun",
    "long",
    "swept",
];

const WEARS: [&str; 5] = ["suit-and-tie", "jacket", "jumper", "roll-neck", "scarf"];

/// What the template draws.
#[derive(Template)]
#[template(path = "portrait.svg")]
struct Portrait {
    ground: &'static str,
    disc: &'static str,
    skin: &'static str,
    shade: &'static str,
    lips: &'static str,
    hair: &'static str,
    hair_colour: &'static str,
    strand: &'static str,
    wear: &'static str,
    cloth: &'static str,
    fold: &'static str,
    accent: &'static str,
    glasses: bool,
    earrings: bool,
    smile: usize,
    brow: usize,
    disc_x: usize,
}

/// The portrait of the candidate with this id, as an SVG document.
pub(crate) fn portrait_svg(candidate_id: &str) -> String {
    let draw = |feature: &str, choices: usize| draw(candidate_id, feature, choices);
    let (ground, disc) = GROUND[draw("ground", GROUND.len())];
    let (skin, shade, lips) = SKIN[draw("skin", SKIN.len())];
    let (hair_colour, strand) = HAIR[draw("hair colour", HAIR.len())];
    let (cloth, fold) = CLOTHES[draw("clothes", CLOTHES.len())];
    let portrait = Portrait {
        ground,
        disc,
        skin,
        shade,
        lips,
        hair: HAIRS[draw("hair", HAIRS.len())],
        hair_colour,
        strand,
        wear: WEARS[draw("wear", WEARS.len())],
        cloth,
        fold,
        accent: ACCENT[draw("accent", ACCENT.len())],
        glasses: draw("glasses", 4) == 0,
        earrings: draw("earrings", 5) == 0,
        smile: draw("smile", 3),
        brow: draw("brow", 3),
        disc_x: 60 + draw("disc", 5) * 20,
    };
    let drawn = portrait.render();
    drawn.expect("invariant: writing to a string does not fail")
}

/// One of `choices`, from the candidate and the feature alone: a new feature changes no other.
fn draw(candidate_id: &str, feature: &str, choices: usize) -> usize {
    let mut hasher = SipHasher13::new_with_keys(KEYS.0, KEYS.1);
    hasher.write(feature.as_bytes());
    hasher.write_u8(0);
    hasher.write(candidate_id.as_bytes());
    (hasher.finish() % choices as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_portrait_depends_on_the_id_alone() {
        assert_eq!(portrait_svg("7f3b"), portrait_svg("7f3b"));
        let different: BTreeSet<_> = (0..200).map(|n| portrait_svg(&n.to_string())).collect();
        assert!(different.len() > 195, "only {} of 200", different.len());
    }

    #[test]
    fn every_feature_is_drawn() {
        let all: Vec<_> = (0..400).map(|n| n.to_string()).collect();
        let drawn = |feature, choices| {
            let set: BTreeSet<_> = all.iter().map(|id| draw(id, feature, choices)).collect();
            set.len()
        };
        assert_eq!(drawn("hair", HAIRS.len()), HAIRS.len());
        assert_eq!(drawn("wear", WEARS.len()), WEARS.len());
        assert_eq!(drawn("skin", SKIN.len()), SKIN.len());
    }

    #[test]
    fn a_strict_policy_allows_all_of_it() {
        for n in 0..200 {
            let svg = portrait_svg(&n.to_string());
            assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
            assert!(svg.contains("role=\"img\"") && svg.trim_end().ends_with("</svg>"));
            for forbidden in [
                "style=", "<style", "<script", "href", "<image", "url(", " on",
            ] {
                assert!(!svg.contains(forbidden), "{forbidden} in {svg}");
            }
        }
    }

    #[test]
    fn an_id_is_never_part_of_the_drawing() {
        let svg = portrait_svg("<script>alert(1)</script>");
        assert!(!svg.contains("script"));
    }
}
