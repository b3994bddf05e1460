//! What the tasks of the dashboard share: the board, and the word that it has changed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::board::Board;

/// Clones share one board. The lock is held for one change or one snapshot, never across an await;
/// hence a plain mutex.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shared {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    board: Mutex<Board>,
    changed: Notify,
    reload: Notify,
}

impl Shared {
    /// The board, to be read.
    pub(crate) fn board(&self) -> MutexGuard<'_, Board> {
        self.inner
            .board
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the board. If that gives something new to show, the publisher is told.
    pub(crate) fn update<T>(&self, change: impl FnOnce(&mut Board) -> T) -> T {
        let mut board = self.board();
        let outcome = change(&mut board);
        if board.take_news() {
            self.inner.changed.notify_one();
        }
        outcome
    }

    /// Waits for something new to show; at once if it came since the last call.
    pub(crate) async fn changed(&self) {
        self.inner.changed.notified().await;
    }

    /// Asks for the stored tallies to be read again: a stream began at its end, and what was published
    /// before is not seen.
    pub(crate) fn ask_to_reload(&self) {
        self.inner.reload.notify_one();
    }

    pub(crate) async fn asked_to_reload(&self) {
        self.inner.reload.notified().await;
    }

    /// Forgets an election: the database holds another.
    pub(crate) fn begin_anew(&self) {
        self.update(Board::begin_anew);
        self.ask_to_reload();
    }
}
