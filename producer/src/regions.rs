//! Where generated voters live: British counties and council areas, with some of their towns.
//!
//! Populations are those of the censuses of 2021 (England, Wales, Northern Ireland) and 2022
//! (Scotland), in thousands. A region gets voters in proportion to its population.

use std::sync::LazyLock;

/// A town.
#[derive(Debug)]
pub(crate) struct Town {
    pub(crate) name: &'static str,
    /// The letters that most postcodes there begin with.
    pub(crate) postcode_area: &'static str,
}

/// A county or council area: the `state` of an address.
#[derive(Debug)]
pub(crate) struct Region {
    pub(crate) name: &'static str,
    pub(crate) country: &'static str,
    /// Some of its towns.
    pub(crate) towns: &'static [Town],
    /// The region's weight.
    pub(crate) population_thousands: u32,
}

const ENGLAND: &str = "England";
const SCOTLAND: &str = "Scotland";
const WALES: &str = "Wales";
const NORTHERN_IRELAND: &str = "Northern Ireland";

macro_rules! regions {
    ($($country:ident $name:literal $population:literal: $($town:literal $area:literal),+;)+) => {
        &[$(Region {
            name: $name,
            country: $country,
            towns: &[$(Town { name: $town, postcode_area: $area }),+],
            population_thousands: $population,
        }),+]
    };
}

/// Every region.
pub(crate) const REGIONS: &[Region] = regions! {
    ENGLAND "Greater London" 8800: "Camden" "NW", "Croydon" "CR", "Hackney" "E", "Southwark" "SE";
    ENGLAND "West Midlands" 2920: "Birmingham" "B", "Coventry" "CV", "Wolverhampton" "WV";
    ENGLAND "Greater Manchester" 2868: "Manchester" "M", "Bolton" "BL", "Stockport" "SK", "Oldham" "OL";
    ENGLAND "West Yorkshire" 2352: "Leeds" "LS", "Bradford" "BD", "Huddersfield" "HD", "Wakefield" "WF";
    ENGLAND "Kent" 1576: "Canterbury" "CT", "Maidstone" "ME", "Dover" "CT", "Tunbridge Wells" "TN";
    ENGLAND "Essex" 1503: "Chelmsford" "CM", "Colchester" "CO", "Basildon" "SS";
    ENGLAND "Merseyside" 1423: "Liverpool" "L", "Birkenhead" "CH", "St Helens" "WA";
    ENGLAND "Hampshire" 1401: "Winchester" "SO", "Basingstoke" "RG", "Fareham" "PO";
    ENGLAND "South Yorkshire" 1375: "Sheffield" "S", "Doncaster" "DN", "Barnsley" "S";
    ENGLAND "Lancashire" 1235: "Preston" "PR", "Lancaster" "LA", "Burnley" "BB";
    ENGLAND "Surrey" 1203: "Guildford" "GU", "Woking" "GU", "Redhill" "RH";
    ENGLAND "Hertfordshire" 1199: "St Albans" "AL", "Watford" "WD", "Stevenage" "SG";
    ENGLAND "Tyne and Wear" 1127: "Newcastle upon Tyne" "NE", "Sunderland" "SR", "Gateshead" "NE";
    ENGLAND "Norfolk" 916: "Norwich" "NR", "King's Lynn" "PE", "Great Yarmouth" "NR";
    ENGLAND "West Sussex" 883: "Chichester" "PO", "Crawley" "RH", "Worthing" "BN";
    ENGLAND "Staffordshire" 876: "Stafford" "ST", "Tamworth" "B", "Burton upon Trent" "DE";
    ENGLAND "Nottinghamshire" 825: "Mansfield" "NG", "Newark-on-Trent" "NG", "Worksop" "S";
    ENGLAND "Devon" 812: "Exeter" "EX", "Barnstaple" "EX", "Newton Abbot" "TQ";
    ENGLAND "Derbyshire" 795: "Chesterfield" "S", "Buxton" "SK", "Ilkeston" "DE";
    ENGLAND "Lincolnshire" 768: "Lincoln" "LN", "Boston" "PE", "Grantham" "NG";
    ENGLAND "Suffolk" 761: "Ipswich" "IP", "Lowestoft" "NR", "Bury St Edmunds" "IP";
    ENGLAND "Oxfordshire" 725: "Oxford" "OX", "Banbury" "OX", "Henley-on-Thames" "RG";
    ENGLAND "Cambridgeshire" 679: "Cambridge" "CB", "Ely" "CB", "Huntingdon" "PE";
    ENGLAND "Gloucestershire" 645: "Gloucester" "GL", "Cheltenham" "GL", "Stroud" "GL";
    ENGLAND "Somerset" 572: "Taunton" "TA", "Bridgwater" "TA", "Wells" "BA";
    ENGLAND "Cornwall" 570: "Truro" "TR", "Falmouth" "TR", "Penzance" "TR", "Bude" "EX";
    ENGLAND "County Durham" 522: "Durham" "DH", "Bishop Auckland" "DL", "Consett" "DH";
    ENGLAND "Wiltshire" 510: "Salisbury" "SP", "Trowbridge" "BA", "Chippenham" "SN";
    ENGLAND "Cumbria" 500: "Carlisle" "CA", "Kendal" "LA", "Barrow-in-Furness" "LA";
    ENGLAND "Bristol" 472: "Clifton" "BS", "Bedminster" "BS", "Avonmouth" "BS";
    ENGLAND "Shropshire" 324: "Shrewsbury" "SY", "Ludlow" "SY", "Oswestry" "SY";
    ENGLAND "Northumberland" 321: "Alnwick" "NE", "Hexham" "NE", "Berwick-upon-Tweed" "TD";
    SCOTLAND "Glasgow City" 621: "Glasgow" "G", "Easterhouse" "G";
    SCOTLAND "City of Edinburgh" 513: "Edinburgh" "EH", "Leith" "EH", "South Queensferry" "EH";
    SCOTLAND "Fife" 372: "Dunfermline" "KY", "Kirkcaldy" "KY", "St Andrews" "KY";
    SCOTLAND "North Lanarkshire" 341: "Motherwell" "ML", "Airdrie" "ML", "Cumbernauld" "G";
    SCOTLAND "Highland" 235: "Inverness" "IV", "Fort William" "PH", "Wick" "KW";
    SCOTLAND "Aberdeen City" 224: "Aberdeen" "AB", "Dyce" "AB";
    SCOTLAND "Dundee City" 148: "Dundee" "DD", "Broughty Ferry" "DD";
    WALES "Cardiff" 362: "Cardiff" "CF", "Whitchurch" "CF", "Llanishen" "CF";
    WALES "Swansea" 239: "Swansea" "SA", "Gorseinon" "SA", "Mumbles" "SA";
    WALES "Rhondda Cynon Taf" 238: "Pontypridd" "CF", "Aberdare" "CF", "Tonypandy" "CF";
    WALES "Newport" 160: "Newport" "NP", "Caerleon" "NP";
    WALES "Gwynedd" 117: "Bangor" "LL", "Caernarfon" "LL", "Porthmadog" "LL";
    NORTHERN_IRELAND "Belfast" 345: "Belfast" "BT", "Dunmurry" "BT";
    NORTHERN_IRELAND "Newry, Mourne and Down" 182: "Newry" "BT", "Downpatrick" "BT", "Newcastle" "BT";
    NORTHERN_IRELAND "Derry City and Strabane" 151: "Derry" "BT", "Strabane" "BT", "Castlederg" "BT";
    NORTHERN_IRELAND "Mid Ulster" 150: "Dungannon" "BT", "Magherafelt" "BT", "Cookstown" "BT";
};

/// Population up to and including each region.
static CUMULATIVE: LazyLock<Vec<u32>> = LazyLock::new(|| {
    REGIONS
        .iter()
        .scan(0, |sum, region| {
            *sum += region.population_thousands;
            Some(*sum)
        })
        .collect()
});

/// The population of all regions, in thousands.
pub(crate) fn total_population_thousands() -> u32 {
    CUMULATIVE.last().copied().unwrap_or_default()
}

/// The region of the inhabitant number `draw`, where `draw` is below
/// [`total_population_thousands`]; so uniform draws choose regions by population.
pub(crate) fn region_of(draw: u32) -> &'static Region {
    let index = CUMULATIVE.partition_point(|&up_to| up_to <= draw);
    &REGIONS[index.min(REGIONS.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn regions_are_complete_and_distinct() {
        assert!(REGIONS.len() >= 30);
        let names: BTreeSet<_> = REGIONS.iter().map(|region| region.name).collect();
        assert_eq!(names.len(), REGIONS.len());
        let countries: BTreeSet<_> = REGIONS.iter().map(|region| region.country).collect();
        assert_eq!(countries.len(), 4);
        for region in REGIONS {
            assert!((2..=4).contains(&region.towns.len()), "{}", region.name);
            assert!(region.population_thousands > 0);
            for town in region.towns {
                assert!((1..=2).contains(&town.postcode_area.len()), "{}", town.name);
                assert!(town.postcode_area.bytes().all(|b| b.is_ascii_uppercase()));
            }
        }
    }

    #[test]
    fn each_inhabitant_has_one_region() {
        let mut counts = std::collections::BTreeMap::new();
        for draw in 0..total_population_thousands() {
            *counts.entry(region_of(draw).name).or_insert(0) += 1;
        }
        for region in REGIONS {
            assert_eq!(counts[region.name], region.population_thousands);
        }
    }
}
