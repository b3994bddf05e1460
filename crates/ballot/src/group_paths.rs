//! Where in a vote the values of its groups are: the groups' JSON pointers as one tree, so that a vote is
//! read once, whatever it is counted by.

use crate::Group;
use crate::names::same_bytes;

/// The fields of a vote that counting reads by itself. A group cannot be counted by them.
pub(crate) const OWN_FIELDS: [&str; 6] = [
    "voter_id",
    "candidate_id",
    "choices",
    "voting_time",
    "vote",
    "credential",
];

/// The paths of an election's groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupPaths {
    pub(crate) root: PathNode,
    /// For each group, the place of its path among the distinct ones.
    places: Vec<usize>,
    distinct: usize,
}

/// A name on the way to a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PathNode {
    pub(crate) children: Vec<(Box<str>, PathNode)>,
    /// A bit for each length that a child's name has: most fields have none of them.
    pub(crate) lengths: u64,
    /// The place of the path that ends here.
    pub(crate) place: Option<usize>,
}

/// The bit of a length; all long names share one.
#[inline(always)]
fn length_bit(length: usize) -> u64 {
    1 << length.min(u64::BITS as usize - 1)
}

impl PathNode {
    /// The number of the child with this name, and the child.
    #[inline(always)]
    pub(crate) fn child(&self, name: &[u8]) -> Option<(usize, &PathNode)> {
        if self.lengths & length_bit(name.len()) == 0 {
            return None;
        }
        self.children
            .iter()
            .enumerate()
            .find(|(_, (known, _))| same_bytes(known.as_bytes(), name))
            .map(|(number, (_, child))| (number, child))
    }

    fn child_or_new(&mut self, name: &str) -> &mut PathNode {
        let known = self.children.iter().position(|(known, _)| &**known == name);
        let at = known.unwrap_or_else(|| {
            self.children.push((name.into(), PathNode::default()));
            self.lengths |= length_bit(name.len());
            self.children.len() - 1
        });
        &mut self.children[at].1
    }
}

impl GroupPaths {
    /// The paths of these groups, which were checked.
    pub fn of(groups: &[Group]) -> GroupPaths {
        let mut paths = GroupPaths::default();
        for group in groups {
            let mut node = &mut paths.root;
            for part in group.path_parts() {
                node = node.child_or_new(&part);
            }
            let place = *node.place.get_or_insert(paths.distinct);
            paths.distinct = paths.distinct.max(place + 1);
            paths.places.push(place);
        }
        paths
    }

    /// How many distinct paths there are.
    #[inline(always)]
    pub(crate) fn distinct(&self) -> usize {
        self.distinct
    }

    /// The place of each group's value in [`ParsedVote::values`](crate::ParsedVote::values).
    pub(crate) fn places(&self) -> &[usize] {
        &self.places
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The paths of the tutorial's groups, of two with one path, and of one that lies deep.
    pub(crate) fn paths() -> GroupPaths {
        let mut groups = Group::tutorial();
        for path in ["/registered_age", "/address/city", "/address/place/ward"] {
            groups.push(Group {
                name: format!("group-{}", groups.len()),
                path: path.to_owned(),
                ..groups[0].clone()
            });
        }
        GroupPaths::of(&groups)
    }

    #[test]
    fn groups_of_one_path_share_a_place() {
        let paths = paths();
        assert_eq!(paths.places(), [0, 1, 2, 2, 3, 4]);
        let (_, address) = paths.root.child(b"address").unwrap();
        assert_eq!(address.child(b"state").unwrap().1.place, Some(0));
        assert_eq!(address.place, None);
    }
}
