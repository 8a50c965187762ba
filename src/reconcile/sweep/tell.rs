//! Tells what a sweep found: the digest first, then the records, the evidence, the watermark, in this order. A run that
//! dies in between repeats what it told instead of losing it.

use jiff::{SignedDuration, Timestamp};

use super::super::RunError;
use super::super::stop::Stop;
use super::{Answer, Sweep, Swept, Unseen};
use crate::aws::{Expect, Written};
use crate::domain::arn::{Family, TaskDefinitionId};
use crate::domain::exemption::Found;
use crate::domain::keys;
use crate::domain::moves::report::MoveReport;
use crate::domain::sweep::digest::{self, Digest, News};
use crate::domain::sweep::evidence::{self, Evidence, ExemptionRow};

/// What is left when the last record is begun, for the evidence and the watermark.
const TIME_TO_KEEP: SignedDuration = SignedDuration::from_secs(8);
/// So many runs in a row that end before everything was looked at are said.
const CUT_RUNS_MAX: u32 = 3;
/// Before an end, whoever needs the exemption is told twice: so many days before.
const DAYS_BEFORE_AN_END: [i32; 2] = [1, 7];
const DAY: SignedDuration = SignedDuration::from_hours(24);

impl Sweep {
    /// Tells and writes everything.
    ///
    /// # Errors
    /// When nobody could be told.
    pub(super) async fn tell(mut self, deadline: Timestamp) -> Result<Swept, RunError> {
        let now = self.guard.aws.clock.now();
        self.note_how_it_ended();
        let evidence = self.evidence(now);
        self.publish(&evidence, now, deadline).await?;
        self.account.mark.unwritten.clear();
        let are_recorded = self.write_moves(deadline).await & self.write_records(deadline).await;
        let is_kept =
            are_recorded & self.write_evidence(&evidence, deadline).await & self.write_watermark(deadline).await;
        let answer = Answer {
            outcomes: std::mem::take(&mut self.tally.outcomes),
            missed_by_event: evidence.missed_by_event().len(),
            complete: is_kept && !self.is_cut && self.tally.left_for_the_next_run + self.tally.services_left == 0,
        };
        Ok(Swept {
            answer,
            metrics: self.metrics(is_kept),
            unseen: self.unseen.into_iter().map(|it| it.words).collect(),
        })
    }

    /// One run that ends early is nobody's concern, since the next one goes on. What waits for several of them is, and
    /// nothing else would say so.
    fn note_how_it_ended(&mut self) {
        let cut_runs = &mut self.account.mark.cut_runs;
        *cut_runs = if self.ran_out { cut_runs.saturating_add(1) } else { 0 };
        if *cut_runs >= CUT_RUNS_MAX {
            let words =
                format!("{CUT_RUNS_MAX} runs in a row ended before everything was looked at; the next ones go on");
            self.unseen.push(Unseen { words, lasts: true });
        }
    }

    /// One message, if something is new.
    async fn publish(&mut self, evidence: &Evidence, now: Timestamp, deadline: Timestamp) -> Result<(), RunError> {
        let news: Vec<News> = self.kept.iter().filter_map(|kept| kept.news.clone()).collect();
        let missed: Vec<TaskDefinitionId> = self.account.mark.missed(now).map(|(id, _)| id.clone()).collect();
        let told = |id: &TaskDefinitionId| self.account.mark.privileged.get(id).is_some_and(|it| it.missed_was_told);
        let new_missed = missed.iter().filter(|id| !told(id)).count();
        let ending = self.ending(now);
        let lasting = || self.unseen.iter().filter(|unseen| unseen.lasts).map(|unseen| &unseen.words);
        let moves: Vec<&MoveReport> = self.moved.iter().map(|news| &news.report).collect();
        let is_new = !news.is_empty()
            || !moves.is_empty()
            || new_missed > 0
            || !ending.is_empty()
            || lasting().any(|words| !self.account.mark.told.unseen.contains(words))
            || self.account.started_over.is_some();
        *self.tally.metrics.entry("MissedByEvent").or_default() += count(new_missed);
        if is_new {
            let ends: Vec<(Family, Timestamp)> = ending.iter().map(|(family, end, _)| (family.clone(), *end)).collect();
            let report = keys::report(&self.guard.home, "latest.html");
            let digest = Digest {
                evidence,
                news: &news,
                moves: &moves,
                held_back: self.tally.held_back,
                missed_for_the_first_time: new_missed,
                ending: &ends,
                started_over: self.account.started_over,
                left_for_the_next_run: self.tally.left_for_the_next_run,
                stopped_writing: self.tally.unfaithful >= super::UNFAITHFUL_MAX,
                report: &report,
            };
            self.guard.publish(&digest::message(&digest, &self.guard.setting()), deadline).await?;
        }
        let told_unseen = lasting().cloned().collect();
        let mark = &mut self.account.mark;
        mark.told.unseen = told_unseen;
        mark.told.ending.retain(|family, _| self.account.exemptions.contains_key(family));
        mark.told.ending.extend(ending.into_iter().map(|(family, end, days)| (family, (end, days))));
        for id in missed {
            if let Some(standing) = mark.privileged.get_mut(&id) {
                standing.missed_was_told = true;
            }
        }
        Ok(())
    }

    /// Exemptions that hold and end soon, for which that was not said yet: each with the days that are left at most.
    fn ending(&self, now: Timestamp) -> Vec<(Family, Timestamp, i32)> {
        let of = |(family, (found, _)): (&Family, &(Found, Option<String>))| {
            let end = ExemptionRow::of(family, found, now).filter(|row| row.holds)?.ends?;
            let days = DAYS_BEFORE_AN_END.into_iter().find(|days| end.duration_since(now) <= DAY * *days)?;
            let was_told = |(told, before): &(Timestamp, i32)| *told == end && *before <= days;
            let told = self.account.mark.told.ending.get(family);
            (!told.is_some_and(was_told)).then(|| (family.clone(), end, days))
        };
        self.account.exemptions.iter().filter_map(of).collect()
    }

    /// Remembers what was told of services, and answers whether it could. What cannot be written is told again.
    async fn write_moves(&mut self, deadline: Timestamp) -> bool {
        let last = deadline - TIME_TO_KEEP;
        let mut are_written = true;
        for news in std::mem::take(&mut self.moved) {
            if self.guard.aws.clock.now() >= last {
                (self.is_cut, are_written) = (true, false);
                break;
            }
            if let Err(stop) = self.guard.remember_move(&news, last).await {
                (self.is_cut, are_written) = (true, false);
                let key = keys::service_move(&self.guard.home, &news.report.service);
                let unwritten = unwritten(&key, &stop);
                if let (true, Stop::Failed(failure)) = (unwritten.lasts, &stop) {
                    let why = failure.reason().as_str();
                    self.account.mark.unwritten.insert(format!("moves could not be written: {why}"));
                }
                self.unseen.push(unwritten);
            }
        }
        are_written
    }

    /// Writes what was told into the records, and answers whether it could. What cannot be written is looked at again by
    /// the next run, whose digest says so.
    async fn write_records(&mut self, deadline: Timestamp) -> bool {
        let last = deadline - TIME_TO_KEEP;
        let mut are_recorded = true;
        for kept in std::mem::take(&mut self.kept) {
            let id = kept.id;
            if self.guard.aws.clock.now() >= last {
                (self.is_cut, are_recorded) = (true, false);
                break;
            }
            // What somebody else wrote meanwhile was not looked at: it may say that an event told of the revision.
            let mut is_overtaken = false;
            if let Some(recording) = kept.record {
                let write = async || {
                    let held = recording.held.clone();
                    self.guard.merge_record(&id, held, &recording.news, recording.is_news).await
                };
                match self.guard.until_the_end(last).repeat(write).await {
                    Ok((etag, by_others)) => {
                        is_overtaken = by_others;
                        self.account.records.insert(id.clone(), etag);
                    }
                    Err(stop) => {
                        (self.is_cut, are_recorded) = (true, false);
                        let unwritten = unwritten(&keys::record(&self.guard.home, &id), &stop);
                        if let (true, Stop::Failed(failure)) = (unwritten.lasts, &stop) {
                            // Without the key: a permission that is missing is missing for all of them.
                            let why = failure.reason().as_str();
                            self.account.mark.unwritten.insert(format!("records could not be written: {why}"));
                        }
                        self.unseen.push(unwritten);
                        continue;
                    }
                }
            }
            if kept.is_open || is_overtaken {
                continue;
            }
            let waits = |rests_on: &String| rests_on.is_empty();
            let rests_on = self.account.foundation(&self.guard, &id);
            if let Some(standing) = self.account.mark.privileged.get_mut(&id).filter(|it| waits(&it.rests_on)) {
                standing.rests_on = rests_on;
            }
        }
        are_recorded
    }

    async fn write_evidence(&mut self, evidence: &Evidence, deadline: Timestamp) -> bool {
        let json = evidence::json(evidence);
        let dated = format!("{}.json", evidence.at.strftime("%Y-%m-%d"));
        let files = [
            (dated.as_str(), json.clone(), "application/json"),
            ("latest.json", json, "application/json"),
            ("latest.html", evidence::html(evidence), "text/html; charset=utf-8"),
        ];
        for (name, text, content_type) in files {
            let key = keys::report(&self.guard.home, name);
            let write = async || Ok(self.guard.aws.bucket.replace(&key, text.clone(), content_type).await?);
            if let Err(stop) = self.guard.until_the_end(deadline).repeat(write).await {
                self.unseen.push(unwritten(&key, &stop));
                return false;
            }
        }
        true
    }

    /// Where another sweep has written meanwhile, theirs stays and this run is not complete: what it saw is seen again.
    async fn write_watermark(&mut self, deadline: Timestamp) -> bool {
        let key = keys::watermark(&self.guard.home);
        self.account.mark.complete = !self.is_cut;
        let text = self.account.mark.to_json();
        let expect = self.account.mark_etag.clone().map_or(Expect::Nothing, Expect::Etag);
        let write = async || Ok(self.guard.aws.bucket.put(&key, &text, &expect).await?);
        let written = match self.guard.until_the_end(deadline).repeat(write).await {
            Ok(Written::Yes(_)) => Ok(true),
            // Our own, if the answer to the first attempt was lost.
            Ok(Written::Changed) => {
                let read = async || Ok(self.guard.aws.bucket.get(&key).await?);
                let stored = self.guard.until_the_end(deadline).repeat(read).await;
                stored.map(|object| object.is_some_and(|object| object.text == text))
            }
            Err(stop) => Err(stop),
        };
        match written {
            Ok(true) => true,
            Ok(false) => {
                let words = format!("{key} was written by another run meanwhile");
                self.unseen.push(Unseen { words, lasts: false });
                false
            }
            Err(stop) => {
                self.unseen.push(unwritten(&key, &stop));
                false
            }
        }
    }

    fn metrics(&self, is_kept: bool) -> Vec<(&'static str, f64)> {
        let mut metrics = self.tally.metrics.clone();
        // Of a registration from years ago it would say nothing.
        metrics.remove("SecondsToRemedy");
        metrics.insert("SweepRevisionsRead", count(self.described.len()));
        metrics.insert("SweepCompleted", if is_kept { 1.0 } else { 0.0 });
        metrics.into_iter().collect()
    }
}

fn unwritten(key: &str, stop: &Stop) -> Unseen {
    match stop {
        Stop::Transient(failure) => Unseen::of(failure),
        Stop::Failed(failure) => {
            Unseen { words: format!("{key} could not be written: {}", failure.reason().as_str()), lasts: true }
        }
        Stop::OutOfTime => Unseen { words: format!("{key} could not be written in time"), lasts: false },
    }
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}
