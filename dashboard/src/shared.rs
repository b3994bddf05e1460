//! What the tasks of the dashboard share: the board, and the signal that it has changed.

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

    /// Changes the board. If there is something new to show then, the publisher is woken.
    pub(crate) fn update<T>(&self, change: impl FnOnce(&mut Board) -> T) -> T {
        let mut board = self.board();
        let outcome = change(&mut board);
        if board.take_news() {
            self.inner.changed.notify_one();
        }
        outcome
    }

    /// Notes that a source fails, or (`None`) works again; returns whether that is new.
    pub(crate) fn set_problem(&self, source: &str, problem: Option<String>) -> bool {
        let problem = problem.map(|problem| format!("{source}: {problem}"));
        self.update(|board| board.set_problem(source, problem))
    }

    /// Waits for something new to show since the last call.
    pub(crate) async fn changed(&self) {
        self.inner.changed.notified().await;
    }

    /// Asks for the stored tallies to be read again: a stream that has just begun at its end does not have what was
    /// published before.
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
