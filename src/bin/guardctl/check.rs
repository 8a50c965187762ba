//! `guardctl check`: privileged containers in files, before AWS sees them. It needs no account and no network, and reads
//! nothing but the files it is given. What cannot be known from a file is said to be unknown.

mod cloudformation;
mod document;
mod exemptions;
mod files;
mod finding;
mod function;
mod look;
mod place;
mod position;
mod report;
mod source;
mod terraform;
mod yaml;

use std::path::Path;

use ecs_privileged_guard::aws::Clock;
use jiff::Timestamp;

use self::document::Texts;
pub(crate) use self::exemptions::Exemptions;
use self::exemptions::ExemptionsError;
use self::files::{Called, LENGTH_MAX, Origin, There};
use self::finding::Rule;
use self::look::Found;
use self::report::{Located, Report, Unread};
use self::source::SourceError;
use crate::args::CheckArgs;
use crate::exit::Exit;
use crate::input::Input;
use crate::output::Output;
use crate::trouble::Trouble;

/// Looks at all that is named, and says what it found.
pub(crate) fn run(args: &CheckArgs, output: Output) -> Result<Exit, Trouble> {
    let now = Clock::live().now();
    let exemptions = args.exemptions.as_deref().map(|path| read_exemptions(path, now)).transpose()?.unwrap_or_default();
    let mut report = Report::default();
    for there in files::find(&args.files) {
        match there {
            There::File(input, origin) => look_at(&input, origin, args.residual, &mut report, output),
            There::Unread(unread) => report.unread.push(unread),
            There::Link(name) => {
                output.say(&format!(
                    "{name}: not followed: it is a link to a directory, which is checked if it is named"
                ));
            }
        }
    }
    for located in &mut report.findings {
        exemptions.judge(&mut located.finding, now);
    }
    output.data(&report.data(output.format))?;
    // A gate that looks at the wrong directory must not be open.
    if report.files == 0 && report.unread.is_empty() {
        let what = "there is nothing to check: no file is a task definition, a template or a plan";
        return Err(Trouble::new(Exit::Failed, what).hint("guardctl check -v says what each file was taken for"));
    }
    output.troubles(&report.unread.iter().map(Unread::trouble).collect::<Vec<_>>());
    output.say(&report.summary(args.strict));
    let is_found = report.count(Rule::Privileged) > 0 || args.strict && report.count(Rule::Unknown) > 0;
    Ok(match (report.unread.is_empty(), is_found) {
        // Nobody knows what is in a file that could not be read.
        (false, _) => Exit::Failed,
        (true, true) => Exit::Found,
        (true, false) => Exit::Fine,
    })
}

fn look_at(input: &Input, origin: Origin, residual: bool, report: &mut Report, output: Output) {
    let name = input.name.as_str();
    let bytes = match input.read(LENGTH_MAX) {
        Ok(bytes) => bytes,
        Err(error) => return report.unread.push(Unread::of(name, None, &error, None)),
    };
    let texts = match document::text_of(&bytes).and_then(|text| Texts::read(text, files::called(input))) {
        Ok(texts) => texts,
        // In a directory lies much that is nothing of ours: images, programs, templates of other tools.
        Err(error) if origin == Origin::Walked && !files::seems_ours(&bytes) => {
            return output.detail(&format!("{name}: passed over: {error}"));
        }
        Err(error) => return report.unread.push(Unread::of(name, error.position(), &error, error.hint())),
    };
    let (mut kinds, mut unlike) = (Vec::new(), SourceError::Neither);
    for document in texts.documents() {
        let mut found = Found::default();
        match source::read(&document, residual, &mut found) {
            Ok(kind) => kinds.push(kind),
            Err(error) => unlike = error,
        }
        report.definitions += found.definitions;
        found.findings.sort_by_key(|finding| finding.at);
        let positions = document.positions(found.findings.iter().map(|finding| finding.at));
        let located = found.findings.into_iter().zip(positions);
        let located = located.map(|(finding, position)| Located { file: name.to_owned(), position, finding });
        report.findings.extend(located);
    }
    match (kinds.first(), origin) {
        (Some(kind), _) => {
            report.files += 1;
            output.detail(&format!("{name}: {kind}"));
        }
        (None, Origin::Walked) if unlike.is_somebody_elses() => {
            output.detail(&format!("{name}: passed over: {unlike}"));
        }
        (None, _) => report.unread.push(Unread::of(name, None, &unlike, Some(unlike.hint()))),
    }
}

/// The exemptions of a file. Where they cannot be relied on nothing goes on: what is exempt would count as not.
pub(crate) fn read_exemptions(path: &Path, now: Timestamp) -> Result<Exemptions, Trouble> {
    let name = path.to_string_lossy();
    let failed = || Trouble::new(Exit::Failed, format!("the exemptions in {name} could not be read"));
    let bytes = Input::file(path).read(LENGTH_MAX).map_err(|error| failed().because(&error))?;
    let text = document::text_of(&bytes).map_err(|error| failed().because(&error))?;
    let texts = Texts::read(text, Called::Either).map_err(|error| failed().because(&error))?;
    match texts.documents().as_slice() {
        [document] => Exemptions::read(document.root, now),
        _ => Err(ExemptionsError::Shape),
    }
    .map_err(|error| failed().because(&error).hint("guardctl check --help shows the form of an entry"))
}
