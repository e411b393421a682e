//! Draws a plot on any kind of paper.

use std::sync::Once;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::register_font;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::{Scale, tick};
use super::{Marks, Plot};

/// How large, and what is drawn beside axes and lines.
pub(super) struct Style {
    pub(super) size: (u32, u32),
    /// Pixels of what is one pixel in an SVG.
    scale: u32,
    /// A title, names, points and a background, for a picture that stands alone.
    alone: bool,
}

impl Style {
    pub(super) const fn alone(scale: u32) -> Self {
        Self { size: (960 * scale, 620 * scale), scale, alone: true }
    }

    pub(super) const fn inline(width: u32, height: u32) -> Self {
        Self { size: (width, height), scale: 1, alone: false }
    }

    const fn pixels(&self, size: i32) -> i32 {
        size * self.scale as i32
    }

    fn font(&self, size: i32) -> (&'static str, i32) {
        (FONT, self.pixels(size))
    }
}

/// Draws, and says where the points are.
pub(super) fn draw<DB: DrawingBackend>(
    plot: &Plot,
    root: &DrawingArea<DB, Shift>,
    style: &Style,
    (x_scale, y_scale): (Scale, Scale),
) -> Result<Vec<(i32, i32)>, DrawingAreaErrorKind<DB::ErrorType>> {
    register_fonts();
    let mut builder = ChartBuilder::on(root);
    if style.alone {
        root.fill(&WHITE)?;
        builder.caption(&plot.title, style.font(20)).margin(style.pixels(18));
        builder.x_label_area_size(style.pixels(50)).y_label_area_size(style.pixels(70));
    } else {
        builder.margin(8).x_label_area_size(44).y_label_area_size(56);
    }
    let mut chart = builder.build_cartesian_2d(x_scale.clone(), y_scale.clone())?;
    let ticks = if style.alone { 12 } else { 7 };
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.12).stroke_width(style.scale))
        .axis_style(BLACK.mix(0.6).stroke_width(style.scale))
        .x_labels(ticks)
        .y_labels(ticks)
        .set_all_tick_mark_size(style.pixels(4))
        .x_desc(&plot.x.label)
        .y_desc(&plot.y.label)
        .axis_desc_style(style.font(if style.alone { 15 } else { 12 }))
        .label_style(style.font(if style.alone { 13 } else { 12 }))
        .x_label_formatter(&|value| tick(*value))
        .y_label_formatter(&|value| tick(*value))
        .draw()?;
    let mut labels = Labels { wanted: Vec::new(), style };
    let mut centres = Vec::new();
    let line_width = 2 * style.scale;
    let radius = style.pixels(4);
    for series in &plot.series {
        let color = COLORS[series.color % COLORS.len()];
        let drawable =
            || series.points.iter().filter(|point| x_scale.has(point.x) && y_scale.has(point.y));
        if matches!(series.marks, Marks::Line | Marks::Both) {
            let points = drawable().map(|point| (point.x, point.y));
            let line = LineSeries::new(points, color.stroke_width(line_width));
            let drawn = chart.draw_series(line)?;
            if series.marks == Marks::Line {
                let length = style.pixels(16);
                drawn.label(&series.name).legend(move |(x, y)| {
                    PathElement::new(vec![(x, y), (x + length, y)], color.stroke_width(line_width))
                });
            }
        }
        if series.marks != Marks::Line {
            let mark = match series.marks {
                Marks::Hollow => color.stroke_width(line_width),
                _ => color.filled(),
            };
            centres.extend(drawable().map(|point| chart.backend_coord(&(point.x, point.y))));
            if style.alone {
                let circles = drawable().map(|point| Circle::new((point.x, point.y), radius, mark));
                chart
                    .draw_series(circles)?
                    .label(&series.name)
                    .legend(move |(x, y)| Circle::new((x + 2 * radius, y), radius, mark));
            }
        }
        for point in drawable().filter(|point| style.alone && !point.name.is_empty()) {
            let place = chart.backend_coord(&(point.x, point.y));
            labels.wanted.push((place, point.name.clone(), color));
        }
    }
    labels.draw(root)?;
    if style.alone {
        chart
            .configure_series_labels()
            .position(legend_position(&centres, style))
            .background_style(WHITE.mix(0.85))
            .border_style(BLACK.mix(0.3))
            .margin(style.pixels(8))
            .legend_area_size(style.pixels(24))
            .label_font(style.font(13))
            .draw()?;
    }
    root.present()?;
    Ok(centres)
}

/// Where a legend covers the fewest points; below on the right if that is equal.
fn legend_position(centres: &[(i32, i32)], style: &Style) -> SeriesLabelPosition {
    let (width, height) = (style.size.0 as i32, style.size.1 as i32);
    let candidates = [
        (SeriesLabelPosition::LowerRight, width, height),
        (SeriesLabelPosition::UpperLeft, 0, 0),
        (SeriesLabelPosition::LowerMiddle, width / 2, height),
        (SeriesLabelPosition::UpperRight, width, 0),
        (SeriesLabelPosition::LowerLeft, 0, height),
        (SeriesLabelPosition::UpperMiddle, width / 2, 0),
    ];
    let covered = |x: i32, y: i32| {
        let near = |&&(a, b): &&(i32, i32)| (a - x).abs() < width / 3 && (b - y).abs() < height / 3;
        centres.iter().filter(near).count()
    };
    let best = candidates.into_iter().min_by_key(|(_, x, y)| covered(*x, *y));
    best.map_or(SeriesLabelPosition::LowerRight, |(position, ..)| position)
}

/// Names beside points, moved so that they do not cover each other.
struct Labels<'a> {
    wanted: Vec<((i32, i32), String, RGBColor)>,
    style: &'a Style,
}

impl Labels<'_> {
    fn draw<DB: DrawingBackend>(
        mut self,
        root: &DrawingArea<DB, Shift>,
    ) -> Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
        let style = self.style;
        let (beside, line_height) = (style.pixels(8), style.pixels(LINE_HEIGHT));
        self.wanted.sort_by_key(|((x, y), ..)| (*y, *x));
        let mut taken: Vec<(i32, i32, i32)> = Vec::new();
        for ((x, y), name, color) in self.wanted {
            let width = name.chars().count() as i32 * style.pixels(LETTER_WIDTH);
            let to_the_left = x + beside + width > style.size.0 as i32 - style.pixels(10);
            let left = if to_the_left { x - beside - width } else { x + beside };
            let free = |y: i32| {
                taken.iter().all(|&(other, top, span)| {
                    (y - top).abs() >= line_height || left > other + span || other > left + width
                })
            };
            let offsets =
                (0..12).flat_map(|step| [style.pixels(step * 4), -style.pixels(step * 4)]);
            let line = offsets.map(|offset| y + offset).find(|&line| free(line)).unwrap_or(y);
            taken.push((left, line, width));
            // A name ends beside its point, however wide the letters really are.
            let (anchor, at) = match to_the_left {
                true => (HPos::Right, x - beside),
                false => (HPos::Left, x + beside),
            };
            let text = style.font(12).into_font().color(&color.mix(0.9));
            root.draw(&Text::new(name, (at, line), text.pos(Pos::new(anchor, VPos::Center))))?;
        }
        Ok(())
    }
}

/// The font that pixels are drawn with and widths are estimated by; an SVG names one and
/// leaves it to its reader.
fn register_fonts() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        let font = epaint_default_fonts::UBUNTU_LIGHT;
        let registered = register_font(FONT, FontStyle::Normal, font);
        debug_assert!(registered.is_ok(), "the bundled font is whole");
    });
}

const FONT: &str = "sans-serif";
/// Pixels of an average letter of a name, and of a line of them.
const LETTER_WIDTH: i32 = 7;
const LINE_HEIGHT: i32 = 13;
/// Distinct also to people who do not see all colours (Okabe and Ito).
const COLORS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(120, 94, 0),
    RGBColor(90, 90, 90),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_legend_goes_where_no_points_are() {
        let style = Style::alone(1);
        let is_lower_right = |centres: &[(i32, i32)]| {
            matches!(legend_position(centres, &style), SeriesLabelPosition::LowerRight)
        };
        assert!(is_lower_right(&[]) && is_lower_right(&[(100, 100)]));
        assert!(!is_lower_right(&[(900, 560)]));
    }
}
