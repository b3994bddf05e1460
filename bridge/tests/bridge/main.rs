//! The bridge between an embedded platform and a real broker over TCP (`tansu`, or the one that
//! `KAFKA_BOOTSTRAP` names), and what it refuses.

mod alone;
mod broker;
mod gate;
mod inbound;
mod late;
mod outbound;
mod positions;
mod refusals;
mod setting;
