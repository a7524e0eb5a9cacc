//! Lines of the file of predictions.

use super::CsvRequest;
use crate::{artifact::answer::Answer, data::CLASSES, verdict::Refusal};

/// First line of the predictions.
pub(super) fn header(request: &CsvRequest) -> String {
    let refusal = if request.min_confidence.is_some() { ",confidence,refusal" } else { "" };
    let probabilities = (0..CLASSES).filter(|_| request.with_probabilities).map(|class| format!(",p{class}"));
    format!("ImageId,Label{refusal}{}", probabilities.collect::<String>())
}

/// Line of the row `id`, with its end.
pub(super) fn line(id: u64, answer: &Answer, request: &CsvRequest) -> String {
    let mut line = format!("{id},{}", answer.digit);
    if request.min_confidence.is_some() {
        line += &format!(",{:.4},{}", answer.confidence, answer.refusal.map_or("", Refusal::name));
    }
    for probability in answer.probabilities.iter().filter(|_| request.with_probabilities) {
        line += &format!(",{probability:?}");
    }
    line.push('\n');
    line
}

/// Digit and refusal of a line that an earlier attempt wrote for the row `id`; none if it is not such a line.
pub(super) fn recorded(line: &str, id: u64, request: &CsvRequest) -> Option<(u8, bool)> {
    let mut cells = line.split(',');
    cells.next()?.parse::<u64>().ok().filter(|found| *found == id)?;
    let digit = cells.next()?.parse::<u8>().ok().filter(|digit| usize::from(*digit) < CLASSES)?;
    let is_number = |cell: &str| cell.parse::<f32>().is_ok_and(|value| (0.0..=1.01).contains(&value));
    let mut is_refused = false;
    if request.min_confidence.is_some() {
        cells.next().filter(|cell| is_number(cell))?;
        is_refused = match cells.next()? {
            "" => false,
            name if name == Refusal::Unsure.name() => true,
            _ => return None,
        };
    }
    let probabilities = if request.with_probabilities { CLASSES } else { 0 };
    let rest: Vec<&str> = cells.collect();
    (rest.len() == probabilities && rest.into_iter().all(is_number)).then_some((digit, is_refused))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::verdict::Advice;

    #[test]
    fn a_line_that_was_written_is_known_again_and_no_other() {
        let probabilities = std::array::from_fn(|class| class as f32 / 45.0);
        let answer = |refusal| Answer {
            digit: 9,
            confidence: 0.2,
            runner_up: 8,
            runner_up_confidence: 0.1,
            refusal,
            advice: Advice::default(),
            probabilities,
        };
        let csv = Path::new("t.csv");
        for (with_probabilities, min_confidence) in [(false, None), (true, None), (false, Some(0.5)), (true, Some(0.5))]
        {
            let request = CsvRequest { csv, model: 0, with_probabilities, min_confidence, answers: None };
            for refusal in [None, Some(Refusal::Unsure)] {
                let text = line(7, &answer(refusal), &request);
                let text = text.strip_suffix('\n').unwrap();
                assert_eq!(text.split(',').count(), header(&request).split(',').count());
                let is_refused = min_confidence.is_some() && refusal.is_some();
                assert_eq!(recorded(text, 7, &request), Some((9, is_refused)), "{text}");
                assert_eq!(recorded(text, 8, &request), None);
                assert_eq!(recorded(&format!("{text},1"), 7, &request), None);
                assert_eq!(recorded(&text.replacen("9", "10", 1), 7, &request), None);
                assert_eq!(recorded("", 7, &request), None);
            }
        }
    }
}
