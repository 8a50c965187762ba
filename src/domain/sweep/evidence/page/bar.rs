//! One bar of families by state, as inline SVG without a view box: it is as wide as the page, and its text is not
//! scaled. Order, words and patterns say what the colours say.

use super::super::standing::{State, Totals};
use super::super::{Evidence, Looker};
use super::{counted, number};

/// Thousandths of the bar's width.
const WHOLE: usize = 1_000;
/// One failed family among 20,000 is seen.
const SLICE_MIN: usize = 15;
/// A slice this wide has room for its number.
const LABEL_MIN: usize = 90;
/// Rows of the legend, in pixels.
const LEGEND_TOP: usize = 70;
const LEGEND_STEP: usize = 42;

pub(super) fn name(state: State) -> &'static str {
    match state {
        State::Failed => "Failed",
        State::ReportedOnly => "Reported only",
        State::Superseded => "Superseded",
        State::Exempt => "Exempt",
        State::Remediated => "Remediated",
        State::NotLookedAt => "Not looked at yet",
        State::Clean => "Clean",
    }
}

/// The same where somebody looks once.
fn name_by(state: State, looker: &Looker) -> &'static str {
    match (state, looker) {
        (State::NotLookedAt, Looker::Scan { .. }) => "Not all looked at",
        (state, Looker::Scan { .. } | Looker::Sweep { .. }) => name(state),
    }
}

fn meaning(state: State, is_sure: bool, looker: &Looker) -> &'static str {
    match (state, looker) {
        (State::Failed, _) => "the remedy did not work: repair it",
        (State::ReportedOnly, Looker::Sweep { .. }) => "privileged, nothing changed",
        (State::ReportedOnly, Looker::Scan { .. }) => "privileged, no change is known",
        (State::Superseded, _) => "a newer revision follows",
        (State::Exempt, _) => "allowed to be privileged",
        (State::Remediated, _) => "a copy without privilege follows",
        (State::NotLookedAt, Looker::Sweep { .. }) => "the next runs go on",
        (State::NotLookedAt, Looker::Scan { .. }) => "not each of their revisions was seen",
        (State::Clean, _) if is_sure => "nothing privileged",
        (State::Clean, Looker::Sweep { .. }) => "nothing privileged so far",
        (State::Clean, Looker::Scan { .. }) => "nothing privileged was seen",
    }
}

pub(super) fn bar(evidence: &Evidence, totals: &Totals) -> String {
    let families: usize = totals.by_state.iter().map(|(_, count)| count).sum();
    if families == 0 {
        return "<section aria-labelledby=\"bar\">\n<h2 id=\"bar\">Families by state</h2>\n\
                <p>There is no family yet.</p>\n</section>\n"
            .to_owned();
    }
    let widths = widths(&totals.by_state.map(|(_, count)| count));
    let mut x = 0;
    let mut slices = String::new();
    for ((state, count), width) in totals.by_state.into_iter().zip(widths) {
        if width > 0 {
            slices.push_str(&slice(state, count, x, width));
        }
        x += width;
    }
    let is_sure = evidence.is_complete && evidence.unseen.is_empty();
    let legend: Vec<String> = totals
        .by_state
        .into_iter()
        .zip(0..)
        .map(|((state, count), row)| {
            let meaning = meaning(state, is_sure, &evidence.looker);
            let y = LEGEND_TOP + LEGEND_STEP * row;
            format!(
                "{}<text x=\"40\" y=\"{}\"><tspan class=\"count\">{}</tspan> {}</text>\
                 <text class=\"meaning\" x=\"40\" y=\"{}\">{meaning}</text>\n",
                filled(state, &format!("x=\"1\" y=\"{y}\" width=\"30\" height=\"32\"")),
                y + 13,
                number(count),
                name_by(state, &evidence.looker),
                y + 30,
            )
        })
        .collect();
    format!(
        "<section aria-labelledby=\"bar\">\n<h2 id=\"bar\">Families by state</h2>\n\
         <svg class=\"bar\" role=\"img\" aria-label=\"{label}\" width=\"100%\" height=\"{height}\">\n{PATTERNS}{slices}{legend}</svg>\n\
         </section>\n",
        label = label(totals, families, &evidence.looker),
        height = LEGEND_TOP + LEGEND_STEP * State::ALL.len(),
        legend = legend.concat(),
    )
}

/// What a screen reader says.
fn label(totals: &Totals, families: usize, looker: &Looker) -> String {
    let named = |(state, count)| format!("{} {}", number(count), name_by(state, looker).to_lowercase());
    let states = totals.by_state.map(named);
    format!("{}: {}", counted(families, "family", "families"), states.join(", "))
}

fn slice(state: State, count: usize, x: usize, width: usize) -> String {
    let label = match width >= LABEL_MIN {
        true => format!("<text class=\"above\" x=\"{}\" y=\"16\">{}</text>", percent(x + width / 2), number(count)),
        false => String::new(),
    };
    let place = format!("x=\"{}\" y=\"22\" width=\"{}\" height=\"32\"", percent(x), percent(width));
    format!("{label}{}\n", filled(state, &place))
}

/// The colour of a state, and its pattern over it.
fn filled(state: State, place: &str) -> String {
    let class = state.as_str();
    format!("<rect class=\"{class}\" {place}/><rect class=\"over {class}\" {place}/>")
}

fn percent(thousandths: usize) -> String {
    format!("{}.{}%", thousandths / 10, thousandths % 10)
}

/// Thousandths for each count, which add up to the whole: what there is has at least the least width.
fn widths(counts: &[usize; 7]) -> [usize; 7] {
    let total: usize = counts.iter().sum();
    if total == 0 {
        return [0; 7];
    }
    let least = |count: usize| if count == 0 { 0 } else { SLICE_MIN };
    let shared = WHOLE.saturating_sub(counts.iter().map(|count| least(*count)).sum());
    let mut widths = counts.map(|count| least(count) + shared * count / total);
    let rest = WHOLE.saturating_sub(widths.iter().sum());
    // What rounding leaves goes to the widest.
    if let Some(widest) = widths.iter_mut().max() {
        *widest += rest;
    }
    widths
}

/// Drawn over the colour in the colour of the page.
const PATTERNS: &str = "<defs>\
<pattern id=\"p-failed\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\"><path d=\"M0 0 8 8M8 0 0 8\"/></pattern>\
<pattern id=\"p-reported_only\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\"><path d=\"M0 4H8\"/></pattern>\
<pattern id=\"p-superseded\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\"><path d=\"M4 0V8\"/></pattern>\
<pattern id=\"p-exempt\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\"><path d=\"M3 3h2v2h-2z\"/></pattern>\
<pattern id=\"p-remediated\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\"><path d=\"M-2 2 2-2M0 8 8 0M6 10 10 6\"/></pattern>\
<pattern id=\"p-not_looked_at\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\"><path d=\"M0 3H3\"/></pattern>\
</defs>\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slices_fill_the_bar_and_none_is_lost() {
        for counts in
            [[1, 0, 0, 0, 0, 0, 19_999], [1; 7], [0, 0, 0, 0, 0, 0, 7], [3, 5, 7, 11, 13, 17, 19], [20_000; 7]]
        {
            let widths = widths(&counts);
            assert_eq!(widths.iter().sum::<usize>(), WHOLE, "{counts:?}");
            for (count, width) in counts.into_iter().zip(widths) {
                assert_eq!(count == 0, width == 0, "{counts:?}");
            }
        }
        assert_eq!(widths(&[0; 7]), [0; 7], "an empty account has an empty bar");
    }
}
