//! A sketch as values with sample rates. `DogStatsD` cannot carry a sketch; from the value of a bin and the number of
//! observations in it an Agent makes the same bin again.

use crate::aggregate::Sketch;
use crate::submit::stats::DropReason;

/// The most observations that one value stands for: some receivers take no rate below 3.845e-9.
const MOST: u64 = 250_000_000;

/// A value that was observed some times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Weighted {
    pub(super) value: f64,
    pub(super) count: u64,
}

/// Values that share a line, since all of them were observed equally often.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Alike {
    pub(super) values: Vec<f64>,
    pub(super) count: u64,
}

/// What stands for a sketch, with at most `most` values as long as `MOST` does not ask for more of them. All counts
/// together are that of the sketch.
pub(super) fn alike(sketch: &Sketch, most: Option<usize>) -> Result<Vec<Alike>, DropReason> {
    let mut values = bins(sketch)?;
    if let Some(most) = most.filter(|most| values.len() > *most) {
        values = joined(&values, most);
    }
    let mut split: Vec<Weighted> = Vec::with_capacity(values.len());
    for Weighted { value, mut count } in values {
        while count > MOST {
            split.push(Weighted { value, count: MOST });
            count -= MOST;
        }
        split.push(Weighted { value, count });
    }
    split.sort_by(|a, b| a.count.cmp(&b.count).then(a.value.total_cmp(&b.value)));
    let groups = split.chunk_by(|a, b| a.count == b.count);
    let groups =
        groups.map(|group| Alike { values: group.iter().map(|value| value.value).collect(), count: group[0].count });
    Ok(groups.collect())
}

/// The bins from low to high, each value once: a sketch spreads a large count over several bins.
fn bins(sketch: &Sketch) -> Result<Vec<Weighted>, DropReason> {
    let mut values: Vec<Weighted> = Vec::with_capacity(sketch.bins().len());
    let mut last = None;
    for (key, count) in sketch.bins() {
        let value = Sketch::bin_value(key);
        if !value.is_finite() {
            return Err(DropReason::NotFinite);
        }
        match values.last_mut().filter(|_| last == Some(key)) {
            Some(present) => present.count += u64::from(count),
            None => values.push(Weighted { value, count: count.into() }),
        }
        last = Some(key);
    }
    if values.is_empty() { Err(DropReason::EmptySketch) } else { Ok(values) }
}

/// Neighbours joined to their mean, until `most` are left, at least one. As long as there is room the lowest and the
/// highest value stay on their own, for they are the minimum and the maximum; what lies between is cut into parts of about
/// the same count.
fn joined(values: &[Weighted], most: usize) -> Vec<Weighted> {
    let [lowest, between @ .., highest] = values else { return values.to_vec() };
    if most < 3 {
        return parts(values, most.max(1));
    }
    let mut joined = vec![*lowest];
    joined.extend(parts(between, most - 2));
    joined.push(*highest);
    joined
}

fn parts(values: &[Weighted], most: usize) -> Vec<Weighted> {
    let total: u64 = values.iter().map(|value| value.count).sum();
    let mut parts = Vec::with_capacity(most);
    let (mut seen, mut sum, mut count) = (0, 0.0, 0);
    for value in values {
        seen += value.count;
        sum += value.value * value.count as f64;
        count += value.count;
        // Wider numbers, since the product may be larger than a count.
        let due = u128::from(total) * (parts.len() as u128 + 1);
        if u128::from(seen) * most as u128 >= due {
            parts.push(Weighted { value: sum / count as f64, count });
            (sum, count) = (0.0, 0);
        }
    }
    parts
}

/// The value in five digits, which is far nearer to it than the width of a bin: an Agent finds the same bin.
pub(super) fn digits(value: f64) -> f64 {
    // What was printed as a number is one.
    format!("{value:.4e}").parse().unwrap_or(value)
}

/// The rate from which an Agent computes `count` again: it truncates 1/rate. The nearest double of 1/count may be too
/// large for that, the next lower one never is; it is written with all digits that tell it from its neighbours.
pub(super) fn sample_rate(count: u64) -> String {
    format!("{:.16e}", (1.0 / count as f64).next_down())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(buckets: &[(f64, f64, u64)]) -> Sketch {
        let mut sketch = Sketch::default();
        for &(lower, upper, count) in buckets {
            sketch.interpolate(lower, upper, count).unwrap();
        }
        sketch
    }

    fn total(alike: &[Alike]) -> u64 {
        alike.iter().map(|group| group.count * group.values.len() as u64).sum()
    }

    #[test]
    fn an_agent_reads_every_count_back() {
        let known = [93, 99, 105, 65_535, 999_999, 1_000_000, 16_777_217, MOST - 1, MOST];
        for count in (1..=100_000).chain((100_000..1_000_000).step_by(37)).chain(known) {
            let rate: f64 = sample_rate(count).parse().unwrap();
            assert_eq!((1.0 / rate).trunc() as u64, count);
        }
    }

    #[test]
    fn an_agent_finds_every_bin_again() {
        for key in 1..i16::MAX {
            let mut sketch = Sketch::default();
            sketch.insert(digits(Sketch::bin_value(key)));
            sketch.insert(digits(Sketch::bin_value(-key)));
            assert!(sketch.bins().eq([(-key, 1), (key, 1)]), "{key}");
        }
    }

    #[test]
    fn values_of_the_same_count_share_a_line() {
        let mut sketch = sketch(&[(0.0, 10.0, 1000)]);
        sketch.insert(-3.0);
        let groups = alike(&sketch, None).unwrap();
        assert!(groups.windows(2).all(|pair| pair[0].count < pair[1].count), "{groups:?}");
        assert_eq!(total(&groups), 1001);
        let values: usize = groups.iter().map(|group| group.values.len()).sum();
        assert_eq!(values, sketch.bins().len());
    }

    #[test]
    fn a_large_count_is_one_value_until_no_rate_can_tell_it() {
        let many = sketch(&[(1.0, 1.0, 200_000)]);
        assert_eq!(many.bins().len(), 4);
        assert_eq!(alike(&many, None), Ok(vec![Alike { values: vec![1.0], count: 200_000 }]));
        let most = sketch(&[(1.0, 1.0, MOST + 5)]);
        let expected = vec![Alike { values: vec![1.0], count: 5 }, Alike { values: vec![1.0], count: MOST }];
        assert_eq!(alike(&most, None), Ok(expected));
    }

    #[test]
    fn few_values_keep_count_and_extremes_and_almost_the_sum() {
        let sketch = sketch(&[(0.1, 1.0, 500), (1.0, 10.0, 77), (100.0, 1000.0, 3)]);
        let exact = bins(&sketch).unwrap();
        let sum = |values: &[Weighted]| values.iter().map(|value| value.value * value.count as f64).sum::<f64>();
        for most in 1..60 {
            let few = joined(&exact, most);
            assert!((1..=most).contains(&few.len()), "{most}: {}", few.len());
            assert_eq!(few.iter().map(|value| value.count).sum::<u64>(), 580);
            assert!((sum(&few) - sum(&exact)).abs() < 1e-6 * sum(&exact));
            assert!(few.windows(2).all(|pair| pair[0].value < pair[1].value));
            if most >= 3 {
                assert_eq!((few[0], few[few.len() - 1]), (exact[0], exact[exact.len() - 1]));
            }
            assert_eq!(total(&alike(&sketch, Some(most)).unwrap()), 580);
        }
    }

    #[test]
    fn nothing_stands_for_nothing() {
        assert_eq!(alike(&Sketch::default(), None), Err(DropReason::EmptySketch));
    }
}
