//! Several runs that differ in their seed alone, as one row.

use super::{Row, Seeds};
use crate::evaluation::Proportion;

/// A row for each group of rows with a test accuracy that has at least two seeds. A seed that is there twice counts
/// once: equal runs have equal results.
pub(super) fn summed_up(rows: &[Row]) -> Vec<Row> {
    let mut groups: Vec<Vec<&Row>> = Vec::new();
    for row in rows.iter().filter(|row| row.accuracy.is_some()) {
        match groups.iter_mut().find(|group| group[0].group == row.group) {
            Some(group) if group.iter().any(|known| known.seed == row.seed) => {}
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups.iter().filter(|group| group.len() > 1).map(|group| summed_up_group(group)).collect()
}

fn summed_up_group(group: &[&Row]) -> Row {
    let first = group[0];
    let accuracies: Vec<f64> = group.iter().filter_map(|row| Some(row.accuracy?.value)).collect();
    let (value, deviation) = mean_and_deviation(&accuracies);
    let seconds: Option<Vec<f64>> = group.iter().map(|row| row.training_seconds).collect();
    let mut seeds: Vec<u64> = group.iter().map(|row| row.seed).collect();
    seeds.sort_unstable();
    Row {
        run: format!("{}, {} seeds", first.configuration, seeds.len()),
        parameters: first.parameters.filter(|_| group.iter().all(|row| row.parameters == first.parameters)),
        training_seconds: seconds.map(|seconds| mean_and_deviation(&seconds).0),
        out_of_fold: None,
        validation: None,
        accuracy: Some(Proportion { value, low: (value - deviation).max(0.0), high: (value + deviation).min(1.0) }),
        seed: seeds[0],
        seeds: Some(Seeds { seeds, deviation }),
        ..first.clone()
    }
}

/// The mean, and the standard deviation of a sample (n − 1); 0 for a single value. `values`: at least one.
fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    (mean, (squares / (n - 1.0).max(1.0)).sqrt())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{artifact::leaderboard::SortBy, evaluation::ModelKind};

    fn row(run: &str, group: &str, seed: u64, correct: Option<usize>) -> Row {
        Row {
            model: "cnn".into(),
            kind: ModelKind::Member,
            run: run.into(),
            models: 1,
            parameters: Some(100),
            training_seconds: Some(10.0 * seed as f64),
            train_images: Some(900),
            out_of_fold: None,
            validation: None,
            data: "MNIST".into(),
            data_sha256: "m".into(),
            test_images: Some(1000),
            accuracy: correct.map(|correct| Proportion::wilson(correct, 1000)),
            protocol: "5 folds".into(),
            reported: Vec::new(),
            seed,
            seeds: None,
            configuration: "quick".into(),
            group: group.into(),
        }
    }

    #[test]
    fn the_mean_and_the_deviation_are_those_of_a_sample() {
        assert_eq!(mean_and_deviation(&[3.0]), (3.0, 0.0));
        // 2, 4, 4, 4, 5, 5, 7, 9: mean 5, squares 32 over 7.
        let (mean, deviation) = mean_and_deviation(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert_eq!(mean, 5.0);
        assert!((deviation - (32.0_f64 / 7.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn only_rows_that_differ_in_nothing_but_their_seed_are_summed_up() {
        let rows = [
            row("a", "g", 3, Some(980)),
            row("b", "g", 1, Some(970)),
            row("c", "g", 2, Some(990)),
            // The same seed again, another configuration, no test set.
            row("d", "g", 1, Some(970)),
            row("e", "h", 4, Some(100)),
            row("f", "g", 5, None),
        ];
        let summed = summed_up(&rows);
        assert_eq!(summed.len(), 1);
        let (sum, seeds) = (&summed[0], summed[0].seeds.clone().unwrap());
        assert_eq!((seeds.seeds.as_slice(), sum.run.as_str()), ([1, 2, 3].as_slice(), "quick, 3 seeds"));
        let accuracy = sum.accuracy.unwrap();
        assert!((accuracy.value - 0.98).abs() < 1e-12 && (seeds.deviation - 0.01).abs() < 1e-12, "{sum:?}");
        assert!((accuracy.low - 0.97).abs() < 1e-12 && (accuracy.high - 0.99).abs() < 1e-12, "{sum:?}");
        assert_eq!((sum.training_seconds, sum.parameters), (Some(20.0), Some(100)));
    }

    #[test]
    fn rows_of_one_data_set_stand_together() {
        let of = |run: &str, data: &str, correct| Row { data_sha256: data.into(), ..row(run, run, 1, Some(correct)) };
        let mut rows = vec![of("a", "x", 990), of("b", "y", 980), of("c", "x", 970), of("d", "y", 960)];
        super::super::sort::by_data_set(&mut rows);
        assert_eq!(rows.iter().map(|row| row.run.as_str()).collect::<String>(), "acbd");
        let sets: Vec<usize> = super::super::data_sets(&rows).map(<[Row]>::len).collect();
        assert_eq!(sets, [2, 2]);
    }

    #[test]
    fn rows_are_sorted_by_what_is_asked_for_and_those_without_a_figure_come_last() {
        let mut rows = vec![row("a", "1", 1, None), row("b", "2", 2, Some(980)), row("c", "3", 3, Some(990))];
        rows[2].parameters = None;
        rows[1].train_images = Some(5);
        let order = |sort: &str| -> String {
            let mut rows = rows.clone();
            sort.parse::<SortBy>().unwrap().sort(&mut rows);
            rows.iter().map(|row| row.run.as_str()).collect()
        };
        assert_eq!(order("test"), "cba");
        assert_eq!(order("run"), "abc");
        assert_eq!(order("parameters"), "bac", "equal ones by their test accuracy, best first");
        assert_eq!(order("seconds"), "abc");
        assert_eq!(order("images"), "cab");
        assert_eq!(order("reported"), "cba", "nothing is reported: by test accuracy");
        assert!("size".parse::<SortBy>().unwrap_err().contains("test, run, model"));
    }
}
