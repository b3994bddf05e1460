//! Seals that do not fit the log, each found.

use evidence::Seal;
use store::Store;

use crate::audit::Audited;

/// Seals whose root is that of their parts, but which state something else than the log.
pub async fn every_seal_that_does_not_fit_is_found(audited: &Audited) {
    let on_server = ["--database-url", &audited.url];
    audited
        .data
        .run(&[&["seal"], &on_server[..]].concat())
        .succeeds();
    audited.is_fine();
    let store = Store::connect(&audited.url, 1).await.unwrap();
    let true_seal = Seal {
        number: 2,
        ..store.seals().await.unwrap()[0]
    };
    let end = true_seal.next_offset;
    for (seal, named) in [
        (
            Seal {
                leaves: true_seal.leaves + 1,
                ..true_seal
            },
            format!("partition 0 offsets 0..{end}: seal 2 is of"),
        ),
        (
            Seal {
                tree_root: true_seal.chain_head,
                ..true_seal
            },
            format!("partition 0 offsets 0..{end}: seal 2 is of"),
        ),
        (
            Seal {
                next_offset: end + 1,
                ..true_seal
            },
            format!("partition 0: seal 2 goes up to offset {}", end + 1),
        ),
        (
            Seal {
                chain_head: true_seal.tree_root,
                ..true_seal
            },
            format!("no batch of the log has the head {}", true_seal.tree_root),
        ),
        (
            Seal {
                partition: 7,
                ..true_seal
            },
            "partition 7: seal 2 is of it".into(),
        ),
    ] {
        store.add_seal(&[seal]).await.unwrap();
        audited.finds(1, &[&named]);
        let taken_back = "DELETE FROM seals WHERE seal = 2";
        audited.database.change(1, taken_back, &[]).await;
    }
    store.close();
}
