//! Series that are new but whose labels have names that were there before: what becomes of such labels is decided for the
//! first series of a family, and replayed for the next, without these being read more closely than that takes.
//!
//! A layout says nothing that the compilation of the series would not say. It is made only where no setting looks at the
//! value of a label, and where it does not fit, the series is compiled.

use std::ops::Range;
use std::sync::Arc;

use crate::config::{GaugeAggregation, Instance};
use crate::parse::{Format, Label, MetricType, Quoted, Role, Sample, value_end};
use crate::slots::HEAD;
use crate::texts::{is_same, text_of};
use crate::unit::Unit;

use super::context::{ContextId, Contexts, TagDraft};
use super::cuts::Cuts;
use super::group::GroupName;
use super::labels::{LabelSet, MOST_PLAIN, QUANTILE, UPPER_BOUND, reads_all_values, reads_value, tag_key};
use super::number::Bounds;
use super::origin::{GroupId, Part};
use super::plan::Plan;
use super::roster::{Cut, Meaning, Piece, Pieces};
use super::selection::{SelectedFamily, Shape, Suffix};
use super::series::suffix_of;
use super::submission::MetricKind;

/// So many are learned of one family: a histogram has buckets, a sum and a count, and may have labels of several kinds.
const MOST: usize = 8;

/// The places of the two halves of the labels of a series.
const STEM: usize = 0;
const REST: usize = 1;

/// What is known of the family whose series come, and of labels.
#[derive(Debug, Default)]
pub(super) struct Layouts {
    all: Vec<Layout>,
    /// The layout of the series that was read last.
    last: usize,
    grouped: Grouped,
    /// The stem and the rest of the series that was made last; none if it has nothing in common with others.
    before: [Piece; 2],
    /// Where the values of labels stand that had to be read, by the place of the label.
    values: Vec<Range<usize>>,
}

/// What becomes of a series.
pub(super) enum Fate {
    Submitted(ContextId),
    /// Nothing, since it is the bucket without bound, of the group that the series before it is in.
    Infinite(GroupId),
}

/// The group of the series that was made last.
#[derive(Debug, Default)]
struct Grouped {
    /// With the place of its layout.
    group: Option<(usize, GroupId)>,
    /// The stem of its series, if that has something in common with others.
    stem: Piece,
    /// The tags that are made of its labels.
    tags: Vec<u32>,
    /// Whether it was made for that series, and no bucket without bound was read since.
    is_new: bool,
}

/// What becomes of series of one name whose labels have the same names in the same order.
#[derive(Debug)]
pub(super) struct Layout {
    /// The name, with the brace behind it.
    name: String,
    pub(super) head: Piece,
    role: Role,
    /// What stands before the value of each label: a comma, but for the first, its name, an equals sign, and a quote.
    before_values: Vec<Box<str>>,
    /// What stands behind the last one: a brace, and before it maybe a comma.
    behind_labels: &'static str,
    /// The stem, which may have no labels, and the rest. A rest begins with a comma or a brace, and no stem does, so that
    /// neither is taken for the other.
    halves: [Half; 2],
    /// The place of the label that is a bound or a quantile.
    bound: Option<usize>,
    /// Whether nothing comes of the series without bound.
    is_bucket: bool,
    /// The places of the labels that become tags, in the order of these.
    places: Vec<usize>,
    tags: Vec<TagDraft>,
    /// The texts of the context that was made last.
    draft: Vec<u32>,
    selected: Arc<SelectedFamily>,
    pub(super) kind: MetricKind,
    pub(super) gauges: GaugeAggregation,
    unit: Option<Unit>,
    pub(super) part: Option<Part>,
}

/// The labels of a piece.
#[derive(Debug)]
struct Half {
    meaning: Meaning,
    labels: Range<usize>,
    /// Which tags are made of them.
    tags: Range<usize>,
}

/// A series that has a layout, as it stands at the front of a line.
#[derive(Clone, Copy)]
pub(super) struct Like {
    /// The place of the layout.
    pub(super) place: usize,
    /// Where its stem ends, and where its rest does.
    ends: [usize; 2],
    /// These pieces, if what is known of them was enough to read them.
    pieces: [Option<Piece>; 2],
}

impl Like {
    /// How many bytes the series has.
    pub(super) fn length(&self) -> usize {
        self.ends[REST]
    }
}

/// A series as it was compiled.
pub(super) struct Example<'e, 'a> {
    pub(super) selected: &'e Arc<SelectedFamily>,
    pub(super) sample: &'e Sample<'a>,
    pub(super) format: Format,
    pub(super) plan: &'e Plan,
    pub(super) part: Option<Part>,
}

impl Layouts {
    /// A family begins: what was decided holds for one opening of a family only.
    pub(super) fn begin(&mut self) {
        self.all.clear();
        self.grouped.group = None;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Decides for series to come as it was decided for this one, if what became of it depends on nothing but the names of
    /// its labels.
    pub(super) fn learn(
        &mut self,
        example: &Example<'_, '_>,
        static_tags: usize,
        instance: &Instance,
        contexts: &Contexts,
        cuts: &mut Cuts,
        pieces: &mut Pieces,
    ) {
        if self.all.len() < MOST && self.all.iter().all(|layout| !layout.is_named_as(example.sample)) {
            let stem = cuts.stem(example.sample.labels);
            self.all.extend(Layout::of(example, static_tags, instance, contexts, stem, pieces));
        }
    }

    pub(super) fn get(&self, place: usize) -> &Layout {
        &self.all[place]
    }

    /// The series at the front of `line`, if there is a layout for it.
    #[inline]
    pub(super) fn read(&mut self, line: &[u8], pieces: &Pieces) -> Option<Like> {
        let last = self.last;
        let like = self.read_as(last, line, pieces).or_else(|| {
            let mut others = (0..self.all.len()).filter(|place| *place != last);
            others.find_map(|place| self.read_as(place, line, pieces))
        })?;
        self.last = like.place;
        Some(like)
    }

    #[inline]
    fn read_as(&mut self, place: usize, line: &[u8], pieces: &Pieces) -> Option<Like> {
        let layout = self.all.get(place)?;
        if !line.starts_with(layout.name.as_bytes()) {
            return None;
        }
        let mut at = layout.name.len();
        let mut like = Like { place, ends: [at; 2], pieces: [None; 2] };
        for (half, of) in layout.halves.iter().enumerate() {
            let is_stem = half == STEM;
            if is_stem && of.labels.is_empty() {
                continue;
            }
            if let Some((piece, length)) = pieces.guess(of.meaning, self.before[half], &line[at..]) {
                like.pieces[half] = Some(piece);
                at += length;
            } else {
                at = layout.labels(of.labels.clone(), line, at, &mut self.values)?;
                if !is_stem {
                    at += line[at..]
                        .starts_with(layout.behind_labels.as_bytes())
                        .then_some(layout.behind_labels.len())?;
                }
            }
            like.ends[half] = at;
        }
        Some(like)
    }

    /// What becomes of a series that has a layout; none where that takes more than it to know. And whether the context is new,
    /// or the group, and was without a bucket without bound.
    pub(super) fn fate(
        &mut self,
        like: &Like,
        text: &[u8],
        bounds: &mut Bounds,
        contexts: &mut Contexts,
        pieces: &mut Pieces,
    ) -> Option<(Fate, bool)> {
        let (layout, values) = (&mut self.all[like.place], &self.values);
        let raw = |at: usize| &text[values[at].clone()];
        let bound = match layout.bound {
            Some(at) if like.pieces[REST].is_none() => {
                let bound = bounds.canonical(text_of(raw(at)))?;
                if bound.ends_with("inf") {
                    let is_new = std::mem::take(&mut self.grouped.is_new);
                    // All its labels but the bound are in the stem then.
                    let is_bucket = layout.is_bucket && layout.halves[REST].labels.len() == 1;
                    let group = self.grouped.of(like).filter(|_| is_bucket)?;
                    return Some((Fate::Infinite(group), is_new));
                }
                Some(bound)
            }
            _ => None,
        };
        let value = |at: usize| bound.filter(|_| layout.bound == Some(at)).map_or_else(|| raw(at), str::as_bytes);
        let starts = [layout.name.len(), like.ends[STEM]];
        let has_stem = !layout.halves[STEM].labels.is_empty();
        for (half, of) in layout.halves.iter().enumerate() {
            let numbers = &mut layout.draft[HEAD..][of.tags.clone()];
            let (piece, is_known) = match like.pieces[half] {
                Some(piece) => (piece, true),
                None if has_stem => pieces.look_up(of.meaning, self.before[half], &text[starts[half]..like.ends[half]]),
                // It has nothing in common with others.
                None => (Piece::NONE, false),
            };
            self.before[half] = piece;
            if half == STEM && has_stem {
                pieces.fared(of.meaning, is_known);
            }
            if is_known {
                numbers.copy_from_slice(pieces.tags(piece, numbers.len()));
                contexts.hold_again(numbers);
                continue;
            }
            let tags = layout.tags[of.tags.clone()].iter_mut().zip(&layout.places[of.tags.clone()]);
            for (number, (tag, place)) in numbers.iter_mut().zip(tags) {
                *number = contexts.tag_like(*number, tag, value(*place));
            }
            if piece != Piece::NONE {
                pieces.learn(piece, of.meaning, numbers);
            }
        }
        let (context, is_new) = contexts.make_like(&mut layout.draft, layout.tags.len(), layout.unit);
        Some((Fate::Submitted(context), is_new))
    }

    /// Where a series that has a layout is cut.
    pub(super) fn cut(&self, like: &Like) -> Cut {
        Cut { stem: self.all[like.place].name.len(), rest: like.ends[STEM] }
    }

    /// The stem and the rest of the series whose context was made last; none if it has nothing in common with others.
    pub(super) fn pieces(&self) -> [Piece; 2] {
        self.before
    }

    /// The group that the series is in whose context was made last, if it is that of the one before it.
    pub(super) fn group(&self, place: usize) -> Option<GroupId> {
        let (layout, grouped) = (&self.all[place], &self.grouped);
        let (of, group) = grouped.group?;
        let is_alike = || layout.group_names().eq(self.all[of].group_names());
        (layout.group_tags() == grouped.tags && (place == of || is_alike())).then_some(group)
    }

    /// Notes the group of the series whose context was made last, and whether it is new.
    pub(super) fn joined(&mut self, place: usize, group: GroupId, is_new: bool) {
        let (layout, grouped) = (&self.all[place], &mut self.grouped);
        (grouped.group, grouped.stem, grouped.is_new) = (Some((place, group)), self.before[STEM], is_new);
        grouped.tags.clear();
        grouped.tags.extend_from_slice(layout.group_tags());
    }
}

impl Grouped {
    /// The group of a series that has a layout, if that can be seen without its tags: if it has the same labels, but for its
    /// bound, as the one before it in the group.
    fn of(&self, like: &Like) -> Option<GroupId> {
        let (place, group) = self.group?;
        let is_alike = place == like.place && self.stem != Piece::NONE && like.pieces[STEM] == Some(self.stem);
        is_alike.then_some(group)
    }
}

impl Layout {
    fn of<'a>(
        example: &Example<'_, 'a>,
        static_tags: usize,
        instance: &Instance,
        contexts: &Contexts,
        stem: usize,
        pieces: &mut Pieces,
    ) -> Option<Self> {
        let Example { selected, sample, plan, part, .. } = *example;
        let Plan::Metric { kind, gauges, .. } = *plan else { return None };
        // A start time tells something beside what becomes of its value.
        let is_odd = sample.role == Role::Created || sample.name.is_escaped() || sample.labels.len() > MOST_PLAIN;
        if is_odd || sample.labels.is_empty() || reads_all_values(instance) {
            return None;
        }
        let behind_labels = behind_labels(example)?;
        let bound = bound_of(selected, sample.labels, part)?;
        let name = |at: usize, label: &Label<'a>| if bound.at == Some(at) { bound.name } else { label.name.raw() };
        let labels = || sample.labels.iter().enumerate();
        let is_read = |(at, label): (usize, &Label<'a>)| {
            label.name.is_escaped()
                || [label.name.raw(), name(at, label)].iter().any(|name| reads_value(name, instance))
        };
        if labels().any(is_read) {
            return None;
        }
        let key =
            |(at, label): (usize, &Label<'a>)| Some((at, TagDraft::new(tag_key(name(at, label), instance).ok()?)));
        let mut keyed: Vec<_> = labels().filter_map(key).collect();
        if let (Some(bound), UPPER_BOUND) = (bound.at, bound.name) {
            // It is another label then, and stands behind all others.
            keyed.sort_by_key(|(at, _)| *at == bound);
        }
        let (places, tags): (Vec<_>, Vec<_>) = keyed.into_iter().unzip();
        let (draft, unit) = contexts.latest();
        // Of two labels with one name only one is a tag. And what tells groups apart can be seen in their tags only if all
        // of it is there.
        let is_complete = part.is_none() || tags.len() == sample.labels.len();
        if !is_complete || draft.len() != HEAD + tags.len() + static_tags {
            return None;
        }
        let before_values: Vec<_> = sample.labels.iter().zip(COMMAS).map(before_value).collect();
        let name = [sample.name.raw(), "{"].concat();
        Some(Self {
            head: pieces.meet(name.as_bytes()),
            name,
            role: sample.role,
            halves: halves(stem, &before_values, &places, bound, pieces),
            before_values,
            behind_labels,
            bound: bound.at,
            is_bucket: bound.name == UPPER_BOUND && suffix_of(sample.name.raw()) == Some(Suffix::Bucket),
            places,
            tags,
            draft: draft.to_vec(),
            selected: Arc::clone(selected),
            kind,
            gauges,
            unit,
            part,
        })
    }

    #[inline]
    fn is_named_as(&self, sample: &Sample<'_>) -> bool {
        let is_named = |(label, name): (&Label<'_>, &str)| {
            is_same(label.name.raw().as_bytes(), name.as_bytes()) && !label.name.is_escaped()
        };
        self.role == sample.role
            && self.before_values.len() == sample.labels.len()
            && sample.labels.iter().zip(self.names()).all(is_named)
            && self.name.strip_suffix('{') == Some(sample.name.raw())
            && !sample.name.is_escaped()
    }

    pub(super) fn role(&self) -> Role {
        self.role
    }

    /// Reads some of the labels, from `at` on; gives where they end. None if they are other ones, or not plain.
    #[inline]
    fn labels(&self, some: Range<usize>, line: &[u8], mut at: usize, values: &mut Vec<Range<usize>>) -> Option<usize> {
        if values.len() < some.end {
            values.resize(some.end, 0..0);
        }
        for (before, value) in self.before_values[some.clone()].iter().zip(&mut values[some]) {
            let before = before.as_bytes();
            let start = at + before.len();
            if !is_same(line.get(at..start)?, before) {
                return None;
            }
            let end = value_end(line, start)?;
            *value = start..end;
            at = end + 1;
        }
        Some(at)
    }

    /// Makes the name of the group of such a series.
    pub(super) fn name_group(&self, text: &[u8], name: &mut GroupName) {
        let mut values = Vec::new();
        self.labels(0..self.before_values.len(), text, self.name.len(), &mut values)
            .expect("the labels of a series that has a layout were read before");
        let values = values.into_iter().map(|value| Quoted::new(text_of(&text[value]), false));
        let names = self.names().map(|name| Quoted::new(name, false));
        let labels: Vec<_> = names.zip(values).map(|(name, value)| Label { name, value }).collect();
        let bound = self.bound.map_or("", |at| labels[at].name.raw());
        name.set(&self.selected.name, &LabelSet::plain(&labels), bound);
    }

    /// The names of the labels.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.before_values.iter().zip(COMMAS).map(|(before, comma)| &before[comma.len()..before.len() - QUOTE.len()])
    }

    /// The names of the labels that all series of a group have in common.
    fn group_names(&self) -> impl Iterator<Item = &str> {
        self.names().enumerate().filter(|(at, _)| self.bound != Some(*at)).map(|(_, name)| name)
    }

    /// The tags of these labels, of a series that has a group: all of them are there.
    fn group_tags(&self) -> &[u32] {
        let others = self.tags.len() - usize::from(self.bound.is_some());
        &self.draft[HEAD..HEAD + others]
    }
}

/// What stands before a label: a comma, but before the first.
const COMMAS: [&str; MOST_PLAIN] = {
    let mut commas = [","; MOST_PLAIN];
    commas[0] = "";
    commas
};

/// What stands between the name of a label and its value.
const QUOTE: &str = "=\"";

fn before_value((label, comma): (&Label<'_>, &str)) -> Box<str> {
    [comma, label.name.raw(), QUOTE].concat().into()
}

/// What stands behind the labels of a series, if the text of it is its name and its labels, with no blanks between them and
/// no quotes around names: only then can others be read by what stands between their values.
fn behind_labels(example: &Example<'_, '_>) -> Option<&'static str> {
    let Sample { series, name, labels, .. } = *example.sample;
    let mut rest = series.strip_prefix(name.raw())?.strip_prefix('{')?;
    for (label, comma) in labels.iter().zip(COMMAS) {
        let value = rest.strip_prefix(comma)?.strip_prefix(label.name.raw())?.strip_prefix(QUOTE)?;
        rest = value.strip_prefix(label.value.raw())?.strip_prefix('"')?;
    }
    match rest {
        "}" => Some("}"),
        // As older Java clients write it. In other formats it is worth a word.
        ",}" if example.format == Format::PrometheusText => Some(",}"),
        _ => None,
    }
}

/// The labels of the stem, if it is worth looking for, and all others.
fn halves(stem: usize, before_values: &[Box<str>], places: &[usize], bound: Bound, pieces: &mut Pieces) -> [Half; 2] {
    let meaning = pieces.meaning(before_values[..stem].concat());
    if stem > 0 && !pieces.is_worthwhile(meaning) {
        return halves(0, before_values, places, bound, pieces);
    }
    let stem_tags = places.iter().filter(|place| **place < stem).count();
    let meant = if bound.at.is_some() { bound.name } else { "" };
    [
        Half { meaning, labels: 0..stem, tags: 0..stem_tags },
        Half {
            meaning: pieces.meaning(before_values[stem..].concat() + meant),
            labels: stem..before_values.len(),
            tags: stem_tags..places.len(),
        },
    ]
}

/// The label that is a bound or a quantile.
#[derive(Clone, Copy)]
struct Bound {
    at: Option<usize>,
    /// Its name for the settings.
    name: &'static str,
}

/// The bound among labels; none where it is not the one that tells the series of their group apart.
fn bound_of(selected: &SelectedFamily, labels: &[Label<'_>], part: Option<Part>) -> Option<Bound> {
    let (exposed, name) = match (&selected.exposed, &selected.shape) {
        (MetricType::Histogram, Shape::Histogram) => ("le", UPPER_BOUND),
        (MetricType::Summary, Shape::Summary) => (QUANTILE, QUANTILE),
        (MetricType::Histogram | MetricType::Summary, _) => return None,
        _ if part.is_some() => return None,
        _ => return Some(Bound { at: None, name: UPPER_BOUND }),
    };
    let at = labels.iter().position(|label| label.name.raw() == exposed);
    // Of two bounds one would replace the other.
    let is_twice = exposed != name && labels.iter().any(|label| label.name.raw() == name);
    // All but the quantile stand before it only if it is the last.
    let is_inside = name == QUANTILE && at.is_some_and(|at| at + 1 != labels.len());
    (!is_twice && !is_inside).then_some(Bound { at, name })
}
